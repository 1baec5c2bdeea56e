//! Packed keys: one machine word (or two) that holds the bits of all key columns.
//!
//! Invariant: `put` goes where zeros are.

use roost_engine::kernels::table::{KeyTable, TableKey};

/// Ids of packed keys.
pub(super) type FixedTable<K> = KeyTable<K>;

/// A key of fixed width.
pub(super) trait PackedKey: TableKey {
    /// Sets `bits` at `shift`; the place holds zeros so far.
    fn put(&mut self, bits: u128, shift: u32);
    /// The bits from `shift` on, low ones first.
    fn get(self, shift: u32) -> u128;
}

impl PackedKey for u32 {
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
    fn put(&mut self, bits: u128, shift: u32) {
        *self |= bits << shift;
    }
    #[inline]
    fn get(self, shift: u32) -> u128 {
        self >> shift
    }
}
