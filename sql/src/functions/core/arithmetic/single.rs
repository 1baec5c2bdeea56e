//! Operators over one number: negate and abs.
//!
//! Invariant: the least number has no positive twin and stays itself under negate.

use roost_engine::error::Result;
use roost_engine::types::{DataType, Physical};

use super::{illegal, nested};
use crate::functions::core::operands::unary;
use crate::functions::library::kit::arity;
use crate::functions::supertype::{integer_of, integer_shape};
use crate::functions::{Arg, BindContext, BoundFunction};

pub(super) fn bind_negate(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    let ty = match &args[0].ty {
        t if nested::is_nested(t) => return nested::bind_negate(&args[0], context),
        t @ (DataType::Float32
        | DataType::Float64
        | DataType::Decimal(..)
        | DataType::Interval(_)) => t.clone(),
        t => match integer_shape(t).filter(|_| !t.is_enum()) {
            Some((bits, false)) => {
                integer_of((bits * 2).min(bits.max(64)), true).unwrap_or(DataType::Int64)
            }
            Some(_) => t.clone(),
            None => return illegal("negate", args),
        },
    };
    Ok(match ty.physical() {
        Physical::I8 => BoundFunction::new(ty, unary(i8::wrapping_neg)),
        Physical::I16 => BoundFunction::new(ty, unary(i16::wrapping_neg)),
        Physical::I32 => BoundFunction::new(ty, unary(i32::wrapping_neg)),
        Physical::I64 => BoundFunction::new(ty, unary(i64::wrapping_neg)),
        Physical::I128 => BoundFunction::new(ty, unary(i128::wrapping_neg)),
        Physical::F32 => BoundFunction::new(ty, unary(|v: f32| -v)),
        _ => BoundFunction::new(ty, unary(|v: f64| -v)),
    })
}

pub(super) fn bind_abs(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    let ty = &args[0].ty;
    Ok(match ty {
        DataType::Int8 => BoundFunction::new(DataType::UInt8, unary(i8::unsigned_abs)),
        DataType::Int16 => BoundFunction::new(DataType::UInt16, unary(i16::unsigned_abs)),
        DataType::Int32 => BoundFunction::new(DataType::UInt32, unary(i32::unsigned_abs)),
        DataType::Int64 => BoundFunction::new(DataType::UInt64, unary(i64::unsigned_abs)),
        DataType::Int128 => BoundFunction::new(DataType::UInt128, unary(i128::unsigned_abs)),
        DataType::Float32 => BoundFunction::new(DataType::Float32, unary(f32::abs)),
        DataType::Float64 => BoundFunction::new(DataType::Float64, unary(f64::abs)),
        DataType::Decimal(..) => match ty.physical() {
            Physical::I32 => BoundFunction::new(ty.clone(), unary(i32::wrapping_abs)),
            Physical::I64 => BoundFunction::new(ty.clone(), unary(i64::wrapping_abs)),
            _ => BoundFunction::new(ty.clone(), unary(i128::wrapping_abs)),
        },
        t if t.is_unsigned() => BoundFunction::new(t.clone(), |c, _| Ok(c[0].clone())),
        DataType::Bool => BoundFunction::new(DataType::UInt8, |c, _| Ok(c[0].clone())),
        _ => return illegal("abs", args),
    })
}
