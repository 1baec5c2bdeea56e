//! Aggregate functions and their combinators.

use super::aggregate::AggregateFunction;

/// The families of this folder.
pub static FAMILIES: &[&[AggregateFunction]] = &[];
