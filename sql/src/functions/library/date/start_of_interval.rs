//! `toStartOfInterval`: buckets of any number of units.
//!
//! Invariant: without an origin buckets count from where ClickHouse counts: hours from midnight,
//! shorter units and days from 1970, weeks from a Monday, months from 1900, years from year 0.

use roost_engine::bail;
use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::types::{DataType, IntervalUnit};

use super::super::kit::{Ints, arity, f};
use super::clock::{Clock, Kind, date_times, dates};
use crate::functions::zones::civil::add_months;
use crate::functions::zones::{DAY_SECONDS, civil_from_days, days_from_civil};
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[f(
    "date and time",
    "toStartOfInterval(time, interval[, origin][, zone])",
    "The start of the interval that the time lies in, counted from a fixed point or from `origin`.",
    (
        "toStartOfInterval(toDateTime('2024-03-05 10:23:30'), INTERVAL 15 MINUTE)",
        "2024-03-05 10:15:00",
    ),
    bind,
)
.also(&["time_bucket", "date_bin"])];

fn bind(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    arity(args, 2..=4)?;
    let has_origin = args.get(2).is_some_and(|a| !a.ty.is_string());
    let clock = Clock::of(args, 0, if has_origin { 3 } else { 2 }, context)?;
    let DataType::Interval(unit) = args[1].ty else {
        bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "illegal type {} of argument 2, expected an interval",
            args[1].ty
        );
    };
    let count = args[1].constant.as_ref().and_then(|v| v.as_i64());
    if count.is_some_and(|n| n <= 0) {
        bail!(ARGUMENT_OUT_OF_BOUND, "the interval must be positive");
    }
    let scale = sub_second_scale(unit);
    if scale > 0 && !matches!(clock.kind, Kind::DateTime64(_))
        || clock.is_date() && unit < IntervalUnit::Day
    {
        bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "an interval of {} cannot be applied to {}",
            unit.name(),
            args[0].ty
        );
    }
    if has_origin {
        return from_origin(args, clock, unit);
    }
    plain(clock, unit)
}

/// Digits that the unit needs.
pub(crate) fn sub_second_scale(unit: IntervalUnit) -> u8 {
    match unit {
        IntervalUnit::Millisecond => 3,
        IntervalUnit::Microsecond => 6,
        IntervalUnit::Nanosecond => 9,
        _ => 0,
    }
}

/// The bucket of a time without origin; shared with `dateTrunc`.
fn plain(clock: Clock, unit: IntervalUnit) -> Result<BoundFunction> {
    let scale = sub_second_scale(unit);
    let ty = match unit {
        _ if scale > 0 => DataType::DateTime64(scale.max(clock.scale()), clock.explicit),
        IntervalUnit::Week | IntervalUnit::Month | IntervalUnit::Quarter | IntervalUnit::Year => {
            DataType::Date
        }
        _ => clock.date_time(),
    };
    Ok(BoundFunction::new(ty, move |columns, rows| {
        let counts = counts(&columns[1], rows)?;
        let raw = clock.raw(&columns[0])?;
        let rows = raw.iter().enumerate();
        Ok(match unit {
            IntervalUnit::Nanosecond | IntervalUnit::Microsecond | IntervalUnit::Millisecond => {
                let wide = scale.max(clock.scale());
                let up = 10i64.pow(u32::from(wide - clock.scale()));
                let unit = 10i64.pow(u32::from(wide - scale));
                let floor = |(i, t): (usize, &i64)| {
                    let step = unit.saturating_mul(counts.get(i));
                    t.saturating_mul(up).div_euclid(step).saturating_mul(step)
                };
                Column::native(rows.map(floor).collect::<Vec<i64>>())
            }
            IntervalUnit::Second | IntervalUnit::Minute | IntervalUnit::Hour => {
                date_times(rows.map(|(i, t)| floor_time(&clock, clock.utc_of(*t), unit, counts.get(i))))
            }
            IntervalUnit::Day => date_times(rows.map(|(i, t)| {
                clock.zone.day_start(floor_day(clock.day_of(*t), unit, counts.get(i)))
            })),
            _ => dates(rows.map(|(i, t)| floor_day(clock.day_of(*t), unit, counts.get(i)))),
        })
    }))
}

fn counts(column: &Column, rows: usize) -> Result<Ints> {
    let counts = Ints::of(column)?;
    if (0..rows).any(|i| counts.get(i) <= 0) {
        bail!(ARGUMENT_OUT_OF_BOUND, "the interval must be positive");
    }
    Ok(counts)
}

