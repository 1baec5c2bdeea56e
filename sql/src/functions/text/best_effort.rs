//! Times in almost any spelling, as `parseDateTimeBestEffort` reads them.
//!
//! Invariant: the whole text is read or an error says what was unexpected.

use roost_engine::bail;
use roost_engine::clock::{Clock, SystemClock};
use roost_engine::error::Result;

use super::parse_number::clip;
use super::parse_time::fraction_nanos;
use crate::functions::zones::{DAY_SECONDS, Zone, civil_from_days, days_from_civil, days_in_month};

/// An instant as read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Whole seconds since the epoch.
    pub seconds: i64,
    /// The fraction.
    pub nanos: u32,
    /// Whether a minus stood before a number of seconds: the fraction then counts down.
    pub negative: bool,
}

impl Moment {
    /// Ticks of 10^-precision seconds; `None` when they do not fit.
    pub fn ticks(self, precision: u8) -> Option<i64> {
        let scale = 10i64.pow(u32::from(precision.min(9)));
        let fraction = i64::from(self.nanos) / 10i64.pow(9 - u32::from(precision.min(9)));
        let whole = self.seconds.checked_mul(scale)?;
        if self.negative {
            whole.checked_sub(fraction)
        } else {
            whole.checked_add(fraction)
        }
    }
}

/// Which of two short numbers is the month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// `31/01/2024`.
    DayFirst,
    /// `01/31/2024`.
    MonthFirst,
}

const MONTHS: [&[u8]; 12] = [
    b"january",
    b"february",
    b"march",
    b"april",
    b"may",
    b"june",
    b"july",
    b"august",
    b"september",
    b"october",
    b"november",
    b"december",
];
const WEEKDAYS: [&[u8]; 7] = [
    b"monday",
    b"tuesday",
    b"wednesday",
    b"thursday",
    b"friday",
    b"saturday",
    b"sunday",
];

#[derive(Default)]
struct Parts {
    year: u32,
    month: u32,
    day: u32,
    hour: u32,
    minute: u32,
    second: u32,
    nanos: u32,
    has_time: bool,
    pm: Option<bool>,
    has_offset: bool,
    offset: i64,
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    order: Order,
    parts: Parts,
}

