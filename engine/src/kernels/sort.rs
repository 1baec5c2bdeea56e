//! Row order over several key columns.
//!
//! Invariant: the permutation is stable: equal rows keep their order.

use std::cmp::Ordering;

use super::compare::compare_flat;
use crate::column::{Column, Flat};
use crate::with_native;

/// One key of an order.
#[derive(Debug, Clone)]
pub struct SortKey {
    /// The key's values.
    pub column: Column,
    /// Largest first.
    pub descending: bool,
    /// NULL (and NaN) before everything instead of after, whatever the direction.
    pub nulls_first: bool,
}

impl SortKey {
    /// Ascending, NULL last.
    pub fn ascending(column: Column) -> Self {
        SortKey {
            column,
            descending: false,
            nulls_first: false,
        }
    }
}

/// Row numbers in the order of `keys`, ties in their first order.
pub fn sort_permutation(keys: &[SortKey], rows: usize) -> Vec<u32> {
    let mut order: Vec<u32> = (0..rows as u32).collect();
    if let [key] = keys
        && sort_single(key, &mut order)
    {
        return order;
    }
    let flats: Vec<(Flat, &SortKey)> = keys.iter().map(|k| (k.column.to_flat(), k)).collect();
    order.sort_by(|&a, &b| {
        flats
            .iter()
            .map(|(f, k)| directed(k, f, a as usize, f, b as usize))
            .find(|o| o.is_ne())
            .unwrap_or(Ordering::Equal)
    });
    order
}

/// Order of two cells under a key's direction and NULL place.
pub fn directed(key: &SortKey, a: &Flat, i: usize, b: &Flat, j: usize) -> Ordering {
    let (x, y) = (is_last_class(a, i), is_last_class(b, j));
    if x || y {
        let last = x.cmp(&y).then_with(|| a.is_null(i).cmp(&b.is_null(j)));
        return if key.nulls_first {
            last.reverse()
        } else {
            last
        };
    }
    let order = compare_flat(a, i, b, j);
    if key.descending {
        order.reverse()
    } else {
        order
    }
}

/// NULL and NaN go to the end that `nulls_first` names.
fn is_last_class(flat: &Flat, row: usize) -> bool {
    match flat {
        Flat::Nullable(n) => n.nulls()[row] != 0 || is_last_class(n.values(), row),
        Flat::F32(v) => v[row].is_nan(),
        Flat::F64(v) => v[row].is_nan(),
        Flat::Nothing(_) => true,
        _ => false,
    }
}

fn sort_single(key: &SortKey, order: &mut [u32]) -> bool {
    let flat = key.column.to_flat();
    match &flat {
        Flat::F32(_) | Flat::F64(_) => return false,
        Flat::Bytes(b) => {
            order.sort_by(|&x, &y| {
                let o = b.get(x as usize).cmp(b.get(y as usize));
                if key.descending { o.reverse() } else { o }
            });
            return true;
        }
        _ => {}
    }
    with_native!(&flat, |v| {
        order.sort_by(|&x, &y| {
            let o = v[x as usize].partial_cmp(&v[y as usize]).unwrap_or(Ordering::Equal);
            if key.descending { o.reverse() } else { o }
        });
        true
    }, _other => false)
}
