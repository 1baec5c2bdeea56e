//! parseDateTime: times by a pattern, MySQL's or Joda's.
//!
//! Invariant: pattern and text end together, or the text is no time.

use roost_engine::bail;
use roost_engine::error::{Error, Result};
use roost_engine::types::{DataType, Value};

use super::times::{Or, times, zone_argument};
use crate::functions::library::kit::{arity, f};
use crate::functions::text::best_effort::Moment;
use crate::functions::zones::{DAY_SECONDS, Zone, days_from_civil, days_in_month, zone};
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const CATEGORY: &str = "date and time";

macro_rules! pattern {
    ($syntax:literal, $text:literal, $example:expr, $joda:literal, $wide:literal, $or:ident) => {
        f(CATEGORY, $syntax, $text, $example, |a, c| {
            bind(a, c, $joda, $wide, Or::$or)
        })
    };
}

/// Records.
pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    pattern!(
        "parseDateTime(text, pattern[, zone])",
        "Reads a time by a pattern of MySQL.",
        (
            "parseDateTime('2021-01-04+23:00:00', '%Y-%m-%d+%H:%i:%s')",
            "2021-01-04 23:00:00"
        ),
        false,
        false,
        Fail
    )
    .also(&["str_to_date"]),
    pattern!(
        "parseDateTimeOrNull(text, pattern[, zone])",
        "Reads a time by a pattern of MySQL; NULL for other texts.",
        ("parseDateTimeOrNull('x', '%Y')", "\\N"),
        false,
        false,
        Null
    ),
    pattern!(
        "parseDateTimeOrZero(text, pattern[, zone])",
        "Reads a time by a pattern of MySQL; the epoch for other texts.",
        ("parseDateTimeOrZero('x', '%Y')", "1970-01-01 00:00:00"),
        false,
        false,
        Zero
    ),
    pattern!(
        "parseDateTime64(text, pattern[, zone])",
        "Reads a time with microseconds by a pattern of MySQL.",
        (
            "parseDateTime64('2021-01-04 23:00:00.5', '%Y-%m-%d %H:%i:%s.%f')",
            "2021-01-04 23:00:00.500000"
        ),
        false,
        true,
        Fail
    ),
    pattern!(
        "parseDateTimeInJodaSyntax(text, pattern[, zone])",
        "Reads a time by a pattern of Joda.",
        (
            "parseDateTimeInJodaSyntax('2023-02-24 14:53:31', 'yyyy-MM-dd HH:mm:ss')",
            "2023-02-24 14:53:31"
        ),
        true,
        false,
        Fail
    ),
    pattern!(
        "parseDateTimeInJodaSyntaxOrNull(text, pattern[, zone])",
        "Reads a time by a pattern of Joda; NULL for other texts.",
        ("parseDateTimeInJodaSyntaxOrNull('x', 'yyyy')", "\\N"),
        true,
        false,
        Null
    ),
    pattern!(
        "parseDateTimeInJodaSyntaxOrZero(text, pattern[, zone])",
        "Reads a time by a pattern of Joda; the epoch for other texts.",
        (
            "parseDateTimeInJodaSyntaxOrZero('x', 'yyyy')",
            "1970-01-01 00:00:00"
        ),
        true,
        false,
        Zero
    ),
];

/// One piece of a pattern.
#[derive(Debug, Clone, PartialEq)]
enum Piece {
    Literal(u8),
    Year,
    ShortYear,
    Month,
    MonthName { full: bool },
    Weekday,
    Day,
    DayOfYear,
    Hour24,
    Hour12,
    Minute,
    Second,
    Fraction,
    HalfDay,
    Offset,
}

fn bind(
    args: &[Arg],
    context: &BindContext,
    joda: bool,
    wide: bool,
    or: Or,
) -> Result<BoundFunction> {
    arity(args, 2..=3)?;
    let pattern = match (&args[0].ty, &args[1].constant) {
        (ty, _) if !ty.is_string() => {
            bail!(
                ILLEGAL_TYPE_OF_ARGUMENT,
                "Illegal type {ty} of first argument of parseDateTime, expected String"
            )
        }
        (_, Some(Value::Bytes(pattern))) => pattern,
        _ => bail!(
            ILLEGAL_COLUMN,
            "the pattern of parseDateTime must be a constant string"
        ),
    };
    let pieces = if joda {
        joda_pieces(pattern)?
    } else {
        mysql_pieces(pattern)?
    };
    let tz = zone_argument(args, 2)?.unwrap_or(context.time_zone);
    let ty = if wide {
        DataType::DateTime64(6, Some(tz))
    } else {
        DataType::DateTime(Some(tz))
    };
    let precision = wide.then_some(6);
    Ok(times(ty, zone(tz), precision, or, move |text, zone| {
        read(&pieces, text, zone)
    }))
}

