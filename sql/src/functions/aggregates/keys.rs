//! Rows as keys of at most 128 bits, for exact distinctness.
//!
//! Invariant: equal rows have equal keys; different rows have different keys for plain numbers, and
//! for strings and combinations up to collisions of a 128-bit hash (as ClickHouse counts them).

use roost_engine::column::{Column, Flat};

use super::bytes::put_value;

/// One key per row.
pub(crate) fn row_keys(args: &[Column], rows: usize) -> Vec<u128> {
    match args {
        [] => vec![0; rows],
        [one] => column_keys(one),
        many => {
            let columns: Vec<Vec<u128>> = many.iter().map(column_keys).collect();
            let mut bytes = vec![0u8; columns.len() * 16];
            (0..rows)
                .map(|row| {
                    for (slot, column) in bytes.chunks_exact_mut(16).zip(&columns) {
                        slot.copy_from_slice(&column[row].to_le_bytes());
                    }
                    xxhash_rust::xxh3::xxh3_128(&bytes)
                })
                .collect()
        }
    }
}

fn column_keys(column: &Column) -> Vec<u128> {
    match column {
        Column::Flat(flat) => flat_keys(flat),
        Column::Const { value, len } => {
            vec![flat_keys(value).first().copied().unwrap_or(0); *len]
        }
        Column::Dict(d) => {
            let entries = flat_keys(d.dict());
            d.codes().iter().map(|&c| entries[c as usize]).collect()
        }
    }
}

fn flat_keys(flat: &Flat) -> Vec<u128> {
    macro_rules! whole {
        ($v:expr) => {
            $v.iter().map(|&x| x as u128).collect()
        };
    }
    match flat {
        Flat::U8(v) => whole!(v),
        Flat::U16(v) => whole!(v),
        Flat::U32(v) => whole!(v),
        Flat::U64(v) => whole!(v),
        Flat::U128(v) => v.to_vec(),
        Flat::I8(v) => whole!(v),
        Flat::I16(v) => whole!(v),
        Flat::I32(v) => whole!(v),
        Flat::I64(v) => whole!(v),
        Flat::I128(v) => whole!(v),
        Flat::F32(v) => v.iter().map(|x| u128::from(x.to_bits())).collect(),
        Flat::F64(v) => v.iter().map(|x| u128::from(x.to_bits())).collect(),
        Flat::Bytes(_) | Flat::Fixed { .. } => (0..flat.len())
            .map(|i| xxhash_rust::xxh3::xxh3_128(flat.bytes_at(i)))
            .collect(),
        other => {
            let mut bytes = Vec::new();
            (0..other.len())
                .map(|i| {
                    bytes.clear();
                    put_value(&mut bytes, &other.value(i));
                    xxhash_rust::xxh3::xxh3_128(&bytes)
                })
                .collect()
        }
    }
}

/// The set of (group, key) pairs that were seen, with a count per group.
#[derive(Debug, Clone, Default)]
pub(crate) struct SeenKeys {
    seen: hashbrown::HashSet<(u128, u32), foldhash::fast::FixedState>,
    counts: Vec<u64>,
}

impl SeenKeys {
    pub(crate) fn resize(&mut self, groups: usize) {
        if groups > self.counts.len() {
            self.counts.resize(groups, 0);
        }
    }

    /// Whether the key is new in its group.
    #[inline]
    pub(crate) fn insert(&mut self, group: u32, key: u128) -> bool {
        let new = self.seen.insert((key, group));
        self.counts[group as usize] += u64::from(new);
        new
    }

    /// Distinct keys per group.
    pub(crate) fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// All pairs, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, u128)> {
        self.seen.iter().map(|&(key, group)| (group, key))
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.seen.capacity() * (size_of::<(u128, u32)>() + 1) + self.counts.capacity() * 8
    }
}
