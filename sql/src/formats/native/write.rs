//! Columns to bytes of Native.
//!
//! Invariant: a type's prefixes (of LowCardinality) stand before all of its data.

use roost_engine::column::{Column, ColumnBuilder, Flat, Native};
use roost_engine::error::{Error, Result};
use roost_engine::kernels::compare::compare_flat;
use roost_engine::kernels::hash::hash_rows;
use roost_engine::kernels::take::take_flat;
use roost_engine::types::DataType;
use roost_engine::with_native;

use crate::formats::binary::{put_string, uuid_bytes};

/// Version of the serialisation of dictionaries.
const DICTIONARY_VERSION: u64 = 1;
/// Own keys follow, and they are the whole dictionary.
const DICTIONARY_FLAGS: u64 = 0x600;

/// Appends what stands before the data of a type.
pub(super) fn prefix(ty: &DataType, out: &mut Vec<u8>) {
    match ty {
        DataType::LowCardinality(_) => out.extend_from_slice(&DICTIONARY_VERSION.to_le_bytes()),
        DataType::Array(e) => prefix(e, out),
        DataType::Nullable(inner) | DataType::SimpleAggregateFunction(_, inner) => {
            prefix(inner, out);
        }
        DataType::Tuple(t) => t.types.iter().for_each(|ty| prefix(ty, out)),
        DataType::Map(k, v) => {
            prefix(k, out);
            prefix(v, out);
        }
        _ => {}
    }
}

/// Appends the rows of a column.
pub(super) fn column(column: &Column, ty: &DataType, out: &mut Vec<u8>) -> Result<()> {
    match ty {
        DataType::LowCardinality(inner) => dictionary(column, inner, out),
        _ => flat(&column.to_flat(), ty, out),
    }
}

fn put_natives<T: Native>(values: &[T], out: &mut Vec<u8>) {
    out.reserve(values.len() * T::WIDTH);
    values.iter().for_each(|v| v.write_le(out));
}

fn flat(values: &Flat, ty: &DataType, out: &mut Vec<u8>) -> Result<()> {
    match (ty, values) {
        (DataType::SimpleAggregateFunction(_, inner), _) => return flat(values, inner, out),
        (DataType::Nullable(inner), Flat::Nullable(n)) => {
            out.extend(n.nulls().iter().map(|null| u8::from(*null != 0)));
            return flat(n.values(), inner, out);
        }
        (DataType::Array(e), Flat::Array(a)) => {
            let (offsets, elements) = a.compact();
            put_natives(&offsets[1..], out);
            return column(&elements, e, out);
        }
        (DataType::Map(k, v), Flat::Array(a)) => {
            let (offsets, entries) = a.compact();
            put_natives(&offsets[1..], out);
            let entries = entries.to_flat();
            let [keys, items] = entries.as_tuple()? else {
                return Err(Error::bug("a map's entries are not pairs"));
            };
            column(keys, k, out)?;
            return column(items, v, out);
        }
        (DataType::Tuple(t), Flat::Tuple(columns, rows)) => {
            if t.types.is_empty() {
                out.resize(out.len() + rows, b'0');
            }
            let mut elements = columns.iter().zip(&t.types);
            return elements.try_for_each(|(c, ty)| column(c, ty, out));
        }
        (DataType::UUID, Flat::U128(v)) => {
            v.iter()
                .for_each(|v| out.extend_from_slice(&uuid_bytes(*v)));
            return Ok(());
        }
        (DataType::IPv6, Flat::U128(v)) => {
            v.iter()
                .for_each(|v| out.extend_from_slice(&v.to_be_bytes()));
            return Ok(());
        }
        _ => {}
    }
    with_native!(values, |v| put_natives(v, out), other => match other {
        Flat::Bytes(b) => b.iter().for_each(|text| put_string(out, text)),
        Flat::Fixed { data, .. } => out.extend_from_slice(data),
        Flat::Nothing(rows) => out.resize(out.len() + rows, b'0'),
        other => {
            let found = other.shape_name();
            return Err(Error::bug(format!("a column of {ty} holds {found}")));
        }
    });
    Ok(())
}

