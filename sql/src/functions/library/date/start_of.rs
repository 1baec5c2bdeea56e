//! The start of the calendar unit that a time lies in.
//!
//! Invariant: units of a day and longer are found on the local calendar; shorter ones keep the
//! offset of the instant.

use roost_engine::bail;
use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::super::kit::{arity, f};
use super::clock::{Clock, Kind, date_times, dates};
use super::week::{iso_year_start, monday};
use crate::functions::zones::{civil_from_days, days_from_civil, days_in_month};
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const D: &str = "date and time";

macro_rules! starts {
    ($($day:literal $day_aliases:expr, $day_text:literal $day_example:literal $start:expr;)*
     | $($time:literal $time_aliases:expr, $time_text:literal $time_example:literal $seconds:literal;)*
     | $($sub:literal $sub_text:literal $sub_example:literal $scale:literal;)*) => {
        /// The functions of this file.
        pub static FUNCTIONS: &[ScalarFunction] = &[
            $( f(
                D,
                concat!($day, "(time[, zone])"),
                $day_text,
                (concat!($day, "(toDate('2024-03-05'))"), $day_example),
                |args, context| to_date(args, context, $start),
            )
            .also($day_aliases)
            .any_case(), )*
            f(
                D,
                "toStartOfDay(time[, zone])",
                "Midnight of the day.",
                ("toStartOfDay(toDateTime('2024-03-05 10:20:30'))", "2024-03-05 00:00:00"),
                |args, context| to_day(args, context),
            ),
            $( f(
                D,
                concat!($time, "(time[, zone])"),
                $time_text,
                (concat!($time, "(toDateTime('2024-03-05 10:23:30'))"), $time_example),
                |args, context| to_seconds(args, context, $seconds),
            )
            .also($time_aliases), )*
            $( f(
                D,
                concat!($sub, "(time[, zone])"),
                $sub_text,
                (concat!($sub, "(toDateTime64('2024-03-05 10:20:30.123456789', 9))"), $sub_example),
                |args, context| to_fraction(args, context, $scale),
            ), )*
        ];
    };
}

starts!(
    "toMonday" &[], "The Monday of the week." "2024-03-04" monday;
    "toStartOfYear" &[], "The first day of the year." "2024-01-01" year_start;
    "toStartOfISOYear" &[], "The first day of the ISO year." "2024-01-01" iso_year_start;
    "toStartOfQuarter" &[], "The first day of the quarter." "2024-01-01" quarter_start;
    "toStartOfMonth" &[], "The first day of the month." "2024-03-01" month_start;
    "toLastDayOfMonth" &["LAST_DAY"], "The last day of the month." "2024-03-31" month_end;
    |
    "toStartOfHour" &[], "The start of the hour." "2024-03-05 10:00:00" 3600;
    "toStartOfMinute" &[], "The start of the minute." "2024-03-05 10:23:00" 60;
    "toStartOfFiveMinutes" &["toStartOfFiveMinute"], "The start of the five minutes."
        "2024-03-05 10:20:00" 300;
    "toStartOfTenMinutes" &[], "The start of the ten minutes." "2024-03-05 10:20:00" 600;
    "toStartOfFifteenMinutes" &[], "The start of the quarter of an hour."
        "2024-03-05 10:15:00" 900;
    |
    "toStartOfSecond" "The start of the second." "2024-03-05 10:20:30.000000000" 0;
    "toStartOfMillisecond" "The start of the millisecond." "2024-03-05 10:20:30.123000000" 3;
    "toStartOfMicrosecond" "The start of the microsecond." "2024-03-05 10:20:30.123456000" 6;
    "toStartOfNanosecond" "The start of the nanosecond." "2024-03-05 10:20:30.123456789" 9;
);

pub(crate) fn year_start(day: i32) -> i32 {
    days_from_civil(civil_from_days(day).0, 1, 1)
}

pub(crate) fn quarter_start(day: i32) -> i32 {
    let (year, month, _) = civil_from_days(day);
    days_from_civil(year, (month - 1) / 3 * 3 + 1, 1)
}

pub(crate) fn month_start(day: i32) -> i32 {
    day - civil_from_days(day).2 as i32 + 1
}

fn month_end(day: i32) -> i32 {
    let (year, month, of_month) = civil_from_days(day);
    day - of_month as i32 + days_in_month(year, month) as i32
}

