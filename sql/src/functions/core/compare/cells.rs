//! Comparison of cells of one type, whatever it is.
//!
//! Invariant: inside arrays and maps NULL equals NULL and follows every value.

use std::sync::Arc;

use roost_engine::column::Column;
use roost_engine::kernels::compare::compare as order;

use super::Cmp;
use crate::functions::core::operands::two;
use crate::functions::scalar::PlainKernel;

pub(super) fn compare(cmp: Cmp) -> PlainKernel {
    Arc::new(move |columns: &[Column], rows| {
        let (a, b) = two(columns)?;
        let verdict = |i: usize| u8::from(cmp.holds(order(a, i, b, i)));
        Ok(Column::native((0..rows).map(verdict).collect()))
    })
}

/// For each row the number of the column with the greatest (or least) cell; NULLs lose.
pub(crate) fn extreme(columns: &[Column], rows: usize, greatest: bool) -> Vec<u32> {
    let mut best = vec![0u32; rows];
    for (row, best) in best.iter_mut().enumerate() {
        for (i, column) in columns.iter().enumerate().skip(1) {
            let holder = &columns[*best as usize];
            let (null, holder_null) = (column.is_null(row), holder.is_null(row));
            let wins = match (null, holder_null) {
                (true, _) => false,
                (false, true) => true,
                _ => {
                    let order = order(column, row, holder, row);
                    if greatest {
                        order.is_gt()
                    } else {
                        order.is_lt()
                    }
                }
            };
            if wins {
                *best = i as u32;
            }
        }
    }
    best
}
