//! Time zones as values.
//!
//! Invariant: changing the zone of a type changes how it is shown, not the instant.

use roost_engine::bail;
use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::types::{DataType, Value};

use super::super::kit::{arity, f, nums};
use super::clock::{Clock, Kind, zone_arg};
use crate::functions::zones::zone;
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const D: &str = "date and time";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        D,
        "toTimeZone(time, zone)",
        "The same instant in another zone.",
        ("toTimeZone(toDateTime('2024-03-05 10:03:07', 'UTC'), 'Asia/Tokyo')", "2024-03-05 19:03:07"),
        |args, _| to_time_zone(args),
    )
    .also(&["toTimezone"]),
    f(
        D,
        "timeZone()",
        "The zone of times without one.",
        ("timeZone()", "UTC"),
        name,
    )
    .also(&["timezone", "serverTimezone", "serverTimeZone"]),
    f(
        D,
        "timezoneOf(time)",
        "The name of the zone of a time's type.",
        ("timezoneOf(toDateTime('2024-03-05 10:03:07', 'Asia/Tokyo'))", "Asia/Tokyo"),
        |args, context| {
            arity(args, 1..=1)?;
            let clock = Clock::of(args, 0, usize::MAX, context)?.with_time(&args[0].ty)?;
            constant(clock.zone.tz().name())
        },
    )
    .also(&["timeZoneOf"])
    .sees_nulls(),
    f(
        D,
        "timezoneOffset(time)",
        "Seconds that the zone is ahead of UTC at that time.",
        ("timezoneOffset(toDateTime('2024-03-05 10:03:07', 'Asia/Tokyo'))", "32400"),
        |args, context| {
            arity(args, 1..=1)?;
            let clock = Clock::of(args, 0, usize::MAX, context)?.with_time(&args[0].ty)?;
            Ok(BoundFunction::new(DataType::Int32, move |columns, rows| {
                let utcs = clock.utcs(&columns[0])?;
                Ok(nums(rows, |i| clock.zone.offset_at(utcs[i]) as i32))
            }))
        },
    )
    .also(&["timeZoneOffset"]),
    f(
        D,
        "toUTCTimestamp(time, zone)",
        "The UTC time of what the clock of a zone showed.",
        ("toUTCTimestamp(toDateTime('2024-03-05 10:03:07'), 'Asia/Tokyo')", "2024-03-05 01:03:07"),
        |args, context| between(args, context, true),
    )
    .also(&["to_utc_timestamp"])
    .any_case(),
    f(
        D,
        "fromUTCTimestamp(time, zone)",
        "What the clock of a zone shows at a UTC time.",
        ("fromUTCTimestamp(toDateTime('2024-03-05 10:03:07'), 'Asia/Tokyo')", "2024-03-05 19:03:07"),
        |args, context| between(args, context, false),
    )
    .also(&["from_utc_timestamp"])
    .any_case(),
];

fn constant(text: &'static str) -> Result<BoundFunction> {
    Ok(BoundFunction::new(DataType::String, move |_, rows| {
        Column::constant(&Value::string(text), &DataType::String, rows)
    }))
}

fn name(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    arity(args, 0..=0)?;
    constant(context.time_zone.name())
}

fn to_time_zone(args: &[Arg]) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    let tz = zone_arg(args, 1)?;
    let ty = match &args[0].ty {
        DataType::DateTime(_) => DataType::DateTime(tz),
        DataType::DateTime64(p, _) => DataType::DateTime64(*p, tz),
        other => bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "illegal type {other} of argument 1, expected DateTime or DateTime64"
        ),
    };
    Ok(BoundFunction::new(ty, |columns, _| Ok(columns[0].clone())))
}

fn between(args: &[Arg], context: &BindContext, to_utc: bool) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    let clock = Clock::of(args, 0, usize::MAX, context)?.with_time(&args[0].ty)?;
    let other = zone(zone_arg(args, 1)?.unwrap_or(context.time_zone));
    let ty = match clock.kind {
        Kind::DateTime64(p) => DataType::DateTime64(p, clock.explicit),
        _ => clock.date_time(),
    };
    Ok(BoundFunction::new(ty, move |columns, rows| {
        let raw = clock.raw(&columns[0])?;
        let per = clock.per_second();
        let moved = |i: usize| {
            let (seconds, rest) = (raw[i].div_euclid(per), raw[i].rem_euclid(per));
            let seconds = match to_utc {
                true => other.to_utc(seconds),
                false => other.to_local(seconds),
            };
            seconds * per + rest
        };
        Ok(match clock.kind {
            Kind::DateTime64(_) => nums(rows, moved),
            _ => super::clock::date_times((0..rows).map(moved)),
        })
    }))
}
