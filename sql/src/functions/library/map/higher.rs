//! Lambdas over the entries of maps.
//!
//! Invariant: a lambda sees key and value.

use roost_engine::bail;
use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::kernels::sort::{SortKey, directed};
use roost_engine::types::DataType;

use super::super::array::filter::kept;
use super::super::array::map::{condition, hits};
use super::super::kit::{Mapped, array, f, gather, nums};
use super::build::{map_arg, map_type};
use crate::functions::{Arg, BoundFunction, LambdaBody, ScalarFunction};

const M: &str = "map";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        M,
        "mapFilter(f, map)",
        "The entries for which `f` holds.",
        ("mapFilter((k, v) -> v > 1, map('a', 1, 'b', 2))", "{'b':2}"),
        |args, _| {
            condition(args)?;
            let ty = whole(args, 1)?;
            over(args, 1, ty, |m, _, rows| kept(m, rows))
        },
    )
    .with_lambda(pair),
    f(
        M,
        "mapApply(f, map)",
        "The entries `(key, value)` that `f` gives.",
        ("mapApply((k, v) -> (upper(k), v + 1), map('a', 1))", "{'A':2}"),
        |args, _| apply(args),
    )
    .with_lambda(pair),
    f(
        M,
        "mapExists([f, ]map)",
        "Whether `f` holds for an entry.",
        ("mapExists((k, v) -> v = 1, map('a', 1))", "1"),
        |args, _| tested(args, |hits, _| hits > 0),
    )
    .with_lambda(pair),
    f(
        M,
        "mapAll([f, ]map)",
        "Whether `f` holds for all entries.",
        ("mapAll((k, v) -> v = 1, map('a', 1))", "1"),
        |args, _| tested(args, |hits, len| hits == len),
    )
    .with_lambda(pair),
    f(
        M,
        "mapSort([f, ]map)",
        "The entries in ascending order of their keys (of what `f` gives).",
        ("mapSort(map('b', 1, 'a', 2))", "{'a':2,'b':1}"),
        |args, _| sort(args, false, 0),
    )
    .with_lambda(pair),
    f(
        M,
        "mapReverseSort([f, ]map)",
        "The entries in descending order of their keys (of what `f` gives).",
        ("mapReverseSort(map('a', 1, 'b', 2))", "{'b':2,'a':1}"),
        |args, _| sort(args, true, 0),
    )
    .with_lambda(pair),
    f(
        M,
        "mapPartialSort([f, ]limit, map)",
        "`mapSort` that need only put the first `limit` entries in their places.",
        ("mapPartialSort((k, v) -> v, 1, map('b', 3, 'a', 2))", "{'a':2,'b':3}"),
        |args, _| sort(args, false, 1),
    )
    .with_lambda(after_limit),
    f(
        M,
        "mapPartialReverseSort([f, ]limit, map)",
        "`mapReverseSort` that need only put the first `limit` entries in their places.",
        ("mapPartialReverseSort((k, v) -> v, 1, map('b', 3, 'a', 2))", "{'b':3,'a':2}"),
        |args, _| sort(args, true, 1),
    )
    .with_lambda(after_limit),
];

fn pair(types: &[DataType], params: usize) -> Result<Vec<DataType>> {
    match types {
        [DataType::Map(k, v)] if params == 2 => Ok(vec![k.as_ref().clone(), v.as_ref().clone()]),
        [DataType::Map(..)] => bail!(
            NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
            "the lambda has {params} parameters, expected key and value"
        ),
        _ => bail!(ILLEGAL_TYPE_OF_ARGUMENT, "expected a lambda and one map"),
    }
}

fn after_limit(types: &[DataType], params: usize) -> Result<Vec<DataType>> {
    pair(types.get(1..).unwrap_or_default(), params)
}

/// The type of the map at place `i`.
fn whole(args: &[Arg], i: usize) -> Result<DataType> {
    let (key, value) = map_arg(args, i)?;
    map_type(key, value)
}

fn mapped(body: Option<&dyn LambdaBody>, map: &Column) -> Result<Mapped> {
    let flat = map.to_flat();
    let (offsets, first) = flat.as_array()?.compact();
    let entries = first.to_flat();
    let parts = entries.as_tuple()?;
    let values = match (body, parts.first()) {
        (Some(body), _) => body.call(parts, &offsets, first.len())?,
        (None, Some(keys)) => keys.clone(),
        (None, None) => bail!(LOGICAL_ERROR, "a map's entries are not pairs"),
    };
    Ok(Mapped {
        offsets,
        values,
        first,
    })
}

/// Binds a kernel over the map at place `at`, whose values are what the lambda gives, or the keys.
fn over(
    args: &[Arg],
    at: usize,
    ty: DataType,
    kernel: impl Fn(&Mapped, &[Column], usize) -> Result<Column> + Send + Sync + 'static,
) -> Result<BoundFunction> {
    if args.len() != at + 1 {
        bail!(
            NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
            "found {} arguments, expected {}",
            args.len(),
            at + 1
        );
    }
    let last = |columns: &[Column]| columns.last().cloned();
    Ok(match args[0].lambda.is_some() {
        true => BoundFunction::with_lambda(ty, move |body, columns, rows| match last(columns) {
            Some(map) => kernel(&mapped(Some(body), &map)?, columns, rows),
            None => bail!(LOGICAL_ERROR, "a function of maps without a map"),
        }),
        false => BoundFunction::new(ty, move |columns, rows| match last(columns) {
            Some(map) => kernel(&mapped(None, &map)?, columns, rows),
            None => bail!(LOGICAL_ERROR, "a function of maps without a map"),
        }),
    })
}

fn apply(args: &[Arg]) -> Result<BoundFunction> {
    map_arg(args, 1)?;
    let result = args[0].lambda.as_ref().map(|l| l.result.clone());
    let ty = match &result {
        Some(DataType::Tuple(t)) if t.types.len() == 2 => {
            map_type(t.types[0].clone(), t.types[1].clone())?
        }
        _ => bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "the lambda must give a tuple of key and value"
        ),
    };
    over(args, 1, ty, |m, _, _| array(m.offsets.to_vec(), Column::Flat(m.values.to_flat())))
}

fn tested(args: &[Arg], answer: fn(usize, usize) -> bool) -> Result<BoundFunction> {
    condition(args)?;
    map_arg(args, 1)?;
    over(args, 1, DataType::UInt8, move |m, _, rows| {
        let hits = hits(m)?;
        let mut next = hits.iter().copied().peekable();
        Ok(nums(rows, |row| {
            let (start, end) = m.bounds(row);
            let mut count = 0;
            while next.next_if(|at| (*at as usize) < end).is_some() {
                count += 1;
            }
            u8::from(answer(count, end - start))
        }))
    })
}

fn sort(args: &[Arg], descending: bool, skip: usize) -> Result<BoundFunction> {
    let at = skip + usize::from(args.first().is_some_and(|a| a.lambda.is_some()));
    let ty = whole(args, at)?;
    over(args, at, ty, move |m, _, rows| {
        let flat = m.values.to_flat();
        let key = SortKey {
            column: m.values.clone(),
            descending,
            nulls_first: false,
        };
        let mut places: Vec<u32> = (0..m.first.len() as u32).collect();
        for row in 0..rows {
            let (start, end) = m.bounds(row);
            places[start..end]
                .sort_by(|a, b| directed(&key, &flat, *a as usize, &flat, *b as usize));
        }
        gather(m.offsets.to_vec(), &m.first, &places)
    })
}
