//! `formatDateTime`: MySQL's placeholders.
//!
//! Invariant: the pattern is compiled once; an unknown placeholder is an error before any row.

use roost_engine::bail;
use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::super::kit::{Compiled, Texts, arity, f, string, try_text};
use super::clock::{Clock, Kind};
use super::week::{iso_week, weekday};
use crate::functions::zones::{DAY_SECONDS, civil_from_days, days_from_civil};
use crate::functions::{Arg, BoundFunction, ScalarFunction};

const D: &str = "date and time";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[f(
    D,
    "formatDateTime(time, format[, zone])",
    "The time as text after a pattern of placeholders: `%Y-%m-%d %H:%i:%S`.",
    ("formatDateTime(toDate('2024-03-05'), '%d/%m/%y')", "05/03/24"),
    |args, context| {
        arity(args, 1..=3)?;
        if args.len() == 1 {
            let texts = Texts::new(&args[0].ty, context);
            Clock::of(args, 0, usize::MAX, context)?;
            return Ok(BoundFunction::new(DataType::String, move |columns, _| {
                Ok(texts.apply(&columns[0]))
            }));
        }
        let clock = Clock::of(args, 0, 2, context)?;
        formatted(args, clock, parse)
    },
)
.also(&["DATE_FORMAT"])
.any_case()];

/// Names of the months.
pub(crate) const MONTHS: [&str; 12] = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
];

/// Names of the days, Monday first.
pub(crate) const WEEKDAYS: [&str; 7] = [
    "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
];

/// A time taken apart.
pub(crate) struct Fields {
    pub(crate) year: i32,
    pub(crate) month: u32,
    pub(crate) day: u32,
    pub(crate) number: i32,
    /// Second of the day.
    pub(crate) second: i64,
    pub(crate) nanos: i64,
    pub(crate) offset: i64,
    pub(crate) zone: &'static str,
}

impl Fields {
    pub(crate) fn of(clock: &Clock, raw: i64) -> Fields {
        let local = clock.local_of(raw);
        let number = local.div_euclid(DAY_SECONDS) as i32;
        let (year, month, day) = civil_from_days(number);
        let per = clock.per_second();
        let nanos = match clock.kind {
            Kind::DateTime64(_) => raw.rem_euclid(per) * (1_000_000_000 / per),
            _ => 0,
        };
        Fields {
            year,
            month,
            day,
            number,
            second: local.rem_euclid(DAY_SECONDS),
            nanos,
            offset: clock.zone.offset_at(clock.utc_of(raw)),
            zone: clock.zone.tz().name(),
        }
    }

    pub(crate) fn hour(&self) -> i64 {
        self.second / 3600
    }

    pub(crate) fn minute(&self) -> i64 {
        self.second / 60 % 60
    }

    pub(crate) fn hour12(&self) -> i64 {
        match self.hour() % 12 {
            0 => 12,
            h => h,
        }
    }

    pub(crate) fn half(&self) -> &'static str {
        if self.hour() < 12 { "AM" } else { "PM" }
    }

    pub(crate) fn month_name(&self) -> &'static str {
        MONTHS[(self.month as usize + 11) % 12]
    }

    pub(crate) fn weekday_name(&self) -> &'static str {
        WEEKDAYS[weekday(self.number) as usize % 7]
    }

    pub(crate) fn day_of_year(&self) -> i32 {
        self.number - days_from_civil(self.year, 1, 1) + 1
    }
}

/// Appends a number with at least `width` digits.
pub(crate) fn digits(value: i64, width: usize, out: &mut Vec<u8>) {
    let mut buffer = itoa::Buffer::new();
    let text = buffer.format(value.unsigned_abs());
    if value < 0 {
        out.push(b'-');
    }
    out.extend(std::iter::repeat_n(b'0', width.saturating_sub(text.len())));
    out.extend_from_slice(text.as_bytes());
}

/// What a piece of a pattern writes.
pub(crate) type Piece = Box<dyn Fn(&Fields, &mut Vec<u8>) + Send + Sync>;

/// Text that stands for itself.
pub(crate) fn literal(text: Vec<u8>) -> Piece {
    Box::new(move |_, out| out.extend_from_slice(&text))
}

/// Binds a function `(time, pattern)` for patterns that `parse` compiles.
pub(crate) fn formatted(
    args: &[Arg],
    clock: Clock,
    parse: fn(&[u8]) -> Result<Vec<Piece>>,
) -> Result<BoundFunction> {
    string(args, 1)?;
    let patterns = Compiled::new(args.get(1), parse)?;
    Ok(BoundFunction::new(DataType::String, move |columns, rows| {
        write(&clock, &columns[0], &columns[1], &patterns, rows)
    }))
}

