//! Bytes taken off the ends.
//!
//! Invariant: without a second argument only spaces go.

use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::super::kit::{Strs, arity, f, strings, text};
use crate::functions::{Arg, BoundFunction, ScalarFunction};

const S: &str = "string";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        S,
        "trimLeft(s[, characters])",
        "Takes the characters (default: spaces) off the start.",
        ("trimLeft('xxaxx', 'x')", "axx"),
        |args, _| trim(args, true, false),
    )
    .also(&["ltrim"])
    .any_case(),
    f(
        S,
        "trimRight(s[, characters])",
        "Takes the characters (default: spaces) off the end.",
        ("trimRight('xxaxx', 'x')", "xxa"),
        |args, _| trim(args, false, true),
    )
    .also(&["rtrim"])
    .any_case(),
    f(
        S,
        "trimBoth(s[, characters])",
        "Takes the characters (default: spaces) off both ends.",
        ("trimBoth('xxaxx', 'x')", "a"),
        |args, _| trim(args, true, true),
    )
    .also(&["trim"])
    .any_case(),
    f(
        S,
        "firstLine(s)",
        "What stands before the first line break.",
        ("firstLine('a\\nb')", "a"),
        |args, _| {
            super::super::kit::text_to_text(args, |s, out| {
                let end = memchr::memchr(b'\n', s).unwrap_or(s.len());
                let line = &s[..end];
                let cut = memchr::memchr(b'\r', line).filter(|at| at + 1 == end && end < s.len());
                out.extend_from_slice(&line[..cut.unwrap_or(line.len())]);
            })
        },
    ),
];

fn trim(args: &[Arg], left: bool, right: bool) -> Result<BoundFunction> {
    arity(args, 1..=2)?;
    strings(args)?;
    Ok(BoundFunction::new(DataType::String, move |columns, rows| {
        let s = Strs::of(&columns[0])?;
        let set = columns.get(1).map_or(Ok(Strs::One(b" ")), Strs::of)?;
        Ok(text(rows, s.size(rows), |i, out| {
            let (value, set) = (s.get(i), set.get(i));
            let keeps = |b: &u8| memchr::memchr(*b, set).is_none();
            let start = match left {
                true => value.iter().position(keeps).unwrap_or(value.len()),
                false => 0,
            };
            let rest = &value[start..];
            let end = match right {
                true => rest.iter().rposition(keeps).map_or(0, |at| at + 1),
                false => rest.len(),
            };
            out.extend_from_slice(&rest[..end]);
        }))
    }))
}
