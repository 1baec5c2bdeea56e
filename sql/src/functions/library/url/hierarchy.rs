//! A URL as the chain of what it is inside of.
//!
//! Invariant: each of the chain starts with the one before it.

use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::super::kit::{StringLists, Strs, arity, f, string_lists, strings};
use super::parts::path_full;
use crate::functions::{Arg, BoundFunction, ScalarFunction};

const U: &str = "url";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        U,
        "URLHierarchy(url)",
        "The URL cut after each slash, question mark and number sign.",
        (
            "URLHierarchy('https://a.com/b?x')",
            "['https://a.com/','https://a.com/b?','https://a.com/b?x']",
        ),
        |args, _| chain(args, |url, out| {
            match memchr::memmem::find(url, b"://") {
                Some(at) => cuts(url, at + 3, out),
                None => out.push(url),
            }
        }),
    ),
    f(
        U,
        "URLPathHierarchy(url)",
        "The path cut after each slash, question mark and number sign.",
        ("URLPathHierarchy('https://a.com/b/c')", "['/b/','/b/c']"),
        |args, _| chain(args, |url, out| {
            let named = memchr::memmem::find(url, b"://").is_some();
            let path = if named { path_full(url) } else { &b""[..] };
            if path.len() > 1 {
                cuts(path, 1, out);
            }
        }),
    ),
];

fn chain(args: &[Arg], fill: fn(&[u8], &mut StringLists)) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    strings(args)?;
    Ok(BoundFunction::new(DataType::String.array(), move |columns, rows| {
        let s = Strs::of(&columns[0])?;
        string_lists(rows, s.size(rows) * 2, |i, out| {
            fill(s.get(i), out);
            Ok(())
        })
    }))
}

fn cuts(s: &[u8], start: usize, out: &mut StringLists) {
    let delimiter = |b: &u8| b"/?#".contains(b);
    let mut at = start;
    while at < s.len() {
        // Delimiters that follow each other belong to what comes after the first.
        let skipped = s[at..].iter().take_while(|b| delimiter(b)).count();
        let from = at + skipped;
        if from == s.len() {
            return;
        }
        let next = s[from..].iter().position(delimiter);
        at = next.map_or(s.len(), |n| from + n + 1);
        out.push(&s[..at]);
    }
}
