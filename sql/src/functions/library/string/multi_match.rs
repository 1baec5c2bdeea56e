//! Many regular expressions on one string.
//!
//! Invariant: a constant list of patterns is compiled once, as a set.

use regex::bytes::{RegexSet, RegexSetBuilder};
use roost_engine::bail;
use roost_engine::column::Column;
use roost_engine::error::{Code, Error, Result};
use roost_engine::types::{DataType, Value};

use super::super::kit::{Strs, arity, array, f, string};
use super::regexp;
use crate::functions::{Arg, BoundFunction, ScalarFunction};

const S: &str = "string";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        S,
        "multiMatchAny(s, patterns)",
        "Whether any of the patterns matches.",
        ("multiMatchAny('hello', ['x', 'l+'])", "1"),
        |args, _| search(args, Ask::Any),
    ),
    f(
        S,
        "multiMatchAnyIndex(s, patterns)",
        "Index of a pattern that matches, 0 for none.",
        ("multiMatchAnyIndex('hello', ['x', 'l+'])", "2"),
        |args, _| search(args, Ask::Index),
    ),
    f(
        S,
        "multiMatchAllIndices(s, patterns)",
        "Indexes of all patterns that match.",
        ("multiMatchAllIndices('hello', ['h', 'x', 'l+'])", "[1,3]"),
        |args, _| search(args, Ask::All),
    ),
];

#[derive(Clone, Copy)]
enum Ask {
    Any,
    Index,
    All,
}

fn compile<'a>(patterns: impl Iterator<Item = &'a [u8]>) -> Result<RegexSet> {
    let texts: Vec<String> = patterns.map(regexp::translate).collect();
    RegexSetBuilder::new(texts)
        .dot_matches_new_line(true)
        .size_limit(64 << 20)
        .build()
        .map_err(|e| Error::new(Code::CANNOT_COMPILE_REGEXP, e.to_string()))
}

fn search(args: &[Arg], ask: Ask) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    string(args, 0)?;
    if args[1].ty.element() != Some(&DataType::String) {
        bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "illegal type {} of argument 2, expected Array(String)",
            args[1].ty
        );
    }
    let constant = match &args[1].constant {
        Some(Value::Array(list)) => Some(compile(list.iter().filter_map(Value::as_bytes))?),
        _ => None,
    };
    let ty = match ask {
        Ask::Any => DataType::UInt8,
        Ask::Index => DataType::UInt64,
        Ask::All => DataType::UInt64.array(),
    };
    Ok(BoundFunction::new(ty, move |columns, rows| {
        let s = Strs::of(&columns[0])?;
        let lists = columns[1].to_flat();
        let lists = lists.as_array()?;
        let elements = Strs::of(lists.elements())?;
        let (mut answers, mut offsets) = (Vec::with_capacity(rows), vec![0u64]);
        for i in 0..rows {
            let own;
            let set = match &constant {
                Some(set) => set,
                None => {
                    let (start, end) = lists.bounds(i);
                    own = compile((start..end).map(|e| elements.get(e)))?;
                    &own
                }
            };
            match ask {
                Ask::Any => answers.push(u64::from(set.is_match(s.get(i)))),
                Ask::Index => {
                    let first = set.matches(s.get(i)).into_iter().next();
                    answers.push(first.map_or(0, |i| i as u64 + 1));
                }
                Ask::All => answers.extend(set.matches(s.get(i)).into_iter().map(|i| i as u64 + 1)),
            }
            offsets.push(answers.len() as u64);
        }
        Ok(match ask {
            Ask::Any => Column::native(answers.iter().map(|a| *a as u8).collect::<Vec<u8>>()),
            Ask::Index => Column::native(answers),
            Ask::All => array(offsets, Column::native(answers))?,
        })
    }))
}
