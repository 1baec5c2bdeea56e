//! Time zones as tables of UTC offsets, and calendar arithmetic on day numbers.
//!
//! Invariant: a local time that a clock change skips or repeats resolves as ClickHouse resolves it:
//! a repeated time is its first occurrence, a skipped one moves back by the length of the gap.

pub mod civil;
mod table;

use std::collections::HashMap;
use std::sync::LazyLock;

use parking_lot::RwLock;
use roost_engine::types::Tz;

use table::Transitions;

pub use civil::{civil_from_days, days_from_civil, days_in_month, is_leap_year};

/// Seconds of a day.
pub const DAY_SECONDS: i64 = 86_400;

/// One time zone, ready for lookups. There is one per zone in the process.
#[derive(Debug)]
pub struct Zone {
    tz: Tz,
    table: Transitions,
}

static ZONES: LazyLock<RwLock<HashMap<Tz, &'static Zone>>> = LazyLock::new(Default::default);

/// The tables of `tz`, built at its first use.
pub fn zone(tz: Tz) -> &'static Zone {
    if let Some(zone) = ZONES.read().get(&tz) {
        return zone;
    }
    let mut zones = ZONES.write();
    zones.entry(tz).or_insert_with(|| {
        Box::leak(Box::new(Zone {
            tz,
            table: Transitions::of(tz),
        }))
    })
}

impl Zone {
    /// The zone's identity.
    pub fn tz(&self) -> Tz {
        self.tz
    }

    /// The offset of every instant, when the zone never changed it (UTC).
    pub fn fixed_offset(&self) -> Option<i64> {
        self.table.fixed()
    }

    /// Seconds that local time is ahead of UTC at the instant `utc` (seconds since the epoch).
    #[inline]
    pub fn offset_at(&self, utc: i64) -> i64 {
        self.table.offset_at(utc)
    }

    /// Local seconds since 1970-01-01 00:00:00 of the instant `utc`.
    #[inline]
    pub fn to_local(&self, utc: i64) -> i64 {
        utc + self.offset_at(utc)
    }

    /// The day number, in local time, of the instant `utc`.
    #[inline]
    pub fn day_of(&self, utc: i64) -> i32 {
        self.to_local(utc).div_euclid(DAY_SECONDS) as i32
    }

    /// The instant of the local time `local` (seconds since 1970-01-01 00:00:00 local).
    #[inline]
    pub fn to_utc(&self, local: i64) -> i64 {
        if let Some(offset) = self.table.fixed() {
            return local - offset;
        }
        let day = local.div_euclid(DAY_SECONDS);
        let start = self.day_start(day as i32);
        let before = self.offset_at(start);
        // Where midnight was skipped the day starts later than 00:00.
        let skipped = start + before - day * DAY_SECONDS;
        let mut time = local.rem_euclid(DAY_SECONDS) - skipped;
        if let Some((at, after)) = self.table.next_change(start)
            && at - start < DAY_SECONDS
            && time >= at - start
        {
            time -= after - before;
        }
        start + time
    }

    /// The first instant of a local day.
    pub fn day_start(&self, day: i32) -> i64 {
        let midnight = i64::from(day) * DAY_SECONDS;
        if let Some(offset) = self.table.fixed() {
            return midnight - offset;
        }
        let before = self.offset_at(midnight - DAY_SECONDS);
        let after = self.offset_at(midnight + DAY_SECONDS);
        let first = midnight - before;
        if before == after || self.offset_at(first) == before {
            return first;
        }
        let second = midnight - after;
        if self.offset_at(second) == after {
            return second;
        }
        // Midnight itself was skipped: the day starts where the clock jumps.
        match self.table.next_change(midnight - DAY_SECONDS) {
            Some((at, _)) => at,
            None => second,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(y: i32, m: u32, d: u32, h: i64, min: i64) -> i64 {
        i64::from(days_from_civil(y, m, d)) * DAY_SECONDS + h * 3600 + min * 60
    }

    #[test]
    fn gaps_and_overlaps_resolve_as_in_clickhouse() {
        // SELECT toUnixTimestamp(toDateTime('2024-03-31 02:30:00', 'Europe/Berlin')), ...
        let berlin = zone(Tz::Europe__Berlin);
        assert_eq!(berlin.to_utc(local(2024, 3, 31, 2, 30)), 1_711_845_000);
        assert_eq!(berlin.to_utc(local(2024, 3, 31, 3, 0)), 1_711_846_800);
        assert_eq!(berlin.to_utc(local(2024, 10, 27, 2, 30)), 1_729_989_000);
        assert_eq!(berlin.to_utc(local(2024, 10, 27, 3, 0)), 1_729_994_400);
        let paulo = zone(Tz::America__Sao_Paulo);
        assert_eq!(paulo.to_utc(local(2018, 11, 4, 0, 0)), 1_541_296_800);
        assert_eq!(zone(Tz::UTC).to_utc(60), 60);
    }

    #[test]
    fn local_and_utc_are_inverse_outside_changes() {
        for tz in [Tz::Europe__London, Tz::Asia__Kolkata, Tz::America__New_York] {
            let zone = zone(tz);
            for step in 0..4000i64 {
                let utc = step * 3_600_007 - 2_000_000_000;
                let back = zone.to_utc(zone.to_local(utc));
                assert!((back - utc).abs() <= 3600, "{tz} {utc} {back}");
            }
        }
    }
}
