//! `formatDateTimeInJodaSyntax`: letters repeated for their width.
//!
//! Invariant: letters without a meaning are errors; quoted text stands for itself.

use roost_engine::bail;
use roost_engine::error::Result;

use super::super::kit::{arity, f};
use super::clock::Clock;
use super::format::{Fields, Piece, digits, formatted, literal};
use super::week::{iso_week, weekday};
use crate::functions::ScalarFunction;

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[f(
    "date and time",
    "formatDateTimeInJodaSyntax(time, format[, zone])",
    "The time as text after a pattern of letters: `yyyy-MM-dd HH:mm:ss`.",
    ("formatDateTimeInJodaSyntax(toDate('2024-03-05'), 'dd.MM.yyyy')", "05.03.2024"),
    |args, context| {
        arity(args, 2..=3)?;
        let clock = Clock::of(args, 0, 2, context)?;
        formatted(args, clock, parse)
    },
)];

/// Compiles Joda's letters.
pub(crate) fn parse(pattern: &[u8]) -> Result<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut rest = pattern;
    while let Some(&first) = rest.first() {
        let used = match first {
            b'\'' => {
                let (text, used) = quoted(rest)?;
                pieces.push(literal(text));
                used
            }
            letter if letter.is_ascii_alphabetic() => {
                let width = rest.iter().take_while(|b| **b == letter).count();
                pieces.push(field(letter, width)?);
                width
            }
            other => {
                pieces.push(literal(vec![other]));
                1
            }
        };
        rest = &rest[used..];
    }
    Ok(pieces)
}

/// The text between quotes, and how much was read; two quotes are one.
fn quoted(rest: &[u8]) -> Result<(Vec<u8>, usize)> {
    if rest.get(1) == Some(&b'\'') {
        return Ok((vec![b'\''], 2));
    }
    let (mut text, mut at) = (Vec::new(), 1);
    loop {
        match (rest.get(at), rest.get(at + 1)) {
            (Some(b'\''), Some(b'\'')) => {
                text.push(b'\'');
                at += 2;
            }
            (Some(b'\''), _) => return Ok((text, at + 1)),
            (Some(b), _) => {
                text.push(*b);
                at += 1;
            }
            (None, _) => bail!(BAD_ARGUMENTS, "no closing quote in a format of time"),
        }
    }
}

fn number(width: usize, value: fn(&Fields) -> i64) -> Piece {
    Box::new(move |f, out| digits(value(f), width, out))
}

fn year(width: usize, value: fn(&Fields) -> i64) -> Piece {
    match width {
        2 => Box::new(move |f, out| digits(value(f).rem_euclid(100), 2, out)),
        _ => number(width, value),
    }
}

fn word(long: bool, value: fn(&Fields) -> &'static str) -> Piece {
    Box::new(move |f, out| {
        let word = value(f).as_bytes();
        out.extend_from_slice(if long { word } else { &word[..word.len().min(3)] });
    })
}

fn field(letter: u8, width: usize) -> Result<Piece> {
    Ok(match letter {
        b'G' => word(false, |f| if f.year > 0 { "AD" } else { "BC" }),
        b'C' => number(width, |f| i64::from(f.year) / 100),
        b'y' | b'Y' => year(width, |f| f.year.into()),
        b'x' => year(width, |f| iso_week(f.number).0.into()),
        b'w' => number(width, |f| iso_week(f.number).1.into()),
        b'e' => number(width, |f| i64::from(weekday(f.number)) + 1),
        b'E' => word(width > 3, Fields::weekday_name),
        b'D' => number(width, |f| f.day_of_year().into()),
        b'M' if width > 2 => word(width > 3, Fields::month_name),
        b'M' => number(width, |f| f.month.into()),
        b'd' => number(width, |f| f.day.into()),
        b'a' => word(true, Fields::half),
        b'K' => number(width, |f| f.hour() % 12),
        b'h' => number(width, Fields::hour12),
        b'H' => number(width, Fields::hour),
        b'k' => number(width, |f| if f.hour() == 0 { 24 } else { f.hour() }),
        b'm' => number(width, Fields::minute),
        b's' => number(width, |f| f.second % 60),
        b'S' => Box::new(move |f, out| {
            let mut text = Vec::with_capacity(9);
            digits(f.nanos, 9, &mut text);
            text.resize(width.max(9), b'0');
            out.extend_from_slice(&text[..width]);
        }),
        b'z' if width > 3 => Box::new(|f, out| out.extend_from_slice(f.zone.as_bytes())),
        other => bail!(
            NOT_IMPLEMENTED,
            "the format letter '{}' is not supported",
            char::from(other)
        ),
    })
}
