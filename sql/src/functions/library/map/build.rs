//! Maps from keys and values and back.
//!
//! Invariant: entries keep the order in which they were given.

use roost_engine::bail;
use roost_engine::column::{Column, Flat};
use roost_engine::error::Result;
use roost_engine::kernels::concat::concat;
use roost_engine::kernels::take::take;
use roost_engine::types::DataType;

use super::super::kit::{Caster, Lists, aligned, arity, array, f, gather, list_arg, unify};
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const M: &str = "map";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        M,
        "map(key, value, ...)",
        "A map of the keys and values.",
        ("map('a', 1, 'b', 2)", "{'a':1,'b':2}"),
        build,
    )
    .sees_nulls(),
    f(
        M,
        "mapFromArrays(keys, values)",
        "A map of an array of keys and an array of values.",
        ("mapFromArrays(['a', 'b'], [1, 2])", "{'a':1,'b':2}"),
        |args, _| from_arrays(args),
    )
    .also(&["MAP_FROM_ARRAYS"]),
    f(
        M,
        "mapKeys(map)",
        "The keys.",
        ("mapKeys(map('a', 1))", "['a']"),
        |args, _| side(args, 0),
    ),
    f(
        M,
        "mapValues(map)",
        "The values.",
        ("mapValues(map('a', 1))", "[1]"),
        |args, _| side(args, 1),
    ),
    f(
        M,
        "mapConcat(map, ...)",
        "The entries of all maps in one.",
        ("mapConcat(map('a', 1), map('b', 2))", "{'a':1,'b':2}"),
        join,
    ),
];

/// The types of keys and values of argument `i`.
pub(crate) fn map_arg(args: &[Arg], i: usize) -> Result<(DataType, DataType)> {
    match args.get(i).map(|a| &a.ty) {
        Some(DataType::Map(k, v)) => Ok((k.as_ref().clone(), v.as_ref().clone())),
        Some(other) => bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "illegal type {other} of argument {}, expected a map",
            i + 1
        ),
        None => bail!(
            NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
            "argument {} is missing, expected a map",
            i + 1
        ),
    }
}

/// The type of a map; keys may not be NULL.
pub(crate) fn map_type(key: DataType, value: DataType) -> Result<DataType> {
    if key.is_nullable() {
        bail!(BAD_ARGUMENTS, "a map cannot have keys of type {key}");
    }
    Ok(DataType::Map(key.into(), value.into()))
}

/// A map column of keys and values that end at `offsets`.
pub(crate) fn map_column(offsets: Vec<u64>, keys: Column, values: Column) -> Result<Column> {
    let len = keys.len();
    array(offsets, Flat::tuple(vec![keys, values], len)?)
}

/// Keys and values of all entries that any row may have.
pub(crate) fn entries(lists: &Lists<'_>) -> Result<(Column, Column)> {
    let flat = lists.elements().to_flat();
    match flat.as_tuple()? {
        [keys, values] => Ok((keys.clone(), values.clone())),
        other => bail!(LOGICAL_ERROR, "a map's entries have {} parts", other.len()),
    }
}

fn build(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    if !args.len().is_multiple_of(2) {
        bail!(
            NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
            "map takes keys and values in turn, found {} arguments",
            args.len()
        );
    }
    let types = |odd: usize| -> Vec<DataType> {
        args.iter().skip(odd).step_by(2).map(|a| a.ty.clone()).collect()
    };
    if args.is_empty() {
        let ty = map_type(DataType::Nothing, DataType::Nothing)?;
        return Ok(BoundFunction::new(ty.clone(), move |_, rows| Ok(Column::defaults(&ty, rows))));
    }
    let (key, key_casts) = unify(&types(0), context)?;
    let (value, value_casts) = unify(&types(1), context)?;
    let ty = map_type(key.clone(), value.clone())?;
    Ok(BoundFunction::new(ty, move |columns, rows| {
        let width = columns.len() / 2;
        let order: Vec<u32> = (0..rows)
            .flat_map(|row| (0..width).map(move |c| (c * rows + row) as u32))
            .collect();
        let side = |odd: usize, casts: &[Caster], ty: &DataType| -> Result<Column> {
            let parts = columns.iter().skip(odd).step_by(2).zip(casts);
            let parts = parts.map(|(c, cast)| cast.apply(c)).collect::<Result<Vec<_>>>()?;
            Ok(take(&concat(&parts.iter().collect::<Vec<_>>(), ty)?, &order))
        };
        let (keys, values) = (side(0, &key_casts, &key)?, side(1, &value_casts, &value)?);
        map_column((0..=rows).map(|r| (r * width) as u64).collect(), keys, values)
    }))
}

fn from_arrays(args: &[Arg]) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    let inner = |i: usize| match &args[i].ty {
        DataType::Map(k, v) => Ok(DataType::tuple(vec![k.as_ref().clone(), v.as_ref().clone()])),
        _ => list_arg(args, i),
    };
    let ty = map_type(inner(0)?, inner(1)?)?;
    Ok(BoundFunction::new(ty, |columns, _| {
        let (offsets, parts) = aligned(columns)?;
        match parts.as_slice() {
            [keys, values] => map_column(offsets.to_vec(), keys.clone(), values.clone()),
            other => bail!(LOGICAL_ERROR, "found {} arrays for a map", other.len()),
        }
    }))
}

fn side(args: &[Arg], which: usize) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    let (key, value) = map_arg(args, 0)?;
    let ty = if which == 0 { key } else { value }.array();
    Ok(BoundFunction::new(ty, move |columns, _| {
        let flat = columns[0].to_flat();
        let (offsets, entries) = flat.as_array()?.compact();
        let entries = entries.to_flat();
        match entries.as_tuple()?.get(which) {
            Some(side) => array(offsets.to_vec(), side.clone()),
            None => bail!(LOGICAL_ERROR, "a map's entries are not pairs"),
        }
    }))
}

/// `mapConcat`, and `concat` of maps.
pub(crate) fn join(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    arity(args, 1..=usize::MAX)?;
    let types = (0..args.len()).map(|i| map_arg(args, i)).collect::<Result<Vec<_>>>()?;
    let (keys, values): (Vec<_>, Vec<_>) = types.into_iter().unzip();
    let ty = map_type(unify(&keys, context)?.0, unify(&values, context)?.0)?;
    let casters = args.iter().map(|a| Caster::new(&a.ty, &ty, context));
    let casters = casters.collect::<Result<Vec<_>>>()?;
    let entry = ty.map_entry().unwrap_or(DataType::Nothing);
    Ok(BoundFunction::new(ty, move |columns, rows| {
        let maps = columns.iter().zip(&casters).map(|(c, cast)| cast.apply(c));
        let maps = maps.collect::<Result<Vec<_>>>()?;
        let lists = maps.iter().map(Lists::of).collect::<Result<Vec<_>>>()?;
        let pool: Vec<&Column> = lists.iter().map(Lists::elements).collect();
        let pool = concat(&pool, &entry)?;
        let (mut offsets, mut places) = (vec![0u64], Vec::new());
        for row in 0..rows {
            let mut base = 0;
            for list in &lists {
                let (start, end) = list.bounds(row);
                places.extend((base + start) as u32..(base + end) as u32);
                base += list.elements().len();
            }
            offsets.push(places.len() as u64);
        }
        gather(offsets, &pool, &places)
    }))
}
