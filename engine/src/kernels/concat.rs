//! Columns one after the other.
//!
//! Invariant: the result has the rows of all parts in order; a shared dictionary stays shared.

use std::sync::Arc;

use crate::column::flat::{ArrayColumn, NullableColumn};
use crate::column::{Buffer, BytesColumn, Column, DictColumn, Flat, Native};
use crate::error::{Error, Result};
use crate::types::DataType;

/// All rows of `parts`, which have the shape of `ty`.
pub fn concat(parts: &[&Column], ty: &DataType) -> Result<Column> {
    match parts {
        [] => return Ok(Column::defaults(ty, 0)),
        [one] => return Ok((*one).clone()),
        _ => {}
    }
    if let Some(column) = same_dictionary(parts)? {
        return Ok(column);
    }
    let flats: Vec<Flat> = parts.iter().map(|c| c.to_flat()).collect();
    Ok(Column::Flat(concat_flats(&flats)?))
}

fn same_dictionary(parts: &[&Column]) -> Result<Option<Column>> {
    let Some(Column::Dict(first)) = parts.first() else {
        return Ok(None);
    };
    let mut codes = Vec::with_capacity(parts.iter().map(|c| c.len()).sum());
    for part in parts {
        match part {
            Column::Dict(d) if Arc::ptr_eq(d.dict(), first.dict()) => {
                codes.extend_from_slice(d.codes());
            }
            _ => return Ok(None),
        }
    }
    let column = DictColumn::new(Buffer::from(codes), Arc::clone(first.dict()))?;
    Ok(Some(Column::Dict(column)))
}

/// All rows of flat parts of one shape (at least one part).
pub fn concat_flats(parts: &[Flat]) -> Result<Flat> {
    fn plain<T: Native>(parts: &[Flat]) -> Result<Flat> {
        let mut out: Vec<T> = Vec::with_capacity(parts.iter().map(Flat::len).sum());
        for part in parts {
            out.extend_from_slice(part.slice_of::<T>()?);
        }
        Ok(Flat::native(out))
    }
    let first = parts
        .first()
        .ok_or_else(|| Error::bug("nothing to concatenate"))?;
    match first {
        Flat::U8(_) => plain::<u8>(parts),
        Flat::U16(_) => plain::<u16>(parts),
        Flat::U32(_) => plain::<u32>(parts),
        Flat::U64(_) => plain::<u64>(parts),
        Flat::U128(_) => plain::<u128>(parts),
        Flat::I8(_) => plain::<i8>(parts),
        Flat::I16(_) => plain::<i16>(parts),
        Flat::I32(_) => plain::<i32>(parts),
        Flat::I64(_) => plain::<i64>(parts),
        Flat::I128(_) => plain::<i128>(parts),
        Flat::F32(_) => plain::<f32>(parts),
        Flat::F64(_) => plain::<f64>(parts),
        Flat::Nothing(_) => Ok(Flat::Nothing(parts.iter().map(Flat::len).sum())),
        Flat::Bytes(_) => bytes(parts),
        Flat::Fixed { width, .. } => fixed(parts, *width),
        Flat::Nullable(_) => nullable(parts),
        Flat::Array(_) => arrays(parts),
        Flat::Tuple(columns, _) => tuples(parts, columns.len()),
    }
}

fn bytes(parts: &[Flat]) -> Result<Flat> {
    let columns = parts
        .iter()
        .map(Flat::as_bytes)
        .collect::<Result<Vec<_>>>()?;
    let rows: usize = columns.iter().map(|c| c.len()).sum();
    let total = columns.iter().map(|c| c.value_bytes()).sum();
    let (mut offsets, mut data) = (Vec::with_capacity(rows + 1), Vec::with_capacity(total));
    offsets.push(0u64);
    for column in columns {
        let own = column.offsets();
        let (start, end) = (own[0], own[column.len()]);
        // Modulo 2^64: what is taken off is never more than what stands there.
        let shift = (data.len() as u64).wrapping_sub(start);
        offsets.extend(own[1..].iter().map(|o| o.wrapping_add(shift)));
        data.extend_from_slice(&column.data()[start as usize..end as usize]);
    }
    Ok(Flat::Bytes(BytesColumn::new(
        Buffer::from(offsets),
        Buffer::from(data),
    )?))
}

fn fixed(parts: &[Flat], width: usize) -> Result<Flat> {
    let mut out = Vec::new();
    for part in parts {
        match part {
            Flat::Fixed { width: w, data } if *w == width => out.extend_from_slice(data),
            other => return Err(mixed(other)),
        }
    }
    Ok(Flat::Fixed {
        width,
        data: Buffer::from(out),
    })
}

fn nullable(parts: &[Flat]) -> Result<Flat> {
    let (mut nulls, mut values) = (Vec::new(), Vec::new());
    for part in parts {
        match part {
            Flat::Nullable(n) => {
                nulls.extend_from_slice(n.nulls());
                values.push(n.values().clone());
            }
            other => return Err(mixed(other)),
        }
    }
    Ok(Flat::Nullable(NullableColumn::new(
        Buffer::from(nulls),
        concat_flats(&values)?,
    )?))
}

fn arrays(parts: &[Flat]) -> Result<Flat> {
    let (mut offsets, mut elements) = (vec![0u64], Vec::new());
    let mut base = 0;
    for part in parts {
        let (own, inner) = part.as_array()?.compact();
        offsets.extend(own[1..].iter().map(|o| o + base));
        base += inner.len() as u64;
        elements.push(inner);
    }
    let flats: Vec<Flat> = elements.iter().map(Column::to_flat).collect();
    let elements = Column::Flat(concat_flats(&flats)?);
    Ok(Flat::Array(ArrayColumn::new(
        Buffer::from(offsets),
        elements,
    )?))
}

fn tuples(parts: &[Flat], width: usize) -> Result<Flat> {
    let rows = parts.iter().map(Flat::len).sum();
    let columns = (0..width)
        .map(|i| {
            let flats = parts
                .iter()
                .map(|p| Ok(p.as_tuple()?.get(i).ok_or_else(|| mixed(p))?.to_flat()))
                .collect::<Result<Vec<_>>>()?;
            Ok(Column::Flat(concat_flats(&flats)?))
        })
        .collect::<Result<Vec<_>>>()?;
    Flat::tuple(columns, rows)
}

fn mixed(found: &Flat) -> Error {
    Error::bug(format!(
        "cannot concatenate: found a column of {}",
        found.shape_name()
    ))
}
