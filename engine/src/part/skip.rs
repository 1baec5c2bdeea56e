//! Skip indexes: a Bloom filter of the values of each page, for equality and IN.
//!
//! `bloom_filter`, `set`, `tokenbf_v1` and `ngrambf_v1` over a column all keep a filter of whole
//! values; `minmax` needs nothing, since pages always have bounds. An index over an expression
//! that is not a column is kept in the definition and prunes nothing.
//!
//! Invariant: a filter never denies a value that the page holds.

use std::ops::Bound;

use xxhash_rust::xxh3::xxh3_64;

use super::prune::Matcher;
use super::spec::IndexSpec;
use crate::column::{Column, ColumnBuilder, Flat};
use crate::format::Word;
use crate::hooks::ValueRange;
use crate::types::{DataType, Physical, Value};
use crate::with_native;

/// Words of one block: a value sets one bit in each.
const LANES: usize = 8;
const BLOCK_BYTES: usize = LANES * 4;

/// More wanted values than this are not asked one by one.
const POINTS_MAX: usize = 256;

/// Odd numbers that spread one hash over the words of a block (as in Parquet's filters).
const SALTS: [u32; LANES] = [
    0x47b6_137b,
    0x4497_4d91,
    0x8824_ad5b,
    0xa2b7_289d,
    0x7054_95c7,
    0x2df1_424b,
    0x9efc_4947,
    0x5c6b_fb31,
];

/// How a declared index is kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Filter {
    bits_per_value: f64,
}

impl Filter {
    /// The filter of a declared index; none when it is kept without one.
    pub(super) fn of(spec: &IndexSpec, ty: &DataType) -> Option<Filter> {
        let (name, parameters) = spec.ty.split_once('(').unwrap_or((&spec.ty, ""));
        let kept = ["bloom_filter", "set", "tokenbf_v1", "ngrambf_v1"];
        if !kept.contains(&name.trim()) || !can_hash(&ty.physical()) {
            return None;
        }
        let chance = match name.trim() {
            "bloom_filter" => parameters.trim_end_matches(')').trim().parse::<f64>().ok(),
            _ => None,
        };
        let chance = chance.filter(|c| (1e-6..0.5).contains(c)).unwrap_or(0.01);
        // A block filter needs a little more than the textbook's -ln(p) / ln(2)^2.
        Some(Filter {
            bits_per_value: -chance.ln() * 2.3,
        })
    }

    /// The filter of a page.
    pub(super) fn build(&self, page: &Column) -> Vec<u8> {
        let mut hashes = hashes(page);
        hashes.sort_unstable();
        hashes.dedup();
        let bits = (hashes.len() as f64 * self.bits_per_value).ceil() as usize;
        let blocks = bits.div_ceil(BLOCK_BYTES * 8).max(1);
        let mut words = vec![0u32; blocks * LANES];
        for hash in hashes {
            let block = block_of(hash, blocks) * LANES;
            for (word, mask) in words[block..block + LANES].iter_mut().zip(masks(hash)) {
                *word |= mask;
            }
        }
        words.iter().flat_map(|w| w.to_le_bytes()).collect()
    }
}

/// The hashes of the values that a condition asks for, when it asks for few.
pub(super) fn wanted(matcher: &Matcher<'_>, shape: &Physical) -> Option<Vec<u64>> {
    let ranges = matcher.ranges();
    if ranges.len() > POINTS_MAX || !can_hash(shape) {
        return None;
    }
    ranges
        .iter()
        .map(|range| hash_of(point(range)?, shape))
        .collect()
}

/// Whether a page's filter may hold one of the hashes. A filter of an odd size holds everything.
pub(super) fn may_hold(filter: &[u8], wanted: &[u64]) -> bool {
    let blocks = filter.len() / BLOCK_BYTES;
    if blocks == 0 || !filter.len().is_multiple_of(BLOCK_BYTES) {
        return true;
    }
    wanted.iter().any(|hash| {
        let start = block_of(*hash, blocks) * BLOCK_BYTES;
        let words = filter[start..start + BLOCK_BYTES].chunks_exact(4);
        words.zip(masks(*hash)).all(|(word, mask)| {
            u32::from_le_bytes([word[0], word[1], word[2], word[3]]) & mask != 0
        })
    })
}

fn point(range: &ValueRange) -> Option<&Value> {
    match (&range.low, &range.high) {
        (Bound::Included(low), Bound::Included(high)) if low.compare(high).is_eq() => Some(low),
        _ => None,
    }
}

/// Strings and whole numbers; floats have values that are equal and differ in bits.
fn can_hash(shape: &Physical) -> bool {
    match shape {
        Physical::Nullable(inner) => can_hash(inner),
        Physical::F32 | Physical::F64 | Physical::Nothing => false,
        Physical::Array(_) | Physical::Tuple(_) => false,
        _ => true,
    }
}

fn hash_of(value: &Value, shape: &Physical) -> Option<u64> {
    let mut builder = ColumnBuilder::of_shape(shape, 1);
    builder.push(value).ok()?;
    hashes(&Column::Flat(builder.finish())).first().copied()
}

/// Hashes of the values that are not NULL, those of a dictionary once per entry.
fn hashes(column: &Column) -> Vec<u64> {
    fn numbers<T: Word>(values: &[T]) -> Vec<u64> {
        values
            .iter()
            .map(|v| xxh3_64(&v.bits().to_le_bytes()))
            .collect()
    }
    let flat = match column {
        Column::Flat(f) => f,
        Column::Const { value, .. } => value,
        Column::Dict(d) => d.dict(),
    };
    let (nulls, values) = flat.split_nulls();
    let all = with_native!(values, |v| numbers(v), other => match other {
        Flat::Bytes(_) | Flat::Fixed { .. } => {
            (0..other.len()).map(|i| xxh3_64(other.bytes_at(i))).collect()
        }
        _ => Vec::new(),
    });
    match nulls {
        Some(mask) => all
            .into_iter()
            .zip(mask)
            .filter(|(_, m)| **m == 0)
            .map(|(h, _)| h)
            .collect(),
        None => all,
    }
}

fn block_of(hash: u64, blocks: usize) -> usize {
    ((u128::from(hash) * blocks as u128) >> 64) as usize
}

fn masks(hash: u64) -> impl Iterator<Item = u32> {
    SALTS
        .iter()
        .map(move |salt| 1 << ((hash as u32).wrapping_mul(*salt) >> 27))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_hold_what_is_there_and_little_else() {
        let spec = |ty: &str| IndexSpec {
            name: "i".into(),
            expression: "c".into(),
            ty: ty.into(),
            granularity: 1,
        };
        let filter = Filter::of(&spec("bloom_filter(0.01)"), &DataType::UInt32).unwrap();
        assert!(Filter::of(&spec("minmax"), &DataType::UInt32).is_none());
        assert!(Filter::of(&spec("bloom_filter"), &DataType::Float64).is_none());
        let page = Column::native((0..8192u32).map(|i| i * 7).collect::<Vec<_>>());
        let bytes = filter.build(&page);
        let hash = |n: u32| hash_of(&Value::UInt(n.into()), &Physical::U32).unwrap();
        assert!((0..8192).all(|i| may_hold(&bytes, &[hash(i * 7)])));
        let wrong = (0..70_000)
            .filter(|i| i % 7 != 0 && may_hold(&bytes, &[hash(*i)]))
            .count();
        assert!(wrong < 1800, "{wrong} of 60000");
        assert!(may_hold(&[], &[1]) && may_hold(&[0; 7], &[1]));
    }
}
