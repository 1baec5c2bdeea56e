//! Comparison where a side is a decimal.
//!
//! Invariant: decimals and whole numbers compare exactly; with a float both are doubles.

use std::cmp::Ordering;
use std::sync::Arc;

use roost_engine::column::Column;
use roost_engine::types::DataType;

use super::Cmp;
use crate::functions::core::operands::{Operand, two, zip};
use crate::functions::scalar::PlainKernel;
use crate::functions::text::number::pow10;

fn scale(ty: &DataType) -> u8 {
    match ty {
        DataType::Decimal(_, scale) => *scale,
        _ => 0,
    }
}

/// Whether 64 bits hold every value.
fn small(ty: &DataType) -> bool {
    !matches!(
        ty,
        DataType::Int128 | DataType::UInt128 | DataType::UInt64 | DataType::Decimal(19.., _)
    )
}

pub(super) fn bind(cmp: Cmp, a: &DataType, b: &DataType) -> PlainKernel {
    let (sa, sb) = (scale(a), scale(b));
    if a.is_float() || b.is_float() {
        let (pa, pb) = (pow10(sa) as f64, pow10(sb) as f64);
        return Arc::new(move |columns: &[Column], rows| {
            let (a, b) = two(columns)?;
            let (a, b) = (Operand::<f64>::of(a)?, Operand::<f64>::of(b)?);
            Ok(Column::native(zip(&a, &b, rows, |a, b| {
                let order = (a / pa).partial_cmp(&(b / pb));
                u8::from(order.map_or(cmp == Cmp::NotEqual, |o| cmp.holds(o)))
            })))
        });
    }
    let common = sa.max(sb);
    if sa == sb && small(a) && small(b) {
        return super::numbers::of::<i64>(cmp);
    }
    let (up_a, up_b) = (pow10(common - sa) as i128, pow10(common - sb) as i128);
    Arc::new(move |columns: &[Column], rows| {
        let (a, b) = two(columns)?;
        let (a, b) = (Operand::<i128>::of(a)?, Operand::<i128>::of(b)?);
        Ok(Column::native(zip(&a, &b, rows, |a, b| {
            u8::from(cmp.holds(order(a, up_a, b, up_b)))
        })))
    })
}

/// Order of `a * up_a` and `b * up_b`; one of the factors is 1.
fn order(a: i128, up_a: i128, b: i128, up_b: i128) -> Ordering {
    match (a.checked_mul(up_a), b.checked_mul(up_b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        // What overflows is farther from zero than the other side can be.
        (None, _) => a.cmp(&0),
        (_, None) => 0.cmp(&b),
    }
}
