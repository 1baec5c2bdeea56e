//! 64-bit hashes of rows as ClickHouse's `uniq` functions take them.
//!
//! Invariant: numbers are themselves (floats by their bits), strings CityHash64; of several
//! arguments the CityHash64 of each one's bytes, combined. The answers of `uniq` follow from these bits, so they may not change.

use roost_engine::column::{Column, Flat};

use super::bytes::put_value;

/// The mixing function of MurmurHash3 for 64 bits: ClickHouse's `intHash64`.
#[inline]
pub(crate) fn int_hash64(mut x: u64) -> u64 {
    x ^= x >> 33;
    x = x.wrapping_mul(0xff51_afd7_ed55_8ccd);
    x ^= x >> 33;
    x = x.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    x ^ (x >> 33)
}

/// One word per row of one argument, to be mixed by the sketch.
pub(crate) fn row_words(args: &[Column], rows: usize) -> Vec<u64> {
    match args {
        [] => vec![0; rows],
        [one] => column_words(one),
        more => combined(more),
    }
}

/// One hash per row. Of several arguments, and of a tuple's elements, the combination is not mixed
/// any further.
pub(crate) fn row_hashes(args: &[Column], rows: usize) -> Vec<u64> {
    if let [one] = args
        && let Flat::Tuple(fields, _) = &one.to_flat()
    {
        return combined(fields);
    }
    let mut words = row_words(args, rows);
    if args.len() == 1 {
        words.iter_mut().for_each(|w| *w = int_hash64(*w));
    }
    words
}

/// The hashes of several columns' bytes as one.
pub(crate) fn combined(args: &[Column]) -> Vec<u64> {
    let Some((first, rest)) = args.split_first() else {
        return Vec::new();
    };
    let mut words = column_cities(first);
    for column in rest {
        for (word, next) in words.iter_mut().zip(column_cities(column)) {
            *word = combine(next, *word);
        }
    }
    words
}

/// CityHash64 of the bytes of each value, as a part of a combination is hashed.
fn column_cities(column: &Column) -> Vec<u64> {
    match column {
        Column::Flat(flat) => flat_cities(flat),
        Column::Const { value, len } => {
            vec![flat_cities(value).first().copied().unwrap_or(0); *len]
        }
        Column::Dict(d) => {
            let entries = flat_cities(d.dict());
            d.codes().iter().map(|&c| entries[c as usize]).collect()
        }
    }
}

fn flat_cities(flat: &Flat) -> Vec<u64> {
    use naive_cityhash::cityhash64 as city;
    macro_rules! bytes {
        ($v:expr) => {
            $v.iter().map(|x| city(&x.to_le_bytes())).collect()
        };
    }
    match flat {
        Flat::U8(v) => bytes!(v),
        Flat::U16(v) => bytes!(v),
        Flat::U32(v) => bytes!(v),
        Flat::U64(v) => bytes!(v),
        Flat::I8(v) => bytes!(v),
        Flat::I16(v) => bytes!(v),
        Flat::I32(v) => bytes!(v),
        Flat::I64(v) => bytes!(v),
        Flat::U128(v) => bytes!(v),
        Flat::I128(v) => bytes!(v),
        Flat::F32(v) => bytes!(v),
        Flat::F64(v) => bytes!(v),
        other => flat_words(other),
    }
}

/// CityHash's Hash128to64.
fn combine(low: u64, high: u64) -> u64 {
    const MUL: u64 = 0x9ddf_ea08_eb38_2d69;
    let mut a = (low ^ high).wrapping_mul(MUL);
    a ^= a >> 47;
    let mut b = (high ^ a).wrapping_mul(MUL);
    b ^= b >> 47;
    b.wrapping_mul(MUL)
}

fn column_words(column: &Column) -> Vec<u64> {
    match column {
        Column::Flat(flat) => flat_words(flat),
        Column::Const { value, len } => {
            vec![flat_words(value).first().copied().unwrap_or(0); *len]
        }
        Column::Dict(d) => {
            let entries = flat_words(d.dict());
            d.codes().iter().map(|&c| entries[c as usize]).collect()
        }
    }
}

fn flat_words(flat: &Flat) -> Vec<u64> {
    macro_rules! whole {
        ($v:expr) => {
            $v.iter().map(|&x| x as u64).collect()
        };
    }
    let wide = |x: u128| int_hash64(x as u64 ^ (x >> 64) as u64);
    match flat {
        Flat::U8(v) => whole!(v),
        Flat::U16(v) => whole!(v),
        Flat::U32(v) => whole!(v),
        Flat::U64(v) => whole!(v),
        Flat::I8(v) => whole!(v),
        Flat::I16(v) => whole!(v),
        Flat::I32(v) => whole!(v),
        Flat::I64(v) => whole!(v),
        Flat::U128(v) => v.iter().map(|&x| wide(x)).collect(),
        Flat::I128(v) => v.iter().map(|&x| wide(x as u128)).collect(),
        Flat::F32(v) => v.iter().map(|x| u64::from(x.to_bits())).collect(),
        Flat::F64(v) => v.iter().map(|x| x.to_bits()).collect(),
        Flat::Bytes(_) | Flat::Fixed { .. } => (0..flat.len())
            .map(|i| naive_cityhash::cityhash64(flat.bytes_at(i)))
            .collect(),
        other => {
            let mut bytes = Vec::new();
            (0..other.len())
                .map(|i| {
                    bytes.clear();
                    put_value(&mut bytes, &other.value(i));
                    naive_cityhash::cityhash64(&bytes)
                })
                .collect()
        }
    }
}
