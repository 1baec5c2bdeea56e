//! The first or last element for which a condition holds.
//!
//! Invariant: without such an element the answer is the default, NULL, or index 0.

use roost_engine::column::{Column, Flat};
use roost_engine::error::Result;
use roost_engine::kernels::take::{NO_ROW, take_or_default};
use roost_engine::types::DataType;

use super::super::kit::{Mapped, elements_of, f, higher_order, list_arg, nums};
use super::map::{condition, hits};
use crate::functions::{Arg, BoundFunction, ScalarFunction};

const A: &str = "array";

macro_rules! family {
    ($($name:literal $last:literal $words:literal $index:literal $value:literal),*) => {
        /// The functions of this file.
        pub static FUNCTIONS: &[ScalarFunction] = &[ $(
            f(
                A,
                concat!("array", $name, "(f, array, ...)"),
                concat!("The ", $words, " element for which `f` holds, or the default."),
                (concat!("array", $name, "(x -> x > 1, [1, 2, 3])"), $value),
                |args, _| element(args, $last, false),
            )
            .with_lambda(elements_of),
            f(
                A,
                concat!("array", $name, "OrNull(f, array, ...)"),
                concat!("The ", $words, " element for which `f` holds, or NULL."),
                (concat!("array", $name, "OrNull(x -> x > 5, [1, 2, 3])"), "\\N"),
                |args, _| element(args, $last, true),
            )
            .with_lambda(elements_of),
            f(
                A,
                concat!("array", $name, "Index(f, array, ...)"),
                concat!("Index of the ", $words, " element for which `f` holds, or 0."),
                (concat!("array", $name, "Index(x -> x > 1, [1, 2, 3])"), $index),
                |args, _| index(args, $last),
            )
            .with_lambda(elements_of),
        )* ];
    };
}

family!("First" false "first" "2" "2", "Last" true "last" "3" "3");

fn places(m: &Mapped, rows: usize, last: bool) -> Result<Vec<u32>> {
    let hits = hits(m)?;
    let mut next = hits.iter().copied().peekable();
    let place = |row: usize| {
        let end = m.bounds(row).1;
        let mut found = NO_ROW;
        while let Some(at) = next.next_if(|at| (*at as usize) < end) {
            if last || found == NO_ROW {
                found = at;
            }
        }
        found
    };
    Ok((0..rows).map(place).collect())
}

fn element(args: &[Arg], last: bool, or_null: bool) -> Result<BoundFunction> {
    condition(args)?;
    let inner = list_arg(args, 1)?;
    let ty = match or_null {
        true => roost_engine::types::text::nullable_of(inner.clone()).unwrap_or(inner),
        false => inner,
    };
    let wrap = ty.is_nullable();
    higher_order(args, 0, ty, move |m, _, rows| {
        let places = places(m, rows, last)?;
        let values = take_or_default(&m.first, &places);
        if !wrap {
            return Ok(values);
        }
        Ok(Column::Flat(match values.to_flat() {
            flat @ Flat::Nullable(_) => flat,
            flat => Flat::nullable(places.iter().map(|p| u8::from(*p == NO_ROW)).collect(), flat)?,
        }))
    })
}

fn index(args: &[Arg], last: bool) -> Result<BoundFunction> {
    condition(args)?;
    higher_order(args, 0, DataType::UInt32, move |m, _, rows| {
        let places = places(m, rows, last)?;
        Ok(nums(rows, |row| match places[row] {
            NO_ROW => 0u32,
            at => at - m.bounds(row).0 as u32 + 1,
        }))
    })
}
