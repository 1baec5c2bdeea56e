//! Questions about types and representations.
//!
//! Invariant: the answers never depend on the values.

use roost_engine::column::{Column, Flat};
use roost_engine::error::Result;
use roost_engine::types::{DataType, Value};
use roost_engine::with_native;

use crate::functions::library::kit::{arity, f};
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const CATEGORY: &str = "other";

/// Records.
pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    f(
        CATEGORY,
        "toTypeName(x)",
        "The type of the value.",
        ("toTypeName(1)", "UInt8"),
        |a, _| {
            arity(a, 1..=1)?;
            constant(Value::string(a[0].ty.to_string()), DataType::String)
        },
    )
    .sees_types(),
    f(
        CATEGORY,
        "toColumnTypeName(x)",
        "How the column is held: its type, in Const(...) when constant.",
        ("toColumnTypeName(1)", "Const(UInt8)"),
        bind_column_type_name,
    )
    .sees_types(),
    f(
        CATEGORY,
        "isConstant(x)",
        "Whether the planner knows the value.",
        ("isConstant(1)", "1"),
        |a, _| {
            arity(a, 1..=1)?;
            constant(
                Value::UInt(u64::from(a[0].constant.is_some())),
                DataType::UInt8,
            )
        },
    )
    .sees_nulls(),
    f(
        CATEGORY,
        "countDigits(x)",
        "How many decimal digits it takes to write the number.",
        ("countDigits(-12345)", "5"),
        bind_count_digits,
    ),
    f(
        CATEGORY,
        "byteSize(x, ...)",
        "How many bytes the values take in memory, about.",
        ("byteSize(1, 'a')", "10"),
        bind_byte_size,
    )
    .sees_nulls(),
];

fn constant(value: Value, ty: DataType) -> Result<BoundFunction> {
    let answer = ty.clone();
    Ok(BoundFunction::new(ty, move |_, rows| {
        Column::constant(&value, &answer, rows)
    }))
}

fn bind_column_type_name(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    let name = match args[0].constant {
        Some(_) => format!("Const({})", args[0].ty),
        None => args[0].ty.to_string(),
    };
    constant(Value::string(name), DataType::String)
}

fn bind_count_digits(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    if !(args[0].ty.is_integer() || matches!(args[0].ty, DataType::Decimal(..))) {
        return crate::functions::core::arithmetic::illegal("countDigits", args);
    }
    let digits = |v: i128| {
        v.unsigned_abs()
            .checked_ilog10()
            .map_or(1u8, |n| n as u8 + 1)
    };
    Ok(BoundFunction::new(
        DataType::UInt8,
        crate::functions::core::operands::unary(digits),
    ))
}

fn bind_byte_size(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    let _ = args;
    Ok(BoundFunction::new(DataType::UInt64, |columns, rows| {
        let mut sizes = vec![0u64; rows];
        for column in columns {
            let flat = column.to_flat();
            sizes
                .iter_mut()
                .enumerate()
                .for_each(|(row, size)| *size += byte_size(&flat, row));
        }
        Ok(Column::native(sizes))
    }))
}

/// A number is its width, a string its bytes and an offset, a NULL mask one byte.
fn byte_size(flat: &Flat, row: usize) -> u64 {
    fn width<T>(_: &[T]) -> u64 {
        size_of::<T>() as u64
    }
    with_native!(flat, |v| width(v), other => match other {
        Flat::Bytes(b) => b.get(row).len() as u64 + 8,
        Flat::Fixed { width, .. } => *width as u64,
        Flat::Nullable(n) => 1 + byte_size(n.values(), row),
        Flat::Array(a) => {
            let (start, end) = a.bounds(row);
            let size = |i: usize| {
                let (flat, at) = a.elements().entry(i);
                byte_size(flat, at)
            };
            8 + (start..end).map(size).sum::<u64>()
        }
        Flat::Tuple(columns, _) => columns
            .iter()
            .map(|c| {
                let (flat, at) = c.entry(row);
                byte_size(flat, at)
            })
            .sum(),
        _ => 0,
    })
}
