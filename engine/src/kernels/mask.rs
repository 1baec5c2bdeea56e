//! Which rows stand, one bit each.
//!
//! Invariant: bits past the last row are zero; `shown` is the number of bits that are set.

use std::ops::Range;

use super::squeeze::{COUNTS, PLACES, SET_BITS};

/// Rows of one word.
pub const WORD_ROWS: usize = u64::BITS as usize;

/// A bit for each row: set where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mask {
    words: Vec<u64>,
    rows: usize,
    shown: usize,
}

impl Mask {
    /// All of `rows` rows stand.
    pub fn all(rows: usize) -> Mask {
        let mut words = vec![u64::MAX; rows.div_ceil(WORD_ROWS)];
        clear_tail(&mut words, rows);
        Mask {
            words,
            rows,
            shown: rows,
        }
    }

    /// Those of this mask that are not among `dropped`.
    #[must_use]
    pub fn without(&self, dropped: &[u32]) -> Mask {
        let mut words = self.words.clone();
        for row in dropped.iter().filter(|r| (**r as usize) < self.rows) {
            words[*row as usize / WORD_ROWS] &= !(1 << (row % u64::BITS));
        }
        Mask::of_words(words, self.rows)
    }

    /// Those of this mask whose byte is zero.
    #[must_use]
    pub fn where_zero(&self, bytes: &[u8]) -> Mask {
        let zeros = |bytes: &[u8]| {
            let bits = bytes.iter().enumerate();
            bits.fold(0, |word, (bit, b)| word | (u64::from(*b == 0) << bit))
        };
        let words = self.words.iter().zip(bytes.chunks(WORD_ROWS));
        let words = words.map(|(word, bytes)| word & zeros(bytes)).collect();
        Mask::of_words(words, self.rows.min(bytes.len()))
    }

    fn of_words(words: Vec<u64>, rows: usize) -> Mask {
        let shown = words.iter().map(|w| w.count_ones() as usize).sum();
        Mask { words, rows, shown }
    }

    /// Rows, standing or not.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there are no rows at all.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Rows that stand.
    pub fn shown(&self) -> usize {
        self.shown
    }

    /// Whether all rows stand.
    pub fn is_full(&self) -> bool {
        self.shown == self.rows
    }

    /// The bits, 64 rows to a word, the first row lowest.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// The first and the last row that stands.
    pub fn ends(&self) -> Option<(usize, usize)> {
        let first = self.words.iter().position(|w| *w != 0)?;
        let last = self.words.iter().rposition(|w| *w != 0)?;
        let low = self.words[first].trailing_zeros() as usize;
        let high = WORD_ROWS - 1 - self.words[last].leading_zeros() as usize;
        Some((first * WORD_ROWS + low, last * WORD_ROWS + high))
    }

    /// The mask of rows `range`, which are there.
    #[must_use]
    pub fn cut(&self, range: Range<usize>) -> Mask {
        let (first, shift) = (range.start / WORD_ROWS, range.start % WORD_ROWS);
        let count = range.len().div_ceil(WORD_ROWS);
        let from = self.words.get(first..).unwrap_or(&[]);
        let mut words: Vec<u64> = match shift {
            0 => from.iter().take(count).copied().collect(),
            _ => {
                let next = from.iter().skip(1).copied().chain([0]);
                let both = from.iter().zip(next).take(count);
                both.map(|(low, high)| (low >> shift) | (high << (WORD_ROWS - shift)))
                    .collect()
            }
        };
        clear_tail(&mut words, range.len());
        Mask::of_words(words, range.len())
    }

    /// Numbers of the rows that stand, ascending, when the first row has number `base`.
    pub fn numbers(&self, base: u32) -> Vec<u32> {
        // Eight are written at once, of which the next ones overwrite what was too much.
        let mut out = vec![0; self.shown + PLACES];
        let mut n = 0;
        for (at, byte) in bytes_of(&self.words).enumerate() {
            let first = base.wrapping_add((at * PLACES) as u32);
            let Some(eight) = out.get_mut(n..n + PLACES) else {
                break;
            };
            let places = &SET_BITS[byte as usize];
            for (to, place) in eight.iter_mut().zip(places) {
                *to = first.wrapping_add(u32::from(*place));
            }
            n += COUNTS[byte as usize] as usize;
        }
        out.truncate(self.shown);
        out
    }

    /// Resident bytes.
    pub fn memory_bytes(&self) -> usize {
        self.words.capacity() * size_of::<u64>()
    }
}

fn clear_tail(words: &mut [u64], rows: usize) {
    if let (Some(last), true) = (words.last_mut(), !rows.is_multiple_of(WORD_ROWS)) {
        *last &= (1 << (rows % WORD_ROWS)) - 1;
    }
}

fn bytes_of(words: &[u64]) -> impl Iterator<Item = u8> {
    words.iter().flat_map(|w| w.to_le_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scattered(rows: usize, seed: u64) -> (Mask, Vec<u32>) {
        let wanted = |row: u32| {
            let mixed = (u64::from(row) + seed).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 60;
            // Whole words of either kind among scattered ones.
            match row / 64 % 5 {
                0 => true,
                1 => false,
                _ => mixed > 4,
            }
        };
        let all = 0..rows as u32;
        let dropped: Vec<u32> = all.clone().filter(|r| !wanted(*r)).collect();
        let kept = all.filter(|r| wanted(*r)).collect();
        (Mask::all(rows).without(&dropped), kept)
    }

    #[test]
    fn masks_name_their_rows() {
        for rows in [0, 1, 7, 63, 64, 65, 128, 500, 8192] {
            let (mask, kept) = scattered(rows, 1);
            assert_eq!(mask.numbers(0), kept, "{rows} rows");
            assert_eq!((mask.len(), mask.shown()), (rows, kept.len()));
            let ends = kept.first().zip(kept.last());
            assert_eq!(mask.ends(), ends.map(|(a, b)| (*a as usize, *b as usize)));
            let all = Mask::all(rows);
            assert!(
                all.is_full() && all.without(&kept).without(&mask.numbers(0)).shown() < rows + 1
            );
            for (start, end) in [(0, rows), (rows / 3, rows), (rows / 2, rows - rows / 4)] {
                let inside = |r: &&u32| (start..end).contains(&(**r as usize));
                let expected: Vec<u32> = kept.iter().filter(inside).copied().collect();
                let cut = mask.cut(start..end);
                assert_eq!(
                    cut.numbers(start as u32),
                    expected,
                    "{start}..{end} of {rows}"
                );
                assert_eq!((cut.len(), cut.shown()), (end - start, expected.len()));
            }
        }
    }

    #[test]
    fn rows_with_a_byte_fall() {
        let (mask, kept) = scattered(300, 4);
        let bytes: Vec<u8> = (0..300).map(|r| u8::from(r % 7 == 0)).collect();
        let expected: Vec<u32> = kept.into_iter().filter(|r| r % 7 != 0).collect();
        assert_eq!(mask.where_zero(&bytes).numbers(0), expected);
    }
}
