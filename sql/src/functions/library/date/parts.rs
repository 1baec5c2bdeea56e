//! Fields of dates and times: year, month, hour, ...
//!
//! Invariant: an optional second argument names the zone that the field is read in.

use roost_engine::column::{Column, Native};
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::super::kit::{arity, f};
use super::clock::{Clock, Kind};
use crate::functions::zones::{DAY_SECONDS, civil_from_days, days_from_civil};
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const D: &str = "date and time";

macro_rules! day_fields {
    ($($name:literal $aliases:expr, $text:literal $example:literal $ty:ident $field:expr;)*
     | $($tname:literal $taliases:expr, $ttext:literal $texample:literal $field_of_time:expr;)*) => {
        /// The functions of this file.
        pub static FUNCTIONS: &[ScalarFunction] = &[
            $( f(
                D,
                concat!($name, "(time[, zone])"),
                $text,
                (concat!($name, "(toDate('2024-03-05'))"), $example),
                |args, context| of_day(args, context, DataType::$ty, $field),
            )
            .also($aliases)
            .any_case(), )*
            $( f(
                D,
                concat!($tname, "(time[, zone])"),
                $ttext,
                (concat!($tname, "(toDateTime('2024-03-05 10:20:30'))"), $texample),
                |args, context| of_time(args, context, $field_of_time),
            )
            .also($taliases)
            .any_case(), )*
            f(
                D,
                "toMillisecond(time[, zone])",
                "Milliseconds of the second.",
                ("toMillisecond(toDateTime64('2024-03-05 10:20:30.123', 3))", "123"),
                |args, context| fraction(args, context, DataType::UInt16, 1000, |n| n as u16),
            )
            .also(&["MILLISECOND"])
            .any_case(),
            f(
                D,
                "toMicrosecond(time[, zone])",
                "Microseconds of the second.",
                ("toMicrosecond(toDateTime64('2024-03-05 10:20:30.123456', 6))", "123456"),
                |args, context| fraction(args, context, DataType::UInt32, 1_000_000, |n| n as u32),
            ),
            f(
                D,
                "toNanosecond(time[, zone])",
                "Nanoseconds of the second.",
                ("toNanosecond(toDateTime64('2024-03-05 10:20:30.123456789', 9))", "123456789"),
                |args, context| fraction(args, context, DataType::UInt32, 1_000_000_000, |n| n as u32),
            ),
        ];
    };
}

day_fields!(
    "toYear" &["YEAR"], "The year." "2024" UInt16 |d| civil_from_days(d).0 as u16;
    "toQuarter" &["QUARTER"], "The quarter, 1 to 4." "1" UInt8
        |d| (civil_from_days(d).1 as u8).div_ceil(3);
    "toMonth" &["MONTH"], "The month, 1 to 12." "3" UInt8 |d| civil_from_days(d).1 as u8;
    "toDayOfMonth" &["DAY", "DAYOFMONTH"], "The day of the month, from 1." "5" UInt8
        |d| civil_from_days(d).2 as u8;
    "toDayOfYear" &["DAYOFYEAR"], "The day of the year, from 1." "65" UInt16
        |d| (d - days_from_civil(civil_from_days(d).0, 1, 1) + 1) as u16;
    |
    "toHour" &["HOUR"], "The hour, 0 to 23." "10" |s| (s.rem_euclid(DAY_SECONDS) / 3600) as u8;
    "toMinute" &["MINUTE"], "The minute, 0 to 59." "20" |s| (s.rem_euclid(3600) / 60) as u8;
    "toSecond" &["SECOND"], "The second, 0 to 59." "30" |s| s.rem_euclid(60) as u8;
);

/// A number of the local day.
pub(crate) fn of_day<T: Native>(
    args: &[Arg],
    context: &BindContext,
    ty: DataType,
    field: fn(i32) -> T,
) -> Result<BoundFunction> {
    arity(args, 1..=2)?;
    let clock = Clock::of(args, 0, 1, context)?;
    Ok(BoundFunction::new(ty, move |columns, _| {
        let days = clock.days(&columns[0])?;
        Ok(Column::native(days.into_iter().map(field).collect::<Vec<T>>()))
    }))
}

fn of_time(args: &[Arg], context: &BindContext, field: fn(i64) -> u8) -> Result<BoundFunction> {
    arity(args, 1..=2)?;
    let clock = Clock::of(args, 0, 1, context)?.with_time(&args[0].ty)?;
    Ok(BoundFunction::new(DataType::UInt8, move |columns, _| {
        let locals = clock.locals(&columns[0])?;
        Ok(Column::native(locals.into_iter().map(field).collect::<Vec<u8>>()))
    }))
}

/// Parts of the second, `parts` of them in one.
fn fraction<T: Native>(
    args: &[Arg],
    context: &BindContext,
    ty: DataType,
    parts: i128,
    narrow: fn(i128) -> T,
) -> Result<BoundFunction> {
    arity(args, 1..=2)?;
    let clock = Clock::of(args, 0, 1, context)?.with_time(&args[0].ty)?;
    Ok(BoundFunction::new(ty, move |columns, _| {
        let raw = clock.raw(&columns[0])?;
        let per = clock.per_second();
        let value = |raw: i64| match clock.kind {
            Kind::DateTime64(_) => {
                narrow(i128::from(raw.rem_euclid(per)) * parts / i128::from(per))
            }
            _ => narrow(0),
        };
        Ok(Column::native(
            raw.into_iter().map(value).collect::<Vec<T>>(),
        ))
    }))
}
