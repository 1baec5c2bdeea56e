//! Time moved by a number of units.
//!
//! Invariant: units of a day and longer move on the local calendar and keep the time of day;
//! shorter ones move the instant. Results outside a type's range wrap, as in ClickHouse.

use roost_engine::bail;
use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::types::{DataType, IntervalUnit};

use super::super::kit::{Caster, Ints, arity, f, want};
use super::clock::{Clock, Kind};
use super::start_of_interval::sub_second_scale;
use super::trunc::unit_named;
use crate::functions::zones::DAY_SECONDS;
use crate::functions::zones::civil::add_months;
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const D: &str = "date and time";

macro_rules! units {
    ($($add:literal $subtract:literal $unit:ident $plus:literal $minus:literal),* $(,)?) => {
        /// The functions of this file.
        pub static FUNCTIONS: &[ScalarFunction] = &[
            $( f(
                D,
                concat!($add, "(time, n)"),
                concat!("The time ", stringify!($unit), "s later."),
                (concat!($add, "(toDateTime64('2024-03-31 10:00:00', 9), 1)"), $plus),
                |args, context| shift(args, context, IntervalUnit::$unit, 1),
            ),
            f(
                D,
                concat!($subtract, "(time, n)"),
                concat!("The time ", stringify!($unit), "s earlier."),
                (concat!($subtract, "(toDateTime64('2024-03-31 10:00:00', 9), 1)"), $minus),
                |args, context| shift(args, context, IntervalUnit::$unit, -1),
            ), )*
            f(
                D,
                "dateAdd([unit, n, ]time[, interval])",
                "The time moved by an interval.",
                ("dateAdd(toDate('2024-01-01'), INTERVAL 1 DAY)", "2024-01-02"),
                |args, context| forms(args, context, 1),
            )
            .also(&["date_add", "timestampAdd", "timestamp_add", "addDate"])
            .any_case(),
            f(
                D,
                "dateSub([unit, n, ]time[, interval])",
                "The time moved back by an interval.",
                ("dateSub(toDate('2024-01-02'), INTERVAL 1 DAY)", "2024-01-01"),
                |args, context| forms(args, context, -1),
            )
            .also(&["date_sub", "timestampSub", "timestamp_sub", "subDate"])
            .any_case(),
        ];
    };
}

units!(
    "addNanoseconds" "subtractNanoseconds" Nanosecond
        "2024-03-31 10:00:00.000000001" "2024-03-31 09:59:59.999999999",
    "addMicroseconds" "subtractMicroseconds" Microsecond
        "2024-03-31 10:00:00.000001000" "2024-03-31 09:59:59.999999000",
    "addMilliseconds" "subtractMilliseconds" Millisecond
        "2024-03-31 10:00:00.001000000" "2024-03-31 09:59:59.999000000",
    "addSeconds" "subtractSeconds" Second
        "2024-03-31 10:00:01.000000000" "2024-03-31 09:59:59.000000000",
    "addMinutes" "subtractMinutes" Minute
        "2024-03-31 10:01:00.000000000" "2024-03-31 09:59:00.000000000",
    "addHours" "subtractHours" Hour
        "2024-03-31 11:00:00.000000000" "2024-03-31 09:00:00.000000000",
    "addDays" "subtractDays" Day
        "2024-04-01 10:00:00.000000000" "2024-03-30 10:00:00.000000000",
    "addWeeks" "subtractWeeks" Week
        "2024-04-07 10:00:00.000000000" "2024-03-24 10:00:00.000000000",
    "addMonths" "subtractMonths" Month
        "2024-04-30 10:00:00.000000000" "2024-02-29 10:00:00.000000000",
    "addQuarters" "subtractQuarters" Quarter
        "2024-06-30 10:00:00.000000000" "2023-12-31 10:00:00.000000000",
    "addYears" "subtractYears" Year
        "2025-03-31 10:00:00.000000000" "2023-03-31 10:00:00.000000000",
);

/// `dateAdd(unit, n, time)`, `dateAdd(time, interval)`.
fn forms(args: &[Arg], context: &BindContext, sign: i64) -> Result<BoundFunction> {
    arity(args, 2..=3)?;
    if let [unit, n, time] = args {
        let name = unit.constant.as_ref().and_then(|v| v.as_bytes());
        let Some(unit) = name.and_then(unit_named) else {
            bail!(BAD_ARGUMENTS, "argument 1 must name a unit of time");
        };
        let inner = shift(&[time.clone(), n.clone()], context, unit, sign)?;
        let ty = inner.ty.clone();
        let crate::functions::Kernel::Plain(kernel) = inner.kernel else {
            bail!(LOGICAL_ERROR, "moving a time is no lambda");
        };
        return Ok(BoundFunction::new(ty, move |columns, rows| {
            kernel(&[columns[2].clone(), columns[1].clone()], rows)
        }));
    }
    match &args[1].ty {
        DataType::Interval(unit) => shift(args, context, *unit, sign),
        other => bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "illegal type {other} of argument 2, expected an interval"
        ),
    }
}

