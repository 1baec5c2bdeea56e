//! Comparison of strings, byte by byte.
//!
//! Invariant: the padding of a FixedString does not count.

use std::sync::Arc;

use roost_engine::column::{Column, Flat};
use roost_engine::error::Result;

use super::Cmp;
use crate::functions::core::operands::two;
use crate::functions::library::kit::Strs;
use crate::functions::scalar::PlainKernel;

pub(super) fn compare(cmp: Cmp) -> PlainKernel {
    Arc::new(move |columns: &[Column], rows| run(cmp, columns, rows))
}

fn is_fixed(column: &Column) -> bool {
    matches!(column, Column::Flat(Flat::Fixed { .. }))
        || column
            .as_const()
            .is_some_and(|f| matches!(f, Flat::Fixed { .. }))
        || matches!(column, Column::Dict(d) if matches!(d.dict().as_ref(), Flat::Fixed { .. }))
}

fn unpadded(text: &[u8]) -> &[u8] {
    let padding = text.iter().rev().take_while(|b| **b == 0).count();
    &text[..text.len() - padding]
}

fn run(cmp: Cmp, columns: &[Column], rows: usize) -> Result<Column> {
    let (a, b) = two(columns)?;
    let (x, y) = (Strs::of(a)?, Strs::of(b)?);
    if is_fixed(a) || is_fixed(b) {
        let order = |i: usize| unpadded(x.get(i)).cmp(unpadded(y.get(i)));
        return Ok(Column::native(
            (0..rows).map(|i| u8::from(cmp.holds(order(i)))).collect(),
        ));
    }
    let verdicts: Vec<u8> = match (cmp, &x, &y) {
        (Cmp::Equal, Strs::Bytes(v), Strs::One(c)) => v.iter().map(|s| u8::from(s == *c)).collect(),
        (Cmp::NotEqual, Strs::Bytes(v), Strs::One(c)) => {
            v.iter().map(|s| u8::from(s != *c)).collect()
        }
        (Cmp::Equal, ..) => (0..rows).map(|i| u8::from(x.get(i) == y.get(i))).collect(),
        (Cmp::NotEqual, ..) => (0..rows).map(|i| u8::from(x.get(i) != y.get(i))).collect(),
        _ => (0..rows)
            .map(|i| u8::from(cmp.holds(x.get(i).cmp(y.get(i)))))
            .collect(),
    };
    Ok(Column::native(verdicts))
}
