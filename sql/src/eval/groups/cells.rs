//! Bytes of any cell, equal exactly when the cells are: keys that are neither numbers nor strings.
//!
//! Invariant: the encoding is prefix free, so concatenated cells stay distinguishable.

use roost_engine::column::{Column, Flat, Native};
use roost_engine::with_native;

/// Appends the bytes of row `row` of `column`.
pub(super) fn write_cell(column: &Column, row: usize, out: &mut Vec<u8>) {
    let (flat, at) = column.entry(row);
    write_flat(flat, at, out);
}

fn write_flat(flat: &Flat, row: usize, out: &mut Vec<u8>) {
    with_native!(flat, |v| v[row].write_le(out), other => match other {
        Flat::Nullable(n) => {
            let null = n.nulls()[row] != 0;
            out.push(u8::from(null));
            if !null {
                write_flat(n.values(), row, out);
            }
        }
        Flat::Array(a) => {
            let (start, end) = a.bounds(row);
            out.extend_from_slice(&((end - start) as u32).to_le_bytes());
            (start..end).for_each(|i| write_cell(a.elements(), i, out));
        }
        Flat::Tuple(columns, _) => columns.iter().for_each(|c| write_cell(c, row, out)),
        Flat::Fixed { .. } => out.extend_from_slice(other.bytes_at(row)),
        Flat::Bytes(b) => {
            let bytes = b.get(row);
            out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
            out.extend_from_slice(bytes);
        }
        _ => {}
    });
}
