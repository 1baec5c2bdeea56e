//! Aggregate functions and their combinators.
//!
//! Invariant: one record per function in [`FAMILIES`]; NULL rows, LowCardinality and combinators are
//! handled around the functions by [`resolve`], so that they see plain values in tight loops.

pub(crate) mod bytes;
pub(crate) mod cells;
pub(crate) mod check;
mod combinators;
mod count;
pub(crate) mod literal;
mod nulls;
mod numbers;
mod pick;
pub mod resolve;
pub(crate) mod states;
mod sum;

pub use resolve::{bind_aggregate, bind_aggregate_type, is_aggregate_name};

use super::aggregate::AggregateFunction;

/// The lists of all families.
pub(crate) static FAMILIES: &[&[AggregateFunction]] =
    &[count::FUNCTIONS, sum::FUNCTIONS, pick::FUNCTIONS];

#[cfg(test)]
mod tests;
