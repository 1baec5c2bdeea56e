//! `toInt8`, `toDate`, ... and CAST: names for the conversions of [`crate::functions::cast`].
//!
//! Invariant: the plain form fails on a text that does not parse; OrNull, OrZero and OrDefault give
//! NULL, the type's default, or the second argument instead.

use roost_engine::bail;
use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::types::{DataType, IntervalUnit, Tz, text};

use super::conditional::{null_mask, pick, without_mask};
use crate::Value;
use crate::functions::cast::{CastMode, bind_cast};
use crate::functions::library::kit::{Caster, arity, f, want};
use crate::functions::text::{Escaping, Style, TextWriter};
use crate::functions::{Arg, BindContext, BoundFunction, Kernel, ScalarFunction};

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

fn zone_argument(args: &[Arg], i: usize) -> Result<Option<Tz>> {
    match args.get(i) {
        None => Ok(None),
        Some(arg) => match &arg.constant {
            Some(Value::Bytes(name)) => text::parse_zone(&String::from_utf8_lossy(name)).map(Some),
            _ => bail!(ILLEGAL_COLUMN, "the time zone must be a constant string"),
        },
    }
}

fn constant_number(args: &[Arg], i: usize, name: &str) -> Result<u64> {
    let constant = args
        .get(i)
        .and_then(|a| a.constant.as_ref())
        .and_then(Value::as_u64);
    match constant {
        Some(n) => Ok(n),
        None => bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "argument {} of function {name} must be a constant whole number",
            i + 1
        ),
    }
}

/// The zone in the argument's own type, where it has one.
fn own_zone(args: &[Arg]) -> Option<Tz> {
    match args.first().map(|a| a.ty.value_type()) {
        Some(DataType::DateTime(tz) | DataType::DateTime64(_, tz)) => *tz,
        _ => None,
    }
}

fn date_time(args: &[Arg]) -> Result<(DataType, usize)> {
    if args.get(1).is_some_and(|a| a.ty.is_integer()) {
        return date_time64(args);
    }
    let is_zone = args.get(1).is_some_and(|a| a.ty.is_string());
    let zone = if is_zone {
        zone_argument(args, 1)?
    } else {
        None
    };
    Ok((
        DataType::DateTime(zone.or(own_zone(args))),
        usize::from(is_zone),
    ))
}

/// A date in a zone of its own.
fn date(args: &[Arg], ty: DataType) -> Result<(DataType, usize)> {
    let is_zone = args.get(1).is_some_and(|a| a.ty.is_string());
    Ok((ty, usize::from(is_zone)))
}

/// The argument with its time read in the zone that stands beside it, for dates.
fn in_zone(arg: &Arg, tz: Tz) -> Arg {
    let ty = match arg.ty.value_type() {
        DataType::DateTime(_) => DataType::DateTime(Some(tz)),
        DataType::DateTime64(p, _) => DataType::DateTime64(*p, Some(tz)),
        _ => return arg.clone(),
    };
    let ty = if arg.ty.is_nullable() {
        ty.nullable()
    } else {
        ty
    };
    Arg { ty, ..arg.clone() }
}

fn date_time64(args: &[Arg]) -> Result<(DataType, usize)> {
    let precision = constant_number(args, 1, "toDateTime64")?;
    if precision > 9 {
        bail!(
            ARGUMENT_OUT_OF_BOUND,
            "Scale {precision} is too large for DateTime64. Maximum is up to nanoseconds (9)"
        );
    }
    let is_zone = args.get(2).is_some_and(|a| a.ty.is_string());
    let zone = if is_zone {
        zone_argument(args, 2)?
    } else {
        None
    };
    let ty = DataType::DateTime64(precision as u8, zone.or(own_zone(args)));
    Ok((ty, 1 + usize::from(is_zone)))
}

fn decimal(args: &[Arg], precision: u8) -> Result<(DataType, usize)> {
    let scale = constant_number(args, 1, "toDecimal")?;
    match u8::try_from(scale) {
        Ok(scale) if scale <= precision => Ok((DataType::Decimal(precision, scale), 1)),
        _ => bail!(
            ARGUMENT_OUT_OF_BOUND,
            "scale {scale} is larger than the precision {precision}"
        ),
    }
}

/// A conversion of the first argument, of which the target reads some of the others.
fn to(args: &[Arg], context: &BindContext, target: Target, or: Or) -> Result<BoundFunction> {
    let (ty, taken) = target(args)?;
    let most = 1 + taken + usize::from(or == Or::Default);
    arity(args, 1..=most)?;
    if matches!(or, Or::Null | Or::Zero) && !args[0].ty.is_string() {
        bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "Illegal type {} of first argument. Conversion functions with postfix 'OrZero' or 'OrNull' should take String argument",
            args[0].ty
        );
    }
    let mut context = context.clone();
    if let DataType::DateTime(Some(tz)) | DataType::DateTime64(_, Some(tz)) = &ty {
        context.time_zone = *tz;
    }
    let mut moved: Vec<Arg> = args.to_vec();
    if ty.is_date()
        && taken == 1
        && let (Some(tz), Some(first)) = (zone_argument(args, 1)?, moved.first_mut())
    {
        context.time_zone = tz;
        *first = in_zone(first, tz);
    }
    let default = args.get(1 + taken);
    if let Some(default) = default.filter(|d| or == Or::Default && d.ty != ty) {
        bail!(
            BAD_ARGUMENTS,
            "Default value type should be same as cast type. Expected {ty}. Actual {}",
            default.ty
        );
    }
    let args = &moved[..];
    match or {
        Or::Fail => convert_first(args, &context, &ty),
        Or::Null => with_mode(args, &context, &ty, CastMode::OrNull),
        Or::Zero => with_mode(args, &context, &ty, CastMode::OrZero),
        Or::Default => or_default(args, &context, &ty, CastMode::OrNull, args.get(1 + taken)),
    }
}

