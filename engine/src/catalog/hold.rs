//! Holding a table's rows as they are at one instant, to put others in their place later.
//!
//! A replacement is computed from a held snapshot and swapped in by
//! [`Transaction::replace_held`](super::Transaction::replace_held): what was held goes, rows that
//! came meanwhile stay.
//!
//! Invariant: while a hold lives no merge puts held rows together with newer ones.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::commit::Request;
use super::{Engine, Snapshot, Table};
use crate::err;
use crate::error::Result;
use crate::log::Edit;
use crate::part::Part;
use crate::table::claims::Claim;

/// How long a part that a merge works on is waited for before it is tried again.
const PATIENCE: Duration = Duration::from_millis(2);

/// A table's rows at one instant.
#[derive(Debug)]
pub struct Hold {
    table: Arc<Table>,
    snapshot: Arc<Snapshot>,
    _claims: Vec<Claim>,
}

impl Hold {
    /// The table.
    pub fn table(&self) -> &Arc<Table> {
        &self.table
    }

    /// The rows that are held.
    pub fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }

    /// Adds the end of the held rows to a commit; only for who has the leader's seat.
    pub(super) fn let_go(&self, request: &mut Request) -> Result<()> {
        let last = self.snapshot.commit;
        let mut removed = Vec::new();
        for (part, ids) in self.table.parts_with_ids() {
            let info = part.info();
            if info.max_block <= last {
                removed.extend(ids);
            } else if info.min_block <= last {
                return Err(err!(
                    ABORTED,
                    "rows of {} that are to be replaced were put together with newer ones; try again",
                    self.table.full_name()
                ));
            }
        }
        if removed.is_empty() {
            return Ok(());
        }
        let table = Arc::clone(&self.table);
        if table.definition().engine.is_durable() {
            request.edit(Edit::Swap {
                table: table.uid(),
                removed: removed.clone(),
                added: Vec::new(),
            });
        }
        request.show(move |_, commit| table.publish(commit, |parts, _| parts.remove(&removed)));
        Ok(())
    }
}

impl Engine {
    /// Holds a table's rows as they are now. Waits for merges and flushes that are at work on the
    /// table, and for other holds of it; `go_on` is asked while it waits.
    ///
    /// # Errors
    /// What `go_on` says.
    pub fn hold(
        &self,
        table: &Arc<Table>,
        go_on: &mut dyn FnMut() -> Result<()>,
    ) -> Result<Arc<Hold>> {
        let mut claims: HashMap<u64, Claim> = HashMap::new();
        loop {
            let snapshot = table.snapshot();
            let parts: HashMap<u64, *const Part> = by_id(&snapshot);
            claims.retain(|id, _| parts.contains_key(id));
            for id in parts.keys() {
                if !claims.contains_key(id)
                    && let Some(claim) = table.claims().try_claim(&[*id])
                {
                    claims.insert(*id, claim);
                }
            }
            // A part may have been merged away before it was claimed.
            let now = by_id(&table.snapshot());
            let is_there = |(id, part): (&u64, &*const Part)| now.get(id) == Some(part);
            if claims.len() == parts.len() && parts.iter().all(is_there) {
                return Ok(Arc::new(Hold {
                    table: Arc::clone(table),
                    snapshot,
                    _claims: claims.into_values().collect(),
                }));
            }
            go_on()?;
            std::thread::sleep(PATIENCE);
        }
    }
}

fn by_id(snapshot: &Snapshot) -> HashMap<u64, *const Part> {
    let parts = snapshot.parts.iter();
    parts.map(|p| (p.info().id, Arc::as_ptr(p))).collect()
}
