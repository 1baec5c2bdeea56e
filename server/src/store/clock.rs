//! Wall-clock times as the API writes them.
//!
//! Invariant: always UTC.

use roost_engine::clock::{Clock, SystemClock};

/// Microseconds since 1970.
pub fn now_micros() -> i64 {
    SystemClock.now_micros()
}

/// Now as `YYYY-MM-DD hh:mm:ss.ffffff`.
pub fn timestamp() -> String {
    timestamp_of(now_micros())
}

/// A time as `YYYY-MM-DD hh:mm:ss.ffffff`.
pub fn timestamp_of(micros: i64) -> String {
    format!(
        "{}.{:06}",
        iso_seconds(micros, ' '),
        micros.rem_euclid(1_000_000)
    )
}

/// A time as `YYYY-MM-DD?hh:mm:ss` with `between` in the middle.
pub fn iso_seconds(micros: i64, between: char) -> String {
    let seconds = micros.div_euclid(1_000_000);
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    if !(0..=9999).contains(&year) {
        return format!("{year:04}-{month:02}-{day:02}{between}{hour:02}:{minute:02}:{second:02}");
    }
    // Each call of an endpoint writes two.
    let mut out = String::with_capacity(19);
    let mut two = |n: i64, behind: Option<char>| {
        out.extend([b'0' + (n / 10) as u8, b'0' + (n % 10) as u8].map(char::from));
        out.extend(behind);
    };
    two(year / 100, None);
    two(year % 100, Some('-'));
    two(month, Some('-'));
    two(day, Some(between));
    two(hour, Some(':'));
    two(minute, Some(':'));
    two(second, None);
    out
}

/// Year, month and day of days since 1970.
pub fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc() {
        assert_eq!(timestamp_of(0), "1970-01-01 00:00:00.000000");
        assert_eq!(
            timestamp_of(1_709_210_096_000_007),
            "2024-02-29 12:34:56.000007"
        );
        assert_eq!(iso_seconds(-1_000_000, 'T'), "1969-12-31T23:59:59");
        let last = 253_402_300_799_000_000;
        assert_eq!(iso_seconds(last, ' '), "9999-12-31 23:59:59");
        assert_eq!(iso_seconds(last + 1_000_000, 'T'), "10000-01-01T00:00:00");
    }
}
