//! Lengths of strings, and of the other types that have one: arrays, maps, addresses.
//!
//! Invariant: a length is read from offsets, never from the values.

use roost_engine::bail;
use roost_engine::column::{Column, Flat};
use roost_engine::error::{Error, Result};
use roost_engine::types::DataType;

use super::super::kit::{Strs, arity, f, nums, text_nums, utf8};
use crate::functions::{Arg, BoundFunction, ScalarFunction};

const S: &str = "string";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        S,
        "length(x)",
        "Bytes of a string, elements of an array, entries of a map.",
        ("length('abc')", "3"),
        |args, _| length(args),
    )
    .also(&["OCTET_LENGTH", "CARDINALITY"])
    .any_case(),
    f(
        S,
        "lengthUTF8(s)",
        "Code points of a string.",
        ("lengthUTF8('héllo')", "5"),
        |args, _| text_nums(args, DataType::UInt64, |s| utf8::count(s) as u64),
    )
    .also(&["CHAR_LENGTH", "CHARACTER_LENGTH"])
    .any_case(),
    f(
        S,
        "empty(x)",
        "Whether a string, array, map or address has nothing in it.",
        ("empty('')", "1"),
        |args, _| emptiness(args, true),
    ),
    f(
        S,
        "notEmpty(x)",
        "Whether a string, array, map or address has something in it.",
        ("notEmpty('a')", "1"),
        |args, _| emptiness(args, false),
    ),
    f(
        S,
        "ascii(s)",
        "The first byte of a string, 0 when it is empty.",
        ("ascii('abc')", "97"),
        |args, _| {
            text_nums(args, DataType::Int32, |s| {
                s.first().map_or(0, |b| i32::from(*b as i8))
            })
        },
    )
    .any_case(),
];

fn length(args: &[Arg]) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    match &args[0].ty {
        DataType::String | DataType::FixedString(_) | DataType::Array(_) | DataType::Map(..) => {}
        other => bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "illegal type {other} of argument 1, expected String, FixedString, Array or Map"
        ),
    }
    Ok(BoundFunction::new(DataType::UInt64, |columns, rows| {
        lengths(&columns[0], rows)
    }))
}

/// Bytes or elements of each row.
pub(crate) fn lengths(column: &Column, rows: usize) -> Result<Column> {
    let differences = |offsets: &[u64]| offsets.windows(2).map(|w| w[1] - w[0]).collect();
    match column {
        Column::Flat(Flat::Bytes(b)) => Ok(Column::native::<u64>(differences(b.offsets()))),
        Column::Flat(Flat::Array(a)) => Ok(Column::native::<u64>(differences(a.offsets()))),
        other => {
            let one = |row: usize| match other.entry(row) {
                (Flat::Array(a), at) => {
                    let (start, end) = a.bounds(at);
                    (end - start) as u64
                }
                (flat, at) => flat.bytes_at(at).len() as u64,
            };
            Ok(nums(rows, one))
        }
    }
}

fn emptiness(args: &[Arg], when_empty: bool) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    let answer = move |empty: bool| u8::from(empty == when_empty);
    let ty = DataType::UInt8;
    match &args[0].ty {
        DataType::FixedString(_) => Ok(BoundFunction::new(ty, move |columns, rows| {
            let s = Strs::of(&columns[0])?;
            Ok(nums(rows, |i| answer(s.get(i).iter().all(|b| *b == 0))))
        })),
        DataType::String | DataType::Array(_) | DataType::Map(..) => {
            Ok(BoundFunction::new(ty, move |columns, rows| {
                let lengths = lengths(&columns[0], rows)?;
                let lengths = lengths.flat_slice::<u64>()?;
                Ok(nums(rows, |i| answer(lengths[i] == 0)))
            }))
        }
        DataType::UUID | DataType::IPv6 => Ok(BoundFunction::new(ty, move |columns, rows| {
            let flat = columns[0].to_flat();
            let values = flat.slice_of::<u128>()?;
            Ok(nums(rows, |i| answer(values[i] == 0)))
        })),
        DataType::IPv4 => Ok(BoundFunction::new(ty, move |columns, rows| {
            let flat = columns[0].to_flat();
            let values = flat.slice_of::<u32>()?;
            Ok(nums(rows, |i| answer(values[i] == 0)))
        })),
        other => Err(Error::new(
            roost_engine::error::Code::ILLEGAL_TYPE_OF_ARGUMENT,
            format!("illegal type {other} of argument 1, expected a string, an array or a map"),
        )),
    }
}
