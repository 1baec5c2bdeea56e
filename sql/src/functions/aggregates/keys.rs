//! Rows as keys of at most 128 bits, for exact distinctness.
//!
//! Invariant: equal rows have equal keys; different rows have different keys for plain numbers, and
//! for strings and combinations up to collisions of a 128-bit hash (as ClickHouse counts them).

use roost_engine::column::{Column, Flat};
use roost_engine::kernels::table::KeyTable;

use super::bytes::put_value;
use super::states::Groups;

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
        Flat::I8(v) => v.iter().map(|&x| u128::from(x as u8)).collect(),
        Flat::I16(v) => v.iter().map(|&x| u128::from(x as u16)).collect(),
        Flat::I32(v) => v.iter().map(|&x| u128::from(x as u32)).collect(),
        Flat::I64(v) => v.iter().map(|&x| u128::from(x as u64)).collect(),
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

/// The keys of a column of plain numbers of at most 64 bits; the same keys as [`row_keys`]'s.
fn short_keys(args: &[Column]) -> Option<Vec<u64>> {
    let [Column::Flat(flat)] = args else {
        return None;
    };
    Some(match flat {
        Flat::U8(v) => v.iter().map(|&x| x.into()).collect(),
        Flat::U16(v) => v.iter().map(|&x| x.into()).collect(),
        Flat::U32(v) => v.iter().map(|&x| x.into()).collect(),
        Flat::U64(v) => v.to_vec(),
        Flat::I8(v) => v.iter().map(|&x| (x as u8).into()).collect(),
        Flat::I16(v) => v.iter().map(|&x| (x as u16).into()).collect(),
        Flat::I32(v) => v.iter().map(|&x| (x as u32).into()).collect(),
        Flat::I64(v) => v.iter().map(|&x| x as u64).collect(),
        _ => return None,
    })
}

/// The set of (group, key) pairs that were seen, with a count per group.
#[derive(Debug, Clone, Default)]
pub(crate) struct SeenKeys {
    seen: Seen,
    counts: Vec<u64>,
}

/// Pairs as small as they have been so far.
#[derive(Debug, Clone)]
enum Seen {
    /// Keys of 64 bits, all in group 0.
    One(KeyTable<u64>),
    /// Keys of 64 bits under their groups.
    Short(KeyTable<u128>),
    /// Any keys.
    Any(hashbrown::HashSet<(u128, u32), foldhash::fast::FixedState>),
}

impl Default for Seen {
    fn default() -> Self {
        Seen::One(KeyTable::default())
    }
}

#[inline]
fn short_pair(group: u32, key: u64) -> u128 {
    u128::from(group) << 64 | u128::from(key)
}

impl Seen {
    fn iter(&self) -> Box<dyn Iterator<Item = (u32, u128)> + '_> {
        match self {
            Seen::One(keys) => Box::new(keys.keys().iter().map(|k| (0, (*k).into()))),
            Seen::Short(pairs) => {
                let pairs = pairs.keys().iter();
                Box::new(pairs.map(|p| ((p >> 64) as u32, *p & u128::from(u64::MAX))))
            }
            Seen::Any(pairs) => Box::new(pairs.iter().map(|&(key, group)| (group, key))),
        }
    }

    /// Makes room for what the pair needs.
    fn widen(&mut self, group: u32, key: u128) {
        let short = u64::try_from(key).is_ok();
        match self {
            Seen::One(_) if short && group == 0 => {}
            Seen::One(keys) if short => {
                let (pairs, mut table) = (keys.keys().iter(), KeyTable::default());
                let pairs: Vec<u128> = pairs.map(|k| short_pair(0, *k)).collect();
                table.insert_all(&pairs, &mut Vec::new());
                *self = Seen::Short(table);
            }
            Seen::Short(_) if short => {}
            Seen::Any(_) => {}
            _ => *self = Seen::Any(self.iter().map(|(group, key)| (key, group)).collect()),
        }
    }

    fn insert(&mut self, group: u32, key: u128) -> bool {
        self.widen(group, key);
        match self {
            Seen::One(keys) => {
                let before = keys.len();
                keys.insert(key as u64) as usize == before
            }
            Seen::Short(pairs) => {
                let before = pairs.len();
                pairs.insert(short_pair(group, key as u64)) as usize == before
            }
            Seen::Any(pairs) => pairs.insert((key, group)),
        }
    }
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
        let new = self.seen.insert(group, key);
        self.counts[group as usize] += u64::from(new);
        new
    }

    /// Adds the rows of some columns.
    pub(crate) fn insert_all(&mut self, args: &[Column], groups: Groups<'_>) {
        let Some(keys) = short_keys(args) else {
            for (row, key) in row_keys(args, groups.rows()).into_iter().enumerate() {
                self.insert(groups.at(row) as u32, key);
            }
            return;
        };
        if keys.is_empty() {
            return;
        }
        let in_first = match groups {
            Groups::One { group, .. } => group == 0,
            Groups::Many(groups) => groups.iter().all(|g| *g == 0),
        };
        self.seen.widen(if in_first { 0 } else { 1 }, 0);
        let (mut ids, mut next) = (Vec::with_capacity(keys.len()), 0);
        match &mut self.seen {
            Seen::One(table) => {
                table.insert_all(&keys, &mut ids);
                self.counts[0] = table.len() as u64;
                return;
            }
            Seen::Short(table) => {
                next += table.len() as u32;
                let pairs = keys.iter().enumerate();
                let pairs: Vec<u128> = pairs
                    .map(|(row, key)| short_pair(groups.at(row) as u32, *key))
                    .collect();
                table.insert_all(&pairs, &mut ids);
            }
            Seen::Any(pairs) => {
                for (row, key) in keys.iter().enumerate() {
                    let group = groups.at(row);
                    let new = pairs.insert(((*key).into(), group as u32));
                    self.counts[group] += u64::from(new);
                }
                return;
            }
        }
        for (row, id) in ids.iter().enumerate() {
            if *id == next {
                self.counts[groups.at(row)] += 1;
                next += 1;
            }
        }
    }

    /// Adds another set, its group `i` as `map[i]`.
    pub(crate) fn merge(&mut self, other: &SeenKeys, map: &[u32]) {
        if let (Seen::One(mine), Seen::One(theirs), Some(0)) =
            (&mut self.seen, &other.seen, map.first())
        {
            mine.insert_all(theirs.keys(), &mut Vec::new());
            self.counts[0] = mine.len() as u64;
            return;
        }
        for (group, key) in other.iter() {
            self.insert(map[group as usize], key);
        }
    }

    /// Distinct keys per group.
    pub(crate) fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// All pairs, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, u128)> + '_ {
        self.seen.iter()
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        let seen = match &self.seen {
            Seen::One(keys) => keys.memory_bytes(),
            Seen::Short(pairs) => pairs.memory_bytes(),
            Seen::Any(pairs) => pairs.capacity() * (size_of::<(u128, u32)>() + 1),
        };
        seen + self.counts.capacity() * 8
    }
}
