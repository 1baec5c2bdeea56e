//! Short strings as numbers of the same order, when all rows are at hand.
//!
//! Invariant: numbers compare as the strings do, and are equal exactly when those are.

use super::SortKey;
use crate::column::{BytesColumn, Column, Flat};

/// Puts numbers in the place of the key's strings when all of them are short; whether it did.
pub fn to_numbers(key: &mut SortKey) -> bool {
    let Column::Flat(Flat::Bytes(strings)) = &key.column else {
        return false;
    };
    key.column = match longest(strings) {
        0..=3 => Column::native::<u32>(strings.iter().map(|s| number(s, 3) as u32).collect()),
        4..=7 => Column::native::<u64>(strings.iter().map(|s| number(s, 7)).collect()),
        _ => return false,
    };
    true
}

fn longest(strings: &BytesColumn) -> u64 {
    let lengths = strings.offsets().windows(2).map(|w| w[1] - w[0]);
    lengths.max().unwrap_or(0)
}

/// The bytes (at most `most`, zeros after a short string), and the length behind them.
fn number(s: &[u8], most: usize) -> u64 {
    let bytes = s.iter().fold(0, |n, b| n << 8 | u64::from(*b));
    let padded = bytes << (8 * (most - s.len().min(most)) as u32);
    padded << 8 | s.len() as u64
}
