//! Matching regular expressions and taking out what matched.
//!
//! Invariant: where a pattern has groups, the first one is what is taken.

use regex::bytes::Regex;
use roost_engine::bail;
use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::super::kit::{
    Compiled, Ints, Strs, arity, f, integer, string, string_lists, strings, to_text, try_nums,
    try_text, want,
};
use super::regexp::{self, Case};
use crate::functions::{Arg, BoundFunction, ScalarFunction};

const S: &str = "string";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        S,
        "match(s, pattern)",
        "Whether a regular expression (RE2) matches somewhere in the string.",
        ("match('hello', 'l+')", "1"),
        |args, _| matches(args, Case::Sensitive, false),
    )
    .also(&["REGEXP_MATCHES"])
    .any_case(),
    f(
        S,
        "matchCaseInsensitive(s, pattern)",
        "`match` that does not look at the case of letters.",
        ("matchCaseInsensitive('HELLO', 'l+')", "1"),
        |args, _| matches(args, Case::Insensitive, false),
    ),
    f(
        S,
        "notMatch(s, pattern)",
        "Whether a regular expression matches nowhere in the string.",
        ("notMatch('hello', 'l+')", "0"),
        |args, _| matches(args, Case::Sensitive, true),
    ),
    f(
        S,
        "notMatchCaseInsensitive(s, pattern)",
        "`notMatch` that does not look at the case of letters.",
        ("notMatchCaseInsensitive('HELLO', 'l+')", "0"),
        |args, _| matches(args, Case::Insensitive, true),
    ),
    f(
        S,
        "regexpPosition(s, pattern)",
        "Position in bytes of the first match, from one; 0 when there is none.",
        ("regexpPosition('hello', 'l+')", "3"),
        |args, _| {
            arity(args, 2..=2)?;
            strings(args)?;
            let patterns = Compiled::new(args.get(1), pattern)?;
            Ok(BoundFunction::new(DataType::UInt64, move |columns, rows| {
                let s = Strs::of(&columns[0])?;
                let mut patterns = patterns.over(&columns[1])?;
                try_nums(rows, |i| {
                    let found = patterns.get(i)?.find(s.get(i));
                    Ok(found.map_or(0, |m| m.start() as u64 + 1))
                })
            }))
        },
    )
    .also(&["regexpInstr", "REGEXP_INSTR"])
    .any_case(),
    f(
        S,
        "extract(s, pattern)",
        "The first match, of the first group where there is one; empty when nothing matches.",
        ("extract('abc123', '\\\\d+')", "123"),
        |args, _| extract(args),
    ),
    f(
        S,
        "extractAll(s, pattern)",
        "All matches, of the first group where there is one.",
        ("extractAll('a1b22', '\\\\d+')", "['1','22']"),
        |args, _| extract_all(args),
    ),
    f(
        S,
        "regexpExtract(s, pattern[, index])",
        "The text of group `index` (default 1, 0 is the whole match) of the first match.",
        ("regexpExtract('100-200', '(\\\\d+)-(\\\\d+)', 2)", "200"),
        |args, _| regexp_extract(args),
    )
    .also(&["REGEXP_EXTRACT", "REGEXP_SUBSTR"])
    .any_case(),
    f(
        S,
        "regexpQuoteMeta(s)",
        "Puts a backslash before what has a meaning in regular expressions.",
        ("regexpQuoteMeta('a.b')", "a\\\\.b"),
        |args, _| {
            super::super::kit::text_to_text(args, |s, out| {
                for &b in s {
                    if b"\0\\|()^$.[]?*+{:-".contains(&b) {
                        out.push(b'\\');
                    }
                    out.push(if b == 0 { b'0' } else { b });
                }
            })
        },
    ),
];

/// Turns the first argument into strings.
pub(crate) type AsStrings = Box<dyn Fn(&Column) -> Result<Column> + Send + Sync>;

