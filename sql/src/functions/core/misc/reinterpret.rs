//! The bytes of a value as a value of another type.
//!
//! Invariant: bytes are little-endian; missing ones are zero, those too many are left off.

use roost_engine::bail;
use roost_engine::column::{BytesBuilder, Column, ColumnBuilder, Flat};
use roost_engine::error::Result;
use roost_engine::types::{DataType, Value};
use roost_engine::with_native;

use crate::functions::core::operands::one;
use crate::functions::library::kit::{arity, f};
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};
use roost_engine::column::Native;

const CATEGORY: &str = "conversion";

macro_rules! to {
    ($syntax:literal, $ty:expr, $example:expr) => {
        f(
            CATEGORY,
            $syntax,
            "The bytes of the value as this type.",
            $example,
            |a, _| {
                arity(a, 1..=1)?;
                bind(a, $ty)
            },
        )
    };
}

/// Records.
pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    to!(
        "reinterpretAsUInt8(x)",
        DataType::UInt8,
        ("reinterpretAsUInt8('a')", "97")
    ),
    to!(
        "reinterpretAsUInt16(x)",
        DataType::UInt16,
        ("reinterpretAsUInt16('a')", "97")
    ),
    to!(
        "reinterpretAsUInt32(x)",
        DataType::UInt32,
        ("reinterpretAsUInt32('a')", "97")
    ),
    to!(
        "reinterpretAsUInt64(x)",
        DataType::UInt64,
        ("reinterpretAsUInt64('a')", "97")
    ),
    to!(
        "reinterpretAsUInt128(x)",
        DataType::UInt128,
        ("reinterpretAsUInt128('a')", "97")
    ),
    to!(
        "reinterpretAsInt8(x)",
        DataType::Int8,
        ("reinterpretAsInt8('a')", "97")
    ),
    to!(
        "reinterpretAsInt16(x)",
        DataType::Int16,
        ("reinterpretAsInt16('a')", "97")
    ),
    to!(
        "reinterpretAsInt32(x)",
        DataType::Int32,
        ("reinterpretAsInt32('abcd')", "1684234849")
    ),
    to!(
        "reinterpretAsInt64(x)",
        DataType::Int64,
        ("reinterpretAsInt64('abc')", "6513249")
    ),
    to!(
        "reinterpretAsInt128(x)",
        DataType::Int128,
        ("reinterpretAsInt128('a')", "97")
    ),
    to!(
        "reinterpretAsFloat32(x)",
        DataType::Float32,
        ("reinterpretAsFloat32(toUInt32(1069547520))", "1.5")
    ),
    to!(
        "reinterpretAsFloat64(x)",
        DataType::Float64,
        ("reinterpretAsFloat64(toUInt64(4609434218613702656))", "1.5")
    ),
    to!(
        "reinterpretAsDate(x)",
        DataType::Date,
        ("reinterpretAsDate(19723)", "2024-01-01")
    ),
    to!(
        "reinterpretAsDateTime(x)",
        DataType::DateTime(None),
        ("reinterpretAsDateTime(1704067200)", "2024-01-01 00:00:00")
    ),
    to!(
        "reinterpretAsUUID(x)",
        DataType::UUID,
        (
            "reinterpretAsUUID('aaaaaaaaaaaaaaaa')",
            "61616161-6161-6161-6161-616161616161"
        )
    ),
    to!(
        "reinterpretAsString(x)",
        DataType::String,
        ("reinterpretAsString(1633837924)", "dcba")
    ),
    f(
        CATEGORY,
        "reinterpretAsFixedString(x)",
        "The bytes of the value.",
        ("reinterpretAsFixedString(toUInt32(1633837924))", "dcba"),
        bind_fixed,
    ),
    f(
        CATEGORY,
        "reinterpret(x, type)",
        "The bytes of the value as a type by name.",
        ("reinterpret(1.5, 'UInt64')", "4609434218613702656"),
        bind_named,
    ),
];

fn fits(ty: &DataType) -> bool {
    !matches!(
        ty,
        DataType::Array(_)
            | DataType::Tuple(_)
            | DataType::Map(..)
            | DataType::Nullable(_)
            | DataType::Nothing
    )
}

