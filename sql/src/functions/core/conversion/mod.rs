//! `toInt8`, `toDate`, ... and CAST: names for the conversions of [`crate::functions::cast`].
//!
//! Invariant: the plain form fails on a text that does not parse; OrNull, OrZero and OrDefault give
//! NULL, the type's default, or the second argument instead.

mod bind;

use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::types::{DataType, IntervalUnit, text};

use crate::functions::cast::CastMode;
use crate::functions::library::kit::{arity, f};
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};
use bind::{
    cast, cast_or_default, constant_number, convert_first, date, date_time, date_time64, decimal,
    to, to_interval, to_string, type_argument,
};

/// What a text that does not parse becomes.
#[derive(Clone, Copy, PartialEq)]
enum Or {
    Fail,
    Null,
    Zero,
    Default,
}

macro_rules! family {
    ($base:literal, $ty:expr, $example:expr) => {
        family!(
            $base,
            "",
            $ty,
            $example,
            (concat!($base, "OrNull('?')"), "\\N")
        )
    };
    ($base:literal, $more:literal, $ty:expr, $example:expr) => {
        family!(
            $base,
            $more,
            $ty,
            $example,
            (concat!($base, "OrNull('?', 3)"), "\\N")
        )
    };
    ($base:literal, $more:literal, $ty:expr, $example:expr, $null:expr) => {
        &[
            f(
                "conversion",
                concat!($base, "(x", $more, ")"),
                concat!(
                    "Converts to the type of ",
                    $base,
                    "; a text that does not parse is an error."
                ),
                $example,
                |a, c| to(a, c, $ty, Or::Fail),
            ),
            f(
                "conversion",
                concat!($base, "OrNull(x", $more, ")"),
                concat!("As ", $base, "; NULL for a text that does not parse."),
                $null,
                |a, c| to(a, c, $ty, Or::Null),
            ),
            f(
                "conversion",
                concat!($base, "OrZero(x", $more, ")"),
                concat!(
                    "As ",
                    $base,
                    "; the default for a text that does not parse."
                ),
                $example,
                |a, c| to(a, c, $ty, Or::Zero),
            ),
            f(
                "conversion",
                concat!($base, "OrDefault(x", $more, "[, default])"),
                concat!("As ", $base, "; `default` for a text that does not parse."),
                $example,
                |a, c| to(a, c, $ty, Or::Default),
            )
            .sees_nulls(),
        ]
    };
}

type Target = fn(&[Arg]) -> Result<(DataType, usize)>;

fn fixed<const N: usize>(ty: DataType) -> Result<(DataType, usize)> {
    Ok((ty, N))
}

