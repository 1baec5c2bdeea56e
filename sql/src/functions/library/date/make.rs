//! Dates and times from their parts.
//!
//! Invariant: a month or day that no calendar has gives the type's first value; a day past the
//! end of its month, or an hour past the end of its day, carries over.

use roost_engine::bail;
use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::types::{DataType, Tz};

use super::super::kit::{Ints, arity, f, want};
use super::clock::{date_times, dates, zone_arg};
use crate::functions::zones::{DAY_SECONDS, days_from_civil, zone};
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const D: &str = "date and time";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        D,
        "makeDate(year, month, day)",
        "A Date from year, month and day, or from year and day of the year.",
        ("makeDate(2024, 3, 5)", "2024-03-05"),
        |args, _| make_date(args, DataType::Date),
    )
    .any_case(),
    f(
        D,
        "makeDate32(year, month, day)",
        "A Date32 from year, month and day, or from year and day of the year.",
        ("makeDate32(1950, 3, 5)", "1950-03-05"),
        |args, _| make_date(args, DataType::Date32),
    ),
    f(
        D,
        "makeDateTime(year, month, day, hour, minute, second[, zone])",
        "A DateTime from its parts.",
        ("makeDateTime(2024, 3, 5, 10, 3, 7)", "2024-03-05 10:03:07"),
        make_date_time,
    ),
    f(
        D,
        "makeDateTime64(year, month, day, hour, minute, second[, fraction[, precision[, zone]]])",
        "A DateTime64 from its parts.",
        ("makeDateTime64(2024, 3, 5, 10, 3, 7, 5)", "2024-03-05 10:03:07.005"),
        make_date_time64,
    ),
];

fn numbers(args: &[Arg], range: std::ops::Range<usize>) -> Result<()> {
    range
        .filter(|i| *i < args.len())
        .try_for_each(|i| want(args, i, args[i].ty.is_numeric(), "a number"))
}

/// The day number, when month and day may exist.
fn day_number(year: i64, month: i64, day: i64, years: std::ops::RangeInclusive<i64>) -> Option<i32> {
    let fits = years.contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    fits.then(|| days_from_civil(year as i32, month as u32, day as u32))
}

fn make_date(args: &[Arg], ty: DataType) -> Result<BoundFunction> {
    arity(args, 1..=3)?;
    numbers(args, 0..3)?;
    let wide = ty == DataType::Date32;
    Ok(BoundFunction::new(ty, move |columns, rows| {
        let parts = columns.iter().map(Ints::of).collect::<Result<Vec<_>>>()?;
        let years = if wide { 1900..=9999 } else { 1970..=2149 };
        let value = |row: usize| match parts.as_slice() {
            [year, month, day] => {
                day_number(year.get(row), month.get(row), day.get(row), years.clone())
            }
            [year, day] => {
                let fits = (1..=366).contains(&day.get(row));
                let first = day_number(year.get(row), 1, 1, years.clone());
                first.filter(|_| fits).map(|d| d + day.get(row) as i32 - 1)
            }
            [packed] => {
                let n = packed.get(row);
                day_number(n / 10_000, n / 100 % 100, n % 100, years.clone())
            }
            _ => None,
        };
        Ok(match wide {
            true => {
                let none = days_from_civil(1970, 1, 1);
                Column::native((0..rows).map(|i| value(i).unwrap_or(none)).collect::<Vec<i32>>())
            }
            false => dates((0..rows).map(|i| value(i).unwrap_or(0))),
        })
    }))
}

/// UTC seconds of six parts; `None` when they name no time.
fn seconds(parts: &[Ints], row: usize, tz: Tz) -> Option<i64> {
    let [year, month, day, hour, minute, second] = parts.first_chunk::<6>()?;
    let date = day_number(year.get(row), month.get(row), day.get(row), 1900..=2299)?;
    let (h, m, s) = (hour.get(row), minute.get(row), second.get(row));
    let small = |n: i64| (0..=i64::from(u16::MAX)).contains(&n);
    if !small(h) || !small(m) || !small(s) {
        return None;
    }
    let local = i64::from(date) * DAY_SECONDS + h * 3600 + m * 60 + s;
    Some(zone(tz).to_utc(local))
}

fn make_date_time(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    arity(args, 6..=7)?;
    numbers(args, 0..6)?;
    let named = zone_arg(args, 6)?;
    let tz = named.unwrap_or(context.time_zone);
    Ok(BoundFunction::new(DataType::DateTime(named), move |columns, rows| {
        let parts = columns[..6].iter().map(Ints::of).collect::<Result<Vec<_>>>()?;
        Ok(date_times((0..rows).map(|row| seconds(&parts, row, tz).unwrap_or(0))))
    }))
}

fn make_date_time64(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    arity(args, 6..=9)?;
    numbers(args, 0..8)?;
    let named = zone_arg(args, 8)?;
    let tz = named.unwrap_or(context.time_zone);
    let precision = match args.get(7) {
        None => 3,
        Some(arg) => match arg.constant.as_ref().and_then(|v| v.as_u64()) {
            Some(p @ 0..=9) => p as u8,
            _ => bail!(
                ARGUMENT_OUT_OF_BOUND,
                "the precision must be a constant from 0 to 9"
            ),
        },
    };
    let per = 10i64.pow(u32::from(precision));
    Ok(BoundFunction::new(DataType::DateTime64(precision, named), move |columns, rows| {
        let parts = columns[..6].iter().map(Ints::of).collect::<Result<Vec<_>>>()?;
        let fraction = Ints::or(columns, 6, 0)?;
        let ticks = (0..rows).map(|row| {
            let whole = seconds(&parts, row, tz).unwrap_or(0).saturating_mul(per);
            whole.saturating_add(fraction.get(row).clamp(0, per - 1))
        });
        Ok(Column::native(ticks.collect::<Vec<i64>>()))
    }))
}