fn mysql_pieces(pattern: &[u8]) -> Result<Vec<Piece>> {
    let mut out = Vec::new();
    let mut bytes = pattern.iter();
    while let Some(&byte) = bytes.next() {
        if byte != b'%' {
            out.push(Piece::Literal(byte));
            continue;
        }
        let piece: &[Piece] = match bytes.next() {
            Some(b'Y') => &[Piece::Year],
            Some(b'y') => &[Piece::ShortYear],
            Some(b'm' | b'c') => &[Piece::Month],
            Some(b'M') => &[Piece::MonthName { full: true }],
            Some(b'b') => &[Piece::MonthName { full: false }],
            Some(b'a' | b'W') => &[Piece::Weekday],
            Some(b'd' | b'e') => &[Piece::Day],
            Some(b'j') => &[Piece::DayOfYear],
            Some(b'H' | b'k') => &[Piece::Hour24],
            Some(b'h' | b'I' | b'l') => &[Piece::Hour12],
            Some(b'i') => &[Piece::Minute],
            Some(b's' | b'S') => &[Piece::Second],
            Some(b'f') => &[Piece::Fraction],
            Some(b'p') => &[Piece::HalfDay],
            Some(b'z') => &[Piece::Offset],
            Some(b'%') => &[Piece::Literal(b'%')],
            Some(b'n') => &[Piece::Literal(b'\n')],
            Some(b't') => &[Piece::Literal(b'\t')],
            Some(b'T') => &[
                Piece::Hour24,
                Piece::Literal(b':'),
                Piece::Minute,
                Piece::Literal(b':'),
                Piece::Second,
            ],
            Some(b'R') => &[Piece::Hour24, Piece::Literal(b':'), Piece::Minute],
            Some(b'F') => &[
                Piece::Year,
                Piece::Literal(b'-'),
                Piece::Month,
                Piece::Literal(b'-'),
                Piece::Day,
            ],
            Some(b'D') => &[
                Piece::Month,
                Piece::Literal(b'/'),
                Piece::Day,
                Piece::Literal(b'/'),
                Piece::ShortYear,
            ],
            Some(&other) => bail!(
                NOT_IMPLEMENTED,
                "format '%{}' of parseDateTime is not supported",
                char::from(other)
            ),
            None => bail!(
                BAD_ARGUMENTS,
                "Trailing '%' in the pattern of parseDateTime"
            ),
        };
        out.extend_from_slice(piece);
    }
    Ok(out)
}

fn joda_pieces(pattern: &[u8]) -> Result<Vec<Piece>> {
    let (mut out, mut at) = (Vec::new(), 0);
    while let Some(&byte) = pattern.get(at) {
        let run = pattern[at..].iter().take_while(|b| **b == byte).count();
        if byte == b'\'' {
            let rest = &pattern[at + 1..];
            let end = rest.iter().position(|b| *b == b'\'');
            let end = end.ok_or_else(|| {
                roost_engine::err!(BAD_ARGUMENTS, "No closing single quote in the pattern")
            })?;
            match end {
                0 => out.push(Piece::Literal(b'\'')),
                _ => out.extend(rest[..end].iter().map(|b| Piece::Literal(*b))),
            }
            at += end + 2;
            continue;
        }
        let piece = match byte {
            b'y' | b'Y' if run == 2 => Piece::ShortYear,
            b'y' | b'Y' => Piece::Year,
            b'M' if run >= 4 => Piece::MonthName { full: true },
            b'M' if run == 3 => Piece::MonthName { full: false },
            b'M' => Piece::Month,
            b'd' => Piece::Day,
            b'D' => Piece::DayOfYear,
            b'E' => Piece::Weekday,
            b'H' => Piece::Hour24,
            b'h' | b'K' => Piece::Hour12,
            b'm' => Piece::Minute,
            b's' => Piece::Second,
            b'S' => Piece::Fraction,
            b'a' => Piece::HalfDay,
            b'Z' => Piece::Offset,
            b if b.is_ascii_alphabetic() => {
                bail!(
                    NOT_IMPLEMENTED,
                    "format '{}' of parseDateTimeInJodaSyntax is not supported",
                    char::from(b)
                )
            }
            b => {
                out.extend(std::iter::repeat_n(Piece::Literal(b), run));
                at += run;
                continue;
            }
        };
        out.push(piece);
        at += run;
    }
    Ok(out)
}

struct Fields {
    year: u32,
    month: u32,
    day: u32,
    day_of_year: Option<u32>,
    hour: u32,
    minute: u32,
    second: u32,
    nanos: u32,
    half: Option<bool>,
    offset: Option<i64>,
}

fn broken(text: &[u8]) -> Error {
    roost_engine::err!(
        CANNOT_PARSE_DATETIME,
        "Cannot parse '{}' by the pattern",
        String::from_utf8_lossy(text)
    )
}

fn read(pieces: &[Piece], text: &[u8], zone: &Zone) -> Result<Moment> {
    let mut fields = Fields {
        year: 1970,
        month: 1,
        day: 1,
        day_of_year: None,
        hour: 0,
        minute: 0,
        second: 0,
        nanos: 0,
        half: None,
        offset: None,
    };
    let mut at = 0;
    for piece in pieces {
        at = take(piece, text, at, &mut fields).ok_or_else(|| broken(text))?;
    }
    match at == text.len() {
        true => fields.finish(zone).ok_or_else(|| broken(text)),
        false => Err(broken(text)),
    }
}

