//! The memory budget of a query.
//!
//! Invariant: what an operator holds it has reserved; a reservation gives back when it is dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use roost_engine::err;
use roost_engine::error::Result;

/// Counts the bytes that a query holds against its limit, and against an outer tracker (of the
/// whole process) when there is one.
#[derive(Debug)]
pub struct MemoryTracker {
    used: AtomicUsize,
    peak: AtomicUsize,
    limit: Option<usize>,
    outer: Option<Arc<MemoryTracker>>,
    whole_process: bool,
}

impl MemoryTracker {
    /// A budget of `limit` bytes; `None` is no limit.
    pub fn new(limit: Option<usize>) -> Self {
        MemoryTracker {
            used: AtomicUsize::new(0),
            peak: AtomicUsize::new(0),
            limit,
            outer: None,
            whole_process: false,
        }
    }

    /// The budget of all queries together.
    pub fn of_process(limit: Option<usize>) -> Self {
        MemoryTracker {
            whole_process: true,
            ..Self::new(limit)
        }
    }

    /// A budget inside another.
    pub fn within(limit: Option<usize>, outer: Arc<MemoryTracker>) -> Self {
        MemoryTracker {
            outer: Some(outer),
            ..Self::new(limit)
        }
    }

    /// Bytes held now.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Most bytes held at once.
    pub fn peak(&self) -> usize {
        self.peak.load(Ordering::Relaxed)
    }

    fn grow(&self, bytes: usize) -> Result<()> {
        let used = self.used.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if let Some(limit) = self.limit.filter(|limit| used > *limit) {
            self.used.fetch_sub(bytes, Ordering::Relaxed);
            let whose = if self.whole_process { "Total" } else { "Query" };
            return Err(err!(
                MEMORY_LIMIT_EXCEEDED,
                "{whose} memory limit exceeded: would use {} (attempt to allocate chunk of {}), maximum: {}",
                readable(used),
                readable(bytes),
                readable(limit)
            ));
        }
        if let Some(outer) = &self.outer
            && let Err(error) = outer.grow(bytes)
        {
            self.used.fetch_sub(bytes, Ordering::Relaxed);
            return Err(error);
        }
        self.peak.fetch_max(used, Ordering::Relaxed);
        Ok(())
    }

    fn shrink(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
        if let Some(outer) = &self.outer {
            outer.shrink(bytes);
        }
    }
}

/// `12.17 MiB`, as ClickHouse prints sizes.
fn readable(bytes: usize) -> String {
    const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let (mut size, mut unit) = (bytes as f64, 0);
    while size >= 1024.0 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    format!("{size:.2} {}", UNITS[unit])
}

/// Bytes that somebody holds.
#[derive(Debug)]
pub struct Reservation {
    tracker: Arc<MemoryTracker>,
    bytes: usize,
}

impl Reservation {
    /// Nothing yet.
    pub fn empty(tracker: &Arc<MemoryTracker>) -> Self {
        Reservation {
            tracker: Arc::clone(tracker),
            bytes: 0,
        }
    }

    /// What is held.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds to what is held.
    ///
    /// # Errors
    /// MEMORY_LIMIT_EXCEEDED; what was held before stays held.
    pub fn add(&mut self, bytes: usize) -> Result<()> {
        self.tracker.grow(bytes)?;
        self.bytes += bytes;
        Ok(())
    }

    /// Holds exactly so many bytes from now on.
    pub fn set(&mut self, bytes: usize) -> Result<()> {
        if bytes > self.bytes {
            return self.add(bytes - self.bytes);
        }
        self.tracker.shrink(self.bytes - bytes);
        self.bytes = bytes;
        Ok(())
    }

    /// Takes over what another reservation of the same query holds.
    pub fn absorb(&mut self, mut other: Reservation) {
        self.bytes += std::mem::take(&mut other.bytes);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.tracker.shrink(self.bytes);
    }
}
