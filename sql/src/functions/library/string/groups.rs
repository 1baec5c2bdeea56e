//! All groups of regular expressions at once.
//!
//! Invariant: a group that took no part in a match gives the empty string.

use regex::bytes::Regex;
use roost_engine::bail;
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::super::kit::{Compiled, StringLists, Strs, arity, array, f, string_lists, strings};
use super::regexp::{self, Case};
use crate::functions::{Arg, BoundFunction, ScalarFunction};

const S: &str = "string";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        S,
        "extractGroups(s, pattern)",
        "The groups of the first match.",
        ("extractGroups('a=1', '(\\\\w)=(\\\\d)')", "['a','1']"),
        |args, _| first(args),
    ),
    f(
        S,
        "extractAllGroupsVertical(s, pattern)",
        "For every match the array of its groups.",
        (
            "extractAllGroupsVertical('a=1,b=2', '(\\\\w)=(\\\\d)')",
            "[['a','1'],['b','2']]",
        ),
        |args, _| nested(args, vertical),
    )
    .also(&["extractAllGroups"]),
    f(
        S,
        "extractAllGroupsHorizontal(s, pattern)",
        "For every group the array of its texts in all matches.",
        (
            "extractAllGroupsHorizontal('a=1,b=2', '(\\\\w)=(\\\\d)')",
            "[['a','b'],['1','2']]",
        ),
        |args, _| nested(args, horizontal),
    ),
];

fn pattern(s: &[u8]) -> Result<Regex> {
    let regex = regexp::compile(s, Case::Sensitive)?;
    if regex.captures_len() < 2 {
        bail!(BAD_ARGUMENTS, "there are no groups in the pattern {regex}");
    }
    Ok(regex)
}

fn first(args: &[Arg]) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    strings(args)?;
    let patterns = Compiled::new(args.get(1), pattern)?;
    Ok(BoundFunction::new(DataType::String.array(), move |columns, rows| {
        let s = Strs::of(&columns[0])?;
        let mut patterns = patterns.over(&columns[1])?;
        string_lists(rows, 0, |i, out| {
            if let Some(found) = patterns.get(i)?.captures(s.get(i)) {
                found.iter().skip(1).for_each(|g| out.push(g.map_or(b"", |m| m.as_bytes())));
            }
            Ok(())
        })
    }))
}

type Fill = fn(&Regex, &[u8], &mut StringLists);

fn nested(args: &[Arg], fill: Fill) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    strings(args)?;
    let patterns = Compiled::new(args.get(1), pattern)?;
    let ty = DataType::String.array().array();
    Ok(BoundFunction::new(ty, move |columns, rows| {
        let s = Strs::of(&columns[0])?;
        let mut patterns = patterns.over(&columns[1])?;
        let mut inner = StringLists::new(rows, 0);
        let mut offsets = vec![0u64];
        for i in 0..rows {
            fill(patterns.get(i)?, s.get(i), &mut inner);
            offsets.push(inner.rows() as u64);
        }
        array(offsets, inner.finish()?)
    }))
}

fn vertical(pattern: &Regex, s: &[u8], out: &mut StringLists) {
    for found in pattern.captures_iter(s) {
        found.iter().skip(1).for_each(|g| out.push(g.map_or(b"", |m| m.as_bytes())));
        out.end_row();
    }
}

fn horizontal(pattern: &Regex, s: &[u8], out: &mut StringLists) {
    for group in 1..pattern.captures_len() {
        for found in pattern.captures_iter(s) {
            out.push(found.get(group).map_or(b"", |m| m.as_bytes()));
        }
        out.end_row();
    }
}
