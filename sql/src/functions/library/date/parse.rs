//! `parseDateTime`: text read after MySQL's placeholders or Joda's letters.
//!
//! Invariant: the whole text is used; fields that the pattern does not name are those of 1970-01-01.

use roost_engine::bail;
use roost_engine::column::{Column, Flat};
use roost_engine::error::{Code, Error, Result};
use roost_engine::types::DataType;

use super::super::kit::{Compiled, Strs, arity, f, string};
use super::clock::zone_arg;
use super::format::{MONTHS, WEEKDAYS};
use crate::functions::zones::{DAY_SECONDS, days_from_civil, days_in_month, zone};
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const D: &str = "date and time";

macro_rules! family {
    ($($name:literal $aliases:expr, $words:literal $pattern:literal $parse:ident;)*) => {
        /// The functions of this file.
        pub static FUNCTIONS: &[ScalarFunction] = &[ $(
            f(
                D,
                concat!($name, "(text, format[, zone])"),
                concat!("The time that a text after ", $words, " means."),
                (concat!($name, "('2024-03-05', '", $pattern, "')"), "2024-03-05 00:00:00"),
                |args, context| bind(args, context, $parse, Failure::Error),
            )
            .also($aliases)
            .any_case(),
            f(
                D,
                concat!($name, "OrNull(text, format[, zone])"),
                concat!("The time that a text after ", $words, " means, or NULL."),
                (concat!($name, "OrNull('x', '", $pattern, "')"), "\\N"),
                |args, context| bind(args, context, $parse, Failure::Null),
            )
            .any_case(),
            f(
                D,
                concat!($name, "OrZero(text, format[, zone])"),
                concat!("The time that a text after ", $words, " means, or the epoch."),
                (concat!($name, "OrZero('x', '", $pattern, "')"), "1970-01-01 00:00:00"),
                |args, context| bind(args, context, $parse, Failure::Zero),
            )
            .any_case(),
        )* ];
    };
}

family!(
    "parseDateTime" &["str_to_date"], "MySQL's placeholders" "%Y-%m-%d" placeholders;
    "parseDateTimeInJodaSyntax" &[], "Joda's letters" "yyyy-MM-dd" letters;
);

#[derive(Clone, Copy, PartialEq)]
enum Failure {
    Error,
    Null,
    Zero,
}

/// What a piece of a pattern reads.
#[derive(Clone)]
enum Piece {
    Text(u8),
    Number(Field, usize),
    Month(usize),
    Weekday(usize),
    Half,
    Offset,
    Space,
}

#[derive(Clone, Copy, PartialEq)]
enum Field {
    Year,
    ShortYear,
    Month,
    Day,
    DayOfYear,
    Hour,
    HalfHour,
    Minute,
    Second,
    Fraction,
}

#[derive(Default)]
struct Moment {
    year: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    hour: i64,
    half_hour: Option<i64>,
    afternoon: Option<bool>,
    minute: i64,
    second: i64,
    offset: Option<i64>,
}

fn placeholders(pattern: &[u8]) -> Result<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut bytes = pattern.iter().copied();
    while let Some(b) = bytes.next() {
        match b {
            b'%' => match bytes.next() {
                Some(symbol) => placeholder(symbol, &mut pieces)?,
                None => bail!(BAD_ARGUMENTS, "'%' must not be the last character of a format"),
            },
            b' ' => pieces.push(Piece::Space),
            other => pieces.push(Piece::Text(other)),
        }
    }
    Ok(pieces)
}

fn placeholder(symbol: u8, out: &mut Vec<Piece>) -> Result<()> {
    let several = |pattern: &[u8]| placeholders(pattern);
    out.push(match symbol {
        b'Y' | b'G' => Piece::Number(Field::Year, 4),
        b'y' | b'g' => Piece::Number(Field::ShortYear, 2),
        b'm' | b'c' => Piece::Number(Field::Month, 2),
        b'd' | b'e' => Piece::Number(Field::Day, 2),
        b'j' => Piece::Number(Field::DayOfYear, 3),
        b'H' | b'k' => Piece::Number(Field::Hour, 2),
        b'h' | b'I' | b'l' => Piece::Number(Field::HalfHour, 2),
        b'i' => Piece::Number(Field::Minute, 2),
        b'S' | b's' => Piece::Number(Field::Second, 2),
        b'f' => Piece::Number(Field::Fraction, 9),
        b'b' => Piece::Month(3),
        b'M' => Piece::Month(usize::MAX),
        b'a' => Piece::Weekday(3),
        b'W' => Piece::Weekday(usize::MAX),
        b'p' => Piece::Half,
        b'z' => Piece::Offset,
        b'%' => Piece::Text(b'%'),
        b'n' => Piece::Text(b'\n'),
        b't' => Piece::Text(b'\t'),
        b'F' => return {
            let _: () = out.extend(several(b"%Y-%m-%d")?);
            Ok(())
        },
        b'T' => return {
            let _: () = out.extend(several(b"%H:%i:%S")?);
            Ok(())
        },
        b'D' => return {
            let _: () = out.extend(several(b"%m/%d/%y")?);
            Ok(())
        },
        b'R' => return {
            let _: () = out.extend(several(b"%H:%i")?);
            Ok(())
        },
        b'r' => return {
            let _: () = out.extend(several(b"%h:%i %p")?);
            Ok(())
        },
        other => bail!(
            NOT_IMPLEMENTED,
            "the placeholder '%{}' is not supported for parsing",
            char::from(other)
        ),
    });
    Ok(())
}

