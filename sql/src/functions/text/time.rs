//! Dates and times as text: writing.
//!
//! Invariant: times print in the local time of their zone, with all digits of their precision.

use super::TimeText;
use super::number::write_integer;
use crate::functions::zones::{DAY_SECONDS, Zone, civil_from_days};

const PAIRS: &[u8; 200] = b"0001020304050607080910111213141516171819\
2021222324252627282930313233343536373839\
4041424344454647484950515253545556575859\
6061626364656667686970717273747576777879\
8081828384858687888990919293949596979899";

#[inline]
fn pair(n: u32) -> [u8; 2] {
    let at = (n % 100) as usize * 2;
    [PAIRS[at], PAIRS[at + 1]]
}

/// Appends `YYYY-MM-DD`.
#[inline]
pub fn write_date(days: i32, out: &mut Vec<u8>) {
    let (year, month, day) = civil_from_days(days);
    let year = year.clamp(0, 9999) as u32;
    let ([a, b], [c, d]) = (pair(year / 100), pair(year));
    let ([e, f], [g, h]) = (pair(month), pair(day));
    out.extend_from_slice(&[a, b, c, d, b'-', e, f, b'-', g, h]);
}

/// Appends `hh:mm:ss` of a second of the day.
#[inline]
pub fn write_time_of_day(seconds: u32, out: &mut Vec<u8>) {
    let ([a, b], [c, d], [e, f]) = (
        pair(seconds / 3600),
        pair(seconds / 60 % 60),
        pair(seconds % 60),
    );
    out.extend_from_slice(&[a, b, b':', c, d, b':', e, f]);
}

fn write_local(local: i64, separator: u8, out: &mut Vec<u8>) {
    write_date(local.div_euclid(DAY_SECONDS) as i32, out);
    out.push(separator);
    write_time_of_day(local.rem_euclid(DAY_SECONDS) as u32, out);
}

/// Appends an instant in seconds.
#[inline]
pub fn write_date_time(utc: i64, zone: &Zone, text: TimeText, out: &mut Vec<u8>) {
    match text {
        TimeText::Simple => write_local(zone.to_local(utc), b' ', out),
        TimeText::Iso => {
            write_local(utc, b'T', out);
            out.push(b'Z');
        }
        TimeText::Unix => write_integer(utc, out),
    }
}

/// Appends an instant in ticks of 10^-precision seconds.
pub fn write_date_time64(
    ticks: i64,
    precision: u8,
    zone: &Zone,
    text: TimeText,
    out: &mut Vec<u8>,
) {
    let scale = 10i64.pow(u32::from(precision.min(9)));
    let (seconds, fraction) = match text {
        // As a decimal number: truncated towards zero, the sign apart.
        TimeText::Unix if ticks < 0 => {
            out.push(b'-');
            (ticks / scale, (ticks % scale).abs())
        }
        _ => (ticks.div_euclid(scale), ticks.rem_euclid(scale)),
    };
    match text {
        TimeText::Simple => write_local(zone.to_local(seconds), b' ', out),
        TimeText::Iso => write_local(seconds, b'T', out),
        TimeText::Unix => write_integer(seconds.unsigned_abs(), out),
    }
    if precision > 0 {
        out.push(b'.');
        let mut buffer = itoa::Buffer::new();
        let digits = buffer.format(fraction);
        out.resize(out.len() + usize::from(precision) - digits.len(), b'0');
        out.extend_from_slice(digits.as_bytes());
    }
    if text == TimeText::Iso {
        out.push(b'Z');
    }
}
