//! Strings made of repetitions.
//!
//! Invariant: no call writes more than the limits allow, however large the number.

use roost_engine::bail;
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::super::kit::{Ints, Strs, arity, f, integer, string, strings, text, try_text};
use crate::functions::{Arg, BoundFunction, ScalarFunction};

const S: &str = "string";
const TIMES_MAX: i64 = 1_000_000;
const BYTES_MAX: usize = 1 << 30;

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        S,
        "repeat(s, n)",
        "The string `n` times.",
        ("repeat('ab', 3)", "ababab"),
        |args, _| {
            arity(args, 2..=2)?;
            string(args, 0)?;
            integer(args, 1)?;
            Ok(BoundFunction::new(DataType::String, |columns, rows| {
                let (s, n) = (Strs::of(&columns[0])?, Ints::of(&columns[1])?);
                try_text(rows, s.size(rows), |i, out| {
                    fill(s.get(i), n.get(i), out)
                })
            }))
        },
    )
    .any_case(),
    f(
        S,
        "space(n)",
        "`n` spaces.",
        ("space(3)", "   "),
        |args, _| {
            arity(args, 1..=1)?;
            integer(args, 0)?;
            Ok(BoundFunction::new(DataType::String, |columns, rows| {
                let n = Ints::of(&columns[0])?;
                try_text(rows, 0, |i, out| fill(b" ", n.get(i), out))
            }))
        },
    )
    .any_case(),
    f(
        S,
        "appendTrailingCharIfAbsent(s, c)",
        "Appends the character unless the string is empty or ends with it.",
        ("appendTrailingCharIfAbsent('abc', '/')", "abc/"),
        |args, _| append_trailing(args),
    ),
];

fn fill(s: &[u8], n: i64, out: &mut Vec<u8>) -> Result<()> {
    if n <= 0 {
        return Ok(());
    }
    if n > TIMES_MAX {
        bail!(
            TOO_LARGE_STRING_SIZE,
            "too many times to repeat ({n}), maximum is {TIMES_MAX}"
        );
    }
    if out.len().saturating_add(s.len().saturating_mul(n as usize)) > BYTES_MAX {
        bail!(
            TOO_LARGE_STRING_SIZE,
            "a column of repeated strings would pass {BYTES_MAX} bytes"
        );
    }
    (0..n).for_each(|_| out.extend_from_slice(s));
    Ok(())
}

fn append_trailing(args: &[Arg]) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    strings(args)?;
    let tail = args[1].constant.as_ref().and_then(|v| v.as_bytes());
    let Some(&[byte]) = tail else {
        bail!(
            BAD_ARGUMENTS,
            "argument 2 must be a constant string of one character"
        );
    };
    Ok(BoundFunction::new(DataType::String, move |columns, rows| {
        let s = Strs::of(&columns[0])?;
        Ok(text(rows, s.size(rows) + rows, |i, out| {
            let value = s.get(i);
            out.extend_from_slice(value);
            if value.last().is_some_and(|last| *last != byte) {
                out.push(byte);
            }
        }))
    }))
}
