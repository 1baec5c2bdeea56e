//! Parts of arrays.
//!
//! Invariant: positions count as in `substring`: from one, from the end when negative.

use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::super::kit::{Ints, Lists, arity, f, gather, list_arg, want};
use super::super::string::substring::part;
use crate::functions::{Arg, BoundFunction, ScalarFunction};

const A: &str = "array";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        A,
        "arraySlice(array, offset[, length])",
        "The elements from `offset`; a negative length leaves elements off the end.",
        ("arraySlice([1, 2, 3, 4, 5], 2, 3)", "[2,3,4]"),
        |args, _| slice(args),
    )
    .sees_nulls(),
    f(
        A,
        "arrayPopBack(array)",
        "The array without its last element.",
        ("arrayPopBack([1, 2, 3])", "[1,2]"),
        |args, _| parts(args, |s, e| (s, e.saturating_sub(1).max(s))),
    ),
    f(
        A,
        "arrayPopFront(array)",
        "The array without its first element.",
        ("arrayPopFront([1, 2, 3])", "[2,3]"),
        |args, _| parts(args, |s, e| ((s + 1).min(e), e)),
    ),
];

fn parts(args: &[Arg], part: fn(usize, usize) -> (usize, usize)) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    list_arg(args, 0)?;
    Ok(BoundFunction::new(args[0].ty.clone(), move |columns, rows| {
        let lists = Lists::of(&columns[0])?;
        let (mut offsets, mut places) = (Vec::with_capacity(rows + 1), Vec::new());
        offsets.push(0);
        for row in 0..rows {
            let (start, end) = lists.bounds(row);
            let (start, end) = part(start, end);
            places.extend(start as u32..end as u32);
            offsets.push(places.len() as u64);
        }
        gather(offsets, lists.elements(), &places)
    }))
}

fn slice(args: &[Arg]) -> Result<BoundFunction> {
    arity(args, 2..=3)?;
    if matches!(args[0].ty, DataType::Nullable(_)) {
        let ty = args[0].ty.clone();
        return Ok(BoundFunction::new(ty.clone(), move |_, rows| {
            Ok(Column::defaults(&ty, rows))
        }));
    }
    list_arg(args, 0)?;
    for i in 1..args.len() {
        let ty = args[i].ty.value_type();
        want(args, i, ty.is_integer() || *ty == DataType::Nothing, "an integer")?;
    }
    Ok(BoundFunction::new(args[0].ty.clone(), move |columns, rows| {
        let lists = Lists::of(&columns[0])?;
        let offset = Ints::of(&columns[1])?;
        let length = columns.get(2).map(Ints::of).transpose()?;
        let (mut offsets, mut places) = (vec![0u64], Vec::new());
        for row in 0..rows {
            let (start, end) = lists.bounds(row);
            let from = if columns[1].is_null(row) { 1 } else { offset.get(row) };
            let length = length.as_ref().filter(|_| !columns[2].is_null(row));
            let range = part(end - start, from, length.map(|n| n.get(row)));
            places.extend((start + range.start) as u32..(start + range.end) as u32);
            offsets.push(places.len() as u64);
        }
        gather(offsets, lists.elements(), &places)
    }))
}
