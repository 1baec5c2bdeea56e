//! Dates as numbers and numbers as dates.
//!
//! Invariant: digits are year, month, day, hour, minute, second from the left; a number that is no
//! date gives the type's first.

use roost_engine::bail;
use roost_engine::column::{Column, Flat};
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::super::kit::{Caster, Ints, Strs, arity, f, integer, nums, string, text, try_nums, want};
use super::clock::{Clock, date_times, dates, zone_arg};
use super::format::digits;
use super::parts::of_day;
use super::week::monday;
use crate::functions::zones::{Zone, DAY_SECONDS, civil_from_days, days_from_civil, days_in_month, zone};
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const D: &str = "date and time";
/// Days from 0000-01-01 to 1970-01-01.
const YEAR_ZERO: i64 = 719_528;
/// Days from 1858-11-17 to 1970-01-01.
const JULIAN: i64 = 40_587;

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        D,
        "toYYYYMM(time[, zone])",
        "Year and month as one number.",
        ("toYYYYMM(toDate('2024-03-05'))", "202403"),
        |args, context| of_day(args, context, DataType::UInt32, |d| yyyymmdd(d) / 100),
    ),
    f(
        D,
        "toYYYYMMDD(time[, zone])",
        "Year, month and day as one number.",
        ("toYYYYMMDD(toDate('2024-03-05'))", "20240305"),
        |args, context| of_day(args, context, DataType::UInt32, yyyymmdd),
    ),
    f(
        D,
        "toYYYYMMDDhhmmss(time[, zone])",
        "Date and time as one number.",
        ("toYYYYMMDDhhmmss(toDate('2024-03-05'))", "20240305000000"),
        |args, context| of_local(args, context, DataType::UInt64, |s| {
            let (day, time) = (s.div_euclid(DAY_SECONDS) as i32, s.rem_euclid(DAY_SECONDS));
            let clock = time / 3600 * 10_000 + time / 60 % 60 * 100 + time % 60;
            u64::from(yyyymmdd(day)) * 1_000_000 + clock as u64
        }),
    ),
    f(
        D,
        "YYYYMMDDToDate(n)",
        "The date whose digits the number has.",
        ("YYYYMMDDToDate(20240305)", "2024-03-05"),
        |args, _| from_digits(args, DataType::Date, |d| dates(d.map(|d| d.unwrap_or(0)))),
    ),
    f(
        D,
        "YYYYMMDDToDate32(n)",
        "The Date32 whose digits the number has.",
        ("YYYYMMDDToDate32(19240305)", "1924-03-05"),
        |args, _| {
            from_digits(args, DataType::Date32, |d| {
                let first = days_from_civil(1900, 1, 1);
                Column::native(d.map(|d| d.unwrap_or(first)).collect::<Vec<i32>>())
            })
        },
    ),
    f(
        D,
        "YYYYMMDDhhmmssToDateTime(n[, zone])",
        "The time whose digits the number has.",
        ("YYYYMMDDhhmmssToDateTime(20240305102330)", "2024-03-05 10:23:30"),
        time_from_digits,
    ),
    f(
        D,
        "YYYYMMDDhhmmssToDateTime64(n[, precision[, zone]])",
        "The time with fractions whose digits the number has.",
        (
            "YYYYMMDDhhmmssToDateTime64(20240305102330)",
            "2024-03-05 10:23:30.000",
        ),
        time64_from_digits,
    ),
    f(
        D,
        "toRelativeYearNum(time[, zone])",
        "Number of the year.",
        ("toRelativeYearNum(toDate('2024-03-05'))", "2024"),
        |args, context| of_day(args, context, DataType::UInt16, |d| civil_from_days(d).0 as u16),
    ),
    f(
        D,
        "toYearNumSinceEpoch(time[, zone])",
        "Years since 1970.",
        ("toYearNumSinceEpoch(toDate('2024-02-05'))", "54"),
        |args, context| {
            of_day(args, context, DataType::UInt16, |d| {
                (civil_from_days(d).0 - 1970) as u16
            })
        },
    ),
    f(
        D,
        "toMonthNumSinceEpoch(time[, zone])",
        "Months since January 1970.",
        ("toMonthNumSinceEpoch(toDate('2024-02-05'))", "649"),
        |args, context| {
            of_day(args, context, DataType::UInt32, |d| {
                let (year, month, _) = civil_from_days(d);
                ((year - 1970) * 12) as u32 + month - 1
            })
        },
    ),
    f(
        D,
        "toDaysInMonth(time[, zone])",
        "Number of days of the month.",
        ("toDaysInMonth(toDate('2024-02-05'))", "29"),
        |args, context| {
            of_day(args, context, DataType::UInt8, |d| {
                let (year, month, _) = civil_from_days(d);
                days_in_month(year, month) as u8
            })
        },
    ),
    f(
        D,
        "toRelativeQuarterNum(time[, zone])",
        "Number of the quarter, counted from year 0.",
        ("toRelativeQuarterNum(toDate('2024-03-05'))", "8096"),
        |args, context| of_day(args, context, DataType::UInt32, |d| {
            let (year, month, _) = civil_from_days(d);
            year as u32 * 4 + (month - 1) / 3
        }),
    ),
    f(
        D,
        "toRelativeMonthNum(time[, zone])",
        "Number of the month, counted from year 0.",
        ("toRelativeMonthNum(toDate('2024-03-05'))", "24291"),
        |args, context| of_day(args, context, DataType::UInt32, |d| {
            let (year, month, _) = civil_from_days(d);
            year as u32 * 12 + month
        }),
    ),
    f(
        D,
        "toRelativeWeekNum(time[, zone])",
        "Number of the week, counted from 1970.",
        ("toRelativeWeekNum(toDate('2024-03-05'))", "2827"),
        |args, context| of_day(args, context, DataType::UInt32, |d| ((monday(d) + 3).div_euclid(7)) as u32),
    ),
    f(
        D,
        "toRelativeDayNum(time[, zone])",
        "Number of the day, counted from 1970.",
        ("toRelativeDayNum(toDate('2024-03-05'))", "19787"),
        |args, context| of_day(args, context, DataType::UInt32, |d| d as u32),
    ),
    f(
        D,
        "toRelativeHourNum(time[, zone])",
        "Number of the hour, counted from 1970.",
        ("toRelativeHourNum(toDate('2024-03-05'))", "474888"),
        |args, context| of_utc(args, context, 3600),
    ),
    f(
        D,
        "toRelativeMinuteNum(time[, zone])",
        "Number of the minute, counted from 1970.",
        ("toRelativeMinuteNum(toDate('2024-03-05'))", "28493280"),
        |args, context| of_utc(args, context, 60),
    ),
    f(
        D,
        "toRelativeSecondNum(time[, zone])",
        "Number of the second, counted from 1970.",
        ("toRelativeSecondNum(toDate('2024-03-05'))", "1709596800"),
        |args, context| of_utc(args, context, 1),
    ),
    f(
        D,
        "toDaysSinceYearZero(time[, zone])",
        "Days since 0000-01-01.",
        ("toDaysSinceYearZero(toDate('2024-03-05'))", "739315"),
        |args, context| of_day(args, context, DataType::UInt32, |d| (i64::from(d) + YEAR_ZERO) as u32),
    )
    .also(&["TO_DAYS"])
    .any_case(),
    f(
        D,
        "fromDaysSinceYearZero(days)",
        "The date that lies so many days after 0000-01-01.",
        ("fromDaysSinceYearZero(739315)", "2024-03-05"),
        |args, _| from_days(args, DataType::Date),
    )
    .also(&["FROM_DAYS"])
    .any_case(),
    f(
        D,
        "fromDaysSinceYearZero32(days)",
        "The Date32 that lies so many days after 0000-01-01.",
        ("fromDaysSinceYearZero32(739315)", "2024-03-05"),
        |args, _| from_days(args, DataType::Date32),
    ),
    f(
        D,
        "toModifiedJulianDay(date)",
        "Days from 1858-11-17 to a date that is given as text.",
        ("toModifiedJulianDay('2024-03-05')", "60374"),
        |args, _| {
            arity(args, 1..=1)?;
            string(args, 0)?;
            Ok(BoundFunction::new(DataType::Int32, |columns, rows| {
                let s = Strs::of(&columns[0])?;
                try_nums(rows, |i| {
                    let (day, used) = crate::functions::text::parse_time::date(s.get(i))?;
                    if used != s.get(i).len() {
                        bail!(CANNOT_PARSE_TEXT, "text follows the date");
                    }
                    Ok((i64::from(day) + JULIAN) as i32)
                })
            }))
        },
    ),
    f(
        D,
        "toModifiedJulianDayOrNull(date)",
        "`toModifiedJulianDay` that gives NULL for a text that is no date.",
        ("toModifiedJulianDayOrNull('x')", "\\N"),
        |args, _| {
            arity(args, 1..=1)?;
            string(args, 0)?;
            Ok(BoundFunction::new(
                DataType::Int32.nullable(),
                |columns, rows| {
                    let s = Strs::of(&columns[0])?;
                    let days: Vec<Option<i32>> = (0..rows)
                        .map(|i| {
                            let parsed = crate::functions::text::parse_time::date(s.get(i)).ok();
                            let whole = parsed.filter(|(_, used)| *used == s.get(i).len());
                            whole.map(|(day, _)| (i64::from(day) + JULIAN) as i32)
                        })
                        .collect();
                    let nulls = days.iter().map(|d| u8::from(d.is_none())).collect();
                    let values = days.iter().map(|d| d.unwrap_or(0)).collect::<Vec<i32>>();
                    Ok(Flat::nullable(nulls, Flat::native(values))?.into())
                },
            ))
        },
    ),
    f(
        D,
        "fromModifiedJulianDay(days)",
        "The date, as text, that lies so many days after 1858-11-17.",
        ("fromModifiedJulianDay(60374)", "2024-03-05"),
        |args, _| {
            arity(args, 1..=1)?;
            integer(args, 0)?;
            Ok(BoundFunction::new(DataType::String, |columns, rows| {
                let days = Ints::of(&columns[0])?;
                Ok(text(rows, rows * 10, |i, out| {
                    let day = days.get(i).saturating_sub(JULIAN).clamp(-100_000_000, 100_000_000);
                    let (y, m, d) = civil_from_days(day as i32);
                    digits(y.into(), 4, out);
                    out.push(b'-');
                    digits(m.into(), 2, out);
                    out.push(b'-');
                    digits(d.into(), 2, out);
                }))
            }))
        },
    ),
];