/// Up to `most` digits at `at`.
fn number(
    text: &[u8],
    at: usize,
    most: usize,
    range: std::ops::RangeInclusive<u32>,
) -> Option<(u32, usize)> {
    let digits = text
        .get(at..)?
        .iter()
        .take(most)
        .take_while(|b| b.is_ascii_digit())
        .count();
    let value = text[at..at + digits]
        .iter()
        .fold(0u32, |n, b| n * 10 + u32::from(b - b'0'));
    (digits > 0 && range.contains(&value)).then_some((value, at + digits))
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const WEEKDAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

/// The word of the list that stands at `at`: in full, or its first three letters.
fn word(text: &[u8], at: usize, words: &[&str], full: bool) -> Option<(usize, usize)> {
    let rest = text.get(at..)?;
    let starts = |w: &str| {
        rest.get(..w.len())
            .is_some_and(|t| t.eq_ignore_ascii_case(w.as_bytes()))
    };
    let place = words
        .iter()
        .position(|w| starts(if full { w } else { &w[..3] }))?;
    let length = if full || starts(words[place]) && words.len() == 7 {
        words[place].len()
    } else {
        3
    };
    Some((place, at + length))
}

fn take(piece: &Piece, text: &[u8], at: usize, fields: &mut Fields) -> Option<usize> {
    macro_rules! field {
        ($name:ident, $most:literal, $range:expr) => {{
            let (value, end) = number(text, at, $most, $range)?;
            fields.$name = value;
            Some(end)
        }};
    }
    match piece {
        Piece::Literal(byte) => (text.get(at) == Some(byte)).then_some(at + 1),
        Piece::Year => field!(year, 4, 0..=9999),
        Piece::ShortYear => {
            let (value, end) = number(text, at, 2, 0..=99)?;
            fields.year = if value >= 70 {
                1900 + value
            } else {
                2000 + value
            };
            Some(end)
        }
        Piece::Month => field!(month, 2, 1..=12),
        Piece::MonthName { full } => {
            let (place, end) = word(text, at, &MONTHS, *full)?;
            fields.month = place as u32 + 1;
            Some(end)
        }
        Piece::Weekday => word(text, at, &WEEKDAYS, false).map(|w| w.1),
        Piece::Day => {
            // A day of one digit may be padded with a space.
            let at = at + usize::from(text.get(at) == Some(&b' '));
            let (value, end) = number(text, at, 2, 1..=31)?;
            fields.day = value;
            Some(end)
        }
        Piece::DayOfYear => {
            let (value, end) = number(text, at, 3, 1..=366)?;
            fields.day_of_year = Some(value);
            Some(end)
        }
        Piece::Hour24 => field!(hour, 2, 0..=23),
        Piece::Hour12 => {
            let (value, end) = number(text, at, 2, 0..=12)?;
            fields.hour = value % 12;
            fields.half = fields.half.or(Some(false));
            Some(end)
        }
        Piece::Minute => field!(minute, 2, 0..=59),
        Piece::Second => field!(second, 2, 0..=59),
        Piece::Fraction => {
            let digits = text
                .get(at..)?
                .iter()
                .take(9)
                .take_while(|b| b.is_ascii_digit())
                .count();
            let (value, end) = number(text, at, 9, 0..=999_999_999)?;
            fields.nanos = value * 10u32.pow(9 - digits as u32);
            Some(end)
        }
        Piece::HalfDay => {
            let pm = match text.get(at..at + 2)?.to_ascii_lowercase().as_slice() {
                b"am" => false,
                b"pm" => true,
                _ => return None,
            };
            fields.half = Some(pm);
            Some(at + 2)
        }
        Piece::Offset => {
            let sign = match text.get(at)? {
                b'+' => 1,
                b'-' => -1,
                _ => return None,
            };
            let (hours, at) = number(text, at + 1, 2, 0..=23)?;
            let at = at + usize::from(text.get(at) == Some(&b':'));
            let (minutes, at) = number(text, at, 2, 0..=59)?;
            fields.offset = Some(sign * i64::from(hours * 3600 + minutes * 60));
            Some(at)
        }
    }
}

impl Fields {
    fn finish(self, zone: &Zone) -> Option<Moment> {
        let days = match self.day_of_year {
            Some(day) => days_from_civil(self.year as i32, 1, 1) + day as i32 - 1,
            None if self.day <= days_in_month(self.year as i32, self.month) => {
                days_from_civil(self.year as i32, self.month, self.day)
            }
            None => return None,
        };
        let hour = match self.half {
            Some(pm) => self.hour % 12 + if pm { 12 } else { 0 },
            None => self.hour,
        };
        let local =
            i64::from(days) * DAY_SECONDS + i64::from(hour * 3600 + self.minute * 60 + self.second);
        let seconds = match self.offset {
            Some(offset) => local - offset,
            None => zone.to_utc(local),
        };
        Some(Moment {
            seconds,
            nanos: self.nanos,
            negative: false,
        })
    }
}
