//! Distances by runs of four bytes (three code points).
//!
//! Invariant: 0 means equal sets of runs for a distance, none in common for a search.

use hashbrown::HashMap;
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::super::kit::{f, text_text_nums};
use super::needle::Fold;
use super::tokens::windows;
use crate::functions::{Arg, BoundFunction, ScalarFunction};

const S: &str = "string";

macro_rules! family {
    ($($suffix:literal $fold:ident $points:literal),*) => {
        /// The functions of this file.
        pub static FUNCTIONS: &[ScalarFunction] = &[ $(
            f(
                S,
                concat!("ngramDistance", $suffix, "(a, b)"),
                "Runs that only one string has, as a part of all.",
                (concat!("ngramDistance", $suffix, "('hello', 'hello')"), "0"),
                |args, _| compare(args, Fold::$fold, $points, distance),
            ),
            f(
                S,
                concat!("ngramSearch", $suffix, "(haystack, needle)"),
                "Runs of the needle that the haystack has, as a part of the needle's.",
                (concat!("ngramSearch", $suffix, "('hello world', 'hello')"), "1"),
                |args, _| compare(args, Fold::$fold, $points, search),
            ),
        )* ];
    };
}

family!(
    "" Exact false,
    "CaseInsensitive" Ascii false,
    "UTF8" Exact true,
    "CaseInsensitiveUTF8" Unicode true
);

type Grams<'a> = HashMap<&'a [u8], i64>;

fn grams(s: &[u8], points: bool) -> Grams<'_> {
    let mut all = Grams::new();
    match points {
        true => windows(s, 3, |gram| *all.entry(gram).or_default() += 1),
        false => s.windows(4).for_each(|gram| *all.entry(gram).or_default() += 1),
    }
    all
}

fn total(grams: &Grams<'_>) -> i64 {
    grams.values().sum()
}

fn common(a: &Grams<'_>, b: &Grams<'_>) -> i64 {
    a.iter().map(|(gram, n)| b.get(gram).map_or(0, |m| *n.min(m))).sum()
}

fn distance(a: &Grams<'_>, b: &Grams<'_>) -> f32 {
    match total(a) + total(b) {
        0 => 0.0,
        all => (all - 2 * common(a, b)) as f32 / all as f32,
    }
}

fn search(hay: &Grams<'_>, needle: &Grams<'_>) -> f32 {
    match total(needle) {
        0 => 1.0,
        all => common(hay, needle) as f32 / all as f32,
    }
}

fn compare(
    args: &[Arg],
    fold: Fold,
    points: bool,
    value: fn(&Grams<'_>, &Grams<'_>) -> f32,
) -> Result<BoundFunction> {
    text_text_nums(args, DataType::Float32, move |a, b| {
        let (mut x, mut y) = (Vec::new(), Vec::new());
        let (a, b) = (fold.apply(a, &mut x), fold.apply(b, &mut y));
        value(&grams(a, points), &grams(b, points))
    })
}
