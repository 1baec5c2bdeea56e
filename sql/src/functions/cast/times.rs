//! From and to dates, times and intervals.
//!
//! Invariant: a number in a Date's range is a day number, a larger one is seconds since the epoch.

use std::sync::Arc;

use roost_engine::bail;
use roost_engine::column::Flat;
use roost_engine::error::Result;
use roost_engine::types::{DataType, IntervalUnit};

use super::decimals::{of_width, rescale};
use super::{CastMode, Convert, Ways, unsupported};
use crate::functions::numeric::numbers_of;
use crate::functions::zones::{DAY_SECONDS, Zone, days_from_civil, zone};

/// Ticks per second.
pub(crate) fn ticks_per_second(precision: u8) -> i64 {
    10i64.pow(u32::from(precision.min(9)))
}

pub(super) fn is_time(ty: &DataType) -> bool {
    ty.is_date() || ty.is_date_time()
}

/// What numbers a column of the type holds.
#[derive(Clone, Copy)]
enum Source {
    Days,
    Seconds(&'static Zone),
    Ticks(u8, &'static Zone),
    Decimal(u8),
    Whole,
    Float,
}

fn source(from: &DataType, ways: Ways) -> Option<Source> {
    use DataType as T;
    let local = zone(ways.time_zone);
    Some(match from {
        T::Date | T::Date32 => Source::Days,
        T::DateTime(tz) => Source::Seconds(tz.map_or(local, zone)),
        T::DateTime64(p, tz) => Source::Ticks(*p, tz.map_or(local, zone)),
        T::Decimal(_, s) => Source::Decimal(*s),
        T::Float32 | T::Float64 => Source::Float,
        t if t.is_integer() || t.is_enum() || matches!(t, T::Bool | T::Interval(_)) => {
            Source::Whole
        }
        _ => return None,
    })
}

/// To Date, Date32, DateTime and DateTime64 from anything but text.
pub(super) fn to_time(from: &DataType, to: &DataType, ways: Ways) -> Result<Convert> {
    let Some(source) = source(from, ways) else {
        return unsupported(from, to);
    };
    let local = zone(ways.time_zone);
    match *to {
        DataType::Date => {
            let null = ways.mode == CastMode::AccurateOrNull;
            Ok(Arc::new(move |flat, _| {
                let days = to_date(flat, source, local)?;
                match null && matches!(source, Source::Whole | Source::Float) {
                    false => Ok(days),
                    true => {
                        let values = whole(flat, source)?;
                        Flat::nullable(values.iter().map(|v| u8::from(*v < 0)).collect(), days)
                    }
                }
            }))
        }
        DataType::Date32 => Ok(Arc::new(move |flat, _| to_date32(flat, source, local))),
        DataType::DateTime(tz) => {
            let zone = tz.map_or(local, zone);
            let null = ways.mode == CastMode::AccurateOrNull;
            Ok(Arc::new(move |flat, _| {
                to_date_time(flat, source, zone, null)
            }))
        }
        DataType::DateTime64(precision, tz) => {
            let zone = tz.map_or(local, zone);
            Ok(Arc::new(move |flat, skip| {
                to_ticks(flat, source, precision, zone, skip)
            }))
        }
        _ => unsupported(from, to),
    }
}

/// Whole numbers of any plain source, decimals and floats cut towards zero.
fn whole(flat: &Flat, source: Source) -> Result<Vec<i64>> {
    match source {
        Source::Decimal(scale) => {
            let values = rescale(&numbers_of::<i128>(flat)?, scale, 0, None)?;
            Ok(values
                .iter()
                .map(|v| i64::try_from(*v).unwrap_or(i64::MAX))
                .collect())
        }
        Source::Float => Ok(numbers_of::<f64>(flat)?.iter().map(|v| *v as i64).collect()),
        Source::Ticks(precision, _) => {
            let scale = ticks_per_second(precision);
            Ok(numbers_of::<i64>(flat)?
                .iter()
                .map(|t| t.div_euclid(scale))
                .collect())
        }
        _ => match flat {
            // Beyond the signed range a number is just "large".
            Flat::U64(v) => Ok(v
                .iter()
                .map(|v| i64::try_from(*v).unwrap_or(i64::MAX))
                .collect()),
            _ => Ok(numbers_of::<i64>(flat)?.to_vec()),
        },
    }
}

fn to_date(flat: &Flat, source: Source, local: &Zone) -> Result<Flat> {
    let values = whole(flat, source)?;
    let days: Vec<u16> = match source {
        Source::Days => values.iter().map(|v| *v as u16).collect(),
        Source::Seconds(zone) | Source::Ticks(_, zone) => {
            values.iter().map(|v| zone.day_of(*v) as u16).collect()
        }
        _ => {
            let day = |v: &i64| match *v {
                ..0 => 0,
                0..=65_535 => *v as u16,
                _ => local.day_of((*v).min(i64::from(u32::MAX))) as u16,
            };
            values.iter().map(day).collect()
        }
    };
    Ok(Flat::native(days))
}

fn to_date32(flat: &Flat, source: Source, local: &Zone) -> Result<Flat> {
    let values = whole(flat, source)?;
    let (first, last) = (days_from_civil(0, 1, 1), days_from_civil(9999, 12, 31));
    let days: Vec<i32> = match source {
        Source::Days => values.iter().map(|v| *v as i32).collect(),
        Source::Seconds(zone) | Source::Ticks(_, zone) => {
            values.iter().map(|v| zone.day_of(*v)).collect()
        }
        _ => {
            let day = |v: &i64| match *v {
                v if v < i64::from(first) => first,
                v if v <= i64::from(last) => v as i32,
                v => local.day_of(v.min(i64::from(last) * DAY_SECONDS)),
            };
            values.iter().map(day).collect()
        }
    };
    Ok(Flat::native(days))
}

fn to_date_time(flat: &Flat, source: Source, zone: &Zone, null: bool) -> Result<Flat> {
    let values = whole(flat, source)?;
    let seconds: Vec<u32> = match source {
        Source::Days => values
            .iter()
            .map(|v| zone.day_start(*v as i32) as u32)
            .collect(),
        Source::Seconds(_) | Source::Ticks(..) => values.iter().map(|v| *v as u32).collect(),
        _ => values
            .iter()
            .map(|v| (*v).clamp(0, i64::from(u32::MAX)) as u32)
            .collect(),
    };
    let seconds = Flat::native(seconds);
    if null && matches!(source, Source::Whole | Source::Float) {
        let failed: Vec<u8> = values
            .iter()
            .map(|v| u8::from(u32::try_from(*v).is_err()))
            .collect();
        return Flat::nullable(failed, seconds);
    }
    Ok(seconds)
}

fn to_ticks(
    flat: &Flat,
    source: Source,
    precision: u8,
    zone: &Zone,
    skip: Option<&[u8]>,
) -> Result<Flat> {
    let scale = ticks_per_second(precision);
    let first = i64::from(days_from_civil(0, 1, 1)) * DAY_SECONDS;
    let last = i64::from(days_from_civil(10_000, 1, 1)) * DAY_SECONDS;
    let limit = |ticks: i128| {
        let (low, high) = (
            i128::from(first) * i128::from(scale),
            i128::from(last) * i128::from(scale) - 1,
        );
        ticks.clamp(low.max(i64::MIN.into()), high.min(i64::MAX.into())) as i64
    };
    let ticks: Vec<i64> = match source {
        Source::Days => whole(flat, source)?
            .iter()
            .map(|v| limit(i128::from(zone.day_start(*v as i32)) * i128::from(scale)))
            .collect(),
        Source::Ticks(from, _) => {
            let values = numbers_of::<i64>(flat)?;
            match from > precision {
                true => {
                    let cut = ticks_per_second(from - precision);
                    values.iter().map(|v| v / cut).collect()
                }
                false => scaled(&values, ticks_per_second(precision - from), skip)?,
            }
        }
        Source::Decimal(from) => {
            let values = rescale(&numbers_of::<i128>(flat)?, from, precision, skip)?;
            values.iter().map(|v| limit(*v)).collect()
        }
        Source::Float => {
            let values = numbers_of::<f64>(flat)?;
            values
                .iter()
                .map(|v| limit((v * scale as f64) as i128))
                .collect()
        }
        Source::Seconds(_) | Source::Whole => whole(flat, source)?
            .iter()
            .map(|v| limit(i128::from(*v) * i128::from(scale)))
            .collect(),
    };
    Ok(Flat::native(ticks))
}

fn scaled(values: &[i64], by: i64, skip: Option<&[u8]>) -> Result<Vec<i64>> {
    let one = |(i, v): (usize, &i64)| match v.checked_mul(by) {
        Some(v) => Ok(v),
        None if skip.is_some_and(|s| s[i] != 0) => Ok(0),
        None => bail!(
            DECIMAL_OVERFLOW,
            "Decimal convert overflow while multiplying {v} by scale {by}"
        ),
    };
    values.iter().enumerate().map(one).collect()
}

/// DateTime64 to numbers: the seconds, with their fraction where the target has one.
pub(super) fn from_ticks(precision: u8, to: &DataType, ways: Ways) -> Result<Convert> {
    match to {
        DataType::Decimal(_, scale) => {
            let (scale, shape) = (*scale, to.physical());
            Ok(Arc::new(move |flat, skip| {
                let ticks = numbers_of::<i128>(flat)?;
                of_width(&shape, rescale(&ticks, precision, scale, skip)?, skip)
            }))
        }
        _ if super::is_plain_number(to) => super::decimals::to_number(precision, to, ways),
        _ => unsupported(&DataType::DateTime64(precision, None), to),
    }
}

/// Nanoseconds of the units of fixed length; months count from the other units.
fn length(unit: IntervalUnit) -> (i128, bool) {
    use IntervalUnit::*;
    match unit {
        Nanosecond => (1, false),
        Microsecond => (1_000, false),
        Millisecond => (1_000_000, false),
        Second => (1_000_000_000, false),
        Minute => (60_000_000_000, false),
        Hour => (3_600_000_000_000, false),
        Day => (86_400_000_000_000, false),
        Week => (604_800_000_000_000, false),
        Month => (1, true),
        Quarter => (3, true),
        Year => (12, true),
    }
}

/// Between interval units; a month counts as four weeks where it meets a fixed length.
pub(super) fn intervals(from: IntervalUnit, to: IntervalUnit) -> Convert {
    let month = 28 * 86_400_000_000_000i128;
    let ((a, a_calendar), (b, b_calendar)) = (length(from), length(to));
    let (a, b) = match (a_calendar, b_calendar) {
        (true, false) => (a * month, b),
        (false, true) => (a, b * month),
        _ => (a, b),
    };
    Arc::new(move |flat, _| {
        let values = numbers_of::<i64>(flat)?;
        Ok(Flat::native(
            values
                .iter()
                .map(|v| (i128::from(*v) * a / b) as i64)
                .collect::<Vec<i64>>(),
        ))
    })
}
