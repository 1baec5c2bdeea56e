//! Files of parts that are gone.
//!
//! How many tables and snapshots hold a part is the count of its `Arc`: branches share it, and the
//! log, read again, makes the same sharing.
//!
//! Invariant: a file is removed when no table and no snapshot holds its part any more and the commit
//! that dropped it last is durable.

use std::collections::BTreeMap;
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
            for part in &gone {
                let id = part.info().id;
                let known: Vec<_> = expiries.range((id, 0)..=(id, u64::MAX)).collect();
                let keys: Vec<(u64, u64)> = known.into_iter().map(|(key, _)| *key).collect();
                keys.iter().for_each(|key| {
                    expiries.remove(key);
                });
            }
        }
        // Tables of branches give up the same part one after another: here it is held once.
        let gone = gone.into_iter().map(|p| (p.info().id, p));
        self.retired.lock().extend(gone);
        self.remove_retired();
    }

    /// Removes the files that nobody holds.
    pub(in crate::catalog) fn remove_retired(&self) {
        let mut retired = self.retired.lock();
        let (held, free): (BTreeMap<_, _>, BTreeMap<_, _>) = std::mem::take(&mut *retired)
            .into_iter()
            .partition(|(_, p)| Arc::strong_count(p) > 1);
        *retired = held;
        drop(retired);
        for part in free.into_values() {
            let path = drafts::path(part.info().id);
            drop(part);
            // What cannot be removed now is swept when the store is opened.
            let _ = self.storage.remove(&path);
        }
    }
}
