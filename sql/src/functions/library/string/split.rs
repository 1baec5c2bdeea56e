//! Strings split into arrays.
//!
//! Invariant: with a limit the pieces after it are dropped.

use memchr::memmem::Finder;
use roost_engine::bail;
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::super::kit::{
    Compiled, Ints, StringLists, Strs, arity, f, integer, string, string_lists,
};
use super::regexp::{self, Case};
use crate::functions::{Arg, BoundFunction, ScalarFunction};

const S: &str = "string";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        S,
        "splitByChar(separator, s[, limit])",
        "The pieces between single bytes.",
        ("splitByChar(',', 'a,b,,c')", "['a','b','','c']"),
        |args, _| separated(args, Separator::byte),
    ),
    f(
        S,
        "splitByString(separator, s[, limit])",
        "The pieces between occurrences of a string; the empty separator gives single bytes.",
        ("splitByString(', ', 'a, b, c')", "['a','b','c']"),
        |args, _| separated(args, |s| Ok(Separator::string(s))),
    ),
    f(
        S,
        "splitByRegexp(pattern, s[, limit])",
        "The pieces between matches of a regular expression.",
        ("splitByRegexp('\\\\d+', 'a12b3c')", "['a','b','c']"),
        |args, _| separated(args, Separator::pattern),
    ),
    f(
        S,
        "splitByWhitespace(s[, limit])",
        "The pieces between white space.",
        ("splitByWhitespace(' a, b ')", "['a,','b']"),
        |args, _| runs(args, |b| !is_space(b)),
    ),
    f(
        S,
        "splitByNonAlpha(s[, limit])",
        "The pieces between white space and punctuation.",
        ("splitByNonAlpha(' a, b! ')", "['a','b']"),
        |args, _| runs(args, |b| !is_space(b) && !b.is_ascii_punctuation()),
    ),
    f(
        S,
        "alphaTokens(s[, limit])",
        "The runs of ASCII letters.",
        ("alphaTokens('abca1abc')", "['abca','abc']"),
        |args, _| runs(args, |b| b.is_ascii_alphabetic()),
    )
    .also(&["splitByAlpha"]),
];

/// White space of ASCII, with the vertical tab.
pub(crate) fn is_space(b: u8) -> bool {
    b.is_ascii_whitespace() || b == 0x0B
}

/// What stands between pieces.
pub(crate) enum Separator {
    Byte(u8),
    String(Box<Finder<'static>>),
    Pattern(regex::bytes::Regex),
    /// Between all bytes.
    Nothing,
}

impl Separator {
    fn byte(s: &[u8]) -> Result<Self> {
        match s {
            [byte] => Ok(Separator::Byte(*byte)),
            _ => bail!(
                BAD_ARGUMENTS,
                "the separator must be exactly one byte, found {}",
                s.len()
            ),
        }
    }

    pub(crate) fn string(s: &[u8]) -> Self {
        match s {
            [] => Separator::Nothing,
            _ => Separator::String(Box::new(Finder::new(s).into_owned())),
        }
    }

    fn pattern(s: &[u8]) -> Result<Self> {
        Ok(match s {
            [] => Separator::Nothing,
            _ => Separator::Pattern(regexp::compile(s, Case::Sensitive)?),
        })
    }

    /// Pushes at most `most` pieces of `s`.
    pub(crate) fn split(&self, s: &[u8], most: usize, out: &mut StringLists) {
        match self {
            Separator::Byte(byte) => pieces(s, memchr::memchr_iter(*byte, s).map(|i| (i, i + 1)), most, out),
            Separator::String(finder) => {
                let width = finder.needle().len();
                pieces(s, finder.find_iter(s).map(|i| (i, i + width)), most, out);
            }
            Separator::Nothing => s.chunks(1).take(most).for_each(|b| out.push(b)),
            Separator::Pattern(regex) => {
                // An empty match ends the splitting: the rest is one piece.
                let found = regex.find_iter(s).take_while(|m| !m.is_empty());
                pieces(s, found.map(|m| (m.start(), m.end())), most, out);
            }
        }
    }
}

fn pieces(
    s: &[u8],
    gaps: impl Iterator<Item = (usize, usize)>,
    most: usize,
    out: &mut StringLists,
) {
    let (mut start, mut left) = (0, most);
    for (end, next) in gaps {
        if left == 0 {
            return;
        }
        out.push(&s[start..end]);
        (start, left) = (next, left - 1);
    }
    if left > 0 {
        out.push(&s[start..]);
    }
}

/// The limit of row `i`: none when it is not positive.
fn limit(limits: &Ints, row: usize) -> usize {
    match limits.get(row) {
        n if n > 0 => usize::try_from(n).unwrap_or(usize::MAX),
        _ => usize::MAX,
    }
}

fn separated(args: &[Arg], build: fn(&[u8]) -> Result<Separator>) -> Result<BoundFunction> {
    arity(args, 2..=3)?;
    string(args, 0)?;
    string(args, 1)?;
    if args.len() == 3 {
        integer(args, 2)?;
    }
    let separators = Compiled::new(args.first(), build)?;
    Ok(BoundFunction::new(DataType::String.array(), move |columns, rows| {
        let s = Strs::of(&columns[1])?;
        let mut separators = separators.over(&columns[0])?;
        let limits = Ints::or(columns, 2, 0)?;
        string_lists(rows, s.size(rows), |i, out| {
            separators.get(i)?.split(s.get(i), limit(&limits, i), out);
            Ok(())
        })
    }))
}

fn runs(args: &[Arg], inside: fn(u8) -> bool) -> Result<BoundFunction> {
    arity(args, 1..=2)?;
    string(args, 0)?;
    if args.len() == 2 {
        integer(args, 1)?;
    }
    Ok(BoundFunction::new(DataType::String.array(), move |columns, rows| {
        let s = Strs::of(&columns[0])?;
        let limits = Ints::or(columns, 1, 0)?;
        string_lists(rows, s.size(rows), |i, out| {
            let pieces = s.get(i).split(|b| !inside(*b)).filter(|p| !p.is_empty());
            pieces.take(limit(&limits, i)).for_each(|p| out.push(p));
            Ok(())
        })
    }))
}
