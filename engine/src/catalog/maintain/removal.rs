//! Files of parts that are gone.
//!
//! Invariant: a file is removed when no snapshot holds its part any more and the commit that
//! dropped it is durable.

use std::sync::Arc;

use super::super::{Inner, drafts};
use crate::part::Part;

impl Inner {
    /// Takes parts that no snapshot to come will show.
    pub(in crate::catalog) fn retire(&self, gone: Vec<Arc<Part>>) {
        if gone.is_empty() {
            return;
        }
        {
            let mut expiries = self.expiries.lock();
            gone.iter().for_each(|p| {
                expiries.remove(&p.info().id);
            });
        }
        self.retired.lock().extend(gone);
        self.remove_retired();
    }

    /// Removes the files that nobody holds.
    pub(in crate::catalog) fn remove_retired(&self) {
        let mut retired = self.retired.lock();
        let (held, free): (Vec<_>, Vec<_>) = std::mem::take(&mut *retired)
            .into_iter()
            .partition(|p| Arc::strong_count(p) > 1);
        *retired = held;
        drop(retired);
        for part in free {
            let path = drafts::path(part.info().id);
            drop(part);
            // What cannot be removed now is swept when the store is opened.
            let _ = self.storage.remove(&path);
        }
    }
}
