//! Aggregate functions over the elements of arrays.
//!
//! Invariant: every row (or range) is a group of its own; the aggregate sees all of them at once.

use std::sync::Arc;

use roost_engine::bail;
use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::kernels::take::take;
use roost_engine::types::{AggregateType, DataType};

use super::super::kit::{Ints, Lists, aligned, arity, array, f, list_arg};
use crate::functions::aggregates::bind_aggregate_type;
use crate::functions::{Aggregate, Arg, BoundFunction, ScalarFunction};

const A: &str = "array";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        A,
        "arrayReduce(name, array, ...)",
        "An aggregate function over the elements.",
        ("arrayReduce('sum', [1, 2, 3])", "6"),
        |args, _| reduce(args),
    ),
    f(
        A,
        "arrayReduceInRanges(name, ranges, array, ...)",
        "An aggregate function over each range `(start, length)` of the elements.",
        ("arrayReduceInRanges('sum', [(1, 2), (2, 3)], [1, 2, 3, 4])", "[3,9]"),
        |args, _| in_ranges(args),
    ),
];

/// The aggregate that the constant first argument names, over the elements of arguments from `first`.
fn aggregate(args: &[Arg], first: usize) -> Result<Arc<dyn Aggregate>> {
    let name = args[0].constant.as_ref().and_then(|v| v.as_bytes());
    let Some(name) = name.and_then(|n| std::str::from_utf8(n).ok()) else {
        bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "argument 1 must be a constant string: the name of an aggregate function"
        );
    };
    let (function, parameters) = match name.trim().strip_suffix(')').and_then(|n| n.split_once('('))
    {
        Some((function, inside)) => (function, inside.split(',').map(|p| p.trim().to_owned()).collect()),
        None => (name.trim(), Vec::new()),
    };
    let arguments = (first..args.len()).map(|i| list_arg(args, i));
    bind_aggregate_type(&AggregateType {
        function: function.to_owned(),
        parameters,
        arguments: arguments.collect::<Result<Vec<DataType>>>()?,
    })
}

fn reduce(args: &[Arg]) -> Result<BoundFunction> {
    arity(args, 2..=usize::MAX)?;
    let aggregate = aggregate(args, 1)?;
    Ok(BoundFunction::new(aggregate.return_type(), move |columns, rows| {
        let (offsets, elements) = aligned(&columns[1..])?;
        let mut groups = Vec::with_capacity(elements.first().map_or(0, Column::len));
        for row in 0..rows {
            let len = offsets[row + 1] - offsets[row];
            groups.extend(std::iter::repeat_n(row as u32, len as usize));
        }
        let mut states = aggregate.states();
        states.resize(rows);
        states.update(&elements, &groups)?;
        states.finish()
    }))
}

fn in_ranges(args: &[Arg]) -> Result<BoundFunction> {
    arity(args, 3..=usize::MAX)?;
    let pair = list_arg(args, 1)?;
    let fits = pair.tuple_types().is_some_and(|t| t.len() == 2 && t.iter().all(DataType::is_integer));
    if !fits {
        bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "illegal type {} of argument 2, expected an array of pairs of integers",
            args[1].ty
        );
    }
    let aggregate = aggregate(args, 2)?;
    let ty = aggregate.return_type().array();
    Ok(BoundFunction::new(ty, move |columns, rows| {
        let ranges = Lists::of(&columns[1])?;
        let pairs = ranges.elements().to_flat();
        let [starts, lengths] = pairs.as_tuple()? else {
            bail!(LOGICAL_ERROR, "a range is not a pair");
        };
        let (starts, lengths) = (Ints::of(starts)?, Ints::of(lengths)?);
        let (offsets, elements) = aligned(&columns[2..])?;
        let (mut places, mut groups, mut ends) = (Vec::new(), Vec::new(), vec![0u64]);
        let mut group = 0u32;
        for row in 0..rows {
            let (first, last) = (offsets[row] as i64, offsets[row + 1] as i64);
            let (start, end) = ranges.bounds(row);
            for range in start..end {
                let from = match starts.get(range) {
                    n if n > 0 => first.saturating_add(n - 1),
                    n if n < 0 => last.saturating_add(n),
                    _ => bail!(BAD_ARGUMENTS, "the start of a range counts from one"),
                };
                let to = from.saturating_add(lengths.get(range).max(0)).clamp(first, last);
                let from = from.clamp(first, to);
                places.extend(from as u32..to as u32);
                groups.extend(std::iter::repeat_n(group, (to - from) as usize));
                group += 1;
            }
            ends.push(u64::from(group));
        }
        let args: Vec<Column> = elements.iter().map(|e| take(e, &places)).collect();
        let mut states = aggregate.states();
        states.resize(group as usize);
        states.update(&args, &groups)?;
        array(ends, states.finish()?)
    }))
}
