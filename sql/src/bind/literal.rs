//! Types of literals: the smallest that holds the number, as in ClickHouse.
//!
//! Invariant: a literal keeps its written value exactly, or is a double.

use roost_engine::types::{DataType, Value};

use crate::expr::Expr;
use crate::parse::ast::Literal;

/// A literal as a typed expression.
pub(crate) fn literal(literal: &Literal) -> Expr {
    let (value, ty) = match literal {
        Literal::Null => (Value::Null, DataType::Nothing.nullable()),
        Literal::Bool(b) => (Value::UInt(u64::from(*b)), DataType::Bool),
        Literal::UInt(n) => unsigned(*n),
        Literal::Int(n) => signed(*n),
        Literal::Float(f) => (Value::Float(*f), DataType::Float64),
        Literal::String(s) => (Value::Bytes(s.clone()), DataType::String),
    };
    Expr::Literal(value, ty)
}

fn unsigned(n: u128) -> (Value, DataType) {
    let Ok(small) = u64::try_from(n) else {
        return (Value::UInt128(n), DataType::UInt128);
    };
    let ty = match small {
        0..=0xFF => DataType::UInt8,
        0x100..=0xFFFF => DataType::UInt16,
        0x1_0000..=0xFFFF_FFFF => DataType::UInt32,
        _ => DataType::UInt64,
    };
    (Value::UInt(small), ty)
}

fn signed(n: i128) -> (Value, DataType) {
    let Ok(small) = i64::try_from(n) else {
        return (Value::Int128(n), DataType::Int128);
    };
    let ty = if i8::try_from(small).is_ok() {
        DataType::Int8
    } else if i16::try_from(small).is_ok() {
        DataType::Int16
    } else if i32::try_from(small).is_ok() {
        DataType::Int32
    } else {
        DataType::Int64
    };
    (Value::Int(small), ty)
}
