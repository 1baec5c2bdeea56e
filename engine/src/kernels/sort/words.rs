//! Sort keys as unsigned words whose order is the order of the rows.
//!
//! Invariant: `a`'s word is less than `b`'s only when row `a` comes first; equal words say nothing
//! unless the encoding is exact. Words of different batches compare.

use std::cmp::Ordering;

use super::{SortKey, directed};
use crate::column::Flat;

/// A word that rows are compared by.
pub trait Word: Copy + Ord + Default + Send + Sync + 'static {
    /// Sets `bits` at `shift`, where zeros are.
    fn put(&mut self, bits: u128, shift: u32);
    /// The same bits in the widest word.
    fn wide(self) -> u128;
    /// Its bits.
    const BITS: u32;
}

impl Word for u64 {
    #[inline]
    fn put(&mut self, bits: u128, shift: u32) {
        *self |= (bits as u64) << shift;
    }
    fn wide(self) -> u128 {
        self.into()
    }
    const BITS: u32 = 64;
}

impl Word for u128 {
    #[inline]
    fn put(&mut self, bits: u128, shift: u32) {
        *self |= bits << shift;
    }
    fn wide(self) -> u128 {
        self
    }
    const BITS: u32 = 128;
}

/// Bits that a key takes, and whether they say all.
fn width(flat: &Flat) -> (u32, bool) {
    match flat {
        Flat::U8(_) | Flat::I8(_) => (8, true),
        Flat::U16(_) | Flat::I16(_) => (16, true),
        Flat::U32(_) | Flat::I32(_) | Flat::F32(_) => (32, true),
        Flat::U64(_) | Flat::I64(_) | Flat::F64(_) => (64, true),
        Flat::U128(_) | Flat::I128(_) => (127, false),
        Flat::Bytes(_) => (64, false),
        Flat::Fixed { width, .. } if *width <= 8 => (*width as u32 * 8, true),
        Flat::Fixed { .. } => (64, false),
        Flat::Nullable(n) => {
            let (bits, exact) = width(n.values());
            (bits + 1, exact)
        }
        Flat::Nothing(_) => (0, true),
        Flat::Array(_) | Flat::Tuple(..) => (0, false),
    }
}

/// Words of rows.
pub enum Words {
    /// Everything fits into 64 bits, or more would not decide much.
    Narrow(Vec<u64>),
    /// Up to 128 bits.
    Wide(Vec<u128>),
}

/// Keys made ready for comparing rows.
pub struct Keys {
    keys: Vec<SortKey>,
    flats: Vec<Flat>,
    exact: bool,
    bits: u32,
}

impl Keys {
    /// Looks at the keys' columns.
    pub fn new(keys: Vec<SortKey>) -> Self {
        let flats: Vec<Flat> = keys.iter().map(|k| k.column.to_flat()).collect();
        let (mut bits, mut exact) = (0, true);
        for flat in &flats {
            let (more, all) = width(flat);
            if !exact || bits + more > 128 {
                exact = false;
                break;
            }
            bits += more;
            exact = all;
        }
        Keys {
            keys,
            flats,
            exact,
            bits,
        }
    }

    /// Whether equal words mean equal keys.
    pub fn exact(&self) -> bool {
        self.exact
    }

    /// Order of two rows by all keys.
    pub fn compare(&self, a: u32, b: u32) -> Ordering {
        let (a, b) = (a as usize, b as usize);
        let pairs = self.keys.iter().zip(&self.flats);
        pairs
            .map(|(k, f)| directed(k, f, a, f, b))
            .find(|o| o.is_ne())
            .unwrap_or(Ordering::Equal)
    }

    /// The words of all rows.
    pub fn words(&self, rows: usize) -> Words {
        if self.bits <= 64 {
            Words::Narrow(self.encode(rows))
        } else {
            Words::Wide(self.encode(rows))
        }
    }