/// Families of conversions.
pub static CONVERSIONS: &[&[ScalarFunction]] = &[
    family!(
        "toInt8",
        |_| fixed::<0>(DataType::Int8),
        ("toInt8('5')", "5")
    ),
    family!(
        "toInt16",
        |_| fixed::<0>(DataType::Int16),
        ("toInt16('5')", "5")
    ),
    family!(
        "toInt32",
        |_| fixed::<0>(DataType::Int32),
        ("toInt32('5')", "5")
    ),
    family!(
        "toInt64",
        |_| fixed::<0>(DataType::Int64),
        ("toInt64('5')", "5")
    ),
    family!(
        "toInt128",
        |_| fixed::<0>(DataType::Int128),
        ("toInt128('5')", "5")
    ),
    family!(
        "toUInt8",
        |_| fixed::<0>(DataType::UInt8),
        ("toUInt8('5')", "5")
    ),
    family!(
        "toUInt16",
        |_| fixed::<0>(DataType::UInt16),
        ("toUInt16('5')", "5")
    ),
    family!(
        "toUInt32",
        |_| fixed::<0>(DataType::UInt32),
        ("toUInt32('5')", "5")
    ),
    family!(
        "toUInt64",
        |_| fixed::<0>(DataType::UInt64),
        ("toUInt64('5')", "5")
    ),
    family!(
        "toUInt128",
        |_| fixed::<0>(DataType::UInt128),
        ("toUInt128('5')", "5")
    ),
    family!(
        "toFloat32",
        |_| fixed::<0>(DataType::Float32),
        ("toFloat32('1.5')", "1.5")
    ),
    family!(
        "toFloat64",
        |_| fixed::<0>(DataType::Float64),
        ("toFloat64('1.5')", "1.5")
    ),
    family!(
        "toDate",
        "[, zone]",
        |a| date(a, DataType::Date),
        ("toDate('2024-01-02')", "2024-01-02"),
        ("toDateOrNull('?')", "\\N")
    ),
    family!(
        "toDate32",
        "[, zone]",
        |a| date(a, DataType::Date32),
        ("toDate32('2024-01-02')", "2024-01-02"),
        ("toDate32OrNull('?')", "\\N")
    ),
    family!(
        "toUUID",
        |_| fixed::<0>(DataType::UUID),
        (
            "toUUID('61f0c404-5cb3-11e7-907b-a6006ad3dba0')",
            "61f0c404-5cb3-11e7-907b-a6006ad3dba0"
        )
    ),
    family!(
        "toIPv4",
        |_| fixed::<0>(DataType::IPv4),
        ("toIPv4('1.2.3.4')", "1.2.3.4")
    ),
    family!(
        "toIPv6",
        |_| fixed::<0>(DataType::IPv6),
        ("toIPv6('::1')", "::1")
    ),
    family!(
        "toDateTime",
        "[, zone]",
        date_time,
        ("toDateTime('2024-01-02 03:04:05')", "2024-01-02 03:04:05"),
        ("toDateTimeOrNull('?')", "\\N")
    ),
    family!(
        "toDateTime64",
        ", precision[, zone]",
        date_time64,
        (
            "toDateTime64('2024-01-02 03:04:05.678', 3)",
            "2024-01-02 03:04:05.678"
        )
    ),
    family!(
        "toDecimal32",
        ", scale",
        |a| decimal(a, 9),
        ("toDecimal32('1.5', 2)", "1.5")
    ),
    family!(
        "toDecimal64",
        ", scale",
        |a| decimal(a, 18),
        ("toDecimal64('1.5', 2)", "1.5")
    ),
    family!(
        "toDecimal128",
        ", scale",
        |a| decimal(a, 38),
        ("toDecimal128('1.5', 2)", "1.5")
    ),
    INTERVALS,
    OTHERS,
];

static INTERVALS: &[ScalarFunction] = &[
    interval("toIntervalNanosecond(n)", |a, c| {
        to_interval(a, c, IntervalUnit::Nanosecond)
    }),
    interval("toIntervalMicrosecond(n)", |a, c| {
        to_interval(a, c, IntervalUnit::Microsecond)
    }),
    interval("toIntervalMillisecond(n)", |a, c| {
        to_interval(a, c, IntervalUnit::Millisecond)
    }),
    interval("toIntervalSecond(n)", |a, c| {
        to_interval(a, c, IntervalUnit::Second)
    }),
    interval("toIntervalMinute(n)", |a, c| {
        to_interval(a, c, IntervalUnit::Minute)
    }),
    interval("toIntervalHour(n)", |a, c| {
        to_interval(a, c, IntervalUnit::Hour)
    }),
    interval("toIntervalDay(n)", |a, c| {
        to_interval(a, c, IntervalUnit::Day)
    }),
    interval("toIntervalWeek(n)", |a, c| {
        to_interval(a, c, IntervalUnit::Week)
    }),
    interval("toIntervalMonth(n)", |a, c| {
        to_interval(a, c, IntervalUnit::Month)
    }),
    interval("toIntervalQuarter(n)", |a, c| {
        to_interval(a, c, IntervalUnit::Quarter)
    }),
    interval("toIntervalYear(n)", |a, c| {
        to_interval(a, c, IntervalUnit::Year)
    }),
];

