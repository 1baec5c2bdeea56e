//! Where a string stands in another.
//!
//! Invariant: positions count from one; 0 means not found.

use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::super::kit::{Compiled, Ints, Strs, arity, f, string, try_nums, utf8, want};
use super::needle::{Fold, Needle};
use crate::functions::{Arg, BoundFunction, ScalarFunction};

const S: &str = "string";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        S,
        "position(haystack, needle[, start])",
        "Position of the first occurrence in bytes, from one; 0 when there is none.",
        ("position('hello', 'l')", "3"),
        |args, _| search(args, Kind::BYTES),
    )
    .also(&["instr"])
    .any_case(),
    f(
        S,
        "locate(needle, haystack[, start])",
        "`position` with needle and haystack exchanged.",
        ("locate('l', 'hello')", "3"),
        |args, _| {
            search(
                args,
                Kind {
                    needle_first: true,
                    ..Kind::BYTES
                },
            )
        },
    )
    .any_case(),
    f(
        S,
        "positionCaseInsensitive(haystack, needle[, start])",
        "`position` that does not look at the case of ASCII letters.",
        ("positionCaseInsensitive('HELLO', 'l')", "3"),
        |args, _| {
            search(
                args,
                Kind {
                    fold: Fold::Ascii,
                    ..Kind::BYTES
                },
            )
        },
    ),
    f(
        S,
        "positionUTF8(haystack, needle[, start])",
        "`position` counting code points.",
        ("positionUTF8('héllo', 'l')", "3"),
        |args, _| {
            search(
                args,
                Kind {
                    points: true,
                    ..Kind::BYTES
                },
            )
        },
    ),
    f(
        S,
        "positionCaseInsensitiveUTF8(haystack, needle[, start])",
        "`positionUTF8` that does not look at the case of letters.",
        ("positionCaseInsensitiveUTF8('HÉLLO', 'é')", "2"),
        |args, _| {
            search(
                args,
                Kind {
                    fold: Fold::Unicode,
                    points: true,
                    needle_first: false,
                },
            )
        },
    ),
];

#[derive(Clone, Copy)]
struct Kind {
    fold: Fold,
    points: bool,
    needle_first: bool,
}

impl Kind {
    const BYTES: Kind = Kind {
        fold: Fold::Exact,
        points: false,
        needle_first: false,
    };
}

fn search(args: &[Arg], kind: Kind) -> Result<BoundFunction> {
    arity(args, 2..=3)?;
    string(args, 0)?;
    string(args, 1)?;
    if let Some(start) = args.get(2) {
        let fits = start.ty.is_unsigned() || start.constant.as_ref().is_some_and(|v| v.as_u64().is_some());
        want(args, 2, fits, "an unsigned integer")?;
    }
    let (hay, pin) = if kind.needle_first { (1, 0) } else { (0, 1) };
    let needles = Compiled::new(args.get(pin), move |s| Ok(Needle::new(s, kind.fold)))?;
    Ok(BoundFunction::new(DataType::UInt64, move |columns, rows| {
        let hay = Strs::of(&columns[hay])?;
        let mut needles = needles.over(&columns[pin])?;
        let start = Ints::or(columns, 2, 0)?;
        let mut scratch = Vec::new();
        try_nums(rows, |i| {
            let needle = needles.get(i)?;
            let value = kind.fold.apply(hay.get(i), &mut scratch);
            Ok(find(value, needle, start.get(i), kind.points))
        })
    }))
}

fn find(hay: &[u8], needle: &Needle, start: i64, points: bool) -> u64 {
    let skip = usize::try_from(start.saturating_sub(1).max(0)).unwrap_or(usize::MAX);
    let from = match points {
        false if skip > hay.len() => return 0,
        false => skip,
        true if skip > 0 && skip > utf8::count(hay) => return 0,
        true => utf8::offset(hay, skip),
    };
    let Some(at) = needle.find(&hay[from..]) else {
        return 0;
    };
    let before = match points {
        true => utf8::count(&hay[..from + at]),
        false => from + at,
    };
    before as u64 + 1
}
