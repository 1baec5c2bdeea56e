//! Many needles in one haystack.
//!
//! Invariant: a constant list of needles is prepared once; positions and indexes count from one.

use aho_corasick::AhoCorasick;
use roost_engine::bail;
use roost_engine::column::Column;
use roost_engine::error::{Error, Result};
use roost_engine::types::{DataType, Value};

use super::super::kit::{Strs, arity, array, f, string, utf8};
use super::needle::{Fold, Needle};
use crate::functions::{Arg, BoundFunction, ScalarFunction};

const S: &str = "string";

macro_rules! family {
    ($($suffix:literal $fold:ident $points:literal $words:literal),* $(,)?) => {
        /// The functions of this file.
        pub static FUNCTIONS: &[ScalarFunction] = &[ $(
            f(
                S,
                concat!("multiSearchAny", $suffix, "(haystack, needles)"),
                concat!("Whether any of the needles occurs", $words, "."),
                (concat!("multiSearchAny", $suffix, "('hello', ['x', 'l'])"), "1"),
                |args, _| search(args, Ask::Any, Fold::$fold, $points),
            ),
            f(
                S,
                concat!("multiSearchFirstIndex", $suffix, "(haystack, needles)"),
                concat!("Index of the first needle that occurs, 0 for none", $words, "."),
                (concat!("multiSearchFirstIndex", $suffix, "('hello', ['x', 'l'])"), "2"),
                |args, _| search(args, Ask::FirstIndex, Fold::$fold, $points),
            ),
            f(
                S,
                concat!("multiSearchFirstPosition", $suffix, "(haystack, needles)"),
                concat!("Leftmost position of any needle, 0 for none", $words, "."),
                (concat!("multiSearchFirstPosition", $suffix, "('hello', ['o', 'l'])"), "3"),
                |args, _| search(args, Ask::FirstPosition, Fold::$fold, $points),
            ),
            f(
                S,
                concat!("multiSearchAllPositions", $suffix, "(haystack, needles)"),
                concat!("Position of each needle's first occurrence, 0 for none", $words, "."),
                (concat!("multiSearchAllPositions", $suffix, "('hello', ['o', 'l'])"), "[5,3]"),
                |args, _| search(args, Ask::AllPositions, Fold::$fold, $points),
            ),
        )* ];
    };
}

family!(
    "" Exact false "",
    "CaseInsensitive" Ascii false ", in any case of ASCII letters",
    "UTF8" Exact true ", counting code points",
    "CaseInsensitiveUTF8" Unicode true ", counting code points, in any case",
);

#[derive(Clone, Copy, PartialEq)]
enum Ask {
    Any,
    FirstIndex,
    FirstPosition,
    AllPositions,
}

/// Needles ready to be looked for.
struct Needles {
    each: Vec<Needle>,
    together: Option<AhoCorasick>,
}

fn prepare<'a>(needles: impl Iterator<Item = &'a [u8]>, ask: Ask, fold: Fold, often: bool) -> Result<Needles> {
    let (mut each, mut folded) = (Vec::new(), Vec::new());
    for needle in needles {
        each.push(Needle::new(needle, fold));
        let mut scratch = Vec::new();
        folded.push(fold.apply(needle, &mut scratch).to_vec());
    }
    let together = (often && each.len() > 2 && ask != Ask::AllPositions)
        .then(|| AhoCorasick::new(&folded))
        .transpose()
        .map_err(|e| Error::bug(format!("cannot prepare the needles: {e}")))?;
    Ok(Needles { each, together })
}

fn constant_needles(value: &Value) -> Option<Vec<&[u8]>> {
    match value {
        Value::Array(values) => values.iter().map(Value::as_bytes).collect(),
        _ => None,
    }
}

fn search(args: &[Arg], ask: Ask, fold: Fold, points: bool) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    string(args, 0)?;
    match args[1].ty.element() {
        Some(DataType::String) => {}
        _ => bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "illegal type {} of argument 2, expected Array(String)",
            args[1].ty
        ),
    }
    let constant = match args[1].constant.as_ref().and_then(constant_needles) {
        Some(needles) => Some(prepare(needles.into_iter(), ask, fold, true)?),
        None => None,
    };
    let ty = match ask {
        Ask::Any => DataType::UInt8,
        Ask::FirstIndex | Ask::FirstPosition => DataType::UInt64,
        Ask::AllPositions => DataType::UInt64.array(),
    };
    Ok(BoundFunction::new(ty, move |columns, rows| {
        let hay = Strs::of(&columns[0])?;
        let mut answers = Vec::with_capacity(rows);
        let mut offsets = vec![0u64];
        let mut scratch = Vec::new();
        let lists = columns[1].to_flat();
        let lists = lists.as_array()?;
        let elements = Strs::of(lists.elements())?;
        for i in 0..rows {
            let value = fold.apply(hay.get(i), &mut scratch);
            let own;
            let needles = match &constant {
                Some(needles) => needles,
                None => {
                    let (start, end) = lists.bounds(i);
                    own = prepare((start..end).map(|e| elements.get(e)), ask, fold, false)?;
                    &own
                }
            };
            answer(value, needles, ask, points, &mut answers);
            offsets.push(answers.len() as u64);
        }
        Ok(match ask {
            Ask::Any => Column::native(answers.iter().map(|a| *a as u8).collect::<Vec<u8>>()),
            Ask::AllPositions => array(offsets, Column::native(answers))?,
            _ => Column::native(answers),
        })
    }))
}

fn answer(hay: &[u8], needles: &Needles, ask: Ask, points: bool, out: &mut Vec<u64>) {
    let position = |at: usize| match points {
        true => utf8::count(&hay[..at]) as u64 + 1,
        false => at as u64 + 1,
    };
    let each = needles.each.iter();
    if hay.is_empty() {
        // Not even an empty needle occurs in nothing.
        let zeros = if ask == Ask::AllPositions { needles.each.len() } else { 1 };
        out.resize(out.len() + zeros, 0);
        return;
    }
    match (ask, &needles.together) {
        (Ask::Any, Some(all)) => out.push(u64::from(all.is_match(hay))),
        (Ask::Any, None) => out.push(u64::from(each.into_iter().any(|n| n.find(hay).is_some()))),
        (Ask::FirstIndex, Some(all)) => {
            let first = all.find_overlapping_iter(hay).map(|m| m.pattern()).min();
            out.push(first.map_or(0, |p| p.as_u64() + 1));
        }
        (Ask::FirstIndex, None) => {
            let first = needles.each.iter().position(|n| n.find(hay).is_some());
            out.push(first.map_or(0, |i| i as u64 + 1));
        }
        (Ask::FirstPosition, Some(all)) => {
            // The leftmost start: overlapping needles may end in another order.
            let found = all.find_overlapping_iter(hay).map(|m| m.start()).min();
            out.push(found.map_or(0, position));
        }
        (Ask::FirstPosition, None) => {
            out.push(each.filter_map(|n| n.find(hay)).min().map_or(0, position));
        }
        (Ask::AllPositions, _) => {
            out.extend(each.map(|n| n.find(hay).map_or(0, position)));
        }
    }
}
