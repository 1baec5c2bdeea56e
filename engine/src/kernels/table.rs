//! Numbers keys of fixed width by first appearance: open addressing, many keys at a time so that
//! the memory's answers to their slots arrive together.
//!
//! Invariant: the table is at most half full, `keys[id]` is the key of id, and slot ids are one
//! more than the id so that zero means empty.

/// A key of fixed width.
pub trait TableKey: Copy + Eq + Default + Send + Sync + 'static {
    /// A well mixed hash.
    fn hash(self) -> u64;
}

const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;

#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let wide = u128::from(a) * u128::from(b);
    (wide as u64) ^ ((wide >> 64) as u64)
}

impl TableKey for u32 {
    #[inline]
    fn hash(self) -> u64 {
        u64::from(self).hash()
    }
}

impl TableKey for u64 {
    #[inline]
    fn hash(self) -> u64 {
        fold(self ^ 0xA076_1D64_78BD_642F, MULTIPLIER)
    }
}

impl TableKey for u128 {
    #[inline]
    fn hash(self) -> u64 {
        fold(
            self as u64 ^ 0xA076_1D64_78BD_642F,
            (self >> 64) as u64 ^ MULTIPLIER,
        )
        .wrapping_mul(MULTIPLIER)
    }
}

/// What a slot keeps beside the id: some of the hash.
type Slot = (u32, u32);

#[inline]
fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// Ids of keys.
#[derive(Debug, Clone)]
pub struct KeyTable<K> {
    slots: Vec<Slot>,
    keys: Vec<K>,
}

impl<K: TableKey> Default for KeyTable<K> {
    fn default() -> Self {
        KeyTable {
            slots: vec![(0, 0); 256],
            keys: Vec::new(),
        }
    }
}

/// Keys looked at together.
const TOGETHER: usize = 16;

/// Below this many slots a table grows fourfold.
const FOURFOLD_MAX: usize = 1 << 20;

impl<K: TableKey> KeyTable<K> {
    /// Keys by id.
    pub fn keys(&self) -> &[K] {
        &self.keys
    }

    /// Number of keys.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Resident bytes.
    pub fn memory_bytes(&self) -> usize {
        self.slots.capacity() * size_of::<Slot>() + self.keys.capacity() * size_of::<K>()
    }

    /// The id of every key; unseen keys get the next one.
    pub fn insert_all(&mut self, keys: &[K], out: &mut Vec<u32>) {
        out.reserve(keys.len());
        for keys in keys.chunks(TOGETHER) {
            self.make_room(keys.len());
            let (hashes, slots) = self.first_slots(keys);
            let mut last: Option<(K, u32)> = None;
            for (i, &key) in keys.iter().enumerate() {
                let known = match last {
                    Some((k, id)) if k == key => Some(id),
                    _ => self.hit(key, hashes[i], slots[i]),
                };
                let id = known.unwrap_or_else(|| self.probe(key, hashes[i]));
                last = Some((key, id));
                out.push(id);
            }
        }
    }

    /// Hashes and first slots; no load waits for another.
    #[inline]
    fn first_slots(&self, keys: &[K]) -> ([u64; TOGETHER], [Slot; TOGETHER]) {
        let mask = self.slots.len() - 1;
        let (mut hashes, mut slots) = ([0u64; TOGETHER], [(0u32, 0u32); TOGETHER]);
        for (i, key) in keys.iter().enumerate().take(TOGETHER) {
            hashes[i] = key.hash();
            slots[i] = self.slots[hashes[i] as usize & mask];
        }
        (hashes, slots)
    }

    /// The id when the first slot is the key's.
    #[inline]
    fn hit(&self, key: K, hash: u64, (found, id): Slot) -> Option<u32> {
        (id != 0 && found == tag(hash) && self.keys[id as usize - 1] == key).then(|| id - 1)
    }

    /// Goes through the slots; there is room.
    #[inline]
    fn probe(&mut self, key: K, hash: u64) -> u32 {
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let (found, id) = self.slots[at];
            if id == 0 {
                break;
            }
            if found == tag(hash) && self.keys[id as usize - 1] == key {
                return id - 1;
            }
            at = (at + 1) & mask;
        }
        let id = self.keys.len() as u32;
        self.slots[at] = (tag(hash), id + 1);
        self.keys.push(key);
        id
    }

    /// The id of a key; an unseen one gets the next.
    #[inline]
    pub fn insert(&mut self, key: K) -> u32 {
        self.make_room(1);
        self.probe(key, key.hash())
    }

    #[inline]
    fn make_room(&mut self, more: usize) {
        if (self.keys.len() + more) * 2 > self.slots.len() {
            self.grow();
        }
    }

    #[cold]
    fn grow(&mut self) {
        let times = if self.slots.len() < FOURFOLD_MAX {
            4
        } else {
            2
        };
        let larger = self.slots.len() * times;
        self.slots = vec![(0, 0); larger];
        let mask = larger - 1;
        for (id, &key) in self.keys.iter().enumerate() {
            let hash = key.hash();
            let mut at = hash as usize & mask;
            while self.slots[at].1 != 0 {
                at = (at + 1) & mask;
            }
            self.slots[at] = (tag(hash), id as u32 + 1);
        }
    }

    /// The id of every key; `none` for unseen ones.
    pub fn find_all(&self, keys: &[K], none: u32, out: &mut Vec<u32>) {
        let mask = self.slots.len() - 1;
        out.reserve(keys.len());
        for keys in keys.chunks(TOGETHER) {
            let (hashes, slots) = self.first_slots(keys);
            for (i, &key) in keys.iter().enumerate() {
                let id = self.hit(key, hashes[i], slots[i]);
                out.push(id.unwrap_or_else(|| self.find(key, hashes[i], mask).unwrap_or(none)));
            }
        }
    }

    fn find(&self, key: K, hash: u64, mask: usize) -> Option<u32> {
        let mut at = hash as usize & mask;
        loop {
            let (found, id) = self.slots[at];
            if id == 0 {
                return None;
            }
            if found == tag(hash) && self.keys[id as usize - 1] == key {
                return Some(id - 1);
            }
            at = (at + 1) & mask;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_dense_and_keys_come_back() {
        let keys: Vec<u128> = (0..9000u128)
            .map(|i| (i % 3000) * i % 700 + ((i % 11) << 80))
            .collect();
        let (mut table, mut ids) = (KeyTable::default(), Vec::new());
        table.insert_all(&keys[..5], &mut ids);
        table.insert_all(&keys[5..], &mut ids);
        let mut known: Vec<u128> = Vec::new();
        for (key, id) in keys.iter().zip(&ids) {
            if *id as usize == known.len() {
                known.push(*key);
            }
            assert_eq!(known[*id as usize], *key);
        }
        assert_eq!(table.keys(), known);
        let mut found = Vec::new();
        table.find_all(&[keys[7], u128::MAX], 99_999, &mut found);
        assert_eq!(found, [ids[7], 99_999]);
        assert_eq!(table.insert(keys[8]), ids[8]);
    }
}