fn to_date(args: &[Arg], context: &BindContext, start: fn(i32) -> i32) -> Result<BoundFunction> {
    arity(args, 1..=2)?;
    let clock = Clock::of(args, 0, 1, context)?;
    Ok(BoundFunction::new(DataType::Date, move |columns, _| {
        Ok(dates(by_day(clock.days(&columns[0])?, start)))
    }))
}

/// `answer` of each day. A block's days lie close together, mostly, and repeat: each is asked once.
fn by_day(days: Vec<i32>, answer: fn(i32) -> i32) -> impl Iterator<Item = i32> {
    let (low, high) = match (days.iter().min(), days.iter().max()) {
        (Some(low), Some(high)) => (*low, *high),
        _ => (0, 0),
    };
    let span = i64::from(high) - i64::from(low);
    let known: Vec<i32> = match span < days.len() as i64 / 2 {
        true => (low..=high).map(answer).collect(),
        false => Vec::new(),
    };
    days.into_iter().map(move |day| {
        let at = i64::from(day) - i64::from(low);
        match known.get(at as usize) {
            Some(found) => *found,
            None => answer(day),
        }
    })
}

fn to_day(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    arity(args, 1..=2)?;
    let clock = Clock::of(args, 0, 1, context)?;
    Ok(BoundFunction::new(clock.date_time(), move |columns, _| {
        let days = clock.days(&columns[0])?;
        Ok(date_times(days.into_iter().map(|d| clock.zone.day_start(d))))
    }))
}

/// The start of a unit of `seconds` on the local clock.
#[inline]
pub(crate) fn floor_local(clock: &Clock, utc: i64, seconds: i64) -> i64 {
    let offset = clock.zone.offset_at(utc);
    (utc + offset).div_euclid(seconds) * seconds - offset
}

fn to_seconds(args: &[Arg], context: &BindContext, seconds: i64) -> Result<BoundFunction> {
    arity(args, 1..=2)?;
    let clock = Clock::of(args, 0, 1, context)?.with_time(&args[0].ty)?;
    Ok(BoundFunction::new(clock.date_time(), move |columns, _| {
        let utcs = clock.utcs(&columns[0])?;
        Ok(date_times(utcs.into_iter().map(|t| floor_local(&clock, t, seconds))))
    }))
}

fn to_fraction(args: &[Arg], context: &BindContext, scale: u8) -> Result<BoundFunction> {
    arity(args, 1..=2)?;
    let clock = Clock::of(args, 0, 1, context)?;
    let Kind::DateTime64(own) = clock.kind else {
        bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "illegal type {} of argument 1, expected DateTime64",
            args[0].ty
        );
    };
    let answer = own.max(scale);
    let up = 10i64.pow(u32::from(answer - own));
    let unit = 10i64.pow(u32::from(answer - scale));
    let ty = DataType::DateTime64(answer, clock.explicit);
    Ok(BoundFunction::new(ty, move |columns, _| {
        let floor = |raw: i64| raw.saturating_mul(up).div_euclid(unit) * unit;
        Ok(Column::native(clock.raw(&columns[0])?.into_iter().map(floor).collect::<Vec<i64>>()))
    }))
}


#[cfg(test)]
mod tests {
    use super::{by_day, month_start, year_start};

    #[test]
    fn days_that_repeat_answer_as_days_alone() {
        let close: Vec<i32> = (0..5000).map(|i| 19_000 + i * 7 % 400).collect();
        let apart: Vec<i32> = (0..100).map(|i| i * 1000 - 25_000).collect();
        for days in [close, apart, vec![i32::MIN, i32::MIN, i32::MIN, i32::MAX / 2], vec![]] {
            for answer in [|d: i32| d.wrapping_add(1), |d: i32| d / 2] {
                let found: Vec<i32> = by_day(days.clone(), answer).collect();
                let alone: Vec<i32> = days.iter().map(|d| answer(*d)).collect();
                assert_eq!(found, alone);
            }
        }
        let month: Vec<i32> = by_day(vec![19_787; 9], month_start).collect();
        assert_eq!(month, [19_783; 9]);
        assert_eq!(by_day(vec![19_787; 9], year_start).next(), Some(19_723));
    }
}
