//! How many units lie between two times.
//!
//! Invariant: `dateDiff` counts the boundaries between them, `age` the whole units.

use roost_engine::bail;
use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::types::{DataType, IntervalUnit};

use super::super::kit::{arity, f, string};
use super::clock::{Clock, zone_arg};
use super::week::monday;
use crate::functions::zones::{DAY_SECONDS, civil_from_days, zone};
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const D: &str = "date and time";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        D,
        "dateDiff(unit, start, end[, zone])",
        "Number of boundaries of the unit between two times.",
        ("dateDiff('month', toDate('2024-01-31'), toDate('2024-03-01'))", "2"),
        |args, context| bind(args, context, boundaries),
    )
    .also(&[
        "date_diff", "timestampDiff", "timestamp_diff", "DATE_DIFF", "TIMESTAMP_DIFF",
    ])
    .any_case(),
    f(
        D,
        "age(unit, start, end[, zone])",
        "Number of whole units between two times.",
        ("age('month', toDate('2024-01-31'), toDate('2024-03-01'))", "1"),
        |args, context| bind(args, context, whole),
    ),
];

/// A time as the functions of this file need it.
#[derive(Clone, Copy)]
struct Moment {
    utc: i64,
    nanos: i64,
    local: i64,
}

impl Moment {
    fn of(clock: &Clock, raw: i64) -> Moment {
        let per = clock.per_second();
        let utc = clock.utc_of(raw);
        let nanos = match clock.scale() {
            0 => 0,
            _ => raw.rem_euclid(per) * (1_000_000_000 / per),
        };
        Moment {
            utc,
            nanos,
            local: clock.zone.to_local(utc),
        }
    }

    fn day(self) -> i32 {
        self.local.div_euclid(DAY_SECONDS) as i32
    }

    fn months(self) -> i64 {
        let (year, month, _) = civil_from_days(self.day());
        i64::from(year) * 12 + i64::from(month) - 1
    }

    /// Whole units of `seconds` that the local clock has shown.
    fn ticks(self, seconds: i64) -> i64 {
        (self.utc + (self.local - self.utc).rem_euclid(seconds)).div_euclid(seconds)
    }
}

fn unit_of(name: &[u8]) -> Option<IntervalUnit> {
    use IntervalUnit::*;
    let name = std::str::from_utf8(name).ok()?.to_ascii_lowercase();
    Some(match name.as_str() {
        "year" | "years" | "yy" | "yyyy" => Year,
        "quarter" | "quarters" | "qq" | "q" => Quarter,
        "month" | "months" | "mm" | "m" => Month,
        "week" | "weeks" | "wk" | "ww" => Week,
        "day" | "days" | "dd" | "d" => Day,
        "hour" | "hours" | "hh" | "h" => Hour,
        "minute" | "minutes" | "mi" | "n" => Minute,
        "second" | "seconds" | "ss" | "s" => Second,
        "millisecond" | "milliseconds" | "ms" => Millisecond,
        "microsecond" | "microseconds" | "us" | "u" => Microsecond,
        "nanosecond" | "nanoseconds" | "ns" => Nanosecond,
        _ => return None,
    })
}

fn bind(
    args: &[Arg],
    context: &BindContext,
    between: fn(IntervalUnit, Moment, Moment) -> i64,
) -> Result<BoundFunction> {
    arity(args, 3..=4)?;
    string(args, 0)?;
    let Some(name) = args[0].constant.as_ref().and_then(|v| v.as_bytes()) else {
        bail!(ILLEGAL_COLUMN, "the unit must be a constant string");
    };
    let Some(unit) = unit_of(name) else {
        bail!(
            BAD_ARGUMENTS,
            "'{}' is not the name of a unit of time",
            String::from_utf8_lossy(name)
        );
    };
    let mut start = Clock::of(args, 1, usize::MAX, context)?;
    let mut end = Clock::of(args, 2, usize::MAX, context)?;
    // Without an argument both are read in the zone of whichever names one, the first first.
    match zone_arg(args, 3)?.or(start.explicit).or(end.explicit) {
        Some(tz) if args.len() > 3 => {
            start.zone = zone(tz);
            end.zone = zone(tz);
        }
        Some(tz) => {
            for clock in [&mut start, &mut end] {
                if clock.explicit.is_none() {
                    clock.zone = zone(tz);
                }
            }
        }
        None => {}
    }
    Ok(BoundFunction::new(DataType::Int64, move |columns, _| {
        let (a, b) = (start.raw(&columns[1])?, end.raw(&columns[2])?);
        let pairs = a.iter().zip(&b);
        let values = pairs.map(|(a, b)| between(unit, Moment::of(&start, *a), Moment::of(&end, *b)));
        Ok(Column::native(values.collect::<Vec<i64>>()))
    }))
}

fn fraction(unit: IntervalUnit, a: Moment, b: Moment) -> i64 {
    let per = match unit {
        IntervalUnit::Millisecond => 1000,
        IntervalUnit::Microsecond => 1_000_000,
        _ => 1_000_000_000,
    };
    let ticks = |m: Moment| i128::from(m.utc) * per + i128::from(m.nanos) * per / 1_000_000_000;
    i64::try_from(ticks(b) - ticks(a)).unwrap_or(i64::MAX)
}

fn boundaries(unit: IntervalUnit, a: Moment, b: Moment) -> i64 {
    match unit {
        IntervalUnit::Year => b.months().div_euclid(12) - a.months().div_euclid(12),
        IntervalUnit::Quarter => b.months().div_euclid(3) - a.months().div_euclid(3),
        IntervalUnit::Month => b.months() - a.months(),
        IntervalUnit::Week => i64::from((monday(b.day()) - monday(a.day())) / 7),
        IntervalUnit::Day => i64::from(b.day()) - i64::from(a.day()),
        IntervalUnit::Hour => b.ticks(3600) - a.ticks(3600),
        IntervalUnit::Minute => b.ticks(60) - a.ticks(60),
        IntervalUnit::Second => b.utc - a.utc,
        _ => fraction(unit, a, b),
    }
}

fn whole(unit: IntervalUnit, a: Moment, b: Moment) -> i64 {
    let nanos = |m: Moment| i128::from(m.local) * 1_000_000_000 + i128::from(m.nanos);
    if nanos(b) < nanos(a) {
        return -whole(unit, b, a);
    }
    let seconds = |n: i64| ((nanos(b) - nanos(a)) / (i128::from(n) * 1_000_000_000)) as i64;
    let months = || {
        let rest = |m: Moment| {
            let of_month = civil_from_days(m.day()).2;
            (of_month, m.local.rem_euclid(DAY_SECONDS), m.nanos)
        };
        b.months() - a.months() - i64::from(rest(b) < rest(a))
    };
    match unit {
        IntervalUnit::Year => months() / 12,
        IntervalUnit::Quarter => months() / 3,
        IntervalUnit::Month => months(),
        IntervalUnit::Week => seconds(7 * DAY_SECONDS),
        IntervalUnit::Day => seconds(DAY_SECONDS),
        IntervalUnit::Hour => seconds(3600),
        IntervalUnit::Minute => seconds(60),
        IntervalUnit::Second => seconds(1),
        _ => fraction(unit, a, b),
    }
}
