//! Columns into packed keys.
//!
//! Invariant: bits under NULL are zero, so that all NULLs are one key.

use roost_engine::column::{Column, Flat};
use roost_engine::error::{Error, Result};
use roost_engine::with_native;

use super::fixed::PackedKey;
use super::layout::{Leaf, StageLayout};

/// Gives ids of values that are not numbers.
pub(super) type Ids<'a> = dyn FnMut(usize, &Column) -> Result<Vec<u32>> + 'a;

/// Numbers as bits.
trait Bits: Copy {
    fn bits(self) -> u128;
}

macro_rules! bits {
    ($($ty:ty => $via:ty),*) => { $(impl Bits for $ty {
        #[inline]
        fn bits(self) -> u128 { self as $via as u128 }
    })* };
}
bits!(u8 => u8, u16 => u16, u32 => u32, u64 => u64, u128 => u128,
      i8 => u8, i16 => u16, i32 => u32, i64 => u64, i128 => u128);

impl Bits for f32 {
    #[inline]
    fn bits(self) -> u128 {
        self.to_bits().into()
    }
}

impl Bits for f64 {
    #[inline]
    fn bits(self) -> u128 {
        self.to_bits().into()
    }
}

/// The column that a leaf reads.
pub(super) fn leaf_column(leaf: &Leaf, columns: &[Column]) -> Result<Column> {
    let mut path = leaf.path.iter();
    let missing = || Error::bug("a key column is missing");
    let first = path.next().and_then(|&i| columns.get(i));
    let mut column = first.ok_or_else(missing)?.clone();
    for &i in path {
        let flat = column.to_flat();
        column = flat.as_tuple()?.get(i).ok_or_else(missing)?.clone();
    }
    Ok(column)
}

/// The stage's key of every row; `previous` are the ids of the stage before.
pub(super) fn pack<K: PackedKey>(
    stage: &StageLayout,
    columns: &[Column],
    rows: usize,
    previous: &[u32],
    ids: &mut Ids<'_>,
) -> Result<Vec<K>> {
    let mut keys = vec![K::default(); rows];
    for (key, &id) in keys.iter_mut().zip(previous) {
        key.put(id.into(), 0);
    }
    for leaf in &stage.leaves {
        put_leaf(leaf, &leaf_column(leaf, columns)?, &mut keys, ids)?;
    }
    Ok(keys)
}

fn put_leaf<K: PackedKey>(
    leaf: &Leaf,
    column: &Column,
    keys: &mut [K],
    ids: &mut Ids<'_>,
) -> Result<()> {
    if column.len() != keys.len() {
        return Err(Error::bug("key columns differ in length"));
    }
    match column {
        Column::Const { value, .. } => {
            let mut one = [K::default()];
            put_leaf(leaf, &Column::Flat(value.as_ref().clone()), &mut one, ids)?;
            keys.iter_mut().for_each(|k| k.put(one[0].get(0), 0));
            Ok(())
        }
        Column::Dict(d)
            if let Some(interner) = leaf.interner
                && !matches!(d.dict().as_ref(), Flat::Nullable(_)) =>
        {
            let numbers = Flat::native(ids(interner, column)?);
            put_bits(&numbers, None, leaf.shift, keys)
        }
        Column::Dict(d) if d.dict().len() <= keys.len() => {
            let mut entries = vec![K::default(); d.dict().len()];
            put_leaf(
                leaf,
                &Column::Flat(d.dict().as_ref().clone()),
                &mut entries,
                ids,
            )?;
            for (key, &code) in keys.iter_mut().zip(d.codes()) {
                key.put(entries[code as usize].get(0), 0);
            }
            Ok(())
        }
        Column::Dict(_) => put_flat(leaf, &column.to_flat(), keys, ids),
        Column::Flat(flat) => put_flat(leaf, flat, keys, ids),
    }
}

fn put_flat<K: PackedKey>(
    leaf: &Leaf,
    flat: &Flat,
    keys: &mut [K],
    ids: &mut Ids<'_>,
) -> Result<()> {
    let (nulls, values) = flat.split_nulls();
    let numbers;
    let values = match leaf.interner {
        Some(i) => {
            numbers = Flat::native(ids(i, &Column::Flat(values.clone()))?);
            &numbers
        }
        None => values,
    };
    let nulls = nulls.filter(|mask| mask.iter().any(|b| *b != 0));
    put_bits(values, nulls, leaf.shift, keys)?;
    if let (Some(mask), Some(shift)) = (nulls, leaf.null_shift) {
        for (key, &null) in keys.iter_mut().zip(mask) {
            key.put(u128::from(null != 0), shift);
        }
    }
    Ok(())
}

fn put_bits<K: PackedKey>(
    values: &Flat,
    nulls: Option<&[u8]>,
    shift: u32,
    keys: &mut [K],
) -> Result<()> {
    with_native!(values, |v| {
        match nulls {
            None => keys.iter_mut().zip(v.iter()).for_each(|(k, x)| k.put(x.bits(), shift)),
            Some(mask) => {
                for ((key, x), null) in keys.iter_mut().zip(v.iter()).zip(mask) {
                    if *null == 0 {
                        key.put(x.bits(), shift);
                    }
                }
            }
        }
        Ok(())
    }, other => match other {
        Flat::Nothing(_) => Ok(()),
        other => Err(Error::bug(format!("cannot pack a column of {}", other.shape_name()))),
    })
}
