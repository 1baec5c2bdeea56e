//! Weeks: numbers, years of weeks, days of the week, first and last days.
//!
//! Invariant: modes are MySQL's 0 to 9 as bits: week starts on Monday, years of weeks, first
//! weekday rule, week of January 1st.

use roost_engine::column::{Column, Native};
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::super::kit::{Caster, Ints, arity, f, integer};
use super::clock::{Clock, dates};
use crate::functions::zones::{civil_from_days, days_from_civil, is_leap_year};
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const D: &str = "date and time";
const MONDAY_FIRST: u8 = 1;
const YEAR: u8 = 2;
const FIRST_WEEKDAY: u8 = 4;
const NEW_YEAR_DAY: u8 = 8;

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        D,
        "toDayOfWeek(time[, mode[, zone]])",
        "The day of the week; mode 0: Monday is 1; 1: Monday is 0; 2: Sunday is 0; 3: Sunday is 1.",
        ("toDayOfWeek(toDate('2024-03-05'))", "2"),
        |args, context| of_week(args, context, DataType::UInt8, day_of_week),
    )
    .also(&["DAYOFWEEK"])
    .any_case(),
    f(
        D,
        "toWeek(time[, mode[, zone]])",
        "The number of the week in one of MySQL's modes.",
        ("toWeek(toDate('2024-03-05'))", "9"),
        |args, context| of_week(args, context, DataType::UInt8, |day, mode| year_week(day, mode).1 as u8),
    )
    .also(&["WEEK"])
    .any_case(),
    f(
        D,
        "toYearWeek(time[, mode[, zone]])",
        "Year and number of the week as one number.",
        ("toYearWeek(toDate('2021-01-01'), 3)", "202053"),
        |args, context| {
            of_week(args, context, DataType::UInt32, |day, mode| {
                let (year, week) = year_week(day, mode | YEAR);
                year as u32 * 100 + week
            })
        },
    )
    .also(&["YEARWEEK"])
    .any_case(),
    f(
        D,
        "toISOYear(time[, zone])",
        "The year that the ISO week belongs to.",
        ("toISOYear(toDate('2021-01-01'))", "2020"),
        |args, context| super::parts::of_day(args, context, DataType::UInt16, |d| iso_week(d).0 as u16),
    ),
    f(
        D,
        "toISOWeek(time[, zone])",
        "The number of the ISO week.",
        ("toISOWeek(toDate('2021-01-01'))", "53"),
        |args, context| super::parts::of_day(args, context, DataType::UInt8, |d| iso_week(d).1 as u8),
    ),
    f(
        D,
        "toStartOfWeek(time[, mode[, zone]])",
        "The Sunday (mode with bit 1: the Monday) that the week starts with.",
        ("toStartOfWeek(toDate('2024-03-05'))", "2024-03-03"),
        |args, context| edge_of_week(args, context, week_start),
    ),
    f(
        D,
        "toLastDayOfWeek(time[, mode[, zone]])",
        "The Saturday (mode with bit 1: the Sunday) that the week ends with.",
        ("toLastDayOfWeek(toDate('2024-03-05'))", "2024-03-09"),
        |args, context| edge_of_week(args, context, |day, mode| week_start(day, mode) + 6),
    ),
];

/// Monday is 0.
#[inline]
pub(crate) fn weekday(day: i32) -> i32 {
    (day + 3).rem_euclid(7)
}

/// The Monday of the week.
#[inline]
pub(crate) fn monday(day: i32) -> i32 {
    day - weekday(day)
}

fn week_start(day: i32, mode: u8) -> i32 {
    match mode & MONDAY_FIRST {
        0 => day - (weekday(day) + 1) % 7,
        _ => monday(day),
    }
}

fn day_of_week(day: i32, mode: u8) -> u8 {
    let monday_zero = weekday(day) as u8;
    match mode & 3 {
        0 => monday_zero + 1,
        1 => monday_zero,
        2 => (monday_zero + 1) % 7,
        _ => (monday_zero + 1) % 7 + 1,
    }
}

/// ISO year and week.
pub(crate) fn iso_week(day: i32) -> (i32, u32) {
    let thursday = monday(day) + 3;
    let year = civil_from_days(thursday).0;
    (year, ((thursday - days_from_civil(year, 1, 1)) / 7 + 1) as u32)
}

/// The Monday that the ISO year starts with.
pub(crate) fn iso_year_start(day: i32) -> i32 {
    monday(days_from_civil(iso_week(day).0, 1, 4))
}