fn floor_time(clock: &Clock, utc: i64, unit: IntervalUnit, n: i64) -> i64 {
    match unit {
        IntervalUnit::Hour => {
            let step = n.saturating_mul(3600);
            if n == 1 {
                return super::start_of::floor_local(clock, utc, 3600);
            }
            let local = clock.zone.to_local(utc);
            let day = local.div_euclid(DAY_SECONDS) * DAY_SECONDS;
            clock.zone.to_utc(day + (local - day) / step * step)
        }
        IntervalUnit::Minute => {
            let step = n.saturating_mul(60);
            let part = clock.zone.offset_at(utc).rem_euclid(60);
            (utc + part).div_euclid(step) * step - part
        }
        _ => utc.div_euclid(n) * n,
    }
}

/// The first day of the bucket that `day` lies in.
pub(crate) fn floor_day(day: i32, unit: IntervalUnit, n: i64) -> i32 {
    let by = |at: i64, n: i64| at.div_euclid(n).saturating_mul(n);
    match unit {
        IntervalUnit::Day => by(i64::from(day), n) as i32,
        IntervalUnit::Week => (by(i64::from(day) - 4, n.saturating_mul(7)) + 4) as i32,
        IntervalUnit::Year => days_from_civil(by(i64::from(civil_from_days(day).0), n) as i32, 1, 1),
        _ => {
            let months = if unit == IntervalUnit::Quarter { n.saturating_mul(3) } else { n };
            let (year, month, _) = civil_from_days(day);
            let index = by((i64::from(year) - 1900) * 12 + i64::from(month) - 1, months);
            let year = 1900 + index.div_euclid(12);
            days_from_civil(year as i32, index.rem_euclid(12) as u32 + 1, 1)
        }
    }
}

fn from_origin(args: &[Arg], clock: Clock, unit: IntervalUnit) -> Result<BoundFunction> {
    let same = match (&args[0].ty, &args[2].ty) {
        (DataType::DateTime(_), DataType::DateTime(_)) => true,
        (DataType::DateTime64(a, _), DataType::DateTime64(b, _)) => a == b,
        (a, b) => a == b,
    };
    if !same {
        bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "the origin has type {}, expected {}",
            args[2].ty,
            args[0].ty
        );
    }
    let ty = args[0].ty.clone();
    let is = clock.kind;
    Ok(BoundFunction::new(ty, move |columns, rows| {
        let counts = counts(&columns[1], rows)?;
        let (times, origins) = (clock.raw(&columns[0])?, clock.raw(&columns[2])?);
        let mut out = Vec::with_capacity(rows);
        for (i, (t, o)) in times.iter().zip(&origins).enumerate() {
            if o > t {
                bail!(BAD_ARGUMENTS, "the origin must be before the time");
            }
            out.push(bucket(&clock, *t, *o, unit, counts.get(i)));
        }
        Ok(match is {
            Kind::Date => dates(out.iter().map(|d| *d as i32)),
            Kind::Date32 => Column::native(out.iter().map(|d| *d as i32).collect::<Vec<i32>>()),
            Kind::DateTime => date_times(out),
            Kind::DateTime64(_) => Column::native(out),
        })
    }))
}

/// The start of the bucket of raw time `t`, counted from raw time `o`.
fn bucket(clock: &Clock, t: i64, o: i64, unit: IntervalUnit, n: i64) -> i64 {
    let months = match unit {
        IntervalUnit::Month => n,
        IntervalUnit::Quarter => n.saturating_mul(3),
        IntervalUnit::Year => n.saturating_mul(12),
        _ => {
            let step = step_of(clock, unit).saturating_mul(n).max(1);
            return o + (t - o).div_euclid(step) * step;
        }
    };
    let (from, to) = (clock.day_of(o), clock.day_of(t));
    let month = |d: i32| {
        let (y, m, _) = civil_from_days(d);
        i64::from(y) * 12 + i64::from(m)
    };
    let moved = |k: i64| match clock.is_date() {
        true => i64::from(add_months(from, k)),
        false => {
            let local = clock.local_of(o);
            let day = add_months(from, k);
            let time = local.rem_euclid(DAY_SECONDS);
            let fraction = o.rem_euclid(clock.per_second());
            let utc = clock.zone.to_utc(i64::from(day) * DAY_SECONDS + time);
            utc * clock.per_second() + fraction
        }
    };
    let steps = (month(to) - month(from)).div_euclid(months);
    match moved(steps * months) {
        start if start > t => moved((steps - 1) * months),
        start => start,
    }
}

/// Raw numbers of one unit of fixed length.
fn step_of(clock: &Clock, unit: IntervalUnit) -> i64 {
    let seconds = match unit {
        IntervalUnit::Second => 1,
        IntervalUnit::Minute => 60,
        IntervalUnit::Hour => 3600,
        IntervalUnit::Day => DAY_SECONDS,
        IntervalUnit::Week => 7 * DAY_SECONDS,
        _ => {
            let digits = u32::from(clock.scale().saturating_sub(sub_second_scale(unit)));
            return 10i64.pow(digits);
        }
    };
    match clock.is_date() {
        true => seconds / DAY_SECONDS,
        false => seconds * clock.per_second(),
    }
}