fn with_mode(
    args: &[Arg],
    context: &BindContext,
    ty: &DataType,
    mode: CastMode,
) -> Result<BoundFunction> {
    let bound = bind_cast(&args[0].ty, ty, mode, context)?;
    let Kernel::Plain(kernel) = bound.kernel else {
        bail!(LOGICAL_ERROR, "a cast is no lambda")
    };
    Ok(BoundFunction::new(bound.ty, move |columns, rows| {
        kernel(&columns[..1], rows)
    }))
}

fn convert_first(args: &[Arg], context: &BindContext, ty: &DataType) -> Result<BoundFunction> {
    let caster = Caster::new(&args[0].ty, ty, context)?;
    Ok(BoundFunction::new(ty.clone(), move |columns, _| {
        caster.apply(&columns[0])
    }))
}

/// NULLs of a forgiving conversion replaced by the default argument (or the type's default).
fn or_default(
    args: &[Arg],
    context: &BindContext,
    ty: &DataType,
    mode: CastMode,
    default: Option<&Arg>,
) -> Result<BoundFunction> {
    let source = args[0].ty.without_nullable();
    let bound = bind_cast(&args[0].ty, ty, mode, context)
        .or_else(|_| bind_cast(&source, ty, mode, context))?;
    let Kernel::Plain(kernel) = bound.kernel else {
        bail!(LOGICAL_ERROR, "a cast is no lambda")
    };
    let caster = match default {
        Some(arg) => Some(Caster::new(&arg.ty, ty, context)?),
        None => None,
    };
    let (answer, ty) = (ty.clone(), ty.clone());
    Ok(BoundFunction::new(answer, move |columns, rows| {
        let converted = kernel(&columns[..1], rows)?;
        let nulls = null_mask(&converted, rows);
        let default = match (&caster, columns.last()) {
            (Some(caster), Some(column)) => caster.apply(column)?,
            _ => Column::defaults(&ty, rows),
        };
        let choice: Vec<u32> = nulls.iter().map(|n| u32::from(*n != 0)).collect();
        pick(&choice, &[without_mask(&converted), default], &ty)
    }))
}

fn to_interval(args: &[Arg], context: &BindContext, unit: IntervalUnit) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    let ty = args[0].ty.value_type();
    want(
        args,
        0,
        ty.is_numeric() || ty.is_string() || matches!(ty, DataType::Interval(_)),
        "a number",
    )?;
    let caster = Caster::new(&args[0].ty, &DataType::Int64, context)?;
    Ok(BoundFunction::new(
        DataType::Interval(unit),
        move |columns, _| caster.apply(&columns[0]),
    ))
}

fn to_string(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    arity(args, 1..=2)?;
    let zone = zone_argument(args, 1)?;
    let Some(zone) = zone else {
        return convert_first(args, context, &DataType::String);
    };
    // The zone of the text is the argument's, whatever the type says.
    let ty = match args[0].ty.value_type() {
        DataType::DateTime(_) => DataType::DateTime(Some(zone)),
        DataType::DateTime64(p, _) => DataType::DateTime64(*p, Some(zone)),
        other => bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "toString takes a time zone for DateTime only, not for {other}"
        ),
    };
    let writer = TextWriter::new(&ty, Style::new(Escaping::Plain, zone));
    Ok(BoundFunction::new(DataType::String, move |columns, _| {
        Ok(Column::Flat(roost_engine::column::Flat::Bytes(
            writer.column(&columns[0]),
        )))
    }))
}

fn type_argument(args: &[Arg], i: usize) -> Result<DataType> {
    match args.get(i).and_then(|a| a.constant.as_ref()) {
        Some(Value::Bytes(name)) => text::parse(&String::from_utf8_lossy(name)),
        _ => bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "the type of a CAST must be a constant string"
        ),
    }
}

fn cast(args: &[Arg], context: &BindContext, mode: CastMode) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    let ty = type_argument(args, 1)?;
    let keep = context
        .settings
        .get("cast_keep_nullable")
        .is_some_and(|v| v == "1");
    let ty = if keep && args[0].ty.is_nullable() {
        ty.nullable()
    } else {
        ty
    };
    with_mode(args, context, &ty, mode)
}

fn cast_or_default(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    arity(args, 2..=3)?;
    let ty = type_argument(args, 1)?;
    or_default(args, context, &ty, CastMode::AccurateOrNull, args.get(2))
}