/// Checks a haystack (a string or an enum) and a pattern.
pub(crate) fn searchable(args: &[Arg]) -> Result<AsStrings> {
    string(args, 1)?;
    let ty = args[0].ty.clone();
    want(args, 0, ty.is_string() || ty.is_enum(), "a string or an enum")?;
    Ok(match ty.is_enum() {
        true => Box::new(move |column| to_text(column, &ty)),
        false => Box::new(|column| Ok(column.clone())),
    })
}

fn pattern(s: &[u8]) -> Result<Regex> {
    regexp::compile(s, Case::Sensitive)
}

fn matches(args: &[Arg], case: Case, negated: bool) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    let column = searchable(args)?;
    let patterns = Compiled::new(args.get(1), move |s| regexp::compile(s, case))?;
    Ok(BoundFunction::new(DataType::UInt8, move |columns, rows| {
        let source = column(&columns[0])?;
        let s = Strs::of(&source)?;
        let mut patterns = patterns.over(&columns[1])?;
        try_nums(rows, |i| {
            Ok(u8::from(patterns.get(i)?.is_match(s.get(i)) != negated))
        })
    }))
}

/// The first group where the pattern has one, else the whole match.
fn wanted(pattern: &Regex) -> usize {
    usize::from(pattern.captures_len() > 1)
}

fn extract(args: &[Arg]) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    strings(args)?;
    let patterns = Compiled::new(args.get(1), pattern)?;
    Ok(BoundFunction::new(DataType::String, move |columns, rows| {
        let s = Strs::of(&columns[0])?;
        let mut patterns = patterns.over(&columns[1])?;
        try_text(rows, 0, |i, out| {
            let (pattern, value) = (patterns.get(i)?, s.get(i));
            let found = match wanted(pattern) {
                0 => pattern.find(value),
                group => pattern.captures(value).and_then(|c| c.get(group)),
            };
            found.into_iter().for_each(|m| out.extend_from_slice(m.as_bytes()));
            Ok(())
        })
    }))
}

fn extract_all(args: &[Arg]) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    strings(args)?;
    let patterns = Compiled::new(args.get(1), pattern)?;
    Ok(BoundFunction::new(DataType::String.array(), move |columns, rows| {
        let s = Strs::of(&columns[0])?;
        let mut patterns = patterns.over(&columns[1])?;
        string_lists(rows, 0, |i, out| {
            let (pattern, value) = (patterns.get(i)?, s.get(i));
            match wanted(pattern) {
                0 => pattern
                    .find_iter(value)
                    .filter(|m| !m.is_empty())
                    .for_each(|m| out.push(m.as_bytes())),
                group => pattern
                    .captures_iter(value)
                    .filter(|c| c.get(0).is_some_and(|m| !m.is_empty()))
                    .for_each(|c| out.push(c.get(group).map_or(b"", |m| m.as_bytes()))),
            }
            Ok(())
        })
    }))
}

fn regexp_extract(args: &[Arg]) -> Result<BoundFunction> {
    arity(args, 2..=3)?;
    string(args, 0)?;
    string(args, 1)?;
    if args.len() == 3 {
        integer(args, 2)?;
    }
    let patterns = Compiled::new(args.get(1), pattern)?;
    Ok(BoundFunction::new(DataType::String, move |columns, rows| {
        let s = Strs::of(&columns[0])?;
        let mut patterns = patterns.over(&columns[1])?;
        let index = Ints::or(columns, 2, -1)?;
        try_text(rows, 0, |i, out| {
            let pattern = patterns.get(i)?;
            let groups = pattern.captures_len();
            let group = match index.get(i) {
                -1 if columns.len() < 3 => usize::from(groups > 1),
                n => match usize::try_from(n) {
                    Ok(n) if n < groups => n,
                    _ => bail!(
                        INDEX_OF_POSITIONAL_ARGUMENT_IS_OUT_OF_RANGE,
                        "found group {n}, the pattern {pattern} has groups 0 to {}",
                        groups - 1
                    ),
                },
            };
            let found = pattern.captures(s.get(i)).and_then(|c| c.get(group));
            found.into_iter().for_each(|m| out.extend_from_slice(m.as_bytes()));
            Ok(())
        })
    }))
}