fn letters(pattern: &[u8]) -> Result<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut rest = pattern;
    while let Some(&first) = rest.first() {
        let width = rest.iter().take_while(|b| **b == first).count();
        let used = match first {
            b'\'' => {
                let Some(end) = memchr::memchr(b'\'', &rest[1..]) else {
                    bail!(BAD_ARGUMENTS, "no closing quote in a format of time");
                };
                let text = if end == 0 { &b"'"[..] } else { &rest[1..=end] };
                pieces.extend(text.iter().map(|b| Piece::Text(*b)));
                end + 2
            }
            letter if letter.is_ascii_alphabetic() => {
                pieces.push(letter_piece(letter, width)?);
                width
            }
            b' ' => {
                pieces.push(Piece::Space);
                1
            }
            other => {
                pieces.push(Piece::Text(other));
                1
            }
        };
        rest = &rest[used..];
    }
    Ok(pieces)
}

fn letter_piece(letter: u8, width: usize) -> Result<Piece> {
    Ok(match letter {
        b'y' | b'Y' | b'x' if width == 2 => Piece::Number(Field::ShortYear, 2),
        b'y' | b'Y' | b'x' => Piece::Number(Field::Year, width.max(4)),
        b'M' if width > 2 => Piece::Month(if width == 3 { 3 } else { usize::MAX }),
        b'M' => Piece::Number(Field::Month, 2),
        b'd' => Piece::Number(Field::Day, 2),
        b'D' => Piece::Number(Field::DayOfYear, 3),
        b'E' => Piece::Weekday(if width <= 3 { 3 } else { usize::MAX }),
        b'a' => Piece::Half,
        b'H' | b'k' => Piece::Number(Field::Hour, 2),
        b'h' | b'K' => Piece::Number(Field::HalfHour, 2),
        b'm' => Piece::Number(Field::Minute, 2),
        b's' => Piece::Number(Field::Second, 2),
        b'S' => Piece::Number(Field::Fraction, 9),
        b'Z' => Piece::Offset,
        other => bail!(
            NOT_IMPLEMENTED,
            "the format letter '{}' is not supported for parsing",
            char::from(other)
        ),
    })
}

/// Reads up to `width` digits.
fn number(text: &[u8], width: usize) -> Option<(i64, &[u8])> {
    let len = text.iter().take(width).take_while(|b| b.is_ascii_digit()).count();
    let digits = std::str::from_utf8(&text[..len]).ok()?;
    Some((digits.parse().ok()?, &text[len..]))
}

/// The place of the name (or of its first `length` letters) that the text starts with.
fn name<'a>(text: &'a [u8], names: &[&str], length: usize) -> Option<(usize, &'a [u8])> {
    names.iter().enumerate().find_map(|(i, name)| {
        let name = &name.as_bytes()[..name.len().min(length)];
        let head = text.get(..name.len())?;
        head.eq_ignore_ascii_case(name).then(|| (i, &text[name.len()..]))
    })
}

fn offset(text: &[u8]) -> Option<(i64, &[u8])> {
    let (sign, rest) = match text.split_first()? {
        (b'+', rest) => (1, rest),
        (b'-', rest) => (-1, rest),
        (b'Z', rest) => return Some((0, rest)),
        _ => return None,
    };
    let (hours, rest) = number(rest, 2)?;
    let (minutes, rest) = number(rest.strip_prefix(b":").unwrap_or(rest), 2)?;
    Some((sign * (hours * 3600 + minutes * 60), rest))
}