fn yyyymmdd(day: i32) -> u32 {
    let (year, month, of_month) = civil_from_days(day);
    year as u32 * 10_000 + month * 100 + of_month
}

fn of_local(
    args: &[Arg],
    context: &BindContext,
    ty: DataType,
    number: fn(i64) -> u64,
) -> Result<BoundFunction> {
    arity(args, 1..=2)?;
    let clock = Clock::of(args, 0, 1, context)?;
    Ok(BoundFunction::new(ty, move |columns, _| {
        let locals = clock.locals(&columns[0])?;
        Ok(Column::native(locals.into_iter().map(number).collect::<Vec<u64>>()))
    }))
}

fn of_utc(args: &[Arg], context: &BindContext, seconds: i64) -> Result<BoundFunction> {
    arity(args, 1..=2)?;
    let clock = Clock::of(args, 0, 1, context)?;
    Ok(BoundFunction::new(DataType::UInt32, move |columns, rows| {
        let utcs = clock.utcs(&columns[0])?;
        Ok(nums(rows, |i| {
            // Where the offset is no whole number of units ClickHouse counts from a day before.
            match clock.zone.offset_at(0) {
                offset if offset % seconds == 0 => utcs[i].div_euclid(seconds) as u32,
                offset => (utcs[i] + DAY_SECONDS - offset).div_euclid(seconds) as u32,
            }
        }))
    }))
}

