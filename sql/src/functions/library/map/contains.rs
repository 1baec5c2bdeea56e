//! Whether a map has a key or a value, also by LIKE patterns.
//!
//! Invariant: patterns are those of `like`.

use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::super::kit::{Caster, Compiled, Lists, Strs, arity, equal_cells, f, gather, nums, string, unify, want};
use super::super::string::like::Pattern;
use super::super::string::regexp::Case;
use super::build::{entries, map_arg};
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const M: &str = "map";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        M,
        "mapContains(map, key)",
        "Whether the map has the key.",
        ("mapContains(map('a', 1), 'a')", "1"),
        |args, context| contains(args, context, 0),
    )
    .also(&["mapContainsKey"]),
    f(
        M,
        "mapContainsValue(map, value)",
        "Whether the map has the value.",
        ("mapContainsValue(map('a', 1), 1)", "1"),
        |args, context| contains(args, context, 1),
    ),
    f(
        M,
        "mapContainsKeyLike(map, pattern)",
        "Whether a key fits a LIKE pattern.",
        ("mapContainsKeyLike(map('abc', 1), 'a%')", "1"),
        |args, _| like(args, 0, false),
    ),
    f(
        M,
        "mapContainsValueLike(map, pattern)",
        "Whether a value fits a LIKE pattern.",
        ("mapContainsValueLike(map('k', 'abc'), 'a%')", "1"),
        |args, _| like(args, 1, false),
    ),
    f(
        M,
        "mapExtractKeyLike(map, pattern)",
        "The entries whose key fits a LIKE pattern.",
        ("mapExtractKeyLike(map('abc', 1, 'x', 2), 'a%')", "{'abc':1}"),
        |args, _| like(args, 0, true),
    ),
    f(
        M,
        "mapExtractValueLike(map, pattern)",
        "The entries whose value fits a LIKE pattern.",
        ("mapExtractValueLike(map('k', 'abc'), 'a%')", "{'k':'abc'}"),
        |args, _| like(args, 1, true),
    ),
];

fn contains(args: &[Arg], context: &BindContext, side: usize) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    let (key, value) = map_arg(args, 0)?;
    let inner = if side == 0 { key } else { value };
    let casters: Vec<Caster> = unify(&[inner, args[1].ty.clone()], context)?.1;
    Ok(BoundFunction::new(DataType::UInt8, move |columns, rows| {
        let lists = Lists::of(&columns[0])?;
        let (keys, values) = entries(&lists)?;
        let cells = casters[0].apply(if side == 0 { &keys } else { &values })?;
        let needle = casters[1].apply(&columns[1])?;
        Ok(equal_cells(&cells, &needle, |same| {
            nums(rows, |row| {
                let (start, end) = lists.bounds(row);
                u8::from((start..end).any(|at| same(at, row)))
            })
        }))
    }))
}

fn like(args: &[Arg], side: usize, extract: bool) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    let (key, value) = map_arg(args, 0)?;
    let inner = if side == 0 { key } else { value };
    want(args, 0, inner.without_low_cardinality().is_string(), "a map of strings")?;
    string(args, 1)?;
    let patterns = Compiled::new(args.get(1), |p| Pattern::new(p, Case::Sensitive))?;
    let ty = if extract { args[0].ty.clone() } else { DataType::UInt8 };
    Ok(BoundFunction::new(ty, move |columns, rows| {
        let lists = Lists::of(&columns[0])?;
        let (keys, values) = entries(&lists)?;
        let cells = if side == 0 { keys } else { values };
        let cells = Strs::of(&cells)?;
        let mut patterns = patterns.over(&columns[1])?;
        let (mut offsets, mut places) = (vec![0u64], Vec::new());
        for row in 0..rows {
            let pattern = patterns.get(row)?;
            let (start, end) = lists.bounds(row);
            let fits = (start..end).filter(|at| pattern.fits(cells.get(*at)));
            places.extend(fits.map(|at| at as u32));
            offsets.push(places.len() as u64);
        }
        Ok(match extract {
            true => gather(offsets, lists.elements(), &places)?,
            false => Column::native(
                offsets.windows(2).map(|w| u8::from(w[0] < w[1])).collect::<Vec<u8>>(),
            ),
        })
    }))
}
