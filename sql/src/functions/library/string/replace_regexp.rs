//! Replacement by regular expressions.
//!
//! Invariant: `\0` to `\9` in the replacement are groups, checked against the pattern before any
//! row is touched; an empty pattern replaces nothing.

use regex::bytes::Regex;
use roost_engine::bail;
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::super::kit::{Compiled, Strs, arity, f, strings, try_text};
use super::anchored::{Anchored, Found, NOWHERE};
use super::regexp::{self, Case};
use crate::functions::{Arg, BoundFunction, ScalarFunction};

const S: &str = "string";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        S,
        "replaceRegexpOne(s, pattern, replacement)",
        "Replaces the first match; `\\1` in the replacement is the first group.",
        ("replaceRegexpOne('hello', 'l', 'x')", "hexlo"),
        |args, _| replace(args, false),
    ),
    f(
        S,
        "replaceRegexpAll(s, pattern, replacement)",
        "Replaces every match; `\\1` in the replacement is the first group.",
        ("replaceRegexpAll('hello', 'l', 'x')", "hexxo"),
        |args, _| replace(args, true),
    )
    .also(&["REGEXP_REPLACE"])
    .any_case(),
];

/// A piece of a replacement.
enum Piece {
    Text(Vec<u8>),
    Group(usize),
}

fn pieces(replacement: &[u8]) -> Result<Vec<Piece>> {
    let (mut all, mut text) = (Vec::new(), Vec::new());
    let mut bytes = replacement.iter().copied().peekable();
    while let Some(b) = bytes.next() {
        match (b, bytes.peek()) {
            (b'\\', Some(&d)) if d.is_ascii_digit() => {
                bytes.next();
                all.push(Piece::Text(std::mem::take(&mut text)));
                all.push(Piece::Group(usize::from(d - b'0')));
            }
            (b'\\', Some(b'\\')) => {
                bytes.next();
                text.push(b'\\');
            }
            (b'\\', Some(&other)) => {
                bytes.next();
                text.push(other);
            }
            (other, _) => text.push(other),
        }
    }
    all.push(Piece::Text(text));
    Ok(all)
}

/// A pattern, and a quicker way to match it when it is simple.
struct Pattern {
    regex: Regex,
    anchored: Option<Anchored>,
}

impl Pattern {
    fn new(text: &[u8]) -> Result<Self> {
        let regex = regexp::compile(text, Case::Sensitive)?;
        let anchored = Anchored::new(regex.as_str());
        Ok(Pattern { regex, anchored })
    }
}

fn check(pattern: &Pattern, pieces: &[Piece]) -> Result<()> {
    let pattern = &pattern.regex;
    let groups = pattern.captures_len() - 1;
    for piece in pieces {
        if let Piece::Group(n) = piece
            && *n > groups
        {
            bail!(
                BAD_ARGUMENTS,
                "the replacement speaks of group {n}, the pattern {pattern} has {groups}"
            );
        }
    }
    Ok(())
}

fn replace(args: &[Arg], all: bool) -> Result<BoundFunction> {
    arity(args, 3..=3)?;
    strings(args)?;
    let patterns = Compiled::new(args.get(1), Pattern::new)?;
    let replacements = Compiled::new(args.get(2), pieces)?;
    if let (Some(p), Some(r)) = (patterns.constant(), replacements.constant()) {
        check(p, r)?;
    }
    Ok(BoundFunction::new(DataType::String, move |columns, rows| {
        let s = Strs::of(&columns[0])?;
        let mut patterns = patterns.over(&columns[1])?;
        let mut replacements = replacements.over(&columns[2])?;
        try_text(rows, s.size(rows), |i, out| {
            let (pattern, with) = (patterns.get(i)?, replacements.get(i)?);
            check(pattern, with)?;
            write(s.get(i), pattern, with, all, out);
            Ok(())
        })
    }))
}

/// The answer of a pattern that can only match at the start; whether it was found out.
fn write_anchored(s: &[u8], pattern: &Anchored, with: &[Piece], out: &mut Vec<u8>) -> bool {
    let slots = match pattern.find(s) {
        Found::Unknown => return false,
        Found::Nothing => {
            out.extend_from_slice(s);
            return true;
        }
        Found::Match(slots) => slots,
    };
    for piece in with {
        match piece {
            Piece::Text(text) => out.extend_from_slice(text),
            Piece::Group(n) => {
                let (start, end) = (slots[2 * n], slots[2 * n + 1]);
                if start != NOWHERE && end != NOWHERE {
                    out.extend_from_slice(&s[start..end]);
                }
            }
        }
    }
    out.extend_from_slice(&s[slots[1]..]);
    true
}

fn write(s: &[u8], pattern: &Pattern, with: &[Piece], all: bool, out: &mut Vec<u8>) {
    if let Some(anchored) = &pattern.anchored
        && write_anchored(s, anchored, with, out)
    {
        return;
    }
    let pattern = &pattern.regex;
    if pattern.as_str().is_empty() {
        out.extend_from_slice(s);
        return;
    }
    let most = if all { usize::MAX } else { 1 };
    let mut done = 0;
    if let [Piece::Text(text)] = with {
        for found in pattern.find_iter(s).take(most) {
            out.extend_from_slice(&s[done..found.start()]);
            out.extend_from_slice(text);
            done = found.end();
        }
    } else {
        for found in pattern.captures_iter(s).take(most) {
            let Some(whole) = found.get(0) else { continue };
            out.extend_from_slice(&s[done..whole.start()]);
            for piece in with {
                match piece {
                    Piece::Text(text) => out.extend_from_slice(text),
                    Piece::Group(n) => {
                        out.extend_from_slice(found.get(*n).map_or(b"", |m| m.as_bytes()));
                    }
                }
            }
            done = whole.end();
        }
    }
    out.extend_from_slice(&s[done..]);
}
