//! `format`: braces replaced by arguments.
//!
//! Invariant: the pattern is a constant, read once; braces are all numbered or none is.

use roost_engine::bail;
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::super::kit::{Strs, Texts, arity, f, string, text};
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[f(
    "string",
    "format(pattern, ...)",
    "The pattern with `{}` or `{0}` replaced by the arguments; `{{` is a brace.",
    ("format('{1} {0} {1}', 'a', 'b')", "b a b"),
    format,
)];

enum Piece {
    Text(Vec<u8>),
    Argument(usize),
}

fn pieces(pattern: &[u8], arguments: usize) -> Result<Vec<Piece>> {
    let (mut all, mut plain) = (Vec::new(), Vec::new());
    let mut next = 0usize;
    let mut numbered = None;
    let mut at = 0;
    while at < pattern.len() {
        match (pattern[at], pattern.get(at + 1)) {
            (b'{', Some(b'{')) | (b'}', Some(b'}')) => {
                plain.push(pattern[at]);
                at += 2;
            }
            (b'}', _) => bail!(
                BAD_ARGUMENTS,
                "closed curly brace without open one at position {at}"
            ),
            (b'{', _) => {
                let Some(len) = memchr::memchr(b'}', &pattern[at..]) else {
                    bail!(BAD_ARGUMENTS, "last open curly brace is not closed");
                };
                let inside = &pattern[at + 1..at + len];
                if *numbered.get_or_insert(!inside.is_empty()) == inside.is_empty() {
                    bail!(
                        BAD_ARGUMENTS,
                        "cannot mix numbered and automatic fields in a format"
                    );
                }
                let index = match inside {
                    [] => next,
                    digits => number(digits)?,
                };
                next += 1;
                if index >= arguments {
                    bail!(
                        BAD_ARGUMENTS,
                        "the format speaks of argument {index}, there are {arguments}"
                    );
                }
                all.push(Piece::Text(std::mem::take(&mut plain)));
                all.push(Piece::Argument(index));
                at += len + 1;
            }
            (other, _) => {
                plain.push(other);
                at += 1;
            }
        }
    }
    all.push(Piece::Text(plain));
    Ok(all)
}

fn number(digits: &[u8]) -> Result<usize> {
    let text = std::str::from_utf8(digits).ok();
    let number = text.filter(|t| t.bytes().all(|b| b.is_ascii_digit()) && t.len() < 10);
    match number.and_then(|t| t.parse().ok()) {
        Some(n) => Ok(n),
        None => bail!(
            BAD_ARGUMENTS,
            "not a number in curly braces: {}",
            String::from_utf8_lossy(digits)
        ),
    }
}

fn format(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    arity(args, 2..=usize::MAX)?;
    string(args, 0)?;
    let Some(pattern) = args[0].constant.as_ref().and_then(|v| v.as_bytes()) else {
        bail!(ILLEGAL_COLUMN, "the pattern must be a constant string");
    };
    let pieces = pieces(pattern, args.len() - 1)?;
    let texts: Vec<Texts> = args[1..].iter().map(|a| Texts::new(&a.ty, context)).collect();
    Ok(BoundFunction::new(DataType::String, move |columns, rows| {
        let parts: Vec<_> = columns[1..].iter().zip(&texts).map(|(c, t)| t.apply(c)).collect();
        let parts = parts.iter().map(Strs::of).collect::<Result<Vec<_>>>()?;
        let size = parts.iter().map(|p| p.size(rows)).sum();
        Ok(text(rows, size, |i, out| {
            for piece in &pieces {
                match piece {
                    Piece::Text(plain) => out.extend_from_slice(plain),
                    Piece::Argument(n) => out.extend_from_slice(parts[*n].get(i)),
                }
            }
        }))
    }))
}
