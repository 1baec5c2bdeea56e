//! Numbers in a row.
//!
//! Invariant: the number of elements is known before any is written.

use roost_engine::bail;
use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::super::kit::{Caster, Ints, arity, array, f, integer, unify_args};
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const ELEMENTS_MAX: u64 = 500_000_000;

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[f(
    "array",
    "range([start, ]end[, step])",
    "The numbers from `start` (default 0) up to but without `end`.",
    ("range(2, 5)", "[2,3,4]"),
    range,
)];

fn range(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    arity(args, 1..=3)?;
    (0..args.len()).try_for_each(|i| integer(args, i))?;
    let ty = unify_args(args, context)?.0;
    let narrow = Caster::new(&DataType::Int64, &ty, context)?;
    Ok(BoundFunction::new(ty.array(), move |columns, rows| {
        let (start, end) = match columns.len() {
            1 => (Ints::One(0), Ints::of(&columns[0])?),
            _ => (Ints::of(&columns[0])?, Ints::of(&columns[1])?),
        };
        let step = Ints::or(columns, 2, 1)?;
        let (mut offsets, mut numbers) = (vec![0u64], Vec::new());
        for row in 0..rows {
            let (from, to, step) = (start.get(row), end.get(row), step.get(row));
            let count = count(from, to, step)?;
            if numbers.len() as u64 + count > ELEMENTS_MAX {
                bail!(
                    ARGUMENT_OUT_OF_BOUND,
                    "range would produce {count} elements, more than the {ELEMENTS_MAX} allowed"
                );
            }
            numbers.extend((0..count as i64).map(|i| from.wrapping_add(i.wrapping_mul(step))));
            offsets.push(numbers.len() as u64);
        }
        array(offsets, narrow.apply(&Column::native(numbers))?)
    }))
}

fn count(from: i64, to: i64, step: i64) -> Result<u64> {
    if step == 0 {
        bail!(ARGUMENT_OUT_OF_BOUND, "the step of range cannot be zero");
    }
    let distance = i128::from(to) - i128::from(from);
    let step = i128::from(step);
    Ok(match (distance > 0) == (step > 0) && distance != 0 {
        true => u64::try_from((distance.abs() + step.abs() - 1) / step.abs()).unwrap_or(u64::MAX),
        false => 0,
    })
}
