//! Rows by index.
//!
//! Invariant: `take(c, idx)[i] == c[idx[i]]`; [`NO_ROW`] is only legal in [`take_or_default`].

use std::sync::Arc;

use crate::column::flat::{ArrayColumn, NullableColumn};
use crate::column::{Buffer, BytesBuilder, BytesColumn, Column, DictColumn, Flat, Native};
use crate::with_native;

/// The index that stands for "no row" in [`take_or_default`].
pub const NO_ROW: u32 = u32::MAX;

/// The rows at `indices`.
pub fn take(column: &Column, indices: &[u32]) -> Column {
    match column {
        Column::Flat(f) => Column::Flat(take_flat(f, indices)),
        Column::Const { value, .. } => Column::Const {
            value: Arc::clone(value),
            len: indices.len(),
        },
        Column::Dict(d) => {
            let codes: Vec<u32> = indices.iter().map(|&i| d.codes()[i as usize]).collect();
            dict_of_checked_codes(codes, d)
        }
    }
}

fn dict_of_checked_codes(codes: Vec<u32>, from: &DictColumn) -> Column {
    match DictColumn::new(Buffer::from(codes), Arc::clone(from.dict())) {
        Ok(d) => Column::Dict(d),
        Err(_) => Column::Flat(Flat::Nothing(0)),
    }
}

/// The rows at `indices`; [`NO_ROW`] gives the shape's default (0, empty, NULL).
pub fn take_or_default(column: &Column, indices: &[u32]) -> Column {
    if !indices.contains(&NO_ROW) {
        return take(column, indices);
    }
    Column::Flat(take_default_flat(&column.to_flat(), indices))
}

/// `value[0]` repeated.
pub fn repeat(value: &Flat, len: usize) -> Flat {
    with_native!(value, |v| Flat::native(vec![v[0]; len]), other => match other {
        Flat::Nothing(_) => Flat::Nothing(len),
        Flat::Bytes(b) => {
            let one = b.get(0);
            let mut out = BytesBuilder::with_capacity(len, len * one.len());
            (0..len).for_each(|_| out.push(one));
            Flat::Bytes(out.finish())
        }
        other => take_flat(other, &vec![0; len]),
    })
}

/// [`take`] of a flat column.
pub fn take_flat(flat: &Flat, indices: &[u32]) -> Flat {
    fn plain<T: Native>(values: &[T], indices: &[u32]) -> Flat {
        Flat::native(
            indices
                .iter()
                .map(|&i| values[i as usize])
                .collect::<Vec<T>>(),
        )
    }
    with_native!(flat, |v| plain(v, indices), other => match other {
        Flat::Bytes(b) => Flat::Bytes(take_bytes(b, indices)),
        Flat::Fixed { width, data } => {
            let mut out = Vec::with_capacity(indices.len() * width);
            for &i in indices {
                out.extend_from_slice(&data[i as usize * width..(i as usize + 1) * width]);
            }
            Flat::Fixed { width: *width, data: Buffer::from(out) }
        }
        Flat::Nullable(n) => nullable(
            indices.iter().map(|&i| n.nulls()[i as usize]).collect(),
            take_flat(n.values(), indices),
        ),
        Flat::Array(a) => take_array(a, indices),
        Flat::Tuple(columns, _) => Flat::Tuple(
            Arc::new(columns.iter().map(|c| take(c, indices)).collect()),
            indices.len(),
        ),
        _ => Flat::Nothing(indices.len()),
    })
}

fn take_bytes(column: &BytesColumn, indices: &[u32]) -> BytesColumn {
    let bytes: usize = indices.iter().map(|&i| column.get(i as usize).len()).sum();
    let mut out = BytesBuilder::with_capacity(indices.len(), bytes);
    // Neighbours are copied together.
    let mut rest = indices;
    while let Some(&first) = rest.first() {
        let neighbours = rest.iter().zip(first..).take_while(|(i, n)| *i == n);
        let run = neighbours.count().max(1);
        out.push_rows(column, first as usize..first as usize + run);
        rest = &rest[run..];
    }
    out.finish()
}

fn take_array(array: &ArrayColumn, indices: &[u32]) -> Flat {
    let mut offsets = Vec::with_capacity(indices.len() + 1);
    let mut elements: Vec<u32> = Vec::new();
    offsets.push(0u64);
    for &i in indices {
        let (start, end) = array.bounds(i as usize);
        elements.extend(start as u32..end as u32);
        offsets.push(elements.len() as u64);
    }
    array_of(offsets, take(array.elements(), &elements))
}

fn take_default_flat(flat: &Flat, indices: &[u32]) -> Flat {
    fn plain<T: Native>(values: &[T], indices: &[u32]) -> Flat {
        let get = |&i: &u32| values.get(i as usize).copied().unwrap_or_default();
        Flat::native(indices.iter().map(get).collect::<Vec<T>>())
    }
    let missing = |i: &u32| *i == NO_ROW;
    with_native!(flat, |v| plain(v, indices), other => match other {
        Flat::Bytes(b) => Flat::Bytes(
            indices
                .iter()
                .map(|i| if missing(i) { &[][..] } else { b.get(*i as usize) })
                .collect(),
        ),
        Flat::Fixed { width, data } => {
            let mut out = Vec::with_capacity(indices.len() * width);
            for i in indices {
                match missing(i) {
                    true => out.resize(out.len() + width, 0),
                    false => {
                        let at = *i as usize * width;
                        out.extend_from_slice(&data[at..at + width]);
                    }
                }
            }
            Flat::Fixed { width: *width, data: Buffer::from(out) }
        }
        Flat::Nullable(n) => nullable(
            indices.iter().map(|i| if missing(i) { 1 } else { n.nulls()[*i as usize] }).collect(),
            take_default_flat(n.values(), indices),
        ),
        Flat::Array(a) => {
            let mut offsets = vec![0u64];
            let mut elements: Vec<u32> = Vec::new();
            for i in indices {
                if !missing(i) {
                    let (start, end) = a.bounds(*i as usize);
                    elements.extend(start as u32..end as u32);
                }
                offsets.push(elements.len() as u64);
            }
            array_of(offsets, take(a.elements(), &elements))
        }
        Flat::Tuple(columns, _) => Flat::Tuple(
            Arc::new(columns.iter().map(|c| take_or_default(c, indices)).collect()),
            indices.len(),
        ),
        _ => Flat::Nothing(indices.len()),
    })
}

fn nullable(nulls: Vec<u8>, values: Flat) -> Flat {
    match NullableColumn::new(Buffer::from(nulls), values) {
        Ok(column) => Flat::Nullable(column),
        Err(_) => Flat::Nothing(0),
    }
}

fn array_of(offsets: Vec<u64>, elements: Column) -> Flat {
    match ArrayColumn::new(Buffer::from(offsets), elements) {
        Ok(column) => Flat::Array(column),
        Err(_) => Flat::Nothing(0),
    }
}
