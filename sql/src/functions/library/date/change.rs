//! One field of a time replaced.
//!
//! Invariant: a value that no calendar has gives the start of the epoch, as in ClickHouse.

use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::super::kit::{Ints, arity, f, integer};
use super::clock::{Clock, Kind};
use crate::functions::zones::{DAY_SECONDS, civil_from_days, days_from_civil};
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const D: &str = "date and time";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        D,
        "changeYear(time, value)",
        "The time with another year.",
        ("changeYear(toDate('2024-01-31'), 2023)", "2023-01-31"),
        |args, context| change(args, context, Field::Year),
    ),
    f(
        D,
        "changeMonth(time, value)",
        "The time with another month.",
        ("changeMonth(toDate('2024-01-31'), 5)", "2024-05-31"),
        |args, context| change(args, context, Field::Month),
    ),
    f(
        D,
        "changeDay(time, value)",
        "The time with another day of the month.",
        ("changeDay(toDate('2024-01-31'), 5)", "2024-01-05"),
        |args, context| change(args, context, Field::Day),
    ),
    f(
        D,
        "changeHour(time, value)",
        "The time with another hour.",
        ("changeHour(toDate('2024-01-31'), 5)", "2024-01-31 05:00:00"),
        |args, context| change(args, context, Field::Hour),
    ),
    f(
        D,
        "changeMinute(time, value)",
        "The time with another minute.",
        ("changeMinute(toDate('2024-01-31'), 5)", "2024-01-31 00:05:00"),
        |args, context| change(args, context, Field::Minute),
    ),
    f(
        D,
        "changeSecond(time, value)",
        "The time with another second.",
        ("changeSecond(toDate('2024-01-31'), 5)", "2024-01-31 00:00:05"),
        |args, context| change(args, context, Field::Second),
    ),
];

#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Field {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
}

fn change(args: &[Arg], context: &BindContext, field: Field) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    integer(args, 1)?;
    let clock = Clock::of(args, 0, usize::MAX, context)?;
    let ty = match clock.kind {
        Kind::Date if field >= Field::Hour => DataType::DateTime(None),
        Kind::Date32 if field >= Field::Hour => DataType::DateTime64(3, None),
        _ => args[0].ty.clone(),
    };
    let to = Clock::of_type(&ty, context).unwrap_or_else(|| clock.clone());
    Ok(BoundFunction::new(ty, move |columns, _| {
        let raw = clock.raw(&columns[0])?;
        let values = Ints::of(&columns[1])?;
        let changed = raw.iter().enumerate().map(|(i, t)| {
            local_with(clock.local_of(*t), field, values.get(i)).map(|local| {
                let fraction = match clock.is_date() {
                    true => 0,
                    false => t.rem_euclid(clock.per_second()),
                };
                (local, fraction)
            })
        });
        Ok(match to.kind {
            Kind::Date => super::clock::dates(
                changed.map(|c| c.map_or(0, |(l, _)| l.div_euclid(DAY_SECONDS) as i32)),
            ),
            Kind::Date32 => {
                let first = days_from_civil(1900, 1, 1);
                let days = changed.map(|c| c.map_or(first, |(l, _)| l.div_euclid(DAY_SECONDS) as i32));
                Column::native(days.collect::<Vec<i32>>())
            }
            Kind::DateTime => super::clock::date_times(
                changed.map(|c| c.map_or(0, |(l, _)| to.zone.to_utc(l))),
            ),
            Kind::DateTime64(_) => {
                let ticks = changed.map(|c| {
                    let (local, fraction) = c.unwrap_or((0, 0));
                    to.zone.to_utc(local) * to.per_second() + fraction
                });
                Column::native(ticks.collect::<Vec<i64>>())
            }
        })
    }))
}

/// The local time with one field replaced.
fn local_with(local: i64, field: Field, value: i64) -> Option<i64> {
    let range = match field {
        Field::Year => 1900..=2299,
        Field::Month => 1..=12,
        Field::Day => 1..=31,
        Field::Hour => 0..=23,
        Field::Minute | Field::Second => 0..=59,
    };
    if !range.contains(&value) {
        return None;
    }
    let (day, time) = (local.div_euclid(DAY_SECONDS), local.rem_euclid(DAY_SECONDS));
    let (year, month, of_month) = civil_from_days(day as i32);
    let date = |y, m, d| i64::from(days_from_civil(y, m, d)) * DAY_SECONDS;
    Some(match field {
        Field::Year => date(value as i32, month, of_month) + time,
        Field::Month => date(year, value as u32, of_month) + time,
        Field::Day => date(year, month, value as u32) + time,
        Field::Hour => local - time / 3600 * 3600 + value * 3600,
        Field::Minute => local - time / 60 % 60 * 60 + value * 60,
        Field::Second => local - time % 60 + value,
    })
}
