//! Rows by mask, as selections of row numbers.
//!
//! Invariant: a selection ascends strictly; it is what a mask's non-zero bytes say.

use crate::column::{Column, Flat};
use crate::error::{Error, Result};

/// The rows that a filter column keeps: UInt8 or Bool, Nullable or not; NULL and 0 drop the row.
/// `None` means every row.
pub fn selection(mask: &Column) -> Result<Option<Vec<u32>>> {
    let rows = mask.len();
    if let Some(one) = mask.as_const() {
        return Ok(if passes(one, 0)? {
            None
        } else {
            Some(Vec::new())
        });
    }
    let flat = mask.to_flat();
    let (nulls, values) = flat.split_nulls();
    let converted: Vec<u8>;
    let bytes: &[u8] = match values {
        Flat::U8(v) => v,
        Flat::Nothing(_) => return Ok(Some(Vec::new())),
        other => {
            converted = truth(other)?;
            &converted
        }
    };
    let mut keep = vec![0u32; rows];
    let mut n = 0;
    for (i, &b) in bytes.iter().enumerate() {
        keep[n] = i as u32;
        let alive = nulls.is_none_or(|m| m[i] == 0);
        n += usize::from((b != 0) & alive);
    }
    keep.truncate(n);
    Ok(if n == rows { None } else { Some(keep) })
}

fn passes(one: &Flat, row: usize) -> Result<bool> {
    let (nulls, values) = one.split_nulls();
    if nulls.is_some_and(|m| m[row] != 0) || matches!(values, Flat::Nothing(_)) {
        return Ok(false);
    }
    Ok(truth(values)?.get(row).is_some_and(|b| *b != 0))
}

/// Non-zero bytes for numbers that are not zero.
pub fn truth(flat: &Flat) -> Result<Vec<u8>> {
    crate::with_native!(
        flat,
        |v| Ok(v.iter().map(|x| u8::from(*x != Default::default())).collect()),
        other => Err(Error::bug(format!("a filter must be a number, found {}", other.shape_name())))
    )
}

/// The rows of `column` that `selection` names; `None` is all of them.
pub fn filter(column: &Column, selection: Option<&[u32]>) -> Column {
    match selection {
        Some(rows) => super::take::take(column, rows),
        None => column.clone(),
    }
}