/// The function that adds `sign` times argument 2 of `unit` to argument 1; also `time + interval`.
pub(crate) fn shift(
    args: &[Arg],
    context: &BindContext,
    unit: IntervalUnit,
    sign: i64,
) -> Result<BoundFunction> {
    arity(args, 2..=3)?;
    let fits = args[1].ty.is_numeric() || matches!(args[1].ty, DataType::Interval(_));
    want(args, 1, fits, "a number")?;
    let (source, parse) = match &args[0].ty {
        DataType::String => {
            let ty = DataType::DateTime64(3, None);
            let caster = Caster::new(&args[0].ty, &ty, context)?;
            (ty, Some(caster))
        }
        other => (other.clone(), None),
    };
    let Some(clock) = Clock::of_type(&source, context) else {
        bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "illegal type {source} of argument 1, expected a date, a time or a string"
        );
    };
    let ty = moved_type(&clock, unit, &source)?;
    let to = Clock::of_type(&ty, context).unwrap_or_else(|| clock.clone());
    Ok(BoundFunction::new(ty, move |columns, _| {
        let raw = match &parse {
            Some(caster) => clock.raw(&caster.apply(&columns[0])?)?,
            None => clock.raw(&columns[0])?,
        };
        let by = Ints::of(&columns[1])?;
        let moved = raw.iter().enumerate().map(|(i, t)| {
            moved(&clock, &to, *t, unit, by.get(i).saturating_mul(sign))
        });
        Ok(match to.kind {
            Kind::Date => Column::native(moved.map(|v| v as u16).collect::<Vec<u16>>()),
            Kind::Date32 => Column::native(moved.map(|v| v as i32).collect::<Vec<i32>>()),
            Kind::DateTime => Column::native(moved.map(|v| v as u32).collect::<Vec<u32>>()),
            Kind::DateTime64(_) => Column::native(moved.collect::<Vec<i64>>()),
        })
    }))
}

fn moved_type(clock: &Clock, unit: IntervalUnit, source: &DataType) -> Result<DataType> {
    let scale = sub_second_scale(unit);
    Ok(match clock.kind {
        _ if unit >= IntervalUnit::Day => source.clone(),
        Kind::Date | Kind::Date32 if scale > 0 => bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "{source} cannot be moved by {}s",
            unit.name()
        ),
        Kind::Date => DataType::DateTime(None),
        Kind::Date32 => DataType::DateTime64(3, None),
        Kind::DateTime if scale > 0 => DataType::DateTime64(scale, clock.explicit),
        Kind::DateTime64(own) => DataType::DateTime64(own.max(scale), clock.explicit),
        Kind::DateTime => source.clone(),
    })
}

/// Raw number `t` of `from` moved by `n` units, as a raw number of `to`.
#[inline]
fn moved(from: &Clock, to: &Clock, t: i64, unit: IntervalUnit, n: i64) -> i64 {
    let months = match unit {
        IntervalUnit::Month => n,
        IntervalUnit::Quarter => n.saturating_mul(3),
        IntervalUnit::Year => n.saturating_mul(12),
        IntervalUnit::Day | IntervalUnit::Week => {
            let days = if unit == IntervalUnit::Week { n.saturating_mul(7) } else { n };
            return on_calendar(from, t, |day| (i64::from(day)).wrapping_add(days));
        }
        _ => {
            let start = rescaled(from, to, t);
            let step = match unit {
                IntervalUnit::Hour => to.per_second().saturating_mul(3600),
                IntervalUnit::Minute => to.per_second().saturating_mul(60),
                IntervalUnit::Second => to.per_second(),
                _ => 10i64.pow(u32::from(to.scale().saturating_sub(sub_second_scale(unit)))),
            };
            return start.wrapping_add(step.wrapping_mul(n));
        }
    };
    on_calendar(from, t, |day| i64::from(add_months(day, months)))
}

fn rescaled(from: &Clock, to: &Clock, t: i64) -> i64 {
    match from.kind {
        Kind::Date | Kind::Date32 => from.utc_of(t).saturating_mul(to.per_second()),
        _ => t.saturating_mul(to.per_second() / from.per_second()),
    }
}

fn on_calendar(clock: &Clock, t: i64, day: impl Fn(i32) -> i64) -> i64 {
    if clock.is_date() {
        return day(t as i32);
    }
    let per = clock.per_second();
    let local = clock.zone.to_local(t.div_euclid(per));
    let moved = day(local.div_euclid(DAY_SECONDS) as i32).clamp(-10_000_000, 10_000_000);
    let utc = clock.zone.to_utc(moved * DAY_SECONDS + local.rem_euclid(DAY_SECONDS));
    utc.saturating_mul(per).saturating_add(t.rem_euclid(per))
}
