//! Materialized views: queries that follow the inserts of a table.
//!
//! - [`definition`]: as they are stored; [`create`]: how they come and go;
//! - [`graph`]: which follow which table; [`gate`]: who may insert while one is filled;
//! - [`compiled`]: a view ready to run; [`cascade`]: an insert with all its views;
//! - [`populate`]: filling a view with rows that are there already.
//!
//! Invariant: a view's rows are in its target exactly when the rows they come from are in its source.

mod cascade;
mod compiled;
mod create;
mod definition;
mod gate;
mod graph;
mod populate;

pub(crate) use cascade::Cascade;
pub(super) use compiled::is_pure;
pub use create::{check, create, drop_view, rename};
pub use definition::{MaterializedView, all, exists, find, increment_of};
pub(crate) use graph::Views;
pub use populate::{Stored, follow, populate};
