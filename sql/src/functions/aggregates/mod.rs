//! Aggregate functions and their combinators.
//!
//! Invariant: one record per function in [`FAMILIES`]; NULL rows, LowCardinality and combinators are
//! handled around the functions by [`resolve`], so that they see plain values in tight loops.

mod arg;
mod avg;
mod bits;
pub(crate) mod bytes;
pub(crate) mod cells;
pub(crate) mod check;
mod collect;
mod combinators;
mod count;
mod delta;
mod few;
mod funnel;
mod group_array;
mod hll;
mod keys;
pub(crate) mod literal;
mod moments;
mod moving;
mod nulls;
mod numbers;
mod pick;
mod quantile;
mod regression;
pub mod resolve;
mod sequence;
pub(crate) mod states;
mod sum;
mod sum_map;
mod top_k;
mod uniq;
mod uniq_exact;
mod uniq_hash;

pub use resolve::{bind_aggregate, bind_aggregate_type, is_aggregate_name};

use super::aggregate::AggregateFunction;

/// The lists of all families.
pub(crate) static FAMILIES: &[&[AggregateFunction]] = &[
    count::FUNCTIONS,
    sum::FUNCTIONS,
    avg::FUNCTIONS,
    pick::FUNCTIONS,
    arg::FUNCTIONS,
    moments::FUNCTIONS,
    bits::FUNCTIONS,
    uniq::FUNCTIONS,
    uniq_exact::FUNCTIONS,
    hll::FUNCTIONS,
    quantile::FUNCTIONS,
    group_array::FUNCTIONS,
    sum_map::FUNCTIONS,
    top_k::FUNCTIONS,
    moving::FUNCTIONS,
    funnel::FUNCTIONS,
    delta::FUNCTIONS,
    few::FUNCTIONS,
    regression::FUNCTIONS,
];

#[cfg(test)]
mod tests;
