//! Packed keys back into columns.
//!
//! Invariant: `keys(assign(rows))` at a row's id is the row.

use std::sync::Arc;

use roost_engine::column::{Buffer, Column, Flat, NullableColumn};
use roost_engine::error::{Error, Result};
use roost_engine::kernels::{concat, take};
use roost_engine::types::Physical;

use super::fixed::PackedKey;
use super::intern::Interner;
use super::layout::{Kept, Leaf};
use super::{Groups, Table};

/// Packed keys of one stage, one per group.
enum Packed {
    Ids(Vec<u32>),
    Small(Vec<u32>),
    Narrow(Vec<u64>),
    Wide(Vec<u128>),
}

pub(super) fn keys(groups: &Groups) -> Result<Vec<Column>> {
    let n = groups.len();
    let mut leaves: Vec<(&Leaf, Column)> = Vec::new();
    let mut at: Option<Vec<u32>> = None;
    for (s, stage) in groups.layout.stages.iter().enumerate().rev() {
        let packed = packed_keys(&groups.tables[s], at.as_deref(), n);
        for leaf in &stage.leaves {
            leaves.push((leaf, leaf_values(leaf, &packed, groups)?));
        }
        if s > 0 {
            at = Some(match &packed {
                Packed::Ids(ids) => ids.clone(),
                Packed::Small(keys) => keys.clone(),
                Packed::Narrow(keys) => keys.iter().map(|k| *k as u32).collect(),
                Packed::Wide(keys) => keys.iter().map(|k| *k as u32).collect(),
            });
        }
    }
    let shapes = groups.layout.shapes.iter().enumerate();
    shapes.map(|(i, s)| rebuild(&[i], s, &leaves, n)).collect()
}

fn packed_keys(table: &Table, at: Option<&[u32]>, n: usize) -> Packed {
    fn pick<K: Copy>(keys: &[K], at: Option<&[u32]>) -> Vec<K> {
        match at {
            Some(ids) => ids.iter().map(|&i| keys[i as usize]).collect(),
            None => keys.to_vec(),
        }
    }
    match table {
        Table::Direct { keys, .. } => Packed::Narrow(pick(keys, at)),
        Table::Small(t) => Packed::Small(pick(t.keys(), at)),
        Table::Narrow(t) => Packed::Narrow(pick(t.keys(), at)),
        Table::Wide(t) => Packed::Wide(pick(t.keys(), at)),
        Table::Identity | Table::Single { .. } => Packed::Ids((0..n as u32).collect()),
    }
}

fn leaf_values(leaf: &Leaf, packed: &Packed, groups: &Groups) -> Result<Column> {
    let mask: Option<Vec<u8>> = leaf.null_shift.map(|shift| match packed {
        Packed::Ids(ids) => vec![0; ids.len()],
        Packed::Small(keys) => keys.iter().map(|k| (k >> shift) as u8).collect(),
        Packed::Narrow(keys) => keys.iter().map(|k| (k >> shift) as u8).collect(),
        Packed::Wide(keys) => keys.iter().map(|k| (k >> shift) as u8).collect(),
    });
    let values = match leaf.interner {
        None => match packed {
            Packed::Ids(_) => return Err(Error::bug("ids are no numbers")),
            Packed::Small(keys) => numbers(keys, leaf)?,
            Packed::Narrow(keys) => numbers(keys, leaf)?,
            Packed::Wide(keys) => numbers(keys, leaf)?,
        },
        Some(i) => {
            let ids: Vec<u32> = match packed {
                Packed::Ids(ids) => ids.clone(),
                Packed::Small(keys) => keys.iter().map(|k| k >> leaf.shift).collect(),
                Packed::Narrow(keys) => keys.iter().map(|k| (k >> leaf.shift) as u32).collect(),
                Packed::Wide(keys) => keys.iter().map(|k| (k >> leaf.shift) as u32).collect(),
            };
            let identity = matches!(packed, Packed::Ids(_));
            interned(&groups.interners[i], leaf, &ids, mask.as_deref(), identity)?
        }
    };
    Ok(Column::Flat(match mask {
        Some(mask) => Flat::Nullable(NullableColumn::new(Buffer::from(mask), values)?),
        None => values,
    }))
}

fn numbers<K: PackedKey>(keys: &[K], leaf: &Leaf) -> Result<Flat> {
    let shift = leaf.shift;
    macro_rules! get {
        ($ty:ty) => {
            Flat::native(
                keys.iter()
                    .map(|k| k.get(shift) as $ty)
                    .collect::<Vec<$ty>>(),
            )
        };
    }
    Ok(match leaf.shape {
        Physical::Nothing => Flat::Nothing(keys.len()),
        Physical::U8 => get!(u8),
        Physical::U16 => get!(u16),
        Physical::U32 => get!(u32),
        Physical::U64 => get!(u64),
        Physical::U128 => get!(u128),
        Physical::I8 => get!(i8),
        Physical::I16 => get!(i16),
        Physical::I32 => get!(i32),
        Physical::I64 => get!(i64),
        Physical::I128 => get!(i128),
        Physical::F32 => Flat::native(
            keys.iter()
                .map(|k| f32::from_bits(k.get(shift) as u32))
                .collect::<Vec<_>>(),
        ),
        Physical::F64 => Flat::native(
            keys.iter()
                .map(|k| f64::from_bits(k.get(shift) as u64))
                .collect::<Vec<_>>(),
        ),
        _ => return Err(Error::bug("a packed key of no number")),
    })
}

fn interned(
    interner: &Interner,
    leaf: &Leaf,
    ids: &[u32],
    mask: Option<&[u8]>,
    identity: bool,
) -> Result<Flat> {
    let all = match (&interner.kept, &leaf.shape) {
        (Kept::Strings, Physical::Fixed(width)) => {
            let data = interner.table.column().data().to_vec();
            Flat::Fixed {
                width: *width,
                data: Buffer::from(data),
            }
        }
        (Kept::Strings, _) => Flat::Bytes(interner.table.column()),
        (Kept::Cells, _) => {
            let parts: Vec<Flat> = interner.firsts.iter().map(Column::to_flat).collect();
            match parts.is_empty() {
                true => roost_engine::column::ColumnBuilder::of_shape(&leaf.shape, 0).finish(),
                false => concat::concat_flats(&parts)?,
            }
        }
    };
    if identity {
        return Ok(all);
    }
    // Under NULL stands no id of anything.
    let none = |i: usize| mask.is_some_and(|m| m[i] != 0);
    let ids: Vec<u32> = ids
        .iter()
        .enumerate()
        .map(|(i, &id)| if none(i) { take::NO_ROW } else { id })
        .collect();
    Ok(take::take_or_default(&Column::Flat(all), &ids).to_flat())
}

fn rebuild(
    path: &[usize],
    shape: &Physical,
    leaves: &[(&Leaf, Column)],
    rows: usize,
) -> Result<Column> {
    if let Some((_, column)) = leaves.iter().find(|(leaf, _)| leaf.path == path) {
        return Ok(column.clone());
    }
    match shape {
        Physical::Tuple(shapes) => {
            let columns = shapes.iter().enumerate().map(|(i, s)| {
                let mut path = path.to_vec();
                path.push(i);
                rebuild(&path, s, leaves, rows)
            });
            let columns = columns.collect::<Result<Vec<_>>>()?;
            Ok(Column::Flat(Flat::Tuple(Arc::new(columns), rows)))
        }
        _ => Err(Error::bug("a key column was not packed")),
    }
}