/// Year and week in a mode of MySQL.
pub(crate) fn year_week(day: i32, mode: u8) -> (i32, u32) {
    if mode & NEW_YEAR_DAY != 0 {
        return new_year_week(day, mode & MONDAY_FIRST != 0);
    }
    let mode = if mode & MONDAY_FIRST == 0 { mode ^ FIRST_WEEKDAY } else { mode };
    let by_first = mode & FIRST_WEEKDAY != 0;
    let mut by_year = mode & YEAR != 0;
    let (mut year, month, of_month) = civil_from_days(day);
    let mut first = days_from_civil(year, 1, 1);
    let year_days = |y: i32| if is_leap_year(y) { 366 } else { 365 };
    let mut start = match mode & MONDAY_FIRST {
        0 => (weekday(first) + 1) % 7,
        _ => weekday(first),
    };
    let late = |start: i32| (by_first && start != 0) || (!by_first && start >= 4);
    if month == 1 && of_month as i32 <= 7 - start {
        if !by_year && late(start) {
            return (year, 0);
        }
        by_year = true;
        year -= 1;
        first -= year_days(year);
        start = (start + 53 * 7 - year_days(year)).rem_euclid(7);
    }
    let days = match late(start) {
        true => day - (first + 7 - start),
        false => day - (first - start),
    };
    if by_year && days >= 52 * 7 {
        let next = (start + year_days(year)) % 7;
        if !late(next) {
            return (year + 1, 1);
        }
    }
    (year, (days / 7 + 1) as u32)
}

/// The week with January 1st is the first.
fn new_year_week(day: i32, monday_first: bool) -> (i32, u32) {
    let start = |d: i32| week_start(d, u8::from(monday_first));
    let year = civil_from_days(start(day) + 6).0;
    let first = start(days_from_civil(year, 1, 1));
    (year, ((start(day) - first) / 7 + 1) as u32)
}

/// The calendar of the first argument, which may be a string here.
fn lenient(args: &[Arg], context: &BindContext) -> Result<(Clock, Option<Caster>)> {
    arity(args, 1..=3)?;
    if args.len() > 1 {
        integer(args, 1)?;
    }
    if args[0].ty != DataType::String {
        return Ok((Clock::of(args, 0, 2, context)?, None));
    }
    let ty = DataType::DateTime64(3, None);
    let mut typed = args.to_vec();
    typed[0] = Arg::of(ty.clone());
    let caster = Caster::new(&args[0].ty, &ty, context)?;
    Ok((Clock::of(&typed, 0, 2, context)?, Some(caster)))
}

fn of_week<T: Native>(
    args: &[Arg],
    context: &BindContext,
    ty: DataType,
    number: fn(i32, u8) -> T,
) -> Result<BoundFunction> {
    let (clock, caster) = lenient(args, context)?;
    Ok(BoundFunction::new(ty, move |columns, _| {
        let (days, modes) = read(&clock, &caster, columns)?;
        let values = days.iter().enumerate().map(|(i, day)| number(*day, modes.get(i) as u8));
        Ok(Column::native(values.collect::<Vec<T>>()))
    }))
}

fn edge_of_week(
    args: &[Arg],
    context: &BindContext,
    edge: fn(i32, u8) -> i32,
) -> Result<BoundFunction> {
    let (clock, caster) = lenient(args, context)?;
    Ok(BoundFunction::new(DataType::Date, move |columns, _| {
        let (days, modes) = read(&clock, &caster, columns)?;
        Ok(dates(days.iter().enumerate().map(|(i, day)| edge(*day, modes.get(i) as u8))))
    }))
}

fn read(clock: &Clock, caster: &Option<Caster>, columns: &[Column]) -> Result<(Vec<i32>, Ints)> {
    let days = match caster {
        Some(caster) => clock.days(&caster.apply(&columns[0])?)?,
        None => clock.days(&columns[0])?,
    };
    Ok((days, Ints::or(columns, 1, 0)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_are_numbered_as_in_clickhouse() {
        let day = |y, m, d| days_from_civil(y, m, d);
        assert_eq!(year_week(day(2021, 1, 1), 0).1, 0);
        assert_eq!(year_week(day(2021, 1, 1), 3).1, 53);
        assert_eq!(year_week(day(2021, 1, 3), 9).1, 1);
        assert_eq!(year_week(day(2021, 1, 1), YEAR), (2020, 52));
        assert_eq!(year_week(day(2024, 12, 31), 1).1, 53);
        assert_eq!(year_week(day(2024, 12, 31), 8).1, 1);
        assert_eq!(year_week(day(2024, 12, 31), 9 | YEAR), (2025, 1));
        assert_eq!(iso_week(day(2021, 1, 1)), (2020, 53));
        assert_eq!(iso_week(day(2024, 12, 31)), (2025, 1));
    }
}
