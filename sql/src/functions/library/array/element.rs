//! One element of an array or a map.
//!
//! Invariant: an index outside the array, or a key that is not there, gives the default.

use roost_engine::bail;
use roost_engine::column::{Column, Flat};
use roost_engine::error::Result;
use roost_engine::kernels::take::{NO_ROW, take_or_default};
use roost_engine::types::DataType;

use super::super::kit::{Caster, Ints, Lists, arity, equal_cells, f, want};
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const A: &str = "array";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        A,
        "arrayElement(x, index)",
        "The element at an index (from one, from the end when negative) of an array, or the value \
         of a key of a map.",
        ("arrayElement([1, 2, 3], -1)", "3"),
        |args, context| arrays(args, context, false),
    ),
    f(
        A,
        "arrayElementOrNull(x, index)",
        "`arrayElement` that gives NULL outside the array.",
        ("arrayElementOrNull([1, 2], 5)", "\\N"),
        |args, context| arrays(args, context, true),
    ),
];

fn arrays(args: &[Arg], context: &BindContext, or_null: bool) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    match &args[0].ty {
        DataType::Array(e) => {
            let fits = args[1].ty.is_integer() || args[1].ty == DataType::Bool;
            want(args, 1, fits, "an integer")?;
            let ty = answer(e, or_null);
            Ok(BoundFunction::new(ty.clone(), move |columns, rows| {
                let lists = Lists::of(&columns[0])?;
                let index = Ints::of(&columns[1])?;
                let places: Vec<u32> = (0..rows)
                    .map(|row| place(lists.bounds(row), index.get(row)))
                    .collect();
                Ok(fetch(lists.elements(), &places, &ty))
            }))
        }
        DataType::Map(key, value) => {
            let to_key = Caster::new(&args[1].ty, key.as_ref(), context)?;
            let ty = answer(value, or_null);
            Ok(BoundFunction::new(ty.clone(), move |columns, rows| {
                let needle = to_key.apply(&columns[1])?;
                let (places, values) = find_keys(&columns[0], &needle, rows)?;
                Ok(fetch(&values, &places, &ty))
            }))
        }
        other => bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "illegal type {other} of argument 1, expected an array or a map"
        ),
    }
}

fn answer(element: &DataType, or_null: bool) -> DataType {
    let nested = matches!(
        element,
        DataType::Array(_) | DataType::Map(..) | DataType::Tuple(_)
    );
    match or_null && !nested {
        true => element.clone().nullable(),
        false => element.clone(),
    }
}

/// Where element `index` of the array between `start` and `end` stands.
fn place((start, end): (usize, usize), index: i64) -> u32 {
    let len = (end - start) as i64;
    let at = match index {
        1.. if index <= len => start as i64 + index - 1,
        n if n < 0 && n >= -len => end as i64 + index,
        _ => return NO_ROW,
    };
    at as u32
}

/// The values at `places`, in the shape of `ty`.
fn fetch(values: &Column, places: &[u32], ty: &DataType) -> Column {
    let taken = take_or_default(values, places);
    let flat = match &taken {
        Column::Flat(flat) => Some(flat),
        _ => None,
    };
    match (ty.is_nullable(), flat) {
        (true, Some(flat)) if !matches!(flat, Flat::Nullable(_)) => {
            let nulls = places.iter().map(|p| u8::from(*p == NO_ROW)).collect();
            Flat::nullable(nulls, flat.clone()).map_or(taken.clone(), Column::Flat)
        }
        (true, None) => {
            let nulls: Vec<u8> = places.iter().map(|p| u8::from(*p == NO_ROW)).collect();
            match taken.to_flat() {
                flat @ Flat::Nullable(_) => Column::Flat(flat),
                flat => Flat::nullable(nulls, flat).map_or(taken.clone(), Column::Flat),
            }
        }
        _ => taken,
    }
}

/// For each row the place of its needle among the map's keys, and the maps' values.
pub(crate) fn find_keys(
    maps: &Column,
    needle: &Column,
    rows: usize,
) -> Result<(Vec<u32>, Column)> {
    let lists = Lists::of(maps)?;
    let entries = lists.elements().to_flat();
    let [keys, values] = entries.as_tuple()? else {
        bail!(LOGICAL_ERROR, "a map's entries are not pairs");
    };
    let constant = needle.as_const().is_some();
    let one = if constant { needle.slice(0, rows.min(1)) } else { needle.clone() };
    let places = equal_cells(keys, &one, |same| {
        (0..rows)
            .map(|row| {
                let (start, end) = lists.bounds(row);
                let pin = if constant { 0 } else { row };
                let found = (start..end).find(|at| same(*at, pin));
                found.map_or(NO_ROW, |at| at as u32)
            })
            .collect()
    });
    Ok((places, values.clone()))
}