/// A dictionary: its first key is the default value (NULL, then the default, when Nullable).
fn dictionary(rows: &Column, inner: &DataType, out: &mut Vec<u8>) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let (entries, codes): (Flat, Vec<u32>) = match rows {
        Column::Dict(d) => used(d.dict(), d.codes()),
        Column::Const { value, len } => (value.as_ref().clone(), vec![0; *len]),
        Column::Flat(flat) => distinct(flat),
    };
    let value_type = inner.without_nullable();
    let (nulls, values) = entries.split_nulls();
    let is_null = |entry: usize| nulls.is_some_and(|n| n[entry] != 0);
    let mut default = ColumnBuilder::new(&value_type, 1);
    default.push_default();
    let default = default.finish();
    let is_default = |entry: usize| compare_flat(values, entry, &default, 0).is_eq();
    // Place of each entry among the keys: the defaults first, then the others in order.
    let first = if inner.is_nullable() { 2 } else { 1 };
    let mut kept = Vec::new();
    let places: Vec<u64> = (0..entries.len())
        .map(|entry| match () {
            () if is_null(entry) => 0,
            () if is_default(entry) => first - 1,
            () => {
                kept.push(entry as u32);
                first + kept.len() as u64 - 1
            }
        })
        .collect();
    let keys = first + kept.len() as u64;
    let width_class = match keys {
        0..=0x100 => 0u64,
        0x101..=0x1_0000 => 1,
        0x1_0001..=0x1_0000_0000 => 2,
        _ => 3,
    };
    out.extend_from_slice(&(DICTIONARY_FLAGS | width_class).to_le_bytes());
    out.extend_from_slice(&keys.to_le_bytes());
    for _ in 0..first {
        flat(&default, &value_type, out)?;
    }
    flat(&take_flat(values, &kept), &value_type, out)?;
    out.extend_from_slice(&(codes.len() as u64).to_le_bytes());
    for code in codes {
        let bytes = places[code as usize].to_le_bytes();
        out.extend_from_slice(&bytes[..1 << width_class]);
    }
    Ok(())
}

/// The entries that some row uses, and the rows' codes among them.
fn used(dict: &Flat, codes: &[u32]) -> (Flat, Vec<u32>) {
    let mut places = vec![u32::MAX; dict.len()];
    let mut kept = Vec::new();
    let mut own = Vec::with_capacity(codes.len());
    for &code in codes {
        let place = &mut places[code as usize];
        if *place == u32::MAX {
            *place = kept.len() as u32;
            kept.push(code);
        }
        own.push(*place);
    }
    let (entries, recoded) = distinct(&take_flat(dict, &kept));
    own.iter_mut()
        .for_each(|code| *code = recoded[*code as usize]);
    (entries, own)
}

/// Entries without repetition, and each row's code.
fn distinct(flat: &Flat) -> (Flat, Vec<u32>) {
    let hashes = hash_rows(&[Column::Flat(flat.clone())], flat.len());
    let mut table: hashbrown::HashTable<(u32, u64)> = hashbrown::HashTable::new();
    let mut kept: Vec<u32> = Vec::new();
    let mut codes = Vec::with_capacity(flat.len());
    for (row, &hash) in hashes.iter().enumerate() {
        let same = |entry: &(u32, u64)| {
            let at = kept[entry.0 as usize] as usize;
            compare_flat(flat, at, flat, row).is_eq()
        };
        match table.find(hash, same) {
            Some(entry) => codes.push(entry.0),
            None => {
                let code = kept.len() as u32;
                kept.push(row as u32);
                codes.push(code);
                table.insert_unique(hash, (code, hash), |entry| entry.1);
            }
        }
    }
    (take_flat(flat, &kept), codes)
}
