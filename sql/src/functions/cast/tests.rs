//! Casts against ClickHouse's own answers.

use roost_engine::column::Column;
use roost_engine::types::text::parse as parse_type;
use roost_engine::types::{DataType, Value};

use super::{CastMode, bind_cast, convert_value};
use crate::functions::text::{Escaping, write_text};
use crate::functions::{BindContext, Kernel};

/// A text cast to `first`, that cast to `then`; `!code` for an error.
fn cast(text: &str, first: &str, then: &str, mode: CastMode) -> String {
    let context = BindContext::default();
    let (first, then) = (parse_type(first).unwrap(), parse_type(then).unwrap());
    let run = || -> roost_engine::error::Result<String> {
        let start = Column::constant(&Value::string(text), &DataType::String, 1)?;
        let mut column = start;
        let mut ty = DataType::String;
        for (to, mode) in [(&first, CastMode::Strict), (&then, mode)] {
            let bound = bind_cast(&ty, to, mode, &context)?;
            let Kernel::Plain(kernel) = bound.kernel else {
                unreachable!("a cast is no lambda");
            };
            column = kernel(&[column], 1)?;
            ty = bound.ty;
            column.check(&ty)?;
        }
        let (flat, row) = column.entry(0);
        let mut out = Vec::new();
        write_text(flat, row, &ty, &mut out, Escaping::Plain);
        Ok(String::from_utf8(out).unwrap())
    };
    run().unwrap_or_else(|e: roost_engine::error::Error| format!("!{}", e.code() as u16))
}

#[test]
fn casts_are_clickhouses() {
    for (text, first, then, expected) in [
        ("300", "UInt16", "Int8", "44"),
        ("-3.99", "Float64", "Int8", "-3"),
        ("1e10", "Float64", "Int8", "0"),
        ("1e10", "Float64", "Int32", "-2147483648"),
        ("1e10", "Float64", "UInt32", "1410065408"),
        ("-1.5", "Float64", "UInt8", "255"),
        ("1e30", "Float64", "UInt64", "9223372036854775808"),
        ("nan", "Float64", "Int64", "!70"),
        ("300", "Decimal(18, 1)", "Int8", "!407"),
        ("2024-01-01", "Date", "Int8", "11"),
        (
            "2024-01-01 00:00:00.5",
            "DateTime64(3)",
            "Float64",
            "1704067200.5",
        ),
        (
            "2024-01-01 00:00:00.5",
            "DateTime64(3)",
            "Decimal(18, 2)",
            "1704067200.5",
        ),
        ("-1.119", "Float64", "Decimal(9, 2)", "-1.11"),
        ("1e10", "Float64", "Decimal(9, 2)", "!407"),
        ("12345678", "UInt32", "Decimal(9, 2)", "12345678"),
        ("9999999.99", "Decimal(9, 2)", "Decimal(9, 4)", "!407"),
        ("65536", "UInt32", "Date", "1970-01-01"),
        ("1706695200", "UInt32", "Date", "2024-01-31"),
        ("-1", "Int32", "Date", "1970-01-01"),
        ("1960-01-01", "Date32", "Date", "2139-06-07"),
        ("4000000000", "UInt32", "Date32", "2096-10-02"),
        ("5000000000", "UInt64", "DateTime", "2106-02-07 06:28:15"),
        ("2200-01-01", "Date32", "DateTime", "2063-11-24 17:31:44"),
        (
            "2024-01-01",
            "Date",
            "DateTime64(3)",
            "2024-01-01 00:00:00.000",
        ),
        (
            "2024-01-01 00:00:00.999",
            "DateTime64(3)",
            "DateTime64(1)",
            "2024-01-01 00:00:00.9",
        ),
        (
            "-1.5",
            "Float64",
            "DateTime64(3)",
            "1969-12-31 23:59:58.500",
        ),
        (
            "2024-01-01 00:00:00",
            "DateTime('UTC')",
            "DateTime('Europe/Berlin')",
            "2024-01-01 01:00:00",
        ),
        ("1.2.3.4", "IPv4", "IPv6", "::ffff:1.2.3.4"),
        ("::1", "IPv6", "IPv4", "!70"),
        ("5", "UInt8", "UUID", "!48"),
        ("2", "UInt8", "Enum8('a' = 2)", "a"),
        ("3", "UInt8", "Enum8('a' = 2)", "!691"),
        ("a", "Enum8('a' = 2)", "Enum16('a' = 5)", "!70"),
        ("2", "IntervalDay", "IntervalHour", "48"),
        ("[1,2]", "Array(UInt8)", "Array(String)", "['1','2']"),
        ("[1,2]", "Array(UInt8)", "String", "[1,2]"),
        (
            "(1,'2')",
            "Tuple(UInt8, String)",
            "Tuple(a String, b UInt8)",
            "('1',2)",
        ),
        (
            "(1,2)",
            "Tuple(a UInt8, b UInt8)",
            "Tuple(b UInt8, a UInt8)",
            "(2,1)",
        ),
        ("(1,2)", "Tuple(UInt8, UInt8)", "Tuple(UInt8)", "!53"),
        (
            "([1,2],['a','b'])",
            "Tuple(Array(UInt8), Array(String))",
            "Map(UInt8, String)",
            "{1:'a',2:'b'}",
        ),
        (
            "[(1,'a')]",
            "Array(Tuple(UInt8, String))",
            "Map(UInt8, String)",
            "{1:'a'}",
        ),
        ("5", "LowCardinality(String)", "UInt8", "5"),
        ("NULL", "Nullable(UInt8)", "UInt16", "!349"),
        ("1", "Nullable(UInt8)", "UInt16", "1"),
        ("1", "UInt8", "Array(UInt8)", "!53"),
        ("0.5", "Float64", "Bool", "true"),
    ] {
        assert_eq!(
            cast(text, first, then, CastMode::Strict),
            expected,
            "{text}: {first} as {then}"
        );
    }
}

