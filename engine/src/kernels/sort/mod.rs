//! Row order over several key columns.
//!
//! Invariant: the permutation is stable: equal rows keep their order.

use std::cmp::Ordering;

use super::compare::compare_flat;
use crate::column::{Column, Flat};

pub mod short;
mod words;

pub use words::{Keys, Word, Words};

/// One key of an order.
#[derive(Debug, Clone)]
pub struct SortKey {
    /// The key's values.
    pub column: Column,
    /// Largest first.
    pub descending: bool,
    /// NULL (and NaN) before everything instead of after, whatever the direction.
    pub nulls_first: bool,
}

impl SortKey {
    /// Ascending, NULL last.
    pub fn ascending(column: Column) -> Self {
        SortKey {
            column,
            descending: false,
            nulls_first: false,
        }
    }
}

/// Row numbers in the order of `keys`, ties in their first order.
pub fn sort_permutation(keys: &[SortKey], rows: usize) -> Vec<u32> {
    let mut keys = keys.to_vec();
    for key in &mut keys {
        short::to_numbers(key);
    }
    let keys = Keys::new(keys);
    match keys.words(rows) {
        Words::Narrow(words) => permutation(&keys, &words),
        Words::Wide(words) => permutation(&keys, &words),
    }
}

/// Rows of a run that is worth finding.
const RUN_ROWS: usize = 128;

/// How often a word is followed by a smaller one.
fn descents<W: Word>(words: &[W]) -> usize {
    let pairs = words.iter().zip(words.iter().skip(1));
    pairs.filter(|(a, b)| a > b).count()
}

fn permutation<W: Word>(keys: &Keys, words: &[W]) -> Vec<u32> {
    let all = 0..words.len() as u32;
    if keys.exact() && words.is_sorted() {
        return all.collect();
    }
    let mut pairs: Vec<(W, u32)> = words.iter().copied().zip(all).collect();
    // Rows of sorted parts one behind the other: a stable sort finds the runs and merges them.
    let has_runs = descents(words) <= words.len() / RUN_ROWS;
    let compare = |a: &(W, u32), b: &(W, u32)| {
        let words = a.0.cmp(&b.0);
        words.then_with(|| keys.compare(a.1, b.1))
    };
    match (keys.exact(), has_runs) {
        (true, true) => pairs.sort_by_key(|(word, _)| *word),
        (true, false) => pairs.sort_unstable(),
        (false, true) => pairs.sort_by(compare),
        (false, false) => pairs.sort_unstable_by(|a, b| compare(a, b).then(a.1.cmp(&b.1))),
    }
    pairs.into_iter().map(|(_, row)| row).collect()
}

/// Order of two cells under a key's direction and NULL place.
pub fn directed(key: &SortKey, a: &Flat, i: usize, b: &Flat, j: usize) -> Ordering {
    let (x, y) = (is_last_class(a, i), is_last_class(b, j));
    if x || y {
        let last = x.cmp(&y).then_with(|| a.is_null(i).cmp(&b.is_null(j)));
        return if key.nulls_first {
            last.reverse()
        } else {
            last
        };
    }
    let order = compare_flat(a, i, b, j);
    if key.descending {
        order.reverse()
    } else {
        order
    }
}

/// NULL and NaN go to the end that `nulls_first` names.
fn is_last_class(flat: &Flat, row: usize) -> bool {
    match flat {
        Flat::Nullable(n) => n.nulls()[row] != 0 || is_last_class(n.values(), row),
        Flat::F32(v) => v[row].is_nan(),
        Flat::F64(v) => v[row].is_nan(),
        Flat::Nothing(_) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_and_shuffled_rows_keep_the_order_of_equal_rows() {
        let rows = 3000u32;
        let shuffled = |row: u32| row.wrapping_mul(2_654_435_761) >> 24;
        let runs = |row: u32| row % 1000 / 3;
        for number in [shuffled, runs] {
            let numbers: Vec<u64> = (0..rows).map(|row| u64::from(number(row))).collect();
            let mut expected: Vec<u32> = (0..rows).collect();
            expected.sort_by_key(|row| numbers[*row as usize]);
            let texts = numbers.iter().map(|n| format!("a long text {n:06}"));
            let mut bytes = crate::column::BytesBuilder::default();
            texts.for_each(|text| bytes.push(text.as_bytes()));
            for flat in [Flat::U64(numbers.into()), Flat::Bytes(bytes.finish())] {
                let keys = [SortKey::ascending(Column::Flat(flat))];
                assert_eq!(sort_permutation(&keys, rows as usize), expected);
            }
        }
    }
}
