//! UUIDs and other identifiers.
//!
//! Invariant: identifiers with a time in front ascend with it.

use roost_engine::bail;
use roost_engine::column::{Column, Flat};
use roost_engine::error::Result;
use roost_engine::types::{DataType, Tz};

use super::random::streams;
use crate::functions::core::operands::unary;
use crate::functions::library::kit::{Strs, arity, f, text};
use crate::functions::text::address::{parse_uuid, write_uuid};
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const CATEGORY: &str = "uuid";

/// Records.
pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    f(
        CATEGORY,
        "generateUUIDv4([x])",
        "A random UUID.",
        ("toTypeName(generateUUIDv4())", "UUID"),
        bind_v4,
    )
    .sees_nulls()
    .volatile(),
    f(
        CATEGORY,
        "generateUUIDv7([x])",
        "A UUID that starts with the time.",
        ("toTypeName(generateUUIDv7())", "UUID"),
        bind_v7,
    )
    .sees_nulls()
    .volatile(),
    f(
        CATEGORY,
        "UUIDStringToNum(s)",
        "The 16 bytes of a UUID's text.",
        (
            "hex(UUIDStringToNum('61f0c404-5cb3-11e7-907b-a6006ad3dba0'))",
            "61F0C4045CB311E7907BA6006AD3DBA0",
        ),
        bind_to_num,
    ),
    f(
        CATEGORY,
        "UUIDNumToString(bytes)",
        "The text of a UUID's 16 bytes.",
        (
            "UUIDNumToString(UUIDStringToNum('61f0c404-5cb3-11e7-907b-a6006ad3dba0'))",
            "61f0c404-5cb3-11e7-907b-a6006ad3dba0",
        ),
        bind_to_string,
    ),
    f(
        CATEGORY,
        "UUIDv7ToDateTime(uuid)",
        "The time that a UUID of version 7 starts with.",
        (
            "UUIDv7ToDateTime(toUUID('018f05c9-4ab8-7b86-b64e-c9f03fbd45d1'))",
            "2024-04-22 12:30:29.048",
        ),
        bind_v7_time,
    ),
    f(
        CATEGORY,
        "generateSnowflakeID([x])",
        "A 64-bit identifier that starts with the time.",
        ("generateSnowflakeID() > 0", "1"),
        bind_snowflake,
    )
    .sees_nulls()
    .volatile(),
];

fn milliseconds() -> u64 {
    use roost_engine::clock::Clock;
    (roost_engine::clock::SystemClock.now_micros() / 1000) as u64
}

fn with_version(bits: u128, version: u128) -> u128 {
    let cleared = bits & !(0xF << 76) & !(0x3 << 62);
    cleared | version << 76 | 0x2 << 62
}

fn bind_v4(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    arity(args, 0..=1)?;
    let streams = streams(context);
    Ok(BoundFunction::new(DataType::UUID, move |_, rows| {
        let mut stream = streams();
        let mut next = || u128::from(stream.next().unwrap_or_default());
        let uuids = (0..rows).map(|_| with_version(next() << 64 | next(), 4));
        Ok(Column::native(uuids.collect::<Vec<u128>>()))
    }))
}

fn bind_v7(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    arity(args, 0..=1)?;
    let streams = streams(context);
    Ok(BoundFunction::new(DataType::UUID, move |_, rows| {
        let mut stream = streams();
        let now = u128::from(milliseconds()) << 80;
        // A counter behind the time keeps the rows of a block in order.
        let start = u128::from(stream.next().unwrap_or_default() >> 32);
        let uuids = (0..rows as u128).map(|row| {
            let counter = (start + row) & 0x3FF_FFFF_FFFF;
            let tail = u128::from(stream.next().unwrap_or_default() as u32);
            let bits = now | (counter >> 30) << 64 | (counter & 0x3FFF_FFFF) << 32 | tail;
            with_version(bits, 7)
        });
        Ok(Column::native(uuids.collect::<Vec<u128>>()))
    }))
}

fn bind_to_num(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    arity(args, 1..=2)?;
    if !args[0].ty.is_string() {
        bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "Illegal type {} of argument of function UUIDStringToNum",
            args[0].ty
        );
    }
    Ok(BoundFunction::new(
        DataType::FixedString(16),
        |columns, rows| {
            let texts = Strs::of(&columns[0])?;
            let mut data = Vec::with_capacity(rows * 16);
            for row in 0..rows {
                data.extend_from_slice(
                    &parse_uuid(texts.get(row)).unwrap_or_default().to_be_bytes(),
                );
            }
            Ok(Column::Flat(Flat::Fixed {
                width: 16,
                data: data.into(),
            }))
        },
    ))
}

fn bind_to_string(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    arity(args, 1..=2)?;
    if args[0].ty != DataType::FixedString(16) {
        bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "Illegal type {} of argument of function UUIDNumToString, expected FixedString(16)",
            args[0].ty
        );
    }
    Ok(BoundFunction::new(DataType::String, |columns, rows| {
        let bytes = Strs::of(&columns[0])?;
        Ok(text(rows, rows * 36, |row, out| {
            let value = bytes
                .get(row)
                .iter()
                .fold(0u128, |n, b| n << 8 | u128::from(*b));
            write_uuid(value, out);
        }))
    }))
}

fn bind_v7_time(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    arity(args, 1..=2)?;
    if args[0].ty != DataType::UUID {
        bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "Illegal type {} of argument of function UUIDv7ToDateTime, expected UUID",
            args[0].ty
        );
    }
    let zone: Option<Tz> = match args.get(1).map(|a| &a.constant) {
        Some(Some(roost_engine::types::Value::Bytes(name))) => Some(
            roost_engine::types::text::parse_zone(&String::from_utf8_lossy(name))?,
        ),
        _ => None,
    };
    let ty = DataType::DateTime64(3, zone);
    Ok(BoundFunction::new(
        ty,
        unary(|uuid: u128| match uuid >> 76 & 0xF {
            7 => (uuid >> 80) as i64,
            _ => 0,
        }),
    ))
}

fn bind_snowflake(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    arity(args, 0..=2)?;
    let machine = context.random_seed & 0x3FF;
    let next = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    Ok(BoundFunction::new(DataType::UInt64, move |_, rows| {
        let (milliseconds, order) = (milliseconds(), std::sync::atomic::Ordering::Relaxed);
        let start = next.fetch_add(rows as u64, order);
        // 12 bits count within a millisecond; what overflows borrows from the future.
        let id = |n: u64| (milliseconds + (n >> 12)) << 22 | machine << 12 | (n & 0xFFF);
        Ok(Column::native(
            (start..start + rows as u64).map(id).collect(),
        ))
    }))
}
