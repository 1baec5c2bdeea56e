//! Hashes of any number of arguments of any types.
//!
//! Invariant: arguments fold from left to right; a tuple is its elements, an array its length and
//! then its elements, a map the array of its entries.

use roost_engine::bail;
use roost_engine::column::{Column, Flat, Native};
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::{int_hash32, int_hash64};

/// What makes one hash function.
#[derive(Clone, Copy)]
pub(crate) struct AnyHash {
    /// Hash of bytes.
    pub(crate) bytes: fn(&[u8]) -> u64,
    /// One hash of two.
    pub(crate) combine: fn(u64, u64) -> u64,
    /// Plain numbers are hashed as numbers (`intHash64`) instead of by their bytes.
    pub(crate) mixes_numbers: bool,
    /// Answers have 32 bits.
    pub(crate) narrow: bool,
    /// The answer without arguments.
    pub(crate) nothing: u64,
}

/// The hash of NULL.
const NULL: u64 = 0xc58a_d2da_03d9_a871;

impl AnyHash {
    /// The hash of each row over all columns.
    pub(crate) fn rows(
        &self,
        columns: &[Column],
        types: &[DataType],
        rows: usize,
    ) -> Result<Vec<u64>> {
        let mut state = State {
            hashes: vec![0; rows],
            first: true,
        };
        for (column, ty) in columns.iter().zip(types) {
            self.fold(&mut state, column, ty)?;
        }
        if state.first {
            state.hashes.fill(self.nothing);
        }
        Ok(state.hashes)
    }

    fn fold(&self, state: &mut State, column: &Column, ty: &DataType) -> Result<()> {
        match ty {
            DataType::Tuple(t) => {
                let flat = column.to_flat();
                for (element, ty) in flat.as_tuple()?.iter().zip(&t.types) {
                    self.fold(state, element, ty)?;
                }
                Ok(())
            }
            DataType::Array(element) => self.fold_lists(state, column, element),
            DataType::Map(..) => match ty.map_entry() {
                Some(entry) => self.fold_lists(state, column, &entry),
                None => Ok(()),
            },
            DataType::Nullable(inner) => self.fold_nullable(state, column, inner),
            DataType::LowCardinality(inner) | DataType::SimpleAggregateFunction(_, inner) => {
                self.fold(state, column, inner)
            }
            _ => {
                let hashes = self.plain(&column.to_flat(), ty)?;
                self.add(state, hashes.into_iter());
                Ok(())
            }
        }
    }

    /// A NULL inside a tuple or array has a hash of its own.
    fn fold_nullable(&self, state: &mut State, column: &Column, inner: &DataType) -> Result<()> {
        let mut hashes = match *inner {
            DataType::Nothing => vec![NULL; column.len()],
            _ => self.rows(&[values(column)], std::slice::from_ref(inner), column.len())?,
        };
        for (row, hash) in hashes.iter_mut().enumerate() {
            if column.is_null(row) {
                *hash = if self.narrow {
                    NULL as u32 as u64
                } else {
                    NULL
                };
            }
        }
        self.add(state, hashes.into_iter());
        Ok(())
    }

    fn add(&self, state: &mut State, hashes: impl Iterator<Item = u64>) {
        if state.first {
            state
                .hashes
                .iter_mut()
                .zip(hashes)
                .for_each(|(h, new)| *h = new);
            state.first = false;
        } else {
            state
                .hashes
                .iter_mut()
                .zip(hashes)
                .for_each(|(h, new)| *h = (self.combine)(*h, new));
        }
    }

    fn fold_lists(&self, state: &mut State, column: &Column, element: &DataType) -> Result<()> {
        let Flat::Array(array) = column.to_flat() else {
            bail!(LOGICAL_ERROR, "expected a column of arrays");
        };
        let (offsets, elements) = array.compact();
        let inner = self.rows(
            std::slice::from_ref(&elements),
            std::slice::from_ref(element),
            elements.len(),
        )?;
        let length = |w: &[u64]| match self.narrow {
            true => u64::from(int_hash32(w[1] - w[0])),
            false => int_hash64(w[1] - w[0]),
        };
        self.add(state, offsets.windows(2).map(length));
        for (hash, w) in state.hashes.iter_mut().zip(offsets.windows(2)) {
            for one in &inner[w[0] as usize..w[1] as usize] {
                *hash = (self.combine)(*hash, *one);
            }
        }
        Ok(())
    }

    fn plain(&self, flat: &Flat, ty: &DataType) -> Result<Vec<u64>> {
        let by_bytes = matches!(ty, DataType::Decimal(..) | DataType::DateTime64(..));
        let mixes = self.mixes_numbers && !by_bytes;
        Ok(match flat {
            Flat::U8(v) => self.numbers(v, mixes, |x| u64::from(*x)),
            Flat::U16(v) => self.numbers(v, mixes, |x| u64::from(*x)),
            Flat::U32(v) => self.numbers(v, mixes, |x| u64::from(*x)),
            Flat::U64(v) => self.numbers(v, mixes, |x| *x),
            Flat::I8(v) => self.numbers(v, mixes, |x| u64::from(*x as u8)),
            Flat::I16(v) => self.numbers(v, mixes, |x| u64::from(*x as u16)),
            Flat::I32(v) => self.numbers(v, mixes, |x| u64::from(*x as u32)),
            Flat::I64(v) => self.numbers(v, mixes, |x| *x as u64),
            Flat::F32(v) => self.numbers(v, mixes, |x| u64::from(x.to_bits())),
            Flat::F64(v) => self.numbers(v, mixes, |x| x.to_bits()),
            Flat::U128(v) => v
                .iter()
                .map(|x| (self.bytes)(&wide_bytes(*x, ty)))
                .collect(),
            Flat::I128(v) => v.iter().map(|x| (self.bytes)(&x.to_le_bytes())).collect(),
            Flat::Bytes(_) | Flat::Fixed { .. } => (0..flat.len())
                .map(|i| (self.bytes)(flat.bytes_at(i)))
                .collect(),
            Flat::Nothing(rows) => vec![0; *rows],
            other => bail!(
                ILLEGAL_TYPE_OF_ARGUMENT,
                "cannot hash {ty}, held as {}",
                other.shape_name()
            ),
        })
    }

    fn numbers<T: Native>(&self, values: &[T], mixes: bool, bits: impl Fn(&T) -> u64) -> Vec<u64> {
        match (mixes, self.narrow) {
            (true, false) => values.iter().map(|x| int_hash64(bits(x))).collect(),
            (true, true) => values
                .iter()
                .map(|x| u64::from(int_hash32(bits(x))))
                .collect(),
            (false, _) => values
                .iter()
                .map(|x| (self.bytes)(&bits(x).to_le_bytes()[..T::WIDTH]))
                .collect(),
        }
    }
}

struct State {
    hashes: Vec<u64>,
    first: bool,
}

/// The bytes as ClickHouse holds them: a UUID as two halves, high first; an IPv6 as on the wire.
pub(super) fn wide_bytes(value: u128, ty: &DataType) -> [u8; 16] {
    match ty {
        DataType::UUID => value.rotate_right(64).to_le_bytes(),
        DataType::IPv6 => value.to_be_bytes(),
        _ => value.to_le_bytes(),
    }
}

pub(super) fn values(column: &Column) -> Column {
    match column.to_flat() {
        Flat::Nullable(n) => Column::Flat(n.values().clone()),
        other => Column::Flat(other),
    }
}
