//! Questions about single bits, and counts of them.
//!
//! Invariant: bit 0 is the lowest; a place outside the number is an error.

use roost_engine::bail;
use roost_engine::column::{Column, Flat};
use roost_engine::error::Result;
use roost_engine::types::DataType;
use roost_engine::with_native;

use crate::functions::core::arithmetic::illegal;
use crate::functions::core::operands::{Operand, two};
use crate::functions::library::kit::{Strs, arity, f, nums};
use crate::functions::numeric::Number;
use crate::functions::supertype::integer_shape;
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const CATEGORY: &str = "bit";

/// Records.
pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    f(
        CATEGORY,
        "bitTest(x, n)",
        "Bit n of the number.",
        ("bitTest(5, 2)", "1"),
        |a, _| {
            arity(a, 2..=2)?;
            bind("bitTest", a, true)
        },
    ),
    f(
        CATEGORY,
        "bitTestAll(x, n, ...)",
        "Whether all the bits are set.",
        ("bitTestAll(5, 0, 2)", "1"),
        |a, _| bind("bitTestAll", a, true),
    ),
    f(
        CATEGORY,
        "bitTestAny(x, n, ...)",
        "Whether one of the bits is set.",
        ("bitTestAny(5, 1, 2)", "1"),
        |a, _| bind("bitTestAny", a, false),
    ),
    f(
        CATEGORY,
        "bitCount(x)",
        "How many bits are set.",
        ("bitCount(255)", "8"),
        bind_count,
    ),
    f(
        CATEGORY,
        "bitHammingDistance(a, b)",
        "In how many bits the numbers differ.",
        ("bitHammingDistance(1, 7)", "2"),
        bind_distance,
    ),
];

fn bind(name: &'static str, args: &[Arg], all: bool) -> Result<BoundFunction> {
    arity(args, 2..=usize::MAX)?;
    let Some((bits, _)) = integer_shape(&args[0].ty) else {
        return illegal(name, args);
    };
    if args[1..].iter().any(|a| !a.ty.is_integer()) {
        return illegal(name, args);
    }
    Ok(BoundFunction::new(DataType::UInt8, move |columns, rows| {
        let values = Operand::<i128>::of(&columns[0])?;
        let places: Vec<Operand<i128>> = columns[1..]
            .iter()
            .map(Operand::of)
            .collect::<Result<_>>()?;
        let mut out = Vec::with_capacity(rows);
        for row in 0..rows {
            let value = values.get(row);
            let mut verdict = all;
            for place in &places {
                let place = place.get(row);
                if !(0..i128::from(bits)).contains(&place) {
                    bail!(
                        PARAMETER_OUT_OF_BOUND,
                        "The bit position argument needs to a positive value and less or equal to {} for integer {value}",
                        bits - 1
                    );
                }
                let set = value >> place & 1 != 0;
                verdict = if all { verdict && set } else { verdict || set };
            }
            out.push(u8::from(verdict));
        }
        Ok(Column::native(out))
    }))
}

fn bind_count(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    let ty = &args[0].ty;
    if ty.is_string() {
        return Ok(BoundFunction::new(DataType::UInt64, |columns, rows| {
            let texts = Strs::of(&columns[0])?;
            Ok(nums(rows, |row| {
                texts
                    .get(row)
                    .iter()
                    .map(|b| u64::from(b.count_ones()))
                    .sum::<u64>()
            }))
        }));
    }
    if !(ty.is_integer() || ty.is_float() || *ty == DataType::Bool) {
        return illegal("bitCount", args);
    }
    fn counts<T: Number>(v: &[T]) -> Column {
        let mask = if T::WIDTH == 16 {
            u128::MAX
        } else {
            (1u128 << (T::WIDTH * 8)) - 1
        };
        Column::native(
            v.iter()
                .map(|x| (x.wide() as u128 & mask).count_ones() as u8)
                .collect(),
        )
    }
    Ok(BoundFunction::new(DataType::UInt8, |columns, _| {
        let flat = columns[0].to_flat();
        Ok(match &flat {
            Flat::F32(v) => {
                Column::native(v.iter().map(|x| x.to_bits().count_ones() as u8).collect())
            }
            Flat::F64(v) => {
                Column::native(v.iter().map(|x| x.to_bits().count_ones() as u8).collect())
            }
            other => with_native!(other, |v| counts(v), _x => columns[0].clone()),
        })
    }))
}

fn bind_distance(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    let (a, b) = (&args[0].ty, &args[1].ty);
    if a.is_string() && b.is_string() {
        return Ok(BoundFunction::new(DataType::UInt64, |columns, rows| {
            let (a, b) = two(columns)?;
            let (a, b) = (Strs::of(a)?, Strs::of(b)?);
            Ok(nums(rows, |row| {
                let (a, b) = (a.get(row), b.get(row));
                let at = |t: &[u8], i: usize| t.get(i).copied().unwrap_or(0);
                (0..a.len().max(b.len()))
                    .map(|i| u64::from((at(a, i) ^ at(b, i)).count_ones()))
                    .sum::<u64>()
            }))
        }));
    }
    if !a.is_integer() || !b.is_integer() {
        return illegal("bitHammingDistance", args);
    }
    let bits = integer_shape(a)
        .map_or(8, |s| s.0)
        .max(integer_shape(b).map_or(8, |s| s.0));
    let mask = if bits >= 128 {
        u128::MAX
    } else {
        (1u128 << bits) - 1
    };
    Ok(BoundFunction::new(
        DataType::UInt8,
        crate::functions::core::operands::binary(move |a: i128, b: i128| {
            ((a ^ b) as u128 & mask).count_ones() as u8
        }),
    ))
}
