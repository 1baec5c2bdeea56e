//! `-- 1.23 million` beside large numbers in the formats for people.
//!
//! Invariant: only numbers above a million get one; whole numbers of 10^18 and doubles alike follow
//! ClickHouse's names of powers of a thousand.

use roost_engine::column::Column;
use roost_engine::types::DataType;

const NAMES: [&str; 21] = [
    "million",
    "billion",
    "trillion",
    "quadrillion",
    "quintillion",
    "sextillion",
    "septillion",
    "octillion",
    "nonillion",
    "decillion",
    "undecillion",
    "duodecillion",
    "tredecillion",
    "quattuordecillion",
    "quindecillion",
    "sexdecillion",
    "septendecillion",
    "octodecillion",
    "novemdecillion",
    "vigintillion",
    "vigintillion",
];

/// The readable form of a cell, when it has one.
pub(super) fn of_cell(column: &Column, row: usize, ty: &DataType) -> Option<String> {
    let ty = ty.value_type();
    if !(ty.is_integer() || ty.is_float() || matches!(ty, DataType::Decimal(..))) {
        return None;
    }
    let value = column.value(row).as_f64()?;
    let scaled = match ty {
        DataType::Decimal(_, scale) => value / 10f64.powi(i32::from(*scale)),
        _ => value,
    };
    // 64-bit numbers and doubles between 10^18 and 10^19·2 carry none.
    let wide = matches!(ty, DataType::UInt128 | DataType::Int128);
    if !scaled.is_finite() || scaled.abs() <= 1e6 || (!wide && (1e18..1e21).contains(&scaled.abs()))
    {
        return None;
    }
    Some(readable(scaled))
}

fn readable(value: f64) -> String {
    let mut power = 0;
    let mut scaled = value / 1e6;
    while scaled.abs() >= 1000.0 && power < 19 {
        scaled /= 1000.0;
        power += 1;
    }
    if scaled.abs() >= 1e15 {
        return format!("{scaled:e} {}", NAMES[power]);
    }
    format!("{scaled:.2} {}", NAMES[power])
}
