//! Syntax tree to typed plan: names are resolved, types decided, functions bound.
//!
//! Invariant: what leaves here is fully typed; nothing below looks at a name again.

pub mod catalog;

pub use catalog::{BindCatalog, Relation};
