//! Whether a string (or an array) starts or ends with another.
//!
//! Invariant: the empty affix fits everything.

use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::super::kit::{f, text_text_nums};
use super::needle::Fold;
use crate::functions::{Arg, BoundFunction, ScalarFunction};

const S: &str = "string";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        S,
        "startsWith(s, prefix)",
        "Whether a string or an array starts with another.",
        ("startsWith('abc', 'ab')", "1"),
        |args, _| affix(args, true),
    ),
    f(
        S,
        "endsWith(s, suffix)",
        "Whether a string or an array ends with another.",
        ("endsWith('abc', 'bc')", "1"),
        |args, _| affix(args, false),
    ),
    f(
        S,
        "startsWithUTF8(s, prefix)",
        "`startsWith` of valid UTF-8.",
        ("startsWithUTF8('абв', 'аб')", "1"),
        |args, _| plain(args, |s, p| s.starts_with(p)),
    ),
    f(
        S,
        "endsWithUTF8(s, suffix)",
        "`endsWith` of valid UTF-8.",
        ("endsWithUTF8('абв', 'бв')", "1"),
        |args, _| plain(args, |s, p| s.ends_with(p)),
    ),
    f(
        S,
        "startsWithCaseInsensitive(s, prefix)",
        "`startsWith` that does not look at the case of ASCII letters.",
        ("startsWithCaseInsensitive('ABC', 'ab')", "1"),
        |args, _| plain(args, |s, p| s.get(..p.len()).is_some_and(|h| h.eq_ignore_ascii_case(p))),
    ),
    f(
        S,
        "endsWithCaseInsensitive(s, suffix)",
        "`endsWith` that does not look at the case of ASCII letters.",
        ("endsWithCaseInsensitive('ABC', 'bc')", "1"),
        |args, _| {
            plain(args, |s, p| {
                let start = s.len().checked_sub(p.len());
                start.is_some_and(|at| s[at..].eq_ignore_ascii_case(p))
            })
        },
    ),
    f(
        S,
        "startsWithCaseInsensitiveUTF8(s, prefix)",
        "`startsWith` that does not look at the case of letters.",
        ("startsWithCaseInsensitiveUTF8('ÉA', 'é')", "1"),
        |args, _| folded(args, |s, p| s.starts_with(p)),
    ),
    f(
        S,
        "endsWithCaseInsensitiveUTF8(s, suffix)",
        "`endsWith` that does not look at the case of letters.",
        ("endsWithCaseInsensitiveUTF8('AÉ', 'é')", "1"),
        |args, _| folded(args, |s, p| s.ends_with(p)),
    ),
];

fn plain(args: &[Arg], test: fn(&[u8], &[u8]) -> bool) -> Result<BoundFunction> {
    text_text_nums(args, DataType::UInt8, move |s, p| u8::from(test(s, p)))
}

fn folded(args: &[Arg], test: fn(&[u8], &[u8]) -> bool) -> Result<BoundFunction> {
    text_text_nums(args, DataType::UInt8, move |s, p| {
        let (mut a, mut b) = (Vec::new(), Vec::new());
        u8::from(test(
            Fold::Unicode.apply(s, &mut a),
            Fold::Unicode.apply(p, &mut b),
        ))
    })
}

fn affix(args: &[Arg], start: bool) -> Result<BoundFunction> {
    if let [Arg { ty: DataType::Array(_), .. }, _] = args {
        return super::super::array::has::affix(args, start);
    }
    match start {
        true => plain(args, |s, p| s.starts_with(p)),
        false => plain(args, |s, p| s.ends_with(p)),
    }
}