/// The times of a column after compiled patterns.
pub(crate) fn write(
    clock: &Clock,
    times: &Column,
    patterns: &Column,
    compiled: &Compiled<Vec<Piece>>,
    rows: usize,
) -> Result<Column> {
    let raw = clock.raw(times)?;
    let mut patterns = compiled.over(patterns)?;
    try_text(rows, rows * 20, |i, out| {
        let fields = Fields::of(clock, raw[i]);
        patterns.get(i)?.iter().for_each(|piece| piece(&fields, out));
        Ok(())
    })
}

/// Compiles MySQL's placeholders.
pub(crate) fn parse(pattern: &[u8]) -> Result<Vec<Piece>> {
    let (mut pieces, mut text) = (Vec::new(), Vec::new());
    let mut bytes = pattern.iter().copied();
    while let Some(b) = bytes.next() {
        if b != b'%' {
            text.push(b);
            continue;
        }
        let Some(symbol) = bytes.next() else {
            bail!(
                BAD_ARGUMENTS,
                "'%' must not be the last character of a format, use '%%' instead"
            );
        };
        match symbol {
            b'%' => text.push(b'%'),
            b'n' => text.push(b'\n'),
            b't' => text.push(b'\t'),
            _ => {
                if !text.is_empty() {
                    pieces.push(literal(std::mem::take(&mut text)));
                }
                pieces.push(placeholder(symbol)?);
            }
        }
    }
    if !text.is_empty() {
        pieces.push(literal(text));
    }
    Ok(pieces)
}

fn number(width: usize, value: fn(&Fields) -> i64) -> Piece {
    Box::new(move |f, out| digits(value(f), width, out))
}

fn word(value: fn(&Fields) -> &'static str, length: usize) -> Piece {
    Box::new(move |f, out| {
        let word = value(f).as_bytes();
        out.extend_from_slice(&word[..word.len().min(length)]);
    })
}

fn several(pattern: &[u8]) -> Result<Piece> {
    let pieces = parse(pattern)?;
    Ok(Box::new(move |f, out| pieces.iter().for_each(|p| p(f, out))))
}

fn placeholder(symbol: u8) -> Result<Piece> {
    Ok(match symbol {
        b'a' => word(Fields::weekday_name, 3),
        b'b' => word(Fields::month_name, 3),
        b'c' | b'm' => number(2, |f| f.month.into()),
        b'C' => number(2, |f| i64::from(f.year) / 100),
        b'd' => number(2, |f| f.day.into()),
        b'D' => several(b"%m/%d/%y")?,
        b'e' => number(1, |f| f.day.into()),
        b'f' => number(6, |f| f.nanos / 1000),
        b'F' => several(b"%Y-%m-%d")?,
        b'g' => number(2, |f| i64::from(iso_week(f.number).0) % 100),
        b'G' => number(4, |f| iso_week(f.number).0.into()),
        b'h' | b'I' | b'l' => number(2, Fields::hour12),
        b'H' | b'k' => number(2, Fields::hour),
        b'i' => number(2, Fields::minute),
        b'j' => number(3, |f| f.day_of_year().into()),
        b'M' => word(Fields::month_name, usize::MAX),
        b'p' => word(Fields::half, usize::MAX),
        b'Q' => number(1, |f| i64::from(f.month).div_euclid(3) + i64::from(f.month % 3 != 0)),
        b'r' => several(b"%I:%i %p")?,
        b'R' => several(b"%H:%i")?,
        b's' | b'S' => number(2, |f| f.second % 60),
        b'T' => several(b"%H:%i:%S")?,
        b'u' => number(1, |f| i64::from(weekday(f.number)) + 1),
        b'V' => number(2, |f| iso_week(f.number).1.into()),
        b'w' => number(1, |f| i64::from((weekday(f.number) + 1) % 7)),
        b'W' => word(Fields::weekday_name, usize::MAX),
        b'y' => number(2, |f| i64::from(f.year) % 100),
        b'Y' => number(4, |f| f.year.into()),
        b'z' => Box::new(|f, out| {
            out.push(if f.offset < 0 { b'-' } else { b'+' });
            digits(f.offset.abs() / 3600, 2, out);
            digits(f.offset.abs() / 60 % 60, 2, out);
        }),
        b'U' | b'v' | b'x' | b'X' => bail!(
            NOT_IMPLEMENTED,
            "the placeholder '%{}' is not supported",
            char::from(symbol)
        ),
        other => bail!(
            BAD_ARGUMENTS,
            "unknown placeholder '%{}' in a format of time",
            char::from(other)
        ),
    })
}