static OTHERS: &[ScalarFunction] = &[
    f(
        "conversion",
        "toString(x[, zone])",
        "The value as text.",
        ("toString(1.5)", "1.5"),
        to_string,
    ),
    f(
        "conversion",
        "toFixedString(s, n)",
        "A string of exactly n bytes, padded with zero bytes.",
        ("length(toFixedString('a', 3))", "3"),
        |a, c| {
            arity(a, 2..=2)?;
            let n = constant_number(a, 1, "toFixedString")?;
            convert_first(
                a,
                c,
                &DataType::FixedString(usize::try_from(n).unwrap_or(0)),
            )
        },
    ),
    f(
        "conversion",
        "toBool(x)",
        "true for everything that is not 0, or the text's meaning.",
        ("toBool('true')", "true"),
        |a, c| {
            arity(a, 1..=1)?;
            convert_first(a, c, &DataType::Bool)
        },
    ),
    f(
        "conversion",
        "toLowCardinality(x)",
        "The same values, kept as a dictionary.",
        ("toLowCardinality('a')", "a"),
        |a, c| {
            arity(a, 1..=1)?;
            let ty = text::low_cardinality_of(a[0].ty.without_low_cardinality())?;
            convert_first(a, c, &ty)
        },
    )
    .sees_types(),
    f(
        "conversion",
        "CAST(x, type)",
        "Converts to the type named.",
        ("CAST(1, 'String')", "1"),
        |a, c| cast(a, c, CastMode::Strict),
    )
    .any_case()
    .sees_types(),
    f(
        "conversion",
        "_CAST(x, type)",
        "Converts to the type named, as the planner does.",
        ("_CAST(1, 'String')", "1"),
        |a, c| cast(a, c, CastMode::Strict),
    )
    .sees_types(),
    f(
        "conversion",
        "accurateCast(x, type)",
        "CAST that refuses numbers that do not fit.",
        ("accurateCast(1, 'UInt8')", "1"),
        |a, c| cast(a, c, CastMode::Accurate),
    )
    .sees_types(),
    f(
        "conversion",
        "accurateCastOrNull(x, type)",
        "CAST that gives NULL for what does not fit.",
        ("accurateCastOrNull(300, 'UInt8')", "\\N"),
        |a, c| cast(a, c, CastMode::AccurateOrNull),
    )
    .sees_types(),
    f(
        "conversion",
        "accurateCastOrDefault(x, type[, default])",
        "CAST that gives a default for what does not fit.",
        ("accurateCastOrDefault(300, 'UInt8')", "0"),
        cast_or_default,
    )
    .sees_types(),
    f(
        "conversion",
        "toDateTime32(x[, zone])",
        "As toDateTime.",
        ("toDateTime32('2024-01-02 03:04:05')", "2024-01-02 03:04:05"),
        |a, c| to(a, c, date_time, Or::Fail),
    ),
    f(
        "conversion",
        "DATE(x)",
        "As toDate.",
        ("DATE('2024-01-02')", "2024-01-02"),
        |a, c| to(a, c, |_| fixed::<0>(DataType::Date), Or::Fail),
    )
    .any_case(),
    f(
        "conversion",
        "defaultValueOfTypeName(type)",
        "The default value of a type.",
        ("defaultValueOfTypeName('UInt8')", "0"),
        |a, _| {
            arity(a, 1..=1)?;
            let ty = type_argument(a, 0)?;
            let answer = ty.clone();
            Ok(BoundFunction::new(answer, move |_, rows| {
                Ok(Column::defaults(&ty, rows))
            }))
        },
    ),
    f(
        "conversion",
        "defaultValueOfArgumentType(x)",
        "The default value of the argument's type.",
        ("defaultValueOfArgumentType(5)", "0"),
        |a, _| {
            arity(a, 1..=1)?;
            let ty = a[0].ty.clone();
            let answer = ty.clone();
            Ok(BoundFunction::new(answer, move |_, rows| {
                Ok(Column::defaults(&ty, rows))
            }))
        },
    )
    .sees_nulls(),
];

const fn interval(
    syntax: &'static str,
    bind: fn(&[Arg], &BindContext) -> Result<BoundFunction>,
) -> ScalarFunction {
    f(
        "conversion",
        syntax,
        "A length of time.",
        ("toTypeName(toIntervalDay(1))", "IntervalDay"),
        bind,
    )
}
