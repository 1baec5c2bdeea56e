//! Hashes of one number or string in other systems' ways.
//!
//! Invariant: `javaHash` of a string reads its bytes as signed characters.

use roost_engine::bail;
use roost_engine::column::{Column, Flat};
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::wide::sip128_reference;
use super::{int_hash32, int_hash64};
use crate::functions::core::arithmetic::illegal;
use crate::functions::core::operands::unary;
use crate::functions::library::kit::{Strs, arity, f, nums};
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const CATEGORY: &str = "hash";

/// Records.
pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    f(
        CATEGORY,
        "intHash32(n)",
        "A fast 32-bit hash of a whole number.",
        ("intHash32(1)", "1343103100"),
        |a, _| {
            number("intHash32", a)?;
            Ok(BoundFunction::new(DataType::UInt32, unary(int_hash32)))
        },
    ),
    f(
        CATEGORY,
        "intHash64(n)",
        "A fast 64-bit hash of a whole number.",
        ("intHash64(1)", "10577349846663553072"),
        |a, _| {
            number("intHash64", a)?;
            Ok(BoundFunction::new(DataType::UInt64, unary(int_hash64)))
        },
    ),
    f(
        CATEGORY,
        "javaHash(x)",
        "Java's hashCode of a string or a signed number.",
        ("javaHash('abc')", "96354"),
        bind_java,
    ),
    f(
        CATEGORY,
        "hiveHash(s)",
        "Hive's hash of a string.",
        ("hiveHash('abc')", "96354"),
        bind_hive,
    ),
    f(
        CATEGORY,
        "sipHash128Reference(s)",
        "SipHash-2-4 with 128 bits as the reference gives it.",
        (
            "hex(sipHash128Reference('abc'))",
            "6C95DEC302962FA8CA5E69C1D5D15478",
        ),
        bind_reference,
    ),
];

fn number(name: &str, args: &[Arg]) -> Result<()> {
    arity(args, 1..=1)?;
    let ty = &args[0].ty;
    let fits =
        ty.is_integer() || ty.is_date() || matches!(ty, DataType::Bool | DataType::DateTime(_));
    if fits { Ok(()) } else { illegal(name, args) }
}

fn java(text: &[u8]) -> i32 {
    text.iter().fold(0i32, |h, b| {
        h.wrapping_mul(31).wrapping_add(i32::from(*b as i8))
    })
}

fn bind_java(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    match &args[0].ty {
        t if t.is_string() => Ok(BoundFunction::new(DataType::Int32, |columns, rows| {
            let texts = Strs::of(&columns[0])?;
            Ok(nums(rows, |row| java(texts.get(row))))
        })),
        DataType::Int64 => Ok(BoundFunction::new(
            DataType::Int32,
            unary(|v: i64| (v as u64 ^ (v as u64 >> 32)) as i32),
        )),
        DataType::Int8 | DataType::Int16 | DataType::Int32 => {
            Ok(BoundFunction::new(DataType::Int32, unary(|v: i32| v)))
        }
        t if t.is_unsigned() => bail!(NOT_IMPLEMENTED, "Unsigned types are not supported"),
        _ => illegal("javaHash", args),
    }
}

fn bind_hive(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    if !args[0].ty.is_string() {
        return illegal("hiveHash", args);
    }
    Ok(BoundFunction::new(DataType::Int32, |columns, rows| {
        let texts = Strs::of(&columns[0])?;
        Ok(nums(rows, |row| java(texts.get(row)) & i32::MAX))
    }))
}

fn bind_reference(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    if !args[0].ty.is_string() {
        return illegal("sipHash128Reference", args);
    }
    Ok(BoundFunction::new(
        DataType::FixedString(16),
        |columns, rows| {
            let texts = Strs::of(&columns[0])?;
            let mut data = Vec::with_capacity(rows * 16);
            (0..rows).for_each(|row| data.extend_from_slice(&sip128_reference(texts.get(row))));
            Ok(Column::Flat(Flat::Fixed {
                width: 16,
                data: data.into(),
            }))
        },
    ))
}
