//! Dates and times from text, in ClickHouse's basic spelling or its best effort.
//!
//! Invariant: each reader takes a prefix and says how much it took.

use roost_engine::bail;
use roost_engine::error::Result;

use super::best_effort::{self, Moment};
use super::parse_number::clip;
use crate::functions::zones::{DAY_SECONDS, Zone, days_from_civil};

fn digits(text: &[u8], at: usize, count: usize) -> Option<u32> {
    let run = text.get(at..at + count)?;
    run.iter().try_fold(0u32, |n, b| {
        let digit = b.wrapping_sub(b'0');
        (digit < 10).then(|| n * 10 + u32::from(digit))
    })
}

fn day_number(year: u32, month: u32, day: u32) -> i32 {
    match (1..=12).contains(&month) && (1..=31).contains(&day) {
        true => days_from_civil(year as i32, month, day),
        false => 0,
    }
}

/// Reads `YYYY-MM-DD` (any separator, one digit will do) or `YYYYMMDD` as a day number.
pub fn date(text: &[u8]) -> Result<(i32, usize)> {
    let broken = || {
        roost_engine::err!(
            CANNOT_PARSE_DATE,
            "Cannot parse date: expected a date in the YYYY-MM-DD or YYYYMMDD format, found '{}'",
            clip(text)
        )
    };
    let year = digits(text, 0, 4).ok_or_else(broken)?;
    if text.get(4).is_some_and(u8::is_ascii_digit) {
        let month = digits(text, 4, 2).ok_or_else(broken)?;
        let day = digits(text, 6, 2).ok_or_else(broken)?;
        return Ok((day_number(year, month, day), 8));
    }
    let (month, at) = one_or_two(text, 5).ok_or_else(broken)?;
    if text.get(at).is_none_or(u8::is_ascii_digit) {
        return Err(broken());
    }
    let (day, end) = one_or_two(text, at + 1).ok_or_else(broken)?;
    Ok((day_number(year, month, day), end))
}

fn one_or_two(text: &[u8], at: usize) -> Option<(u32, usize)> {
    digits(text, at, 2)
        .map(|n| (n, at + 2))
        .or_else(|| digits(text, at, 1).map(|n| (n, at + 1)))
}

/// Whether `text` is the time of day that CAST to Date overlooks after a date.
pub fn is_time_of_day(text: &[u8]) -> bool {
    let clock = matches!(text.first(), Some(b' ' | b'T'))
        && digits(text, 1, 2).is_some()
        && text.get(3) == Some(&b':')
        && digits(text, 4, 2).is_some()
        && text.get(6) == Some(&b':')
        && digits(text, 7, 2).is_some();
    let rest = text.get(9..).unwrap_or_default();
    clock && (rest.is_empty() || rest[0] == b'.' && rest[1..].iter().all(u8::is_ascii_digit))
}

/// Reads an instant: seconds since the epoch and a fraction in nanoseconds.
pub fn instant(text: &[u8], zone: &Zone, best: bool, fraction: bool) -> Result<(Moment, usize)> {
    if let Some(found) = plain(text, zone, fraction) {
        return Ok(found);
    }
    if best {
        let moment = best_effort::parse(text, zone, best_effort::Order::DayFirst, fraction)?;
        return Ok((moment, text.len()));
    }
    basic(text, zone, fraction)
}

/// `YYYY-MM-DD hh:mm:ss[.fraction]` and nothing after: almost every time there is.
fn plain(text: &[u8], zone: &Zone, fraction: bool) -> Option<(Moment, usize)> {
    if text.len() < 19 || text[4] != b'-' || text[7] != b'-' || !matches!(text[10], b' ' | b'T') {
        return None;
    }
    let (year, month, day) = (
        digits(text, 0, 4)?,
        digits(text, 5, 2)?,
        digits(text, 8, 2)?,
    );
    let (h, m, s) = (
        digits(text, 11, 2)?,
        digits(text, 14, 2)?,
        digits(text, 17, 2)?,
    );
    let fits = text[13] == b':' && text[16] == b':' && h < 24 && m < 60 && s < 60;
    let length = crate::functions::zones::days_in_month(year as i32, month);
    if !fits || !(1..=12).contains(&month) || !(1..=length).contains(&day) {
        return None;
    }
    let (nanos, end) = match text.get(19) {
        None => (0, 19),
        Some(b'.') if fraction => fraction_nanos(text, 20),
        Some(_) => return None,
    };
    if end != text.len() {
        return None;
    }
    let local = i64::from(days_from_civil(year as i32, month, day)) * DAY_SECONDS
        + i64::from(h * 3600 + m * 60 + s);
    Some((
        Moment {
            seconds: zone.to_utc(local),
            nanos,
            negative: false,
        },
        end,
    ))
}

/// Digits of a fraction from `at` on, as nanoseconds; more than nine are cut off.
pub(super) fn fraction_nanos(text: &[u8], at: usize) -> (u32, usize) {
    let (mut nanos, mut end) = (0u32, at);
    let mut unit = 100_000_000u32;
    while let Some(digit) = text
        .get(end)
        .map(|b| b.wrapping_sub(b'0'))
        .filter(|d| *d < 10)
    {
        nanos += unit * u32::from(digit);
        unit /= 10;
        end += 1;
    }
    (nanos, end)
}

/// ClickHouse's basic mode: `YYYY-MM-DD[ hh:mm:ss]` or seconds since the epoch.
fn basic(text: &[u8], zone: &Zone, fraction: bool) -> Result<(Moment, usize)> {
    let separated =
        text.get(4).is_some_and(|b| !b.is_ascii_digit()) && digits(text, 0, 4).is_some();
    if separated {
        let (days, mut at) = date(text).map_err(|_| {
            roost_engine::err!(
                CANNOT_PARSE_DATETIME,
                "Cannot parse DateTime '{}'",
                clip(text)
            )
        })?;
        let mut local = i64::from(days) * DAY_SECONDS;
        if matches!(text.get(at), Some(b' ' | b'T')) {
            let clock = digits(text, at + 1, 2)
                .zip(digits(text, at + 4, 2))
                .zip(digits(text, at + 7, 2));
            let Some(((h, m), s)) = clock else {
                bail!(
                    CANNOT_PARSE_DATETIME,
                    "Cannot parse time component of DateTime '{}'",
                    clip(text)
                );
            };
            local += i64::from(h) * 3600 + i64::from(m) * 60 + i64::from(s);
            at += 9;
        }
        let (nanos, at) = match text.get(at) {
            Some(b'.') if fraction => fraction_nanos(text, at + 1),
            _ => (0, at),
        };
        return Ok((
            Moment {
                seconds: zone.to_utc(local),
                nanos,
                negative: false,
            },
            at,
        ));
    }
    let negative = text.first() == Some(&b'-');
    let (seconds, at) = super::parse_number::integer(text, true, "DateTime").map_err(|_| {
        roost_engine::err!(
            CANNOT_PARSE_DATETIME,
            "Cannot parse DateTime '{}'",
            clip(text)
        )
    })?;
    let (nanos, at) = match text.get(at) {
        Some(b'.') if fraction => fraction_nanos(text, at + 1),
        _ => (0, at),
    };
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    Ok((
        Moment {
            seconds,
            nanos,
            negative,
        },
        at,
    ))
}
