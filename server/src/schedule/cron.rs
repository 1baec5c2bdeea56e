//! Cron expressions: five fields, in UTC.
//!
//! Invariant: the next time is always later than the one given, and always a whole minute.

use crate::store::civil;

const MINUTE: i64 = 60 * 1_000_000;
const DAY_MINUTES: i64 = 24 * 60;
/// Days that are searched: 29 February comes after eight years at the latest.
const DAYS_MAX: i64 = 366 * 9;

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// A field: its values as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Field {
    bits: u64,
    /// Written as `*`.
    any: bool,
}

impl Field {
    fn has(self, value: i64) -> bool {
        self.bits >> value & 1 == 1
    }
}

/// When something is to happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    minute: Field,
    hour: Field,
    day: Field,
    month: Field,
    weekday: Field,
}

impl Cron {
    /// Reads `minute hour day month weekday`, or `@hourly`, `@daily`, `@weekly`, `@monthly`,
    /// `@yearly`.
    ///
    /// # Errors
    /// A sentence that says which field is wrong.
    pub fn parse(text: &str) -> Result<Cron, String> {
        let text = match text.trim() {
            "@hourly" => "0 * * * *",
            "@daily" | "@midnight" => "0 0 * * *",
            "@weekly" => "0 0 * * 0",
            "@monthly" => "0 0 1 * *",
            "@yearly" | "@annually" => "0 0 1 1 *",
            other => other,
        };
        let wrong = |why: String| format!("'{text}' is no cron expression: {why}");
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields[..] else {
            return Err(wrong(format!("it has {} fields, not 5", fields.len())));
        };
        let read = |what: &str, text: &str, from: u8, to: u8, names: &[&str]| {
            field(text, from, to, names).map_err(|e| wrong(format!("{what}: {e}")))
        };
        let mut weekday = read("day of the week", weekday, 0, 7, &DAYS)?;
        // Sunday is 0 and 7.
        weekday.bits = (weekday.bits | weekday.bits >> 7) & 0x7f;
        Ok(Cron {
            minute: read("minute", minute, 0, 59, &[])?,
            hour: read("hour", hour, 0, 23, &[])?,
            day: read("day of the month", day, 1, 31, &[])?,
            month: read("month", month, 1, 12, &MONTHS)?,
            weekday,
        })
    }

    /// The first time after `micros` since 1970; none for dates that do not exist.
    pub fn next_after(&self, micros: i64) -> Option<i64> {
        let first = micros.div_euclid(MINUTE) + 1;
        let (today, mut from) = (first.div_euclid(DAY_MINUTES), first.rem_euclid(DAY_MINUTES));
        for day in today..today + DAYS_MAX {
            if self.is_day(day)
                && let Some(minute) = (from..DAY_MINUTES).find(|m| self.is_minute(*m))
            {
                return Some((day * DAY_MINUTES + minute) * MINUTE);
            }
            from = 0;
        }
        None
    }

    fn is_minute(&self, of_day: i64) -> bool {
        self.hour.has(of_day / 60) && self.minute.has(of_day % 60)
    }

    /// With both days given, either is enough.
    fn is_day(&self, since_1970: i64) -> bool {
        let (_, month, day) = civil(since_1970);
        let weekday = (since_1970 + 4).rem_euclid(7);
        let (of_month, of_week) = (self.day.has(day), self.weekday.has(weekday));
        let is_day = match self.day.any || self.weekday.any {
            true => of_month && of_week,
            false => of_month || of_week,
        };
        self.month.has(month) && is_day
    }
}

fn field(text: &str, from: u8, to: u8, names: &[&str]) -> Result<Field, String> {
    let value = |text: &str| -> Result<u8, String> {
        let lower = text.to_ascii_lowercase();
        if let Some(at) = names.iter().position(|n| *n == lower) {
            return Ok(at as u8 + from);
        }
        let number = text.parse::<u8>();
        let number = number.map_err(|_| format!("'{text}' is no number"))?;
        match (from..=to).contains(&number) {
            true => Ok(number),
            false => Err(format!("{number} is not in {from}..{to}")),
        }
    };
    let mut bits = 0;
    for item in text.split(',') {
        let (range, step) = match item.split_once('/') {
            None => (item, None),
            Some((range, step)) => {
                let number = step.parse::<u8>().ok().filter(|s| *s > 0);
                let number = number.ok_or_else(|| format!("'{step}' is no step"))?;
                (range, Some(number))
            }
        };
        let (first, last) = match range.split_once('-') {
            _ if range == "*" => (from, to),
            Some((first, last)) => (value(first)?, value(last)?),
            None => {
                let first = value(range)?;
                (first, if step.is_some() { to } else { first })
            }
        };
        if first > last {
            return Err(format!("{range} ends before it begins"));
        }
        for n in (first..=last).step_by(usize::from(step.unwrap_or(1))) {
            bits |= 1 << n;
        }
    }
    Ok(Field {
        bits,
        any: text.starts_with('*'),
    })
}

#[cfg(test)]
mod tests {
    use super::{Cron, MINUTE};
    use crate::store::timestamp_of;

    /// Minutes since 1970 of 2024-02-28 23:58:30.
    const START: i64 = 1_709_164_710_000_000;

    fn times(text: &str, n: usize) -> Vec<String> {
        let cron = Cron::parse(text).unwrap_or_else(|e| unreachable!("{e}"));
        let mut at = START;
        let mut out = Vec::new();
        for _ in 0..n {
            let Some(next) = cron.next_after(at) else {
                break;
            };
            assert!(next > at && next % MINUTE == 0);
            out.push(timestamp_of(next)[..16].to_owned());
            at = next;
        }
        out
    }

    #[test]
    fn the_next_times_of_every_kind_of_field() {
        assert_eq!(
            times("* * * * *", 2),
            ["2024-02-28 23:59", "2024-02-29 00:00"]
        );
        assert_eq!(
            times("*/20 * * * *", 2),
            ["2024-02-29 00:00", "2024-02-29 00:20"]
        );
        assert_eq!(
            times("5,35 8-10/2 * * *", 3),
            ["2024-02-29 08:05", "2024-02-29 08:35", "2024-02-29 10:05"]
        );
        assert_eq!(
            times("0 0 29 2 *", 2),
            ["2024-02-29 00:00", "2028-02-29 00:00"]
        );
        assert_eq!(times("30 2 * * SUN", 1), times("30 2 * * 7", 1));
        assert_eq!(
            times("0 12 1 * mon", 3),
            ["2024-03-01 12:00", "2024-03-04 12:00", "2024-03-11 12:00"]
        );
        assert_eq!(times("@monthly", 1), ["2024-03-01 00:00"]);
        assert_eq!(
            times("50/5 23 * * *", 3),
            ["2024-02-29 23:50", "2024-02-29 23:55", "2024-03-01 23:50"]
        );
        assert!(times("0 0 31 2 *", 1).is_empty());
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, why) in [
            ("* * * *", "it has 4 fields, not 5"),
            ("60 * * * *", "minute: 60 is not in 0..59"),
            ("* * 0 * *", "day of the month: 0 is not in 1..31"),
            ("*/0 * * * *", "'0' is no step"),
            ("* 5-2 * * *", "5-2 ends before it begins"),
            ("* * * x *", "month: 'x' is no number"),
        ] {
            let error = Cron::parse(text).err().unwrap_or_default();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