/// Reads all of `text`. `fraction` keeps what stands behind the second.
pub fn parse(text: &[u8], zone: &Zone, order: Order, fraction: bool) -> Result<Moment> {
    let mut reader = Reader {
        text,
        at: 0,
        order,
        parts: Parts::default(),
    };
    while reader.at < text.len() {
        let run = reader.run();
        if let Some(moment) = reader.timestamp(run) {
            return Ok(moment);
        }
        match run {
            0 => reader.symbol(fraction)?,
            _ => reader.number(run)?,
        }
    }
    reader.parts.finish(text, zone)
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Length of the run of digits here.
    fn run(&self) -> usize {
        self.text[self.at..]
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count()
    }

    fn take(&mut self, digits: usize) -> u32 {
        let end = (self.at + digits).min(self.text.len());
        let value = self.text[self.at..end].iter().fold(0u32, |n, b| {
            n.wrapping_mul(10).wrapping_add(u32::from(b - b'0'))
        });
        self.at = end;
        value
    }

    /// A number of one or two digits.
    fn short(&mut self, place: &str) -> Result<u32> {
        match self.run() {
            n @ 1..=2 => Ok(self.take(n)),
            n => bail!(
                CANNOT_PARSE_DATETIME,
                "Cannot read DateTime: unexpected number of decimal digits {place}: {n}"
            ),
        }
    }

    /// Seconds, milliseconds, microseconds or nanoseconds since the epoch.
    fn timestamp(&mut self, run: usize) -> Option<Moment> {
        let fresh = self.parts.year == 0 && !self.parts.has_time;
        let seconds_digits = match run {
            9 | 10 if fresh => run,
            13 | 16 | 19 if fresh => 10,
            _ => return None,
        };
        let end = self.at + run;
        let digits = &self.text[self.at..self.at + seconds_digits];
        let seconds = digits
            .iter()
            .fold(0i64, |n, b| n * 10 + i64::from(b - b'0'));
        let (nanos, end) = match (run > 10, self.text.get(end)) {
            (true, _) => fraction_nanos(&self.text[..end], self.at + seconds_digits),
            (false, Some(b'.')) => fraction_nanos(self.text, end + 1),
            (false, _) => (0, end),
        };
        (end == self.text.len()).then_some(Moment {
            seconds,
            nanos,
            negative: false,
        })
    }

    fn number(&mut self, run: usize) -> Result<()> {
        let fresh = self.parts.year == 0;
        match run {
            14 if fresh => {
                self.compact_date();
                self.compact_time();
            }
            8 if fresh => self.compact_date(),
            6 if fresh && self.parts.month == 0 => {
                self.parts.year = self.take(4);
                self.parts.month = self.take(2);
            }
            6 if !self.parts.has_time => self.compact_time(),
            4 if fresh => self.year_first()?,
            1 | 2 => self.short_number(run)?,
            n => bail!(
                CANNOT_PARSE_DATETIME,
                "Cannot read DateTime: unexpected number of decimal digits: {n}"
            ),
        }
        Ok(())
    }

    fn compact_date(&mut self) {
        self.parts.year = self.take(4);
        self.parts.month = self.take(2);
        self.parts.day = self.take(2);
    }

    fn compact_time(&mut self) {
        self.parts.hour = self.take(2);
        self.parts.minute = self.take(2);
        self.parts.second = self.take(2);
        self.parts.has_time = true;
    }

    /// A year, perhaps followed by month and day behind one separator.
    fn year_first(&mut self) -> Result<()> {
        self.parts.year = self.take(4);
        let Some(separator) = self.peek() else {
            return Ok(());
        };
        if separator < 0x20 || matches!(separator, b',' | b';' | b'\'' | b'"') {
            bail!(
                CANNOT_PARSE_DATETIME,
                "Cannot read DateTime: unexpected character after year"
            );
        }
        if self.parts.month != 0 || separator.is_ascii_alphabetic() {
            return Ok(());
        }
        self.at += 1;
        if separator == b' ' && !(1..=2).contains(&self.run()) {
            return Ok(());
        }
        self.parts.month = self.short("after year")?;
        if self.parts.day == 0 && self.eat(separator) {
            if separator == b' ' && !(1..=2).contains(&self.run()) {
                return Ok(());
            }
            self.parts.day = self.short("after year and month")?;
        }
        Ok(())
    }

    fn short_number(&mut self, run: usize) -> Result<()> {
        let value = self.take(run);
        match self.peek() {
            Some(b':') => self.clock(value),
            Some(b',') => {
                self.at += 1;
                self.bare(value)
            }
            Some(separator @ (b'/' | b'.' | b'-'))
                if self.parts.day == 0 && !self.parts.has_time =>
            {
                self.at += 1;
                self.day_and_month(value, separator)
            }
            _ => self.bare(value),
        }
    }

    /// `hh:mm[:ss]`, the hour being read.
    fn clock(&mut self, hour: u32) -> Result<()> {
        if self.parts.has_time {
            bail!(
                CANNOT_PARSE_DATETIME,
                "Cannot read DateTime: time component is duplicated"
            );
        }
        self.at += 1;
        self.parts.has_time = true;
        self.parts.hour = hour;
        self.parts.minute = self.short("after hour")?;
        if self.eat(b':') {
            self.parts.second = self.short("after hour and minute")?;
        }
        Ok(())
    }

    fn bare(&mut self, value: u32) -> Result<()> {
        let parts = &mut self.parts;
        if parts.day == 0 && !(parts.year != 0 && parts.month != 0 && parts.has_time) {
            parts.day = value;
        } else if !parts.has_time {
            parts.hour = value;
            parts.has_time = true;
        } else {
            bail!(
                CANNOT_PARSE_DATETIME,
                "Cannot read DateTime: unexpected number {value}"
            );
        }
        Ok(())
    }

    /// `dd/mm[/yyyy]` in the order asked for; `dd-Mon[-yyyy]`.
    fn day_and_month(&mut self, value: u32, separator: u8) -> Result<()> {
        if self.parts.month != 0 {
            bail!(
                CANNOT_PARSE_DATETIME,
                "Cannot read DateTime: month component is duplicated"
            );
        }
        if let Some((month, length)) = word(&MONTHS, &self.text[self.at..]) {
            (self.parts.day, self.parts.month) = (value, month as u32 + 1);
            self.at += length;
        } else {
            let other = self.short("after day of month")?;
            (self.parts.day, self.parts.month) = match self.order {
                Order::DayFirst => (value, other),
                Order::MonthFirst => (other, value),
            };
            if self.parts.month > 12 {
                std::mem::swap(&mut self.parts.day, &mut self.parts.month);
            }
        }
        if self.eat(separator) {
            self.parts.year = match self.run() {
                4 => self.take(4),
                2 => match self.take(2) {
                    n if n >= 70 => 1900 + n,
                    n => 2000 + n,
                },
                n => bail!(
                    CANNOT_PARSE_DATETIME,
                    "Cannot read DateTime: unexpected number of decimal digits after day of month and month: {n}"
                ),
            };
        }
        Ok(())
    }

    fn symbol(&mut self, fraction: bool) -> Result<()> {
        let rest = &self.text[self.at..];
        let byte = rest[0];
        if let Some((month, length)) = word(&MONTHS, rest) {
            self.parts.month = month as u32 + 1;
            self.at += length;
            return Ok(());
        }
        if let Some((_, length)) = word(&WEEKDAYS, rest) {
            self.at += length;
            return Ok(());
        }
        match byte {
            b' ' | b'T' | b',' | b';' => self.at += 1,
            b'Z' => self.zone_word(1, 0),
            b'.' if !self.parts.has_time => {
                bail!(
                    CANNOT_PARSE_DATETIME,
                    "Cannot read DateTime: unexpected point symbol"
                )
            }
            b'.' => {
                let (nanos, end) = fraction_nanos(self.text, self.at + 1);
                self.parts.nanos = if fraction { nanos } else { 0 };
                self.at = end;
            }
            b'+' | b'-' => self.offset(byte)?,
            b'A' | b'a' | b'P' | b'p' if matches!(rest.get(1), Some(b'M' | b'm')) => {
                self.parts.pm = Some(byte.eq_ignore_ascii_case(&b'p'));
                self.at += 2;
            }
            _ if rest.starts_with(b"UTC") || rest.starts_with(b"GMT") => self.zone_word(3, 0),
            _ if rest.starts_with(b"MSK") => self.zone_word(3, 3),
            _ if rest.starts_with(b"MSD") => self.zone_word(3, 4),
            b if b.is_ascii_alphabetic() => {
                bail!(
                    CANNOT_PARSE_DATETIME,
                    "Cannot read DateTime: unexpected word in '{}'",
                    clip(self.text)
                )
            }
            _ => bail!(
                CANNOT_PARSE_DATETIME,
                "Cannot read DateTime: unexpected symbol in '{}'",
                clip(self.text)
            ),
        }
        Ok(())
    }

    fn zone_word(&mut self, length: usize, hours: i64) {
        self.parts.has_offset = true;
        self.parts.offset += hours * 3600;
        self.at += length;
    }

    /// `+hh`, `+hhmm` or `+hh:mm`.
    fn offset(&mut self, sign: u8) -> Result<()> {
        self.at += 1;
        let (hours, minutes) = match self.run() {
            4 => (self.take(2), self.take(2)),
            3 => (self.take(1), self.take(2)),
            n @ 1..=2 => {
                let hours = self.take(n);
                let minutes = if self.eat(b':') {
                    self.short("of time zone offset")?
                } else {
                    0
                };
                (hours, minutes)
            }
            n => bail!(
                CANNOT_PARSE_DATETIME,
                "Cannot read DateTime: unexpected number of decimal digits for time zone offset: {n}"
            ),
        };
        let seconds = i64::from(hours * 3600 + minutes * 60);
        self.parts.has_offset = true;
        self.parts.offset += if sign == b'-' { -seconds } else { seconds };
        Ok(())
    }
}

