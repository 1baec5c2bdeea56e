//! SQL text to syntax tree.
//!
//! Invariant: what comes out means what ClickHouse would read; what is not understood is an error
//! with a position, never a different tree.

pub mod ast;
