//! Numbers byte strings by first appearance: open addressing over saved hashes.
//!
//! Invariant: string `id` is `data[offsets[id]..offsets[id + 1]]`, its hash is `hashes[id]`, and
//! the table is at most half full.

use roost_engine::column::{Buffer, BytesBuilder, BytesColumn};
use roost_engine::kernels::hash::hash_bytes;

/// Ids of strings.
#[derive(Debug, Clone)]
pub(super) struct StringTable {
    /// Upper half of the hash, and one more than the id (zero: empty).
    slots: Vec<(u32, u32)>,
    hashes: Vec<u64>,
    offsets: Vec<u64>,
    data: Vec<u8>,
}

impl Default for StringTable {
    fn default() -> Self {
        StringTable {
            slots: vec![(0, 0); 256],
            hashes: Vec::new(),
            offsets: vec![0],
            data: Vec::new(),
        }
    }
}

#[inline]
fn word(bytes: &[u8]) -> u64 {
    let mut fixed = [0u8; 8];
    fixed.copy_from_slice(bytes);
    u64::from_le_bytes(fixed)
}

/// Short strings are two overlapping words; long ones go to the general hash.
#[inline]
fn hash(bytes: &[u8]) -> u64 {
    let n = bytes.len();
    let (a, b) = match n {
        8..=16 => (word(&bytes[..8]), word(&bytes[n - 8..])),
        4..=7 => {
            let mut low = [0u8; 8];
            low[..4].copy_from_slice(&bytes[..4]);
            low[4..].copy_from_slice(&bytes[n - 4..]);
            (u64::from_le_bytes(low), 0)
        }
        1..=3 => {
            let middle = u64::from(bytes[n / 2]);
            (
                u64::from(bytes[0]) << 16 | middle << 8 | u64::from(bytes[n - 1]),
                0,
            )
        }
        0 => (0, 0),
        _ => return hash_bytes(bytes),
    };
    let wide = u128::from(a ^ 0xA076_1D64_78BD_642F ^ ((n as u64) << 56))
        * u128::from(b ^ 0xE703_7ED1_A0B4_28DB);
    let mixed = (wide as u64) ^ ((wide >> 64) as u64);
    mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (mixed >> 29)
}

impl StringTable {
    /// Number of strings.
    pub(super) fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Resident bytes.
    pub(super) fn memory_bytes(&self) -> usize {
        self.slots.capacity() * 8
            + self.hashes.capacity() * 8
            + self.offsets.capacity() * 8
            + self.data.capacity()
    }

    #[inline]
    fn get(&self, id: usize) -> &[u8] {
        &self.data[self.offsets[id] as usize..self.offsets[id + 1] as usize]
    }

    /// The id of `bytes`; an unseen string gets the next one.
    #[inline]
    pub(super) fn insert(&mut self, bytes: &[u8]) -> u32 {
        let hash = hash(bytes);
        let (mask, tag) = (self.slots.len() - 1, (hash >> 32) as u32);
        let mut at = hash as usize & mask;
        loop {
            let (found, id) = self.slots[at];
            if id == 0 {
                break;
            }
            if found == tag && self.get(id as usize - 1) == bytes {
                return id - 1;
            }
            at = (at + 1) & mask;
        }
        let id = self.hashes.len() as u32;
        self.slots[at] = (tag, id + 1);
        self.hashes.push(hash);
        self.data.extend_from_slice(bytes);
        self.offsets.push(self.data.len() as u64);
        if self.hashes.len() * 2 > self.slots.len() {
            self.grow();
        }
        id
    }

    #[cold]
    fn grow(&mut self) {
        let larger = self.slots.len() * if self.slots.len() < 1 << 16 { 4 } else { 2 };
        self.slots = vec![(0, 0); larger];
        let mask = larger - 1;
        for (id, &hash) in self.hashes.iter().enumerate() {
            let mut at = hash as usize & mask;
            while self.slots[at].1 != 0 {
                at = (at + 1) & mask;
            }
            self.slots[at] = ((hash >> 32) as u32, id as u32 + 1);
        }
    }

    /// The id of `bytes`, or [`super::NO_GROUP`].
    #[inline]
    pub(super) fn find(&self, bytes: &[u8]) -> u32 {
        let hash = hash(bytes);
        let (mask, tag) = (self.slots.len() - 1, (hash >> 32) as u32);
        let mut at = hash as usize & mask;
        loop {
            let (found, id) = self.slots[at];
            if id == 0 {
                return super::NO_GROUP;
            }
            if found == tag && self.get(id as usize - 1) == bytes {
                return id - 1;
            }
            at = (at + 1) & mask;
        }
    }

    /// All strings by id.
    pub(super) fn column(&self) -> BytesColumn {
        let whole = BytesColumn::new(
            Buffer::from(self.offsets.clone()),
            Buffer::from(self.data.clone()),
        );
        whole.unwrap_or_else(|_| BytesBuilder::default().finish())
    }
}
