//! Comparisons of calendar functions of a time column, as ranges of the column.
//!
//! Invariant: the range may be too wide, never too narrow: a bucket counts whole, and where the
//! zone is not known to be UTC a local day is widened to all zones.

use std::ops::Bound;

use chrono::{Datelike, NaiveDate};
use roost_engine::hooks::ValueRange;
use roost_engine::types::{DataType, IntervalUnit, Tz, Value};

use super::key_condition::is_comparison;
use super::range::union;
use crate::expr::{ColumnId, Expr};

const DAY: i64 = 86_400;

/// Local midnight lies within this of midnight in UTC, in any zone.
const ANY_ZONE: i64 = 15 * 3600;

/// Half-open interval of seconds since the epoch that a constant stands for.
struct Bucket {
    start: i64,
    end: i64,
    /// Whether the ends are local days.
    local: bool,
}

/// `function(column) comparison constant` as ranges of the column.
pub(super) fn preimage(
    subject: &Expr,
    comparison: &str,
    value: &Value,
    ty: &DataType,
) -> Option<(ColumnId, Vec<ValueRange>)> {
    let (name, args) = subject.as_call()?;
    let Expr::Column(id, own) = args.first()? else {
        return None;
    };
    if !is_comparison(comparison) || value.is_null() {
        return None;
    }
    let zone = zone_of(own.value_type(), args.len() > plain_arguments(name))?;
    let bucket = bucket(name, args, value, ty.value_type())?;
    let slack = if bucket.local && zone != Some(Tz::UTC) {
        ANY_ZONE
    } else {
        0
    };
    let sensible = bucket.start > 365 * DAY && bucket.end < 47_000 * DAY;
    if !sensible {
        return None;
    }
    let low = match comparison {
        "less" | "lessOrEquals" => Bound::Unbounded,
        _ => Bound::Included(held(bucket.start - slack, own.value_type(), false)?),
    };
    let high = match comparison {
        "greater" | "greaterOrEquals" => Bound::Unbounded,
        _ => Bound::Included(held(bucket.end + slack, own.value_type(), true)?),
    };
    Some((*id, union(vec![ValueRange { low, high }])))
}

/// Arguments of the function without a zone.
fn plain_arguments(name: &str) -> usize {
    match name {
        "toStartOfInterval" => 2,
        _ => 1,
    }
}

/// The zone in which a time column's days are cut: `Some(None)` when it depends on the session;
/// `None` when the column holds no time.
fn zone_of(own: &DataType, has_zone_argument: bool) -> Option<Option<Tz>> {
    let zone = match own {
        DataType::Date | DataType::Date32 => Some(Tz::UTC),
        DataType::DateTime(zone) | DataType::DateTime64(_, zone) => *zone,
        _ => return None,
    };
    Some(if has_zone_argument { None } else { zone })
}

fn bucket(name: &str, args: &[Expr], value: &Value, ty: &DataType) -> Option<Bucket> {
    match name {
        "toYear" => {
            let year = i32::try_from(value.as_i64()?).ok()?;
            days_between((year, 1), (year + 1, 1))
        }
        "toYYYYMM" => {
            let number = i32::try_from(value.as_i64()?).ok()?;
            let (year, month) = (number / 100, u32::try_from(number % 100).ok()?);
            let next = if month == 12 {
                (year + 1, 1)
            } else {
                (year, month + 1)
            };
            days_between((year, month), next)
        }
        "toYYYYMMDD" => {
            let number = i32::try_from(value.as_i64()?).ok()?;
            let month = u32::try_from(number / 100 % 100).ok()?;
            let day = u32::try_from(number % 100).ok()?;
            let start = NaiveDate::from_ymd_opt(number / 10_000, month, day)?;
            let start = i64::from(start.num_days_from_ce() - EPOCH_FROM_CE) * DAY;
            Some(Bucket {
                start,
                end: start + DAY,
                local: true,
            })
        }
        _ => {
            let length = length(name, args)?;
            let (start, local) = moment(value, ty)?;
            Some(Bucket {
                start,
                end: start + length,
                local,
            })
        }
    }
}

/// Days from the year one to 1970.
const EPOCH_FROM_CE: i32 = 719_163;

fn days_between(from: (i32, u32), to: (i32, u32)) -> Option<Bucket> {
    let start = |(year, month): (i32, u32)| {
        let date = NaiveDate::from_ymd_opt(year, month, 1)?;
        Some(i64::from(date.num_days_from_ce() - EPOCH_FROM_CE) * DAY)
    };
    Some(Bucket {
        start: start(from)?,
        end: start(to)?,
        local: true,
    })
}

/// The longest bucket of a rounding function, in seconds.
fn length(name: &str, args: &[Expr]) -> Option<i64> {
    Some(match name {
        "toDate" | "toDate32" | "toStartOfDay" => DAY,
        "toDateTime" | "toStartOfSecond" => 1,
        "toStartOfMinute" => 60,
        "toStartOfFiveMinutes" | "toStartOfFiveMinute" => 300,
        "toStartOfTenMinutes" => 600,
        "toStartOfFifteenMinutes" => 900,
        "toStartOfHour" => 3600,
        "toMonday" | "toStartOfWeek" => 7 * DAY,
        "toStartOfMonth" => 31 * DAY,
        "toStartOfQuarter" => 92 * DAY,
        "toStartOfYear" => 366 * DAY,
        "toStartOfInterval" => {
            let Expr::Literal(value, DataType::Interval(unit)) = args.get(1)? else {
                return None;
            };
            value.as_i64()?.checked_mul(unit_length(*unit))?
        }
        _ => return None,
    })
}

fn unit_length(unit: IntervalUnit) -> i64 {
    match unit {
        IntervalUnit::Nanosecond
        | IntervalUnit::Microsecond
        | IntervalUnit::Millisecond
        | IntervalUnit::Second => 1,
        IntervalUnit::Minute => 60,
        IntervalUnit::Hour => 3600,
        IntervalUnit::Day => DAY,
        IntervalUnit::Week => 7 * DAY,
        IntervalUnit::Month => 31 * DAY,
        IntervalUnit::Quarter => 92 * DAY,
        IntervalUnit::Year => 366 * DAY,
    }
}

/// A constant date or time in seconds, and whether it is a local day.
fn moment(value: &Value, ty: &DataType) -> Option<(i64, bool)> {
    let number = value.as_i64()?;
    Some(match ty {
        DataType::Date | DataType::Date32 => (number.checked_mul(DAY)?, true),
        DataType::DateTime(_) => (number, false),
        DataType::DateTime64(precision, _) => {
            let unit = 10_i64.checked_pow(u32::from(*precision))?;
            (number.div_euclid(unit), false)
        }
        _ => return None,
    })
}

/// Seconds as a value of the column's type, rounded outwards.
fn held(seconds: i64, own: &DataType, up: bool) -> Option<Value> {
    match own {
        DataType::Date | DataType::Date32 => {
            // A Date compared with a time of any zone: one day either way.
            let day = seconds.div_euclid(DAY) + if up { 1 } else { -1 };
            Some(Value::Int(day))
        }
        DataType::DateTime(_) => Some(Value::Int(seconds)),
        DataType::DateTime64(precision, _) => {
            let unit = 10_i64.checked_pow(u32::from(*precision))?;
            seconds.checked_mul(unit).map(Value::Int)
        }
        _ => None,
    }
}
