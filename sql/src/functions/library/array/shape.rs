//! Arrays put together, taken apart and turned around.
//!
//! Invariant: the elements themselves do not change.

use roost_engine::column::{Buffer, Column, Flat};
use roost_engine::error::Result;
use roost_engine::kernels::concat::concat;
use roost_engine::types::DataType;

use super::super::kit::{
    Lists, Mapped, arity, array, elements_of, f, gather, higher_order, ids, list_arg, unify,
};
use super::sort::reversed;
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const A: &str = "array";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        A,
        "arrayConcat(array, ...)",
        "The elements of all arrays in one.",
        ("arrayConcat([1, 2], [3])", "[1,2,3]"),
        join,
    ),
    f(
        A,
        "arrayReverse(array)",
        "The elements in reverse order.",
        ("arrayReverse([1, 2, 3])", "[3,2,1]"),
        |args, _| {
            arity(args, 1..=1)?;
            list_arg(args, 0)?;
            reversed(args)
        },
    ),
    f(
        A,
        "arrayFlatten(array)",
        "The innermost elements of nested arrays in one array.",
        ("arrayFlatten([[1, 2], [3]])", "[1,2,3]"),
        |args, _| flatten(args),
    )
    .also(&["flatten"]),
    f(
        A,
        "arrayCompact([f, ]array)",
        "Leaves out elements that are equal to the one before (after `f`).",
        ("arrayCompact([1, 1, 2, 2, 1])", "[1,2,1]"),
        |args, _| higher_order(args, 0, array_type(args)?, |m, _, rows| compact(m, rows)),
    )
    .with_lambda(elements_of),
];

/// The type of the first array among the arguments.
pub(crate) fn array_type(args: &[Arg]) -> Result<DataType> {
    let first = usize::from(args.first().is_some_and(|a| a.lambda.is_some()));
    Ok(list_arg(args, first)?.array())
}

/// `arrayConcat`, and `concat` of arrays.
pub(crate) fn join(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    arity(args, 1..=usize::MAX)?;
    let types = (0..args.len()).map(|i| list_arg(args, i));
    let types = types.collect::<Result<Vec<_>>>()?;
    let (common, casters) = unify(&types, context)?;
    Ok(BoundFunction::new(common.clone().array(), move |columns, rows| {
        let lists = columns.iter().map(Lists::of).collect::<Result<Vec<_>>>()?;
        let parts = lists.iter().zip(&casters).map(|(l, c)| c.apply(l.elements()));
        let parts = parts.collect::<Result<Vec<_>>>()?;
        let mut bases = vec![0usize];
        for part in &parts {
            bases.push(bases.last().copied().unwrap_or(0) + part.len());
        }
        let pool = concat(&parts.iter().collect::<Vec<_>>(), &common)?;
        let (mut offsets, mut places) = (vec![0u64], Vec::new());
        for row in 0..rows {
            for (list, base) in lists.iter().zip(&bases) {
                let (start, end) = list.bounds(row);
                places.extend((start + base) as u32..(end + base) as u32);
            }
            offsets.push(places.len() as u64);
        }
        gather(offsets, &pool, &places)
    }))
}

fn flatten(args: &[Arg]) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    let mut inner = list_arg(args, 0)?;
    let mut depth = 0;
    while let DataType::Array(e) = inner {
        inner = e.as_ref().clone();
        depth += 1;
    }
    Ok(BoundFunction::new(inner.array(), move |columns, _| {
        let mut flat = columns[0].to_flat();
        for _ in 0..depth {
            let (outer, elements) = flat.as_array()?.compact();
            let elements = elements.to_flat();
            let (below, values) = elements.as_array()?.compact();
            let offsets: Vec<u64> = outer.iter().map(|o| below[*o as usize]).collect();
            flat = array(offsets, values)?.to_flat();
        }
        Ok(Column::Flat(flat))
    }))
}

fn compact(m: &Mapped, rows: usize) -> Result<Column> {
    let ids = ids(std::slice::from_ref(&m.values), m.values.len()).of;
    let (mut offsets, mut places) = (vec![0u64], Vec::new());
    for row in 0..rows {
        let (start, end) = m.bounds(row);
        places.extend(
            (start..end)
                .filter(|&i| i == start || ids[i] != ids[i - 1])
                .map(|i| i as u32),
        );
        offsets.push(places.len() as u64);
    }
    gather(offsets, &m.first, &places)
}

/// A tuple column as the elements of arrays.
pub(crate) fn tuples(columns: Vec<Column>, offsets: Buffer<u64>) -> Result<Column> {
    let len = columns.first().map_or(0, Column::len);
    array(offsets.to_vec(), Flat::tuple(columns, len)?)
}
