//! Parts of strings by position and length.
//!
//! Invariant: positions count from one, from the end when negative; a part that lies outside the
//! string is cut to what is inside.

use std::ops::Range;

use roost_engine::bail;
use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::super::kit::{Ints, Strs, arity, f, string, text, try_text, utf8, want};
use crate::functions::{Arg, BoundFunction, ScalarFunction};

const S: &str = "string";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        S,
        "substring(s, offset[, length])",
        "The bytes from position `offset`; a negative offset counts from the end, a negative \
         length leaves that many bytes off the end.",
        ("substring('hello', -3, 2)", "ll"),
        |args, _| substring(args, 2..=3, false, part),
    )
    .also(&["substr", "mid", "byteSlice"])
    .any_case(),
    f(
        S,
        "substringUTF8(s, offset[, length])",
        "`substring` counting code points.",
        ("substringUTF8('héllo', 2, 2)", "él"),
        |args, _| substring(args, 2..=3, true, part),
    )
    .also(&["substrUTF8"]),
    f(
        S,
        "left(s, n)",
        "The first `n` bytes; a negative `n` leaves bytes off the end.",
        ("left('hello', 2)", "he"),
        |args, _| substring(args, 2..=2, false, left),
    )
    .any_case(),
    f(
        S,
        "leftUTF8(s, n)",
        "`left` counting code points.",
        ("leftUTF8('héllo', 2)", "hé"),
        |args, _| substring(args, 2..=2, true, left),
    ),
    f(
        S,
        "right(s, n)",
        "The last `n` bytes; a negative `n` leaves bytes off the start.",
        ("right('hello', 2)", "lo"),
        |args, _| substring(args, 2..=2, false, right),
    )
    .any_case(),
    f(
        S,
        "rightUTF8(s, n)",
        "`right` counting code points.",
        ("rightUTF8('héllo', 2)", "lo"),
        |args, _| substring(args, 2..=2, true, right),
    ),
    f(
        S,
        "substringIndex(s, delimiter, count)",
        "What stands before the `count`-th delimiter, or after it from the end when negative.",
        ("substringIndex('www.a.com', '.', 2)", "www.a"),
        |args, _| substring_index(args, false),
    )
    .also(&["SUBSTRING_INDEX"])
    .any_case(),
    f(
        S,
        "substringIndexUTF8(s, delimiter, count)",
        "`substringIndex` whose delimiter is a code point.",
        ("substringIndexUTF8('wéwéw', 'é', 1)", "w"),
        |args, _| substring_index(args, true),
    ),
];

type Part = fn(usize, i64, Option<i64>) -> Range<usize>;

fn left(len: usize, n: i64, _: Option<i64>) -> Range<usize> {
    part(len, 1, Some(n))
}

fn right(len: usize, n: i64, _: Option<i64>) -> Range<usize> {
    match n {
        0 => len..len,
        1.. => len - len.min(n as usize)..len,
        _ => len.min(n.unsigned_abs() as usize)..len,
    }
}

/// The part of `len` units that position `offset` and `length` mean.
pub(crate) fn part(len: usize, offset: i64, length: Option<i64>) -> Range<usize> {
    let all = len as i64;
    if offset == 0 {
        return 0..0;
    }
    let start = match offset {
        1.. => offset - 1,
        _ => offset.saturating_add(all),
    };
    let end = match length {
        None => all,
        Some(n) if n < 0 => all.saturating_add(n),
        Some(n) => start.saturating_add(n),
    };
    let start = start.clamp(0, all);
    start as usize..end.clamp(start, all) as usize
}

fn substring(
    args: &[Arg],
    count: std::ops::RangeInclusive<usize>,
    points: bool,
    part: Part,
) -> Result<BoundFunction> {
    arity(args, count)?;
    let enums = args[0].ty.is_enum();
    want(args, 0, args[0].ty.is_string() || enums, "String or FixedString")?;
    for (i, arg) in args.iter().enumerate().skip(1) {
        want(args, i, arg.ty.is_numeric(), "a number")?;
    }
    let ty = args[0].ty.clone();
    Ok(BoundFunction::new(DataType::String, move |columns, rows| {
        let named;
        let source = match enums {
            true => {
                named = super::super::kit::to_text(&columns[0], &ty)?;
                &named
            }
            false => &columns[0],
        };
        let s = Strs::of(source)?;
        let offset = Ints::of(&columns[1])?;
        let length = columns.get(2).map(Ints::of).transpose()?;
        Ok(text(rows, s.size(rows), |i, out| {
            let value = s.get(i);
            let length = length.as_ref().map(|n| n.get(i));
            let range = match points && !value.is_ascii() {
                false => part(value.len(), offset.get(i), length),
                true => {
                    let r = part(utf8::count(value), offset.get(i), length);
                    let start = utf8::offset(value, r.start);
                    start..start + utf8::offset(&value[start..], r.end - r.start)
                }
            };
            out.extend_from_slice(&value[range]);
        }))
    }))
}

fn substring_index(args: &[Arg], points: bool) -> Result<BoundFunction> {
    arity(args, 3..=3)?;
    string(args, 0)?;
    string(args, 1)?;
    want(args, 2, args[2].ty.is_integer(), "an integer")?;
    if let Some(delimiter) = args[1].constant.as_ref().and_then(|v| v.as_bytes()) {
        single(delimiter, points)?;
    }
    Ok(BoundFunction::new(DataType::String, move |columns, rows| {
        index_kernel(columns, rows, points)
    }))
}

fn single(delimiter: &[u8], points: bool) -> Result<()> {
    let units = if points {
        utf8::count(delimiter)
    } else {
        delimiter.len()
    };
    if units != 1 {
        bail!(
            BAD_ARGUMENTS,
            "the delimiter must be a single character, found {units}"
        );
    }
    Ok(())
}

fn index_kernel(columns: &[Column], rows: usize, points: bool) -> Result<Column> {
    let (s, d) = (Strs::of(&columns[0])?, Strs::of(&columns[1])?);
    let count = Ints::of(&columns[2])?;
    try_text(rows, s.size(rows), |i, out| {
        let (value, delimiter, n) = (s.get(i), d.get(i), count.get(i));
        single(delimiter, points)?;
        let nth = usize::try_from(n.unsigned_abs()).unwrap_or(usize::MAX);
        let range = match n {
            0 => 0..0,
            1.. => {
                let at = memchr::memmem::find_iter(value, delimiter).nth(nth - 1);
                0..at.unwrap_or(value.len())
            }
            _ => {
                let at = memchr::memmem::rfind_iter(value, delimiter).nth(nth - 1);
                at.map_or(0, |at| at + delimiter.len())..value.len()
            }
        };
        out.extend_from_slice(&value[range]);
        Ok(())
    })
}
