//! Order and equality of two cells, as ClickHouse sorts: NULL last, NaN after every number.
//!
//! Invariant: `compare` is a total order on the cells of one type.

use std::cmp::Ordering;

use crate::column::{Column, Flat};
use crate::types::Value;
use crate::types::value::compare_floats;

/// Order of row `i` of `a` and row `j` of `b`; both have the same type.
/// NULLs are equal to each other and greater than everything.
pub fn compare(a: &Column, i: usize, b: &Column, j: usize) -> Ordering {
    let (a, i) = a.entry(i);
    let (b, j) = b.entry(j);
    compare_flat(a, i, b, j)
}

/// How a value of a column compares with another value, as [`Value::compare`] does.
pub fn compare_to(flat: &Flat, row: usize, value: &Value) -> Ordering {
    match (flat, value) {
        // Texts need not be copied for it.
        (Flat::Bytes(texts), Value::Bytes(text)) => texts.get(row).cmp(text.as_slice()),
        _ => flat.value(row).compare(value),
    }
}

/// [`compare`] of flat columns.
pub fn compare_flat(a: &Flat, i: usize, b: &Flat, j: usize) -> Ordering {
    match (a, b) {
        (Flat::U8(a), Flat::U8(b)) => a[i].cmp(&b[j]),
        (Flat::U16(a), Flat::U16(b)) => a[i].cmp(&b[j]),
        (Flat::U32(a), Flat::U32(b)) => a[i].cmp(&b[j]),
        (Flat::U64(a), Flat::U64(b)) => a[i].cmp(&b[j]),
        (Flat::U128(a), Flat::U128(b)) => a[i].cmp(&b[j]),
        (Flat::I8(a), Flat::I8(b)) => a[i].cmp(&b[j]),
        (Flat::I16(a), Flat::I16(b)) => a[i].cmp(&b[j]),
        (Flat::I32(a), Flat::I32(b)) => a[i].cmp(&b[j]),
        (Flat::I64(a), Flat::I64(b)) => a[i].cmp(&b[j]),
        (Flat::I128(a), Flat::I128(b)) => a[i].cmp(&b[j]),
        (Flat::F32(a), Flat::F32(b)) => compare_floats(a[i].into(), b[j].into()),
        (Flat::F64(a), Flat::F64(b)) => compare_floats(a[i], b[j]),
        (Flat::Nothing(_), Flat::Nothing(_)) => Ordering::Equal,
        (Flat::Nullable(x), _) if x.nulls()[i] != 0 => match b.is_null(j) {
            true => Ordering::Equal,
            false => Ordering::Greater,
        },
        (_, Flat::Nullable(y)) if y.nulls()[j] != 0 => Ordering::Less,
        (Flat::Nullable(x), Flat::Nullable(y)) => compare_flat(x.values(), i, y.values(), j),
        (Flat::Nullable(x), _) => compare_flat(x.values(), i, b, j),
        (_, Flat::Nullable(y)) => compare_flat(a, i, y.values(), j),
        (Flat::Array(x), Flat::Array(y)) => {
            let ((s, e), (t, f)) = (x.bounds(i), y.bounds(j));
            (s..e)
                .zip(t..f)
                .map(|(p, q)| compare(x.elements(), p, y.elements(), q))
                .find(|o| o.is_ne())
                .unwrap_or_else(|| (e - s).cmp(&(f - t)))
        }
        (Flat::Tuple(x, _), Flat::Tuple(y, _)) => x
            .iter()
            .zip(y.iter())
            .map(|(p, q)| compare(p, i, q, j))
            .find(|o| o.is_ne())
            .unwrap_or(Ordering::Equal),
        _ => a.bytes_at(i).cmp(b.bytes_at(j)),
    }
}
