//! Sorted arrays.
//!
//! Invariant: NULL and NaN come last in either direction; equal keys keep their order.

use std::cmp::Ordering;

use roost_engine::bail;
use roost_engine::column::{Column, Flat};
use roost_engine::error::Result;
use roost_engine::kernels::sort::{SortKey, directed};
use roost_engine::types::DataType;
use roost_engine::with_native;

use super::super::kit::{Ints, Lists, Mapped, elements_of, f, gather, higher_order, integer};
use super::shape::array_type;
use crate::functions::{Arg, BoundFunction, ScalarFunction};

const A: &str = "array";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        A,
        "arraySort([f, ]array, ...)",
        "The elements in ascending order (of what `f` gives).",
        ("arraySort([3, 1, 2])", "[1,2,3]"),
        |args, _| sort(args, false, false),
    )
    .with_lambda(elements_of),
    f(
        A,
        "arrayReverseSort([f, ]array, ...)",
        "The elements in descending order (of what `f` gives).",
        ("arrayReverseSort([3, 1, 2])", "[3,2,1]"),
        |args, _| sort(args, true, false),
    )
    .with_lambda(elements_of),
    f(
        A,
        "arrayPartialSort([f, ]limit, array, ...)",
        "`arraySort` that need only put the first `limit` elements in their places.",
        ("arraySlice(arrayPartialSort(2, [5, 9, 1, 3]), 1, 2)", "[1,3]"),
        |args, _| sort(args, false, true),
    )
    .with_lambda(after_limit),
    f(
        A,
        "arrayPartialReverseSort([f, ]limit, array, ...)",
        "`arrayReverseSort` that need only put the first `limit` elements in their places.",
        ("arraySlice(arrayPartialReverseSort(2, [5, 9, 1, 3]), 1, 2)", "[9,5]"),
        |args, _| sort(args, true, true),
    )
    .with_lambda(after_limit),
];

fn after_limit(types: &[DataType], params: usize) -> Result<Vec<DataType>> {
    match types.split_first() {
        Some((_, arrays)) => elements_of(arrays, params),
        None => bail!(NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "expected a limit and an array"),
    }
}

fn sort(args: &[Arg], descending: bool, partial: bool) -> Result<BoundFunction> {
    let first = usize::from(args.first().is_some_and(|a| a.lambda.is_some()));
    let ty = match partial {
        true => {
            integer(args, first)?;
            super::super::kit::list_arg(args, first + 1)?.array()
        }
        false => array_type(args)?,
    };
    higher_order(args, usize::from(partial), ty, move |m, plain, rows| {
        if let Some(limit) = plain.first() {
            let limit = Ints::of(limit)?;
            if (0..rows).any(|row| limit.get(row) < 0) {
                bail!(BAD_ARGUMENTS, "the limit of a partial sort cannot be negative");
            }
        }
        sorted(m, rows, descending)
    })
}

fn sorted(m: &Mapped, rows: usize, descending: bool) -> Result<Column> {
    let keys = m.values.to_flat();
    let mut places: Vec<u32> = (0..m.first.len() as u32).collect();
    let mut by = |order: &mut dyn FnMut(u32, u32) -> Ordering| {
        for row in 0..rows {
            let (start, end) = m.bounds(row);
            places[start..end].sort_by(|a, b| order(*a, *b));
        }
    };
    let float = matches!(keys, Flat::F32(_) | Flat::F64(_));
    let done = !float
        && with_native!(&keys, |v| {
            by(&mut |a, b| {
                let (x, y) = (v[a as usize], v[b as usize]);
                let (x, y) = if descending { (y, x) } else { (x, y) };
                x.partial_cmp(&y).unwrap_or(Ordering::Equal)
            });
            true
        }, _other => false);
    if !done {
        let key = SortKey {
            column: m.values.clone(),
            descending,
            nulls_first: false,
        };
        by(&mut |a, b| directed(&key, &keys, a as usize, &keys, b as usize));
    }
    gather(m.offsets.to_vec(), &m.first, &places)
}

/// `arrayReverse`, and `reverse` of arrays.
pub(crate) fn reversed(args: &[Arg]) -> Result<BoundFunction> {
    Ok(BoundFunction::new(args[0].ty.clone(), |columns, rows| {
        let lists = Lists::of(&columns[0])?;
        let (mut offsets, mut places) = (vec![0u64], Vec::new());
        for row in 0..rows {
            let (start, end) = lists.bounds(row);
            places.extend((start as u32..end as u32).rev());
            offsets.push(places.len() as u64);
        }
        gather(offsets, lists.elements(), &places)
    }))
}
