//! How far two strings are from each other.
//!
//! Invariant: distances are symmetric; memory is one row of the table.

use roost_engine::bail;
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::super::kit::{Strs, arity, f, strings, text_text_nums, try_nums, utf8};
use crate::functions::{Arg, BoundFunction, ScalarFunction};

const S: &str = "string";
const LENGTH_MAX: usize = 1 << 16;

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        S,
        "byteHammingDistance(a, b)",
        "Number of places where the bytes differ.",
        ("byteHammingDistance('karolin', 'kathrin')", "3"),
        |args, _| {
            text_text_nums(args, DataType::UInt64, |a, b| {
                let differ = a.iter().zip(b).filter(|(x, y)| x != y).count();
                (differ + a.len().abs_diff(b.len())) as u64
            })
        },
    )
    .also(&["mismatches"]),
    f(
        S,
        "editDistance(a, b)",
        "Levenshtein's distance in bytes.",
        ("editDistance('kitten', 'sitting')", "3"),
        |args, _| counted(args, levenshtein),
    )
    .also(&["levenshteinDistance"]),
    f(
        S,
        "editDistanceUTF8(a, b)",
        "Levenshtein's distance in code points.",
        ("editDistanceUTF8('é', 'e')", "1"),
        |args, _| {
            counted(args, |a, b| {
                let (a, b): (Vec<_>, Vec<_>) = (utf8::points(a).collect(), utf8::points(b).collect());
                levenshtein(&a, &b)
            })
        },
    )
    .also(&["levenshteinDistanceUTF8"]),
    f(
        S,
        "damerauLevenshteinDistance(a, b)",
        "Levenshtein's distance where exchanging two neighbours is one step.",
        ("damerauLevenshteinDistance('ab', 'ba')", "1"),
        |args, _| counted(args, damerau),
    ),
    f(
        S,
        "jaroSimilarity(a, b)",
        "Jaro's similarity, 0 to 1.",
        ("jaroSimilarity('martha', 'marhta')", "0.9444444444444444"),
        |args, _| text_text_nums(args, DataType::Float64, jaro),
    ),
    f(
        S,
        "jaroWinklerSimilarity(a, b)",
        "Jaro's similarity with more weight on a common prefix.",
        ("jaroWinklerSimilarity('martha', 'marhta')", "0.9611111111111111"),
        |args, _| text_text_nums(args, DataType::Float64, jaro_winkler),
    ),
    f(
        S,
        "stringJaccardIndex(a, b)",
        "Common bytes as a part of all distinct bytes.",
        ("stringJaccardIndex('clickhouse', 'mouse')", "0.4"),
        |args, _| {
            text_text_nums(args, DataType::Float64, |a, b| {
                let (mut seen, mut both, mut all) = ([0u8; 256], 0, 0);
                a.iter().for_each(|x| seen[usize::from(*x)] |= 1);
                b.iter().for_each(|x| seen[usize::from(*x)] |= 2);
                for sides in seen {
                    all += usize::from(sides != 0);
                    both += usize::from(sides == 3);
                }
                both as f64 / all.max(1) as f64
            })
        },
    ),
    f(
        S,
        "stringJaccardIndexUTF8(a, b)",
        "Common code points as a part of all distinct code points.",
        ("stringJaccardIndexUTF8('é', 'é')", "1"),
        |args, _| {
            text_text_nums(args, DataType::Float64, |a, b| {
                let a: hashbrown::HashSet<&[u8]> = utf8::points(a).collect();
                let b: hashbrown::HashSet<&[u8]> = utf8::points(b).collect();
                let both = a.intersection(&b).count();
                both as f64 / (a.len() + b.len() - both).max(1) as f64
            })
        },
    ),
];

fn counted(args: &[Arg], distance: fn(&[u8], &[u8]) -> usize) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    strings(args)?;
    Ok(BoundFunction::new(DataType::UInt64, move |columns, rows| {
        let (a, b) = (Strs::of(&columns[0])?, Strs::of(&columns[1])?);
        try_nums(rows, |i| {
            let (a, b) = (a.get(i), b.get(i));
            if a.len().max(b.len()) > LENGTH_MAX {
                bail!(
                    TOO_LARGE_STRING_SIZE,
                    "the strings have more than {LENGTH_MAX} bytes"
                );
            }
            Ok(distance(a, b) as u64)
        })
    }))
}

/// Levenshtein's distance of any sequences.
pub(crate) fn levenshtein<T: PartialEq>(a: &[T], b: &[T]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let change = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

fn damerau(a: &[u8], b: &[u8]) -> usize {
    let width = b.len() + 1;
    let mut before: Vec<usize> = vec![0; width];
    let mut above: Vec<usize> = (0..width).collect();
    let mut row = vec![0; width];
    for i in 1..=a.len() {
        row[0] = i;
        for j in 1..width {
            let change = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = change.min(row[j - 1] + 1).min(above[j] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        std::mem::swap(&mut before, &mut above);
        std::mem::swap(&mut above, &mut row);
    }
    above[b.len()]
}

fn jaro(a: &[u8], b: &[u8]) -> f64 {
    if a.is_empty() || b.is_empty() {
        // ClickHouse's own answer: the length of the other.
        return a.len().max(b.len()) as f64;
    }
    let window = (a.len().max(b.len()) / 2).saturating_sub(1);
    let mut taken = vec![false; b.len()];
    let mut common = Vec::new();
    for (i, x) in a.iter().enumerate() {
        let range = i.saturating_sub(window)..(i + window + 1).min(b.len());
        if let Some(j) = range.into_iter().find(|j| !taken[*j] && b[*j] == *x) {
            taken[j] = true;
            common.push(*x);
        }
    }
    if common.is_empty() {
        return 0.0;
    }
    let other = b.iter().zip(&taken).filter(|(_, t)| **t).map(|(y, _)| *y);
    let moved = common.iter().zip(other).filter(|(x, y)| **x != *y).count() / 2;
    let m = common.len() as f64;
    (m / a.len() as f64 + m / b.len() as f64 + (m - moved as f64) / m) * (1.0 / 3.0)
}

fn jaro_winkler(a: &[u8], b: &[u8]) -> f64 {
    let similarity = jaro(a, b);
    if similarity <= 0.7 || a.is_empty() || b.is_empty() {
        return similarity;
    }
    let prefix = a.iter().zip(b).take(4).take_while(|(x, y)| x == y).count();
    similarity + prefix as f64 * 0.1 * (1.0 - similarity)
}
