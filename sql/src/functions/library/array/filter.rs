//! The elements for which a condition holds.
//!
//! Invariant: kept elements stay in order.

use roost_engine::column::Column;
use roost_engine::error::Result;

use super::super::kit::{Mapped, elements_of, f, gather, higher_order};
use super::map::{condition, hits};
use super::shape::array_type;
use crate::functions::ScalarFunction;

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[f(
    "array",
    "arrayFilter(f, array, ...)",
    "The elements of the first array for which `f` holds.",
    ("arrayFilter(x -> x > 1, [1, 2, 3])", "[2,3]"),
    |args, _| {
        condition(args)?;
        higher_order(args, 0, array_type(args)?, |m, _, rows| kept(m, rows))
    },
)
.with_lambda(elements_of)];

/// The first array's elements whose value is true.
pub(crate) fn kept(m: &Mapped, rows: usize) -> Result<Column> {
    let hits = hits(m)?;
    let mut offsets = Vec::with_capacity(rows + 1);
    let mut at = 0;
    offsets.push(0u64);
    for row in 0..rows {
        let end = m.bounds(row).1;
        while hits.get(at).is_some_and(|hit| (*hit as usize) < end) {
            at += 1;
        }
        offsets.push(at as u64);
    }
    gather(offsets, &m.first, &hits)
}
