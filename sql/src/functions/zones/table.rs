//! The offsets of one zone from 1900 to 2300, by instant.
//!
//! Invariant: `changes` ascends; the offset of an instant is that of the last change not after it.

use chrono_tz::OffsetComponents;
use roost_engine::types::Tz;

use super::civil::{civil_from_days, days_from_civil, is_leap_year};

const DAY: i64 = super::DAY_SECONDS;
/// Instants share a bucket when they agree above this many bits (about 24 days).
const BUCKET_BITS: u32 = 21;
/// From this year on the rules of 28 years before are repeated: the database ends near it.
const REPEAT_FROM: i32 = 2090;

#[derive(Debug)]
pub(super) struct Transitions {
    /// (first instant, offset from there on); the first entry starts at `i64::MIN`.
    changes: Vec<(i64, i64)>,
    /// For each bucket from `base` on: index of the change in force at its start.
    buckets: Vec<u32>,
    base: i64,
}

fn raw_offset(tz: Tz, utc: i64) -> i64 {
    use chrono::TimeZone;
    let Some(naive) = chrono::DateTime::from_timestamp(utc, 0) else {
        return 0;
    };
    let offset = tz.offset_from_utc_datetime(&naive.naive_utc());
    (offset.base_utc_offset() + offset.dst_offset()).num_seconds()
}

/// The offset at `utc`; far years look at a year with the same calendar.
fn offset(tz: Tz, utc: i64) -> i64 {
    let day = utc.div_euclid(DAY);
    let (year, _, _) = civil_from_days(day as i32);
    if year < REPEAT_FROM {
        return raw_offset(tz, utc);
    }
    let weekday = |y| days_from_civil(y, 1, 1).rem_euclid(7);
    let same = |y: &i32| weekday(*y) == weekday(year) && is_leap_year(*y) == is_leap_year(year);
    let like = (2062..REPEAT_FROM).find(same).unwrap_or(2062);
    let moved = i64::from(days_from_civil(like, 1, 1) - days_from_civil(year, 1, 1)) * DAY;
    raw_offset(tz, utc + moved)
}

impl Transitions {
    pub(super) fn of(tz: Tz) -> Self {
        let first = i64::from(days_from_civil(1900, 1, 1)) * DAY;
        let last = i64::from(days_from_civil(2300, 1, 1)) * DAY;
        let mut changes = vec![(i64::MIN, offset(tz, first))];
        if tz != Tz::UTC {
            let (mut at, mut current) = (first, changes[0].1);
            while at < last {
                let next = at + DAY;
                let there = offset(tz, next);
                if there != current {
                    changes.push((first_instant(tz, at, next, current), there));
                    current = there;
                }
                at = next;
            }
        }
        let base = first >> BUCKET_BITS;
        let mut at = 0;
        let buckets = (base..=last >> BUCKET_BITS)
            .map(|bucket| {
                let start = bucket << BUCKET_BITS;
                while changes.get(at + 1).is_some_and(|c| c.0 <= start) {
                    at += 1;
                }
                at as u32
            })
            .collect();
        Transitions {
            changes,
            buckets,
            base,
        }
    }

    pub(super) fn fixed(&self) -> Option<i64> {
        match self.changes[..] {
            [(_, offset)] => Some(offset),
            _ => None,
        }
    }

    #[inline]
    fn index(&self, utc: i64) -> usize {
        let bucket = ((utc >> BUCKET_BITS) - self.base).clamp(0, self.buckets.len() as i64 - 1);
        let mut at = self.buckets[bucket as usize] as usize;
        while self.changes.get(at + 1).is_some_and(|c| c.0 <= utc) {
            at += 1;
        }
        at
    }

    #[inline]
    pub(super) fn offset_at(&self, utc: i64) -> i64 {
        if let [(_, only)] = self.changes[..] {
            return only;
        }
        self.changes[self.index(utc)].1
    }

    /// The first change after `utc`: its instant and the offset from there on.
    #[inline]
    pub(super) fn next_change(&self, utc: i64) -> Option<(i64, i64)> {
        self.changes.get(self.index(utc) + 1).copied()
    }
}

/// The first instant in `(low, high]` whose offset is not `before`.
fn first_instant(tz: Tz, mut low: i64, mut high: i64, before: i64) -> i64 {
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        match offset(tz, middle) == before {
            true => low = middle,
            false => high = middle,
        }
    }
    high
}
