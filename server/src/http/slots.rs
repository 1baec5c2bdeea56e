//! Handlers that run as tasks, on the threads that serve connections.
//!
//! Invariant: there are always fewer of them than such threads, so that one is left for connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::runtime::Handle;

/// Counts the handlers.
#[derive(Debug, Clone, Default)]
pub(super) struct Slots(Arc<AtomicUsize>);

/// The place of one handler, until it is dropped.
#[derive(Debug)]
pub(super) struct Slot(Slots);

impl Slots {
    /// A place, when there is one. To be called by a task.
    pub(super) fn take(&self) -> Option<Slot> {
        self.take_of(Handle::current().metrics().num_workers().saturating_sub(1))
    }

    fn take_of(&self, places: usize) -> Option<Slot> {
        let another = |taken| (taken < places).then_some(taken + 1);
        let order = Ordering::Relaxed;
        let taken = self.0.fetch_update(order, order, another);
        taken.is_ok().then(|| Slot(self.clone()))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::Slots;

    #[test]
    fn places_are_given_back() {
        let slots = Slots::default();
        let first = slots.take_of(2);
        let second = slots.take_of(2);
        assert!(first.is_some() && second.is_some() && slots.take_of(2).is_none());
        drop(first);
        assert!(slots.take_of(1).is_none() && slots.take_of(2).is_some());
        assert!(slots.take_of(0).is_none());
    }
}