    fn encode<W: Word>(&self, rows: usize) -> Vec<W> {
        let mut words = vec![W::default(); rows];
        let mut left = W::BITS;
        for (key, flat) in self.keys.iter().zip(&self.flats) {
            let (bits, all) = width(flat);
            if bits > left {
                break;
            }
            left -= bits;
            put(key, flat, left, bits, &mut words);
            if !all {
                break;
            }
        }
        words
    }
}

fn put<W: Word>(key: &SortKey, flat: &Flat, shift: u32, bits: u32, words: &mut [W]) {
    let flip: u128 = match (key.descending, bits) {
        (false, _) | (_, 0) => 0,
        (true, bits) => u128::MAX >> (128 - bits),
    };
    let nulls_first = key.nulls_first;
    let nan: u128 = match (nulls_first, bits) {
        (true, _) | (_, 0) => 0,
        (false, bits) => u128::MAX >> (128 - bits),
    };
    fn all<W: Word>(words: &mut [W], shift: u32, value: impl Fn(usize) -> u128) {
        for (i, word) in words.iter_mut().enumerate() {
            word.put(value(i), shift);
        }
    }
    macro_rules! unsigned {
        ($v:expr) => {
            all(words, shift, |i| u128::from($v[i]) ^ flip)
        };
    }
    macro_rules! signed {
        ($v:expr, $ty:ty, $un:ty) => {
            all(words, shift, |i| {
                u128::from(($v[i] ^ <$ty>::MIN) as $un) ^ flip
            })
        };
    }
    macro_rules! float {
        ($v:expr, $un:ty, $sign:expr) => {
            all(words, shift, |i| {
                let x = $v[i];
                if x.is_nan() {
                    return nan;
                }
                // -0.0 and 0.0 are equal.
                let bits = if x == 0.0 { 0 } else { x.to_bits() };
                let ordered = if bits & $sign != 0 {
                    !bits
                } else {
                    bits | $sign
                };
                u128::from(ordered) ^ flip
            })
        };
    }
    match flat {
        Flat::U8(v) => unsigned!(v),
        Flat::U16(v) => unsigned!(v),
        Flat::U32(v) => unsigned!(v),
        Flat::U64(v) => unsigned!(v),
        Flat::I8(v) => signed!(v, i8, u8),
        Flat::I16(v) => signed!(v, i16, u16),
        Flat::I32(v) => signed!(v, i32, u32),
        Flat::I64(v) => signed!(v, i64, u64),
        Flat::U128(v) => all(words, shift, |i| (v[i] >> 1) ^ flip),
        Flat::I128(v) => all(words, shift, |i| ((v[i] ^ i128::MIN) as u128 >> 1) ^ flip),
        Flat::F32(v) => float!(v, u32, 1u32 << 31),
        Flat::F64(v) => float!(v, u64, 1u64 << 63),
        Flat::Bytes(_) | Flat::Fixed { .. } => {
            let bytes = bits as usize / 8;
            all(words, shift, |i| {
                u128::from(prefix(flat.bytes_at(i), bytes)) ^ flip
            });
        }
        Flat::Nullable(n) => {
            let inner = bits - 1;
            let mut values = vec![W::default(); words.len()];
            put(key, n.values(), shift, inner, &mut values);
            for ((word, value), null) in words.iter_mut().zip(values).zip(n.nulls()) {
                let is_null = *null != 0;
                if !is_null {
                    word.put(value.wide(), 0);
                }
                word.put(u128::from(is_null != nulls_first), shift + inner);
            }
        }
        Flat::Nothing(_) | Flat::Array(_) | Flat::Tuple(..) => {}
    }
}

/// The first bytes as a big-endian number, zeros after a short string.
fn prefix(bytes: &[u8], len: usize) -> u64 {
    let mut fixed = [0u8; 8];
    let n = bytes.len().min(len);
    fixed[..n].copy_from_slice(&bytes[..n]);
    u64::from_be_bytes(fixed) >> (64 - 8 * len as u32)
}