fn bind_named(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    match &args[1].constant {
        Some(Value::Bytes(name)) => bind(
            args,
            roost_engine::types::text::parse(&String::from_utf8_lossy(name))?,
        ),
        _ => bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "Second argument to reinterpret must be a constant string describing a type"
        ),
    }
}

/// Bytes that a value of the type has, when that is the same for all.
fn width(ty: &DataType) -> Option<usize> {
    let mut builder = ColumnBuilder::new(ty, 1);
    builder.push_default();
    match builder.finish() {
        Flat::Fixed { width, .. } => Some(width),
        Flat::Bytes(_) => None,
        other => Some(other.memory_bytes()),
    }
}

fn bind_fixed(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    match width(&args[0].ty) {
        Some(width) if fits(&args[0].ty) && width > 0 => bind(args, DataType::FixedString(width)),
        _ => bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "Cannot reinterpret {} as FixedString because it is not fixed size and contiguous in memory",
            args[0].ty
        ),
    }
}

fn bind(args: &[Arg], to: DataType) -> Result<BoundFunction> {
    let from = args[0].ty.clone();
    if !fits(&from) || !fits(&to) {
        bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "Cannot reinterpret {from} as {to}"
        );
    }
    let target = to.clone();
    Ok(BoundFunction::new(to, move |columns, rows| {
        let flat = one(columns)?.to_flat();
        let bytes = bytes_of(&flat, &from);
        Ok(Column::Flat(read(&bytes, &target, rows)))
    }))
}

/// The bytes of each row as ClickHouse holds them.
fn bytes_of(flat: &Flat, ty: &DataType) -> Vec<Vec<u8>> {
    fn numbers<T: Native>(v: &[T]) -> Vec<Vec<u8>> {
        let one = |x: &T| {
            let mut out = Vec::with_capacity(T::WIDTH);
            x.write_le(&mut out);
            out
        };
        v.iter().map(one).collect()
    }
    let rows = with_native!(flat, |v| numbers(v), strings => {
        (0..strings.len()).map(|i| strings.bytes_at(i).to_vec()).collect()
    });
    match ty {
        DataType::UUID => rows
            .into_iter()
            .map(|mut r| {
                r.rotate_left(8);
                r
            })
            .collect(),
        DataType::IPv6 => rows
            .into_iter()
            .map(|mut r| {
                r.reverse();
                r
            })
            .collect(),
        _ => rows,
    }
}

fn read(rows: &[Vec<u8>], ty: &DataType, count: usize) -> Flat {
    if *ty == DataType::String {
        let mut out = BytesBuilder::with_capacity(count, count * 8);
        for bytes in rows {
            // A number's zero bytes at the end are no part of the text.
            let zeros = bytes.iter().rev().take_while(|b| **b == 0).count();
            out.push(&bytes[..bytes.len() - zeros]);
        }
        return Flat::Bytes(out.finish());
    }
    let width = width(ty).unwrap_or(0);
    let mut data = Vec::with_capacity(count * width);
    for bytes in rows {
        let mut own = bytes
            .get(..width.min(bytes.len()))
            .unwrap_or_default()
            .to_vec();
        own.resize(width, 0);
        match ty {
            DataType::UUID => own.rotate_left(8),
            DataType::IPv6 => own.reverse(),
            _ => {}
        }
        data.extend_from_slice(&own);
    }
    if let DataType::FixedString(width) = ty {
        return Flat::Fixed {
            width: *width,
            data: data.into(),
        };
    }
    fn numbers<T: Native>(data: &[u8]) -> Flat {
        Flat::native(
            data.chunks_exact(T::WIDTH)
                .map(T::read_le)
                .collect::<Vec<T>>(),
        )
    }
    fn alike<T: Native>(_: &[T], data: &[u8]) -> Flat {
        numbers::<T>(data)
    }
    let empty = ColumnBuilder::new(ty, 0).finish();
    with_native!(&empty, |v| alike(v, &data), other => other.clone())
}