#[test]
fn modes_forgive_what_they_promise() {
    for (text, from, to, mode, expected) in [
        ("abc", "String", "Int8", CastMode::OrNull, "NULL"),
        ("300", "String", "Int8", CastMode::OrNull, "NULL"),
        ("5", "String", "Int8", CastMode::OrNull, "5"),
        ("abc", "String", "Int8", CastMode::OrZero, "0"),
        (
            "xx",
            "String",
            "DateTime64(3)",
            CastMode::OrZero,
            "1970-01-01 00:00:00.000",
        ),
        ("1.119", "String", "Decimal(9, 2)", CastMode::OrZero, "1.11"),
        ("300", "UInt16", "Int8", CastMode::Accurate, "!70"),
        ("5", "Float64", "Int8", CastMode::Accurate, "5"),
        ("5.5", "Float64", "Int8", CastMode::AccurateOrNull, "NULL"),
        (
            "16777217",
            "UInt32",
            "Float32",
            CastMode::AccurateOrNull,
            "NULL",
        ),
        ("-1", "Int16", "DateTime", CastMode::AccurateOrNull, "NULL"),
    ] {
        assert_eq!(
            cast(text, from, to, mode),
            expected,
            "{text}: {from} as {to}"
        );
    }
}

#[test]
fn literals_convert_only_when_they_mean_the_same() {
    let context = BindContext::default();
    let convert = |value: &Value, from: DataType, to: DataType| {
        convert_value(value, &from, &to, &context).unwrap()
    };
    use DataType as T;
    assert_eq!(convert(&Value::UInt(300), T::UInt16, T::UInt8), None);
    assert_eq!(
        convert(&Value::UInt(3), T::UInt16, T::Int64),
        Some(Value::Int(3))
    );
    assert_eq!(convert(&Value::Float(1.5), T::Float64, T::Int32), None);
    assert_eq!(
        convert(&Value::Float(1.5), T::Float64, T::Decimal(9, 1)),
        Some(Value::Int(15))
    );
    assert_eq!(
        convert(&Value::Float(1.55), T::Float64, T::Decimal(9, 1)),
        None
    );
    assert_eq!(convert(&Value::Null, T::Nothing.nullable(), T::UInt8), None);
    assert_eq!(
        convert(&Value::string("1970-01-03"), T::String, T::Date),
        Some(Value::UInt(2))
    );
}
