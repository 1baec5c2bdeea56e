//! Numbers packed keys of one machine word (or two) by first appearance: open addressing.
//!
//! Invariant: the table is at most half full, `keys[id]` is the key of id, and slot ids are one
//! more than the id so that zero means empty.

/// A key of fixed width.
pub(super) trait PackedKey: Copy + Eq + Default + Send + Sync + 'static {
    /// A well mixed hash.
    fn hash(self) -> u64;
    /// Sets `bits` at `shift`; the place holds zeros so far.
    fn put(&mut self, bits: u128, shift: u32);
    /// The bits from `shift` on, low ones first.
    fn get(self, shift: u32) -> u128;
}

const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;

#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let wide = u128::from(a) * u128::from(b);
    (wide as u64) ^ ((wide >> 64) as u64)
}

impl PackedKey for u32 {
    #[inline]
    fn hash(self) -> u64 {
        u64::from(self).hash()
    }
    #[inline]
    fn put(&mut self, bits: u128, shift: u32) {
        *self |= (bits as u32) << shift;
    }
    #[inline]
    fn get(self, shift: u32) -> u128 {
        u128::from(self >> shift)
    }
}

impl PackedKey for u64 {
    #[inline]
    fn hash(self) -> u64 {
        fold(self ^ 0xA076_1D64_78BD_642F, MULTIPLIER)
    }
    #[inline]
    fn put(&mut self, bits: u128, shift: u32) {
        *self |= (bits as u64) << shift;
    }
    #[inline]
    fn get(self, shift: u32) -> u128 {
        u128::from(self >> shift)
    }
}

impl PackedKey for u128 {
    #[inline]
    fn hash(self) -> u64 {
        fold(
            self as u64 ^ 0xA076_1D64_78BD_642F,
            (self >> 64) as u64 ^ MULTIPLIER,
        )
        .wrapping_mul(MULTIPLIER)
    }
    #[inline]
    fn put(&mut self, bits: u128, shift: u32) {
        *self |= bits << shift;
    }
    #[inline]
    fn get(self, shift: u32) -> u128 {
        self >> shift
    }
}

/// Ids of packed keys.
#[derive(Debug, Clone)]
pub(super) struct FixedTable<K> {
    slots: Vec<(K, u32)>,
    keys: Vec<K>,
}

impl<K: PackedKey> Default for FixedTable<K> {
    fn default() -> Self {
        FixedTable {
            slots: vec![(K::default(), 0); 256],
            keys: Vec::new(),
        }
    }
}

impl<K: PackedKey> FixedTable<K> {
    /// Keys by id.
    pub(super) fn keys(&self) -> &[K] {
        &self.keys
    }

    /// Resident bytes.
    pub(super) fn memory_bytes(&self) -> usize {
        self.slots.capacity() * size_of::<(K, u32)>() + self.keys.capacity() * size_of::<K>()
    }

    /// The id of every key; unseen keys get the next one.
    pub(super) fn insert_all(&mut self, keys: &[K], out: &mut Vec<u32>) {
        let mut last: Option<(K, u32)> = None;
        for &key in keys {
            let id = match last {
                Some((k, id)) if k == key => id,
                _ => self.insert(key),
            };
            last = Some((key, id));
            out.push(id);
        }
    }

    #[inline]
    fn insert(&mut self, key: K) -> u32 {
        let mask = self.slots.len() - 1;
        let mut at = key.hash() as usize & mask;
        loop {
            let (found, id) = self.slots[at];
            if id == 0 {
                break;
            }
            if found == key {
                return id - 1;
            }
            at = (at + 1) & mask;
        }
        let id = self.keys.len() as u32;
        self.slots[at] = (key, id + 1);
        self.keys.push(key);
        if self.keys.len() * 2 > self.slots.len() {
            self.grow();
        }
        id
    }

    #[cold]
    fn grow(&mut self) {
        let larger = self.slots.len() * if self.slots.len() < 1 << 16 { 4 } else { 2 };
        self.slots = vec![(K::default(), 0); larger];
        let mask = larger - 1;
        for (id, &key) in self.keys.iter().enumerate() {
            let mut at = key.hash() as usize & mask;
            while self.slots[at].1 != 0 {
                at = (at + 1) & mask;
            }
            self.slots[at] = (key, id as u32 + 1);
        }
    }

    /// The id of every key; [`super::NO_GROUP`] for unseen ones.
    pub(super) fn find_all(&self, keys: &[K], out: &mut Vec<u32>) {
        let mask = self.slots.len() - 1;
        out.extend(keys.iter().map(|&key| {
            let mut at = key.hash() as usize & mask;
            loop {
                let (found, id) = self.slots[at];
                if id == 0 {
                    return super::NO_GROUP;
                }
                if found == key {
                    return id - 1;
                }
                at = (at + 1) & mask;
            }
        }));
    }
}