/// The word of the list that `text` starts with, by its first three letters or in full.
fn word(words: &[&[u8]], text: &[u8]) -> Option<(usize, usize)> {
    let head = text.get(..3)?;
    let at = words
        .iter()
        .position(|w| head.eq_ignore_ascii_case(&w[..3]))?;
    let same = |(a, b): &(&u8, &u8)| a.eq_ignore_ascii_case(b);
    let length = words[at].iter().zip(text).take_while(same).count();
    let rest = text.get(length);
    if length < words[at].len() && length != 3 && rest.is_some_and(u8::is_ascii_alphabetic) {
        return None;
    }
    let full = length == words[at].len();
    Some((at, if full { length } else { 3 }))
}

impl Parts {
    fn finish(mut self, text: &[u8], zone: &Zone) -> Result<Moment> {
        if self.year == 0 && self.month == 0 && self.day == 0 && !self.has_time {
            bail!(
                CANNOT_PARSE_DATETIME,
                "Cannot read DateTime: neither Date nor Time was parsed successfully in '{}'",
                clip(text)
            );
        }
        if self.year == 0 {
            self.default_year(zone);
        }
        self.month = self.month.max(1);
        self.day = self.day.max(1);
        let valid = self.month <= 12 && self.day <= days_in_month(self.year as i32, self.month);
        if !valid {
            bail!(
                CANNOT_PARSE_DATETIME,
                "Cannot read DateTime: unexpected date: {}-{}-{}",
                self.year,
                self.month,
                self.day
            );
        }
        match self.pm {
            Some(true) if self.hour < 12 => self.hour += 12,
            Some(false) if self.hour == 12 => self.hour = 0,
            _ => {}
        }
        let local = i64::from(days_from_civil(self.year as i32, self.month, self.day))
            * DAY_SECONDS
            + i64::from(self.hour) * 3600
            + i64::from(self.minute) * 60
            + i64::from(self.second);
        let seconds = match self.has_offset {
            true => local - self.offset,
            false => zone.to_utc(local),
        };
        Ok(Moment {
            seconds,
            nanos: self.nanos,
            negative: false,
        })
    }

