//! Strings filled up to a length.
//!
//! Invariant: the answer has exactly the length asked for; a longer string loses its end.

use roost_engine::bail;
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::super::kit::{Ints, Strs, arity, f, integer, string, try_text, utf8};
use crate::functions::{Arg, BoundFunction, ScalarFunction};

const S: &str = "string";
const LENGTH_MAX: i64 = 1_000_000;

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        S,
        "leftPad(s, length[, fill])",
        "Fills on the left up to `length` bytes.",
        ("leftPad('abc', 7, '*')", "****abc"),
        |args, _| pad(args, true, false),
    )
    .also(&["lpad"])
    .any_case(),
    f(
        S,
        "rightPad(s, length[, fill])",
        "Fills on the right up to `length` bytes.",
        ("rightPad('abc', 5, '*')", "abc**"),
        |args, _| pad(args, false, false),
    )
    .also(&["rpad"])
    .any_case(),
    f(
        S,
        "leftPadUTF8(s, length[, fill])",
        "`leftPad` counting code points.",
        ("leftPadUTF8('é', 3, 'ñ')", "ññé"),
        |args, _| pad(args, true, true),
    ),
    f(
        S,
        "rightPadUTF8(s, length[, fill])",
        "`rightPad` counting code points.",
        ("rightPadUTF8('é', 3, 'ñ')", "éññ"),
        |args, _| pad(args, false, true),
    ),
];

fn pad(args: &[Arg], left: bool, points: bool) -> Result<BoundFunction> {
    arity(args, 2..=3)?;
    string(args, 0)?;
    integer(args, 1)?;
    if args.len() == 3 {
        string(args, 2)?;
    }
    Ok(BoundFunction::new(DataType::String, move |columns, rows| {
        let s = Strs::of(&columns[0])?;
        let length = Ints::of(&columns[1])?;
        let fill = columns.get(2).map_or(Ok(Strs::One(b" ")), Strs::of)?;
        try_text(rows, s.size(rows), |i, out| {
            let target = checked(length.get(i))?;
            let (value, fill) = (s.get(i), fill.get(i));
            let fill = if fill.is_empty() { b" " } else { fill };
            write(value, fill, target, left, points, out);
            Ok(())
        })
    }))
}

fn checked(length: i64) -> Result<usize> {
    match length {
        n if n < 0 => bail!(
            INDEX_OF_POSITIONAL_ARGUMENT_IS_OUT_OF_RANGE,
            "new padded length ({n}) is negative"
        ),
        n if n > LENGTH_MAX => bail!(
            TOO_LARGE_STRING_SIZE,
            "new padded length ({n}) is too big, maximum is {LENGTH_MAX}"
        ),
        n => Ok(n as usize),
    }
}

fn write(value: &[u8], fill: &[u8], target: usize, left: bool, points: bool, out: &mut Vec<u8>) {
    let units = |s: &[u8]| if points { utf8::count(s) } else { s.len() };
    let cut = |s: &[u8], n: usize| if points { utf8::offset(s, n) } else { n.min(s.len()) };
    let have = units(value);
    if have >= target {
        out.extend_from_slice(&value[..cut(value, target)]);
        return;
    }
    let missing = target - have;
    let per = units(fill).max(1);
    let padding = |out: &mut Vec<u8>| {
        (0..missing / per).for_each(|_| out.extend_from_slice(fill));
        out.extend_from_slice(&fill[..cut(fill, missing % per)]);
    };
    if left {
        padding(out);
        out.extend_from_slice(value);
    } else {
        out.extend_from_slice(value);
        padding(out);
    }
}
