//! Times as numbers since the epoch and back.
//!
//! Invariant: conversions that leave the target's range are errors, never wrapped.

use roost_engine::bail;
use roost_engine::column::Column;
use roost_engine::error::{Code, Error, Result};
use roost_engine::types::DataType;

use super::super::kit::{Caster, Compiled, Ints, arity, f, integer, string, try_nums, want};
use super::clock::{Clock, Kind, zone_arg};
use super::format::{Piece, parse, write};
use crate::functions::zones::zone;
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const D: &str = "date and time";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        D,
        "toUnixTimestamp(time[, zone])",
        "Seconds since the epoch.",
        ("toUnixTimestamp(toDate('2024-03-05'))", "1709596800"),
        to_unix,
    ),
    f(
        D,
        "toUnixTimestamp64Second(time)",
        "Seconds since the epoch of a DateTime64.",
        ("toUnixTimestamp64Second(toDateTime64('2024-03-05 10:23:30.5', 3))", "1709634210"),
        |args, context| to_ticks(args, context, 0),
    ),
    f(
        D,
        "toUnixTimestamp64Milli(time)",
        "Milliseconds since the epoch of a DateTime64.",
        ("toUnixTimestamp64Milli(toDateTime64('2024-03-05 10:23:30.5', 3))", "1709634210500"),
        |args, context| to_ticks(args, context, 3),
    ),
    f(
        D,
        "toUnixTimestamp64Micro(time)",
        "Microseconds since the epoch of a DateTime64.",
        ("toUnixTimestamp64Micro(toDateTime64('2024-03-05 10:23:30.5', 3))", "1709634210500000"),
        |args, context| to_ticks(args, context, 6),
    ),
    f(
        D,
        "toUnixTimestamp64Nano(time)",
        "Nanoseconds since the epoch of a DateTime64.",
        (
            "toUnixTimestamp64Nano(toDateTime64('2024-03-05 10:23:30.5', 3))",
            "1709634210500000000",
        ),
        |args, context| to_ticks(args, context, 9),
    ),
    f(
        D,
        "fromUnixTimestamp(n[, format[, zone]])",
        "The time so many seconds after the epoch, perhaps as text.",
        ("fromUnixTimestamp(1709634210, '%Y-%m-%d')", "2024-03-05"),
        |args, context| from_unix(args, context, parse),
    )
    .also(&["FROM_UNIXTIME"])
    .any_case(),
    f(
        D,
        "fromUnixTimestampInJodaSyntax(n, format[, zone])",
        "The time so many seconds after the epoch, as text in Joda's syntax.",
        ("fromUnixTimestampInJodaSyntax(1709634210, 'yyyy-MM-dd')", "2024-03-05"),
        |args, context| from_unix(args, context, super::joda::parse),
    ),
    f(
        D,
        "fromUnixTimestamp64Second(n[, zone])",
        "The DateTime64(0) so many seconds after the epoch.",
        ("fromUnixTimestamp64Second(1709634210)", "2024-03-05 10:23:30"),
        |args, _| from_ticks(args, 0),
    ),
    f(
        D,
        "fromUnixTimestamp64Milli(n[, zone])",
        "The DateTime64(3) so many milliseconds after the epoch.",
        ("fromUnixTimestamp64Milli(1709634210123)", "2024-03-05 10:23:30.123"),
        |args, _| from_ticks(args, 3),
    ),
    f(
        D,
        "fromUnixTimestamp64Micro(n[, zone])",
        "The DateTime64(6) so many microseconds after the epoch.",
        ("fromUnixTimestamp64Micro(1709634210123456)", "2024-03-05 10:23:30.123456"),
        |args, _| from_ticks(args, 6),
    ),
    f(
        D,
        "fromUnixTimestamp64Nano(n[, zone])",
        "The DateTime64(9) so many nanoseconds after the epoch.",
        ("fromUnixTimestamp64Nano(1709634210123456789)", "2024-03-05 10:23:30.123456789"),
        |args, _| from_ticks(args, 9),
    ),
];

fn overflow() -> Error {
    Error::new(Code::DECIMAL_OVERFLOW, "the time is outside the range of the answer")
}

fn to_unix(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    arity(args, 1..=2)?;
    let (clock, caster) = match args[0].ty.is_string() {
        true => {
            let ty = DataType::DateTime(zone_arg(args, 1)?);
            let caster = Caster::new(&args[0].ty, &ty, context)?;
            (Clock::of_type(&ty, context), Some(caster))
        }
        false => (Some(Clock::of(args, 0, 1, context)?), None),
    };
    let Some(clock) = clock else {
        bail!(ILLEGAL_TYPE_OF_ARGUMENT, "illegal type {} of argument 1", args[0].ty);
    };
    Ok(BoundFunction::new(DataType::UInt32, move |columns, rows| {
        let utcs = match &caster {
            Some(caster) => clock.utcs(&caster.apply(&columns[0])?)?,
            None => clock.utcs(&columns[0])?,
        };
        try_nums(rows, |i| u32::try_from(utcs[i]).map_err(|_| overflow()))
    }))
}

fn to_ticks(args: &[Arg], context: &BindContext, scale: u8) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    let clock = Clock::of(args, 0, usize::MAX, context)?;
    want(args, 0, matches!(clock.kind, Kind::DateTime64(_)), "DateTime64")?;
    let own = clock.scale();
    Ok(BoundFunction::new(DataType::Int64, move |columns, rows| {
        let raw = clock.raw(&columns[0])?;
        let power = |n: u8| 10i64.pow(u32::from(n));
        match own >= scale {
            true => Ok(super::super::kit::nums(rows, |i| raw[i].div_euclid(power(own - scale)))),
            false => try_nums(rows, |i| {
                raw[i].checked_mul(power(scale - own)).ok_or_else(overflow)
            }),
        }
    }))
}

fn from_ticks(args: &[Arg], scale: u8) -> Result<BoundFunction> {
    arity(args, 1..=2)?;
    integer(args, 0)?;
    let ty = DataType::DateTime64(scale, zone_arg(args, 1)?);
    Ok(BoundFunction::new(ty, |columns, rows| {
        let n = Ints::of(&columns[0])?;
        Ok(super::super::kit::nums(rows, |i| n.get(i)))
    }))
}

fn from_unix(
    args: &[Arg],
    context: &BindContext,
    parse: fn(&[u8]) -> Result<Vec<Piece>>,
) -> Result<BoundFunction> {
    arity(args, 1..=3)?;
    let time = args[0].ty.is_date_time() || args[0].ty.is_date();
    want(args, 0, args[0].ty.is_integer() || time && args.len() > 1, "an integer")?;
    if args.len() == 1 {
        return Ok(BoundFunction::new(DataType::DateTime(None), |columns, rows| {
            let n = Ints::of(&columns[0])?;
            Ok(super::super::kit::nums(rows, |i| n.get(i) as u32))
        }));
    }
    string(args, 1)?;
    let named = zone_arg(args, 2)?;
    let clock = match time {
        true => Clock::of(args, 0, 2, context)?,
        false => Clock {
            kind: Kind::DateTime64(0),
            zone: zone(named.unwrap_or(context.time_zone)),
            explicit: named,
        },
    };
    let patterns = Compiled::new(args.get(1), parse)?;
    Ok(BoundFunction::new(DataType::String, move |columns, rows| {
        let times = match time {
            true => columns[0].clone(),
            false => {
                let n = Ints::of(&columns[0])?;
                Column::native((0..rows).map(|i| n.get(i)).collect::<Vec<i64>>())
            }
        };
        write(&clock, &times, &columns[1], &patterns, rows)
    }))
}
