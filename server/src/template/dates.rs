//! Differences of dates given as text.
//!
//! Invariant: calendar arithmetic is checked; a date that does not exist is an error.

use super::functions::Args;
use super::value::Value;
use super::{Result, TemplateError};

/// `day_diff`, `date_diff_in_days`, `…_hours`, `…_minutes`, `…_seconds`.
pub(super) fn call(args: &Args<'_>) -> Result<Value> {
    let (a, b) = (args.get(0, "d0"), args.get(1, "d1"));
    let is_day_diff = args.function == "day_diff";
    let (default, backup, quiet) = if is_day_diff {
        (Value::None, Value::None, Value::None)
    } else {
        (
            args.get(3, "default"),
            args.get(4, "backup_date_format"),
            args.get(5, "none_if_error"),
        )
    };
    if matches!(a, Value::Placeholder) || matches!(b, Value::Placeholder) {
        let zero = Value::Int(0);
        return Ok(if default.truthy() { default } else { zero });
    }
    let (usual, unit) = match args.function {
        "date_diff_in_hours" => ("%Y-%m-%d %H:%M:%S", 3600),
        "date_diff_in_minutes" => ("%Y-%m-%d %H:%M:%S", 60),
        "date_diff_in_seconds" => ("%Y-%m-%d %H:%M:%S", 1),
        _ => ("%Y-%m-%d", 86400),
    };
    let given = if is_day_diff {
        Value::None
    } else {
        args.get(2, "date_format")
    };
    let format = given.as_text().unwrap_or(usual);
    let read = |value: &Value| -> Option<i128> {
        let text = value.as_text()?;
        micros(text, format).or_else(|| micros(text, backup.as_text()?))
    };
    match (read(&a), read(&b)) {
        (Some(a), Some(b)) => Ok(Value::Int((a - b).abs() / 1_000_000 / unit)),
        _ if quiet.truthy() => Ok(Value::None),
        _ => Err(TemplateError::syntax(message(args.function))),
    }
}

fn message(function: &str) -> String {
    match function {
        "day_diff" => "invalid date format in function `day_diff`, it must be ISO format date \
                       YYYY-MM-DD, e.g. 2018-09-26. For other fotmats, try `date_diff_in_days`"
            .to_owned(),
        "date_diff_in_days" => "invalid date format in function `date_diff_in_days`, it must be \
                                ISO format date YYYY-MM-DD, e.g. 2018-09-26"
            .to_owned(),
        other => format!(
            "invalid date_format in function `{other}`, defaults to YYYY-MM-DD hh:mm:ss. Or \
             %Y-%m-%d %H:%M:%S [.ssssss]Z, e.g. ms: 2022-12-19T18:42:22.591Z \
             s:2022-12-19T18:42:22Z"
        ),
    }
}

/// Microseconds since 1970 of `text` read as strptime reads it.
fn micros(text: &str, format: &str) -> Option<i128> {
    let mut rest = text;
    let (mut year, mut month, mut day) = (1900i64, 1i64, 1i64);
    let (mut hour, mut minute, mut second, mut micro) = (0i64, 0i64, 0i64, 0i64);
    let mut offset = 0i64;
    let mut format = format.chars();
    while let Some(f) = format.next() {
        if f.is_whitespace() {
            let trimmed = rest.trim_start();
            if trimmed.len() == rest.len() {
                return None;
            }
            rest = trimmed;
            continue;
        }
        if f != '%' {
            let c = rest.chars().next()?;
            if !c.to_lowercase().eq(f.to_lowercase()) {
                return None;
            }
            rest = &rest[c.len_utf8()..];
            continue;
        }
        match format.next()? {
            'Y' => year = digits(&mut rest, 4, 4)?,
            'y' => {
                let short = digits(&mut rest, 2, 2)?;
                year = if short < 69 { 2000 } else { 1900 } + short;
            }
            'm' => month = digits(&mut rest, 1, 2)?,
            'd' => day = digits(&mut rest, 1, 2)?,
            'H' => hour = digits(&mut rest, 1, 2)?,
            'M' => minute = digits(&mut rest, 1, 2)?,
            'S' => second = digits(&mut rest, 1, 2)?,
            'f' => {
                let before = rest.len();
                micro = digits(&mut rest, 1, 6)?;
                for _ in (before - rest.len())..6 {
                    micro *= 10;
                }
            }
            'z' => offset = zone(&mut rest)?,
            '%' => rest = rest.strip_prefix('%')?,
            _ => return None,
        }
    }
    let valid = rest.is_empty()
        && (1..=12).contains(&month)
        && (1..=days_in(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 62;
    if !valid {
        return None;
    }
    let seconds = days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset;
    Some(i128::from(seconds) * 1_000_000 + i128::from(micro))
}

/// `least` to `most` digits from the front of `rest`.
fn digits(rest: &mut &str, least: usize, most: usize) -> Option<i64> {
    let count = rest
        .bytes()
        .take(most)
        .take_while(u8::is_ascii_digit)
        .count();
    if count < least {
        return None;
    }
    let value = rest[..count].parse().ok();
    *rest = &rest[count..];
    value
}

/// `Z`, `+hhmm` or `+hh:mm`, in seconds.
fn zone(rest: &mut &str) -> Option<i64> {
    if let Some(after) = rest.strip_prefix('Z') {
        *rest = after;
        return Some(0);
    }
    let sign = match rest.chars().next()? {
        '+' => 1,
        '-' => -1,
        _ => return None,
    };
    *rest = &rest[1..];
    let hours = digits(rest, 2, 2)?;
    *rest = rest.strip_prefix(':').unwrap_or(rest);
    let minutes = digits(rest, 2, 2)?;
    Some(sign * (hours * 3600 + minutes * 60))
}

fn days_in(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let year_of_era = y.rem_euclid(400);
    let shifted = (month + 9) % 12;
    let day_of_year = (153 * shifted + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}
