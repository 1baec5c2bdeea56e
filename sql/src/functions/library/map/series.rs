//! Gaps between integer keys filled.
//!
//! Invariant: keys come ascending, without gaps, from the least to the greatest or the limit.

use roost_engine::bail;
use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::kernels::take::{NO_ROW, take_or_default};
use roost_engine::types::DataType;

use super::super::kit::{Caster, Ints, aligned, arity, array, f, integer, list_arg};
use super::build::{map_arg, map_column};
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const KEYS_MAX: i64 = 1 << 24;

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[f(
    "map",
    "mapPopulateSeries(map[, max])",
    "The map with default values for the integer keys that are missing. A map, or two arrays.",
    ("mapPopulateSeries(map(1, 10, 3, 20), 4)", "{1:10,2:0,3:20,4:0}"),
    bind,
)];

fn bind(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    arity(args, 1..=3)?;
    let arrays = matches!(args[0].ty, DataType::Array(_));
    let (key, value) = match arrays {
        true => (list_arg(args, 0)?, list_arg(args, 1)?),
        false => map_arg(args, 0)?,
    };
    let limit = if arrays { 2 } else { 1 };
    if args.len() > limit {
        integer(args, limit)?;
    }
    if !key.is_integer() {
        bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "keys of type {key} have no series, expected integers"
        );
    }
    let narrow = Caster::new(&DataType::Int64, &key, context)?;
    let ty = match arrays {
        true => DataType::tuple(vec![key.array(), value.array()]),
        false => args[0].ty.clone(),
    };
    Ok(BoundFunction::new(ty, move |columns, rows| {
        let (offsets, keys, values) = match arrays {
            true => {
                let (offsets, mut parts) = aligned(&columns[..2])?;
                let values = parts.swap_remove(1);
                (offsets, parts.swap_remove(0), values)
            }
            false => {
                let flat = columns[0].to_flat();
                let (offsets, inner) = flat.as_array()?.compact();
                let pairs = inner.to_flat();
                match pairs.as_tuple()? {
                    [keys, values] => (offsets, keys.clone(), values.clone()),
                    _ => bail!(LOGICAL_ERROR, "a map's entries are not pairs"),
                }
            }
        };
        let limits = columns.get(limit).map(Ints::of).transpose()?;
        let numbers = Ints::of(&keys)?;
        let (mut ends, mut out, mut places) = (vec![0u64], Vec::new(), Vec::new());
        for row in 0..rows {
            let range = offsets[row] as usize..offsets[row + 1] as usize;
            let limit = limits.as_ref().map(|l| l.get(row));
            fill(range, &numbers, limit, &mut out, &mut places)?;
            ends.push(out.len() as u64);
        }
        let keys = narrow.apply(&Column::native(out))?;
        let values = take_or_default(&values, &places);
        match arrays {
            true => {
                let parts = vec![array(ends.clone(), keys)?, array(ends, values)?];
                Ok(roost_engine::column::Flat::tuple(parts, rows)?.into())
            }
            false => map_column(ends, keys, values),
        }
    }))
}

fn fill(
    range: std::ops::Range<usize>,
    keys: &Ints,
    limit: Option<i64>,
    out: &mut Vec<i64>,
    places: &mut Vec<u32>,
) -> Result<()> {
    let mut known: Vec<(i64, u32)> = range.map(|at| (keys.get(at), at as u32)).collect();
    known.sort_by_key(|k| k.0);
    known.dedup_by_key(|k| k.0);
    let (Some(first), Some(last)) = (known.first(), known.last()) else {
        return Ok(());
    };
    let (first, last) = (first.0, limit.unwrap_or(last.0));
    if last.saturating_sub(first) > KEYS_MAX {
        bail!(TOO_LARGE_ARRAY_SIZE, "a series of more than {KEYS_MAX} keys is too large");
    }
    let mut next = known.into_iter().peekable();
    for key in first..=last {
        out.push(key);
        places.push(next.next_if(|k| k.0 == key).map_or(NO_ROW, |k| k.1));
    }
    Ok(())
}
