//! Parts of dates as words.
//!
//! Invariant: numbers are written without leading zeros, names are English.

use roost_engine::bail;
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::super::kit::{arity, f, string, text};
use super::clock::Clock;
use super::format::{Fields, digits};
use super::week::{iso_week, weekday};
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const D: &str = "date and time";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        D,
        "dateName(part, time[, zone])",
        "The part of the time as text: 'year', 'quarter', 'month', 'weekday', ...",
        ("dateName('month', toDate('2024-03-05'))", "March"),
        date_name,
    )
    .any_case(),
    f(
        D,
        "monthName(time)",
        "The name of the month.",
        ("monthName(toDate('2024-03-05'))", "March"),
        |args, context| {
            arity(args, 1..=1)?;
            let clock = Clock::of(args, 0, usize::MAX, context)?;
            written(clock, 0, |f, out| out.extend_from_slice(f.month_name().as_bytes()))
        },
    )
    .any_case(),
];

type Write = fn(&Fields, &mut Vec<u8>);

fn written(clock: Clock, at: usize, write: Write) -> Result<BoundFunction> {
    Ok(BoundFunction::new(DataType::String, move |columns, rows| {
        let raw = clock.raw(&columns[at])?;
        Ok(text(rows, rows * 8, |i, out| write(&Fields::of(&clock, raw[i]), out)))
    }))
}

fn date_name(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    arity(args, 2..=3)?;
    string(args, 0)?;
    let Some(part) = args[0].constant.as_ref().and_then(|v| v.as_bytes()) else {
        bail!(ILLEGAL_COLUMN, "the part must be a constant string");
    };
    let clock = Clock::of(args, 1, 2, context)?;
    let write: Write = match part.to_ascii_lowercase().as_slice() {
        b"year" => |f, out| digits(f.year.into(), 1, out),
        b"quarter" => |f, out| digits(i64::from(f.month + 2) / 3, 1, out),
        b"month" => |f, out| out.extend_from_slice(f.month_name().as_bytes()),
        b"dayofyear" => |f, out| digits(f.day_of_year().into(), 1, out),
        b"day" => |f, out| digits(f.day.into(), 1, out),
        b"week" => |f, out| digits(iso_week(f.number).1.into(), 1, out),
        b"weekday" => |f, out| out.extend_from_slice(f.weekday_name().as_bytes()),
        b"dayofweek" => |f, out| digits(i64::from(weekday(f.number)) + 1, 1, out),
        b"hour" => |f, out| digits(f.hour(), 1, out),
        b"minute" => |f, out| digits(f.minute(), 1, out),
        b"second" => |f, out| digits(f.second % 60, 1, out),
        other => bail!(
            BAD_ARGUMENTS,
            "'{}' is not a part of a date",
            String::from_utf8_lossy(other)
        ),
    };
    written(clock, 1, write)
}