/// The day whose digits `n` has.
fn day_of_digits(n: i64) -> Option<i32> {
    let (year, month, day) = (n / 10_000, n / 100 % 100, n % 100);
    let fits = (1900..=2299).contains(&year) && (1..=12).contains(&month);
    let fits = fits && (1..=i64::from(days_in_month(year as i32, month as u32))).contains(&day);
    fits.then(|| days_from_civil(year as i32, month as u32, day as u32))
}

fn from_digits(
    args: &[Arg],
    ty: DataType,
    build: fn(&mut dyn Iterator<Item = Option<i32>>) -> Column,
) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    want(args, 0, args[0].ty.is_numeric(), "a number")?;
    Ok(BoundFunction::new(ty, move |columns, rows| {
        let n = Ints::of(&columns[0])?;
        Ok(build(&mut (0..rows).map(|i| day_of_digits(n.get(i)))))
    }))
}

/// UTC seconds of the time whose digits `n` has.
fn seconds_of_digits(n: i64, zone: &Zone) -> Option<i64> {
    let (date, time) = (n / 1_000_000, n % 1_000_000);
    let (hour, minute, second) = (time / 10_000, time / 100 % 100, time % 100);
    let day = day_of_digits(date)?;
    let fits = hour < 24 && minute < 60 && second < 60;
    let time = hour * 3600 + minute * 60 + second;
    fits.then(|| zone.to_utc(i64::from(day) * DAY_SECONDS + time))
}