/// Local or UTC seconds that the text means; `None` when it does not fit the pattern.
fn read(text: &[u8], pieces: &[Piece]) -> Option<Moment> {
    let (mut rest, mut m) = (text, Moment::default());
    for piece in pieces {
        match piece {
            Piece::Text(b) => rest = rest.strip_prefix(std::slice::from_ref(b))?,
            Piece::Space => {
                let spaces = rest.iter().take_while(|b| b.is_ascii_whitespace()).count();
                rest = &rest[spaces..];
            }
            Piece::Number(field, width) => {
                let (value, left) = number(rest, *width)?;
                set(&mut m, *field, value)?;
                rest = left;
            }
            Piece::Month(length) => {
                let (place, left) = name(rest, &MONTHS, *length)?;
                m.month = Some(place as i64 + 1);
                rest = left;
            }
            Piece::Weekday(length) => rest = name(rest, &WEEKDAYS, *length)?.1,
            Piece::Half => {
                let (place, left) = name(rest, &["AM", "PM"], 2)?;
                m.afternoon = Some(place == 1);
                rest = left;
            }
            Piece::Offset => {
                let (seconds, left) = offset(rest)?;
                m.offset = Some(seconds);
                rest = left;
            }
        }
    }
    rest.is_empty().then_some(m)
}

fn set(m: &mut Moment, field: Field, value: i64) -> Option<()> {
    let within = |low: i64, high: i64| (low..=high).contains(&value).then_some(value);
    match field {
        Field::Year => m.year = Some(within(1970, 2106)?),
        Field::ShortYear => m.year = Some(if value < 70 { 2000 + value } else { 1900 + value }),
        Field::Month => m.month = Some(within(1, 12)?),
        Field::Day => m.day = Some(within(1, 31)?),
        Field::DayOfYear => m.day_of_year = Some(within(1, 366)?),
        Field::Hour => m.hour = within(0, 23)?,
        Field::HalfHour => m.half_hour = Some(within(1, 12)?),
        Field::Minute => m.minute = within(0, 59)?,
        Field::Second => m.second = within(0, 59)?,
        Field::Fraction => {}
    }
    Some(())
}

impl Moment {
    /// Seconds since 1970-01-01 00:00:00 on the local clock.
    fn local(&self) -> Option<i64> {
        let year = self.year.unwrap_or(1970) as i32;
        let day = match self.day_of_year {
            Some(n) => days_from_civil(year, 1, 1) + n as i32 - 1,
            None => {
                let (month, day) = (self.month.unwrap_or(1) as u32, self.day.unwrap_or(1) as u32);
                if day > days_in_month(year, month) {
                    return None;
                }
                days_from_civil(year, month, day)
            }
        };
        let hour = match self.half_hour {
            Some(h) => h % 12 + if self.afternoon == Some(true) { 12 } else { 0 },
            None => self.hour,
        };
        Some(i64::from(day) * DAY_SECONDS + hour * 3600 + self.minute * 60 + self.second)
    }
}

fn bind(
    args: &[Arg],
    context: &BindContext,
    compile: fn(&[u8]) -> Result<Vec<Piece>>,
    failure: Failure,
) -> Result<BoundFunction> {
    arity(args, 2..=3)?;
    string(args, 0)?;
    string(args, 1)?;
    let tz = zone_arg(args, 2)?.unwrap_or(context.time_zone);
    let patterns = Compiled::new(args.get(1), compile)?;
    let plain = DataType::DateTime(Some(tz));
    let ty = if failure == Failure::Null { plain.nullable() } else { plain };
    let zone = zone(tz);
    Ok(BoundFunction::new(ty, move |columns, rows| {
        let s = Strs::of(&columns[0])?;
        let mut patterns = patterns.over(&columns[1])?;
        let (mut values, mut nulls) = (Vec::with_capacity(rows), vec![0u8; rows]);
        for (row, null) in nulls.iter_mut().enumerate() {
            let moment = read(s.get(row), patterns.get(row)?);
            let utc = moment.and_then(|m| {
                let local = m.local()?;
                Some(m.offset.map_or_else(|| zone.to_utc(local), |offset| local - offset))
            });
            match utc.and_then(|utc| u32::try_from(utc).ok()) {
                Some(seconds) => values.push(seconds),
                None if failure == Failure::Error => {
                    return Err(Error::new(
                        Code::CANNOT_PARSE_DATETIME,
                        format!(
                            "'{}' does not fit the format of time",
                            String::from_utf8_lossy(s.get(row))
                        ),
                    ));
                }
                None => {
                    values.push(0);
                    *null = 1;
                }
            }
        }
        let values = Flat::native(values);
        Ok(Column::Flat(match failure {
            Failure::Null => Flat::nullable(nulls, values)?,
            _ => values,
        }))
    }))
}
