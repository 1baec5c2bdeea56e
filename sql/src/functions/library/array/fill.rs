//! Filling and splitting arrays where a condition holds.
//!
//! Invariant: the elements stay in order; splitting loses none.

use roost_engine::column::Column;
use roost_engine::error::Result;

use super::super::kit::{Mapped, array, elements_of, f, gather, higher_order};
use super::map::{condition, hits};
use super::shape::array_type;
use crate::functions::{Arg, BoundFunction, ScalarFunction};

const A: &str = "array";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        A,
        "arrayFill(f, array, ...)",
        "Replaces elements for which `f` does not hold by the one before them.",
        ("arrayFill(x -> x != 0, [1, 0, 0, 2])", "[1,1,1,2]"),
        |args, _| fill(args, false),
    )
    .with_lambda(elements_of),
    f(
        A,
        "arrayReverseFill(f, array, ...)",
        "Replaces elements for which `f` does not hold by the one after them.",
        ("arrayReverseFill(x -> x != 0, [1, 0, 0, 2])", "[1,2,2,2]"),
        |args, _| fill(args, true),
    )
    .with_lambda(elements_of),
    f(
        A,
        "arraySplit(f, array, ...)",
        "Splits before the elements for which `f` holds.",
        ("arraySplit(x -> x = 3, [1, 2, 3, 4])", "[[1,2],[3,4]]"),
        |args, _| split(args, false),
    )
    .with_lambda(elements_of),
    f(
        A,
        "arrayReverseSplit(f, array, ...)",
        "Splits after the elements for which `f` holds.",
        ("arrayReverseSplit(x -> x = 3, [1, 2, 3, 4])", "[[1,2,3],[4]]"),
        |args, _| split(args, true),
    )
    .with_lambda(elements_of),
];

fn marks(m: &Mapped) -> Result<Vec<bool>> {
    let mut marks = vec![false; m.values.len()];
    hits(m)?.iter().for_each(|at| marks[*at as usize] = true);
    Ok(marks)
}

fn fill(args: &[Arg], reverse: bool) -> Result<BoundFunction> {
    condition(args)?;
    higher_order(args, 0, array_type(args)?, move |m, _, rows| {
        let marks = marks(m)?;
        let mut places: Vec<u32> = (0..m.first.len() as u32).collect();
        for row in 0..rows {
            let (start, end) = m.bounds(row);
            if reverse {
                for i in (start..end.saturating_sub(1).max(start)).rev() {
                    if !marks[i] {
                        places[i] = places[i + 1];
                    }
                }
            } else {
                for i in start + 1..end.max(start + 1) {
                    if !marks[i] {
                        places[i] = places[i - 1];
                    }
                }
            }
        }
        gather(m.offsets.to_vec(), &m.first, &places)
    })
}

fn split(args: &[Arg], after: bool) -> Result<BoundFunction> {
    condition(args)?;
    higher_order(args, 0, array_type(args)?.array(), move |m, _, rows| {
        split_at(m, rows, &marks(m)?, after)
    })
}

fn split_at(m: &Mapped, rows: usize, marks: &[bool], after: bool) -> Result<Column> {
    let (mut outer, mut inner) = (vec![0u64], vec![0u64]);
    for row in 0..rows {
        let (start, end) = m.bounds(row);
        for i in start + 1..end.max(start + 1) {
            if marks[if after { i - 1 } else { i }] {
                inner.push(i as u64);
            }
        }
        if end > start {
            inner.push(end as u64);
        }
        outer.push(inner.len() as u64 - 1);
    }
    array(outer, array(inner, m.first.clone())?)
}
