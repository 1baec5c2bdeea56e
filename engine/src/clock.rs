//! Time as a seam: the engine asks a [`Clock`], so that tests drive time from a seed.
//!
//! Invariant: nothing else in the engine asks the operating system for the time.

use std::fmt::Debug;
use std::sync::atomic::{AtomicI64, Ordering};

/// Where time comes from.
pub trait Clock: Send + Sync + Debug {
    /// Microseconds since 1970-01-01 UTC.
    fn now_micros(&self) -> i64;
}

/// The operating system's clock.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "this is the seam itself")]
    fn now_micros(&self) -> i64 {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since.map_or(0, |d| i64::try_from(d.as_micros()).unwrap_or(i64::MAX))
    }
}

/// A clock that stands still until it is moved.
#[derive(Debug, Default)]
pub struct TestClock(AtomicI64);

impl TestClock {
    /// A clock at `micros` since the epoch.
    pub fn at(micros: i64) -> Self {
        TestClock(AtomicI64::new(micros))
    }

    /// Moves the clock by `micros` (which may be negative: clocks jump).
    pub fn advance(&self, micros: i64) {
        self.0.fetch_add(micros, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now_micros(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}
