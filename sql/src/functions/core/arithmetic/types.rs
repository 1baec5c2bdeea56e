//! ClickHouse's promotions of number types.
//!
//! Invariant: widths grow by one step so that small sums and products do not overflow; 64 bits stay.

use roost_engine::types::DataType;

use super::Op;
use crate::functions::supertype::{integer_of, integer_shape};

fn next(bits: u32) -> u32 {
    if bits < 64 { bits * 2 } else { bits }
}

/// The answer of an operator over plain number types; `None` when ClickHouse has none.
pub(super) fn result(op: Op, a: &DataType, b: &DataType) -> Option<DataType> {
    let (wide_a, wide_b) = (integer_shape(a), integer_shape(b));
    let float = a.is_float() || b.is_float();
    let big = [wide_a, wide_b].iter().flatten().any(|s| s.0 > 64);
    match op {
        Op::Divide | Op::DivideOrNull => Some(DataType::Float64),
        Op::Gcd | Op::Lcm if float => None,
        Op::Plus | Op::Minus | Op::Multiply if float => (!big).then_some(DataType::Float64),
        Op::Modulo
        | Op::ModuloOrZero
        | Op::ModuloOrNull
        | Op::PositiveModulo
        | Op::PositiveModuloOrNull
            if float =>
        {
            Some(DataType::Float64)
        }
        Op::IntDiv | Op::IntDivOrZero | Op::IntDivOrNull => {
            let bits = match (wide_a, a) {
                (Some(shape), _) => shape.0,
                (None, DataType::Float32) => 32,
                (None, _) => 64,
            };
            let signed = |shape: Option<(u32, bool)>| shape.is_none_or(|s| s.1);
            integer_of(bits, signed(wide_a) || signed(wide_b))
        }
        _ => {
            let ((bits_a, signed_a), (bits_b, signed_b)) = (wide_a?, wide_b?);
            match op {
                Op::Modulo | Op::ModuloOrZero | Op::ModuloOrNull => {
                    integer_of(if signed_a { next(bits_b) } else { bits_b }, signed_a)
                }
                Op::PositiveModulo | Op::PositiveModuloOrNull => integer_of(bits_b, false),
                Op::Minus => integer_of(next(bits_a.max(bits_b)), true),
                _ => integer_of(next(bits_a.max(bits_b)), signed_a || signed_b),
            }
        }
    }
}
