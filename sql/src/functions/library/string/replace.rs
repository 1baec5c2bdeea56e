//! Plain replacement.
//!
//! Invariant: an empty needle replaces nothing.

use memchr::memmem::Finder;
use roost_engine::bail;
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::super::kit::{Compiled, Ints, Strs, arity, f, integer, string, strings, try_text, utf8};
use crate::functions::{Arg, BoundFunction, ScalarFunction};

const S: &str = "string";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        S,
        "replaceOne(s, needle, replacement)",
        "Replaces the first occurrence.",
        ("replaceOne('hello', 'l', 'L')", "heLlo"),
        |args, _| replace(args, 1),
    ),
    f(
        S,
        "replaceAll(s, needle, replacement)",
        "Replaces every occurrence.",
        ("replaceAll('hello', 'l', 'L')", "heLLo"),
        |args, _| replace(args, usize::MAX),
    )
    .also(&["replace"])
    .any_case(),
    f(
        S,
        "overlay(s, replacement, offset[, length])",
        "Puts the replacement over the bytes from `offset`, as many as it has or `length`.",
        ("overlay('Spark SQL', '_', 6)", "Spark_SQL"),
        |args, _| overlay(args, false),
    )
    .any_case(),
    f(
        S,
        "overlayUTF8(s, replacement, offset[, length])",
        "`overlay` counting code points.",
        ("overlayUTF8('héllo', 'E', 2)", "hEllo"),
        |args, _| overlay(args, true),
    )
    .any_case(),
];

fn replace(args: &[Arg], most: usize) -> Result<BoundFunction> {
    arity(args, 3..=3)?;
    strings(args)?;
    if args[0].ty != DataType::String {
        bail!(
            ILLEGAL_COLUMN,
            "illegal type {} of argument 1, expected String",
            args[0].ty
        );
    }
    let finders = Compiled::new(args.get(1), |s| Ok(Finder::new(s).into_owned()))?;
    Ok(BoundFunction::new(DataType::String, move |columns, rows| {
        let s = Strs::of(&columns[0])?;
        let mut finders = finders.over(&columns[1])?;
        let with = Strs::of(&columns[2])?;
        try_text(rows, s.size(rows), |i, out| {
            let (value, finder, with) = (s.get(i), finders.get(i)?, with.get(i));
            let width = finder.needle().len();
            let mut done = 0;
            if width > 0 {
                for at in finder.find_iter(value).take(most) {
                    out.extend_from_slice(&value[done..at]);
                    out.extend_from_slice(with);
                    done = at + width;
                }
            }
            out.extend_from_slice(&value[done..]);
            Ok(())
        })
    }))
}

fn overlay(args: &[Arg], points: bool) -> Result<BoundFunction> {
    arity(args, 3..=4)?;
    string(args, 0)?;
    string(args, 1)?;
    (2..args.len()).try_for_each(|i| integer(args, i))?;
    Ok(BoundFunction::new(DataType::String, move |columns, rows| {
        let (s, with) = (Strs::of(&columns[0])?, Strs::of(&columns[1])?);
        let (offset, length) = (Ints::of(&columns[2])?, Ints::or(columns, 3, -1)?);
        let units = |s: &[u8]| if points { utf8::count(s) } else { s.len() };
        let at = |s: &[u8], n: usize| if points { utf8::offset(s, n) } else { n.min(s.len()) };
        try_text(rows, s.size(rows) + with.size(rows), |i, out| {
            let (value, with) = (s.get(i), with.get(i));
            let all = units(value);
            let start = match offset.get(i) {
                0 => all,
                n if n > 0 => all.min(usize::try_from(n - 1).unwrap_or(usize::MAX)),
                n => all.saturating_sub(usize::try_from(n.unsigned_abs()).unwrap_or(usize::MAX)),
            };
            let cover = usize::try_from(length.get(i)).unwrap_or_else(|_| units(with));
            out.extend_from_slice(&value[..at(value, start)]);
            out.extend_from_slice(with);
            out.extend_from_slice(&value[at(value, start.saturating_add(cover))..]);
            Ok(())
        })
    }))
}