fn time_from_digits(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    arity(args, 1..=2)?;
    want(args, 0, args[0].ty.is_numeric(), "a number")?;
    let named = zone_arg(args, 1)?;
    let zone = zone(named.unwrap_or(context.time_zone));
    Ok(BoundFunction::new(
        DataType::DateTime(named),
        move |columns, rows| {
            let n = Ints::of(&columns[0])?;
            Ok(date_times((0..rows).map(|i| {
                seconds_of_digits(n.get(i), zone).unwrap_or(0)
            })))
        },
    ))
}

fn time64_from_digits(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    arity(args, 1..=3)?;
    want(args, 0, args[0].ty.is_numeric(), "a number")?;
    let precision = match args.get(1) {
        None => 3,
        Some(arg) => match arg.constant.as_ref().and_then(|v| v.as_u64()) {
            Some(p @ 0..=9) => p as u8,
            _ => bail!(
                ARGUMENT_OUT_OF_BOUND,
                "the precision must be a constant from 0 to 9"
            ),
        },
    };
    let named = zone_arg(args, 2)?;
    let zone = zone(named.unwrap_or(context.time_zone));
    let widen = Caster::new(&args[0].ty, &DataType::Float64, context)?;
    let per = 10f64.powi(i32::from(precision));
    let ty = DataType::DateTime64(precision, named);
    Ok(BoundFunction::new(ty, move |columns, rows| {
        let flat = widen.apply(&columns[0])?.to_flat();
        let values = flat.slice_of::<f64>()?;
        Ok(nums(rows, |i| {
            let seconds = seconds_of_digits(values[i] as i64, zone).unwrap_or(0);
            let fraction = (values[i].fract() * per) as i64;
            (seconds as f64 * per) as i64 + fraction
        }))
    }))
}

fn from_days(args: &[Arg], ty: DataType) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    integer(args, 0)?;
    let wide = ty == DataType::Date32;
    Ok(BoundFunction::new(ty, move |columns, rows| {
        let n = Ints::of(&columns[0])?;
        let day = |i: usize| n.get(i).saturating_sub(YEAR_ZERO);
        Ok(match wide {
            true => nums(rows, |i| day(i) as i32),
            false => nums(rows, |i| day(i) as u16),
        })
    }))
}