    /// Without a year: this one, or the last when the date would lie in the future.
    fn default_year(&mut self, zone: &Zone) {
        let now = SystemClock.now_micros() / 1_000_000;
        let (year, month, day) = civil_from_days(zone.day_of(now));
        let future = (self.month.max(1), self.day.max(1)) > (month, day);
        self.year = year as u32 - u32::from(future);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::functions::text::TimeText;
    use crate::functions::text::time::write_date_time;
    use crate::functions::zones::zone;
    use roost_engine::types::Tz;

    fn read(text: &str) -> String {
        match parse(text.as_bytes(), zone(Tz::UTC), Order::DayFirst, true) {
            Ok(m) => {
                let mut out = Vec::new();
                write_date_time(m.seconds, zone(Tz::UTC), TimeText::Simple, &mut out);
                String::from_utf8(out).unwrap()
            }
            Err(_) => "!".into(),
        }
    }

    #[test]
    fn spellings_read_as_in_clickhouse() {
        for (text, expected) in [
            ("20240131101112", "2024-01-31 10:11:12"),
            ("20240131", "2024-01-31 00:00:00"),
            ("123456", "!"),
            ("202401311011", "!"),
            ("Jan 31 2024", "2024-01-31 00:00:00"),
            ("31 Jan 2024 10:11:12", "2024-01-31 10:11:12"),
            ("Wed, 31 Jan 2024 10:11:12 GMT", "2024-01-31 10:11:12"),
            ("Wed, 31 Jan 2024 10:11:12 +0300", "2024-01-31 07:11:12"),
            ("31/01/2024 10:11", "2024-01-31 10:11:00"),
            ("01/02/2024", "2024-02-01 00:00:00"),
            ("2024-01-31T10:11:12.123456Z", "2024-01-31 10:11:12"),
            ("2024-01-31 10:11:12 PM", "2024-01-31 22:11:12"),
            ("2024-01-31 10:11:12 EST", "!"),
            ("2024-01-31 10:11:12 MSK", "2024-01-31 07:11:12"),
            ("2024.01.31 10:11", "2024-01-31 10:11:00"),
            ("31.01.2024", "2024-01-31 00:00:00"),
            ("2024", "2024-01-01 00:00:00"),
            ("2024-01", "2024-01-01 00:00:00"),
            ("  2024-01-01  ", "2024-01-01 00:00:00"),
            ("1706695200123", "2024-01-31 10:00:00"),
            ("1 2024", "2024-01-01 00:00:00"),
            ("31-Jan-2024", "2024-01-31 00:00:00"),
            ("20240131 101112", "2024-01-31 10:11:12"),
            ("20240131T101112", "2024-01-31 10:11:12"),
            ("2024-01-31 10", "2024-01-31 10:00:00"),
            ("2024-01-31 10:11:12.5+0130", "2024-01-31 08:41:12"),
            ("2024-01-31 10:11:12-08", "2024-01-31 18:11:12"),
            ("2024-01-31 12:11:12 AM", "2024-01-31 00:11:12"),
            ("2024-02-30 00:00:00", "!"),
            ("2024-01-31 25:00:00", "2024-02-01 01:00:00"),
            ("abc", "!"),
            ("", "!"),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }
}
