//! How often a string or a pattern occurs, and looser ways to occur.
//!
//! Invariant: occurrences do not overlap.

use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::super::kit::{Compiled, Ints, Strs, arity, f, integer, string, strings, try_nums, utf8};
use super::needle::{Fold, Needle};
use super::regexp::{self, Case};
use crate::functions::{Arg, BoundFunction, ScalarFunction};

const S: &str = "string";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        S,
        "countSubstrings(haystack, needle[, start])",
        "Number of occurrences of a string.",
        ("countSubstrings('aaaa', 'aa')", "2"),
        |args, _| substrings(args, Fold::Exact),
    )
    .any_case(),
    f(
        S,
        "countSubstringsCaseInsensitive(haystack, needle[, start])",
        "`countSubstrings` that does not look at the case of ASCII letters.",
        ("countSubstringsCaseInsensitive('AbAb', 'ab')", "2"),
        |args, _| substrings(args, Fold::Ascii),
    ),
    f(
        S,
        "countSubstringsCaseInsensitiveUTF8(haystack, needle[, start])",
        "`countSubstrings` that does not look at the case of letters.",
        ("countSubstringsCaseInsensitiveUTF8('ЁёЁ', 'ё')", "3"),
        |args, _| substrings(args, Fold::Unicode),
    ),
    f(
        S,
        "countMatches(haystack, pattern)",
        "Number of matches of a regular expression; empty matches do not count.",
        ("countMatches('a1b22', '[0-9]+')", "2"),
        |args, _| matches(args, Case::Sensitive),
    ),
    f(
        S,
        "countMatchesCaseInsensitive(haystack, pattern)",
        "`countMatches` that does not look at the case of letters.",
        ("countMatchesCaseInsensitive('AaAa', 'a')", "4"),
        |args, _| matches(args, Case::Insensitive),
    ),
    f(
        S,
        "hasSubsequence(haystack, needle)",
        "Whether the needle's bytes occur in this order, with anything between them.",
        ("hasSubsequence('garbage', 'arg')", "1"),
        |args, _| subsequence(args, Fold::Exact),
    ),
    f(
        S,
        "hasSubsequenceCaseInsensitive(haystack, needle)",
        "`hasSubsequence` that does not look at the case of ASCII letters.",
        ("hasSubsequenceCaseInsensitive('garbage', 'ARG')", "1"),
        |args, _| subsequence(args, Fold::Ascii),
    ),
    f(
        S,
        "hasSubsequenceUTF8(haystack, needle)",
        "`hasSubsequence` of code points.",
        ("hasSubsequenceUTF8('garbage', 'arg')", "1"),
        |args, _| subsequence(args, Fold::Exact),
    ),
    f(
        S,
        "hasSubsequenceCaseInsensitiveUTF8(haystack, needle)",
        "`hasSubsequenceUTF8` that does not look at the case of letters.",
        ("hasSubsequenceCaseInsensitiveUTF8('ÉA', 'éa')", "1"),
        |args, _| subsequence(args, Fold::Unicode),
    ),
];

fn substrings(args: &[Arg], fold: Fold) -> Result<BoundFunction> {
    arity(args, 2..=3)?;
    string(args, 0)?;
    string(args, 1)?;
    if args.len() == 3 {
        integer(args, 2)?;
    }
    let needles = Compiled::new(args.get(1), move |s| Ok(Needle::new(s, fold)))?;
    Ok(BoundFunction::new(DataType::UInt64, move |columns, rows| {
        let hay = Strs::of(&columns[0])?;
        let mut needles = needles.over(&columns[1])?;
        let start = Ints::or(columns, 2, 0)?;
        let mut scratch = Vec::new();
        try_nums(rows, |i| {
            let value = fold.apply(hay.get(i), &mut scratch);
            let skip = usize::try_from(start.get(i).saturating_sub(1)).unwrap_or(0);
            let from = match fold {
                Fold::Unicode => utf8::offset(value, skip),
                _ => skip.min(value.len()),
            };
            Ok(needles.get(i)?.count(&value[from..]) as u64)
        })
    }))
}

fn matches(args: &[Arg], case: Case) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    strings(args)?;
    let patterns = Compiled::new(args.get(1), move |s| regexp::compile(s, case))?;
    Ok(BoundFunction::new(DataType::UInt64, move |columns, rows| {
        let hay = Strs::of(&columns[0])?;
        let mut patterns = patterns.over(&columns[1])?;
        try_nums(rows, |i| {
            let found = patterns.get(i)?.find_iter(hay.get(i));
            Ok(found.filter(|m| !m.is_empty()).count() as u64)
        })
    }))
}

fn subsequence(args: &[Arg], fold: Fold) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    strings(args)?;
    Ok(BoundFunction::new(DataType::UInt8, move |columns, rows| {
        let (hay, needle) = (Strs::of(&columns[0])?, Strs::of(&columns[1])?);
        let (mut a, mut b) = (Vec::new(), Vec::new());
        try_nums(rows, |i| {
            let mut hay = fold.apply(hay.get(i), &mut a).iter();
            let needle = fold.apply(needle.get(i), &mut b);
            Ok(u8::from(needle.iter().all(|n| hay.any(|h| h == n))))
        })
    }))
}
