//! Tables: their definitions, their rows at an instant, and how rows are cut into parts.
//!
//! - [`definition`]: what CREATE TABLE said; [`layout`]: its keys compiled;
//! - [`snapshot`]: the rows at one instant; [`split`]: blocks to sorted (partition, bucket) runs;
//! - [`finals`]: the rows that FINAL shows;
//! - [`partition`]: partition ids; [`parts`]: the list of parts as commits change it;
//! - [`claims`]: parts that are busy; [`marks`]: how far readers have come.
//!
//! Invariant: a table's snapshot changes only when a commit is durable.

pub mod claims;
pub mod definition;
pub mod finals;
pub mod layout;
pub mod marks;
mod mode;
pub mod partition;
pub mod parts;
pub mod snapshot;
pub mod split;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::block::Schema;
use crate::part::Part;
use claims::Claims;
use marks::{Marks, Reading};

pub use definition::{
    ColumnDefinition, DefaultKind, IndexDefinition, TableDefinition, TableEngine,
};
pub use finals::FinalPart;
pub use layout::Layout;
pub use parts::PartList;
pub use snapshot::{PartRanges, Snapshot};

/// A table. Its number stays; its name, definition and rows change.
#[derive(Debug)]
pub struct Table {
    uid: u64,
    branch: u64,
    current: RwLock<Current>,
    claims: Claims,
    marks: Marks,
    /// Merges of the table were stopped by hand.
    merges_stopped: AtomicBool,
    /// How often stored rows were deleted or changed since the table was opened.
    changes: AtomicU64,
    /// Who writes rows holds it together with others, who closes the table alone.
    gate: RwLock<()>,
}

/// How long a commit of rows waits for a table that is closed.
const CLOSED_MAX: Duration = Duration::from_secs(60);

#[derive(Debug)]
struct Current {
    parts: PartList,
    version: u64,
    snapshot: Arc<Snapshot>,
    dropped: bool,
}

impl Table {
    /// A table of these parts. `version` is the commit that gave it its columns.
    pub fn new(
        uid: u64,
        definition: Arc<TableDefinition>,
        layout: Arc<Layout>,
        version: u64,
        parts: PartList,
        commit: u64,
    ) -> Table {
        let snapshot = Arc::new(Snapshot {
            parts: parts.to_vec(),
            definition,
            layout,
            commit,
            finals: Default::default(),
        });
        Table {
            uid,
            branch: 0,
            current: RwLock::new(Current {
                parts,
                version,
                snapshot,
                dropped: false,
            }),
            claims: Claims::default(),
            marks: Marks::default(),
            merges_stopped: AtomicBool::new(false),
            changes: AtomicU64::new(0),
            gate: RwLock::new(()),
        }
    }

    /// The same table as one of a branch.
    pub fn of_branch(mut self, branch: u64) -> Table {
        self.branch = branch;
        self
    }

    /// The branch that it belongs to; 0 is the store itself.
    pub fn branch(&self) -> u64 {
        self.branch
    }

    /// A table of the same columns for a branch, with number `uid`; with `rows` it shares all parts.
    pub fn fork(&self, branch: u64, uid: u64, rows: bool, commit: u64) -> Table {
        let current = self.current.read();
        let mut definition = current.snapshot.definition.as_ref().clone();
        definition.uid = uid;
        let parts = match rows {
            true => current.parts.clone(),
            false => PartList::default(),
        };
        let layout = Arc::clone(&current.snapshot.layout);
        let (definition, version) = (Arc::new(definition), current.version);
        Table::new(uid, definition, layout, version, parts, commit).of_branch(branch)
    }

    /// The table's number in the store.
    pub fn uid(&self) -> u64 {
        self.uid
    }

    /// The definition.
    pub fn definition(&self) -> Arc<TableDefinition> {
        Arc::clone(&self.current.read().snapshot.definition)
    }

    /// The stored columns.
    pub fn stored_schema(&self) -> Arc<Schema> {
        Arc::clone(&self.current.read().snapshot.layout.schema)
    }

    /// Compiled keys.
    pub fn layout(&self) -> Arc<Layout> {
        Arc::clone(&self.current.read().snapshot.layout)
    }

    /// The rows now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.current.read().snapshot)
    }

    /// Closes the table: until what is returned goes, commits of rows into it wait, and those that were
    /// under way are over. Who holds it must not insert into the table.
    pub fn close(&self) -> RwLockWriteGuard<'_, ()> {
        self.gate.write()
    }

    /// The right to commit rows into the table; none when it stays closed for long.
    pub(crate) fn enter(&self) -> Option<RwLockReadGuard<'_, ()>> {
        self.gate.try_read_for(CLOSED_MAX)
    }

    /// How often stored rows were deleted or changed, since the table was opened.
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// Counts a change of stored rows, with what shows it.
    pub(crate) fn note_change(&self) {
        self.changes.fetch_add(1, Ordering::AcqRel);
    }

    /// Whether the table was dropped.
    pub fn is_dropped(&self) -> bool {
        self.current.read().dropped
    }

    /// `database.name`, for messages.
    pub fn full_name(&self) -> String {
        self.definition().full_name()
    }

    /// The layout with the commit that made it: what an insert prepares its rows for.
    pub fn versioned_layout(&self) -> (Arc<Layout>, u64) {
        let current = self.current.read();
        (Arc::clone(&current.snapshot.layout), current.version)
    }

    /// Parts that are busy.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// How far readers have come.
    pub fn marks(&self) -> &Marks {
        &self.marks
    }

    /// The rows now, which somebody begins to read under that key of a mark: what comes later is not
    /// put together with them. `None` when somebody does.
    pub fn begin_reading(&self, key: &str) -> Option<(Arc<Snapshot>, Reading)> {
        // Nothing is published between the snapshot and the mark.
        let current = self.current.read();
        let reading = self.marks.begin(key, current.snapshot.commit)?;
        Some((Arc::clone(&current.snapshot), reading))
    }

    /// Stops merges of the table (running ones end), or lets them go on; a restart does too.
    pub fn stop_merges(&self, stop: bool) {
        self.merges_stopped.store(stop, Ordering::Relaxed);
    }

    /// Whether merges of the table are stopped.
    pub fn merges_stopped(&self) -> bool {
        self.merges_stopped.load(Ordering::Relaxed)
    }

    /// Memory parts with the ids that the log knows them by.
    pub fn memory_parts(&self) -> Vec<parts::MemoryEntry> {
        self.current.read().parts.memory_entries()
    }

    /// All parts with the ids that the log knows them by.
    pub fn parts_with_ids(&self) -> Vec<(Arc<Part>, Vec<u64>)> {
        self.current.read().parts.with_ids()
    }

    /// Changes the list of parts and shows it as the snapshot of `commit`; returns the parts that
    /// went.
    pub fn publish(
        &self,
        commit: u64,
        change: impl FnOnce(&mut PartList, &Layout) -> Vec<Arc<Part>>,
    ) -> Vec<Arc<Part>> {
        let mut current = self.current.write();
        let layout = Arc::clone(&current.snapshot.layout);
        let gone = change(&mut current.parts, &layout);
        // A row that yielded to one that went may be shown again.
        let finals = match current.parts.take_lost() {
            true => Arc::default(),
            false => Arc::new(current.snapshot.finals.followed()),
        };
        current.snapshot = Arc::new(Snapshot {
            parts: current.parts.to_vec(),
            definition: Arc::clone(&current.snapshot.definition),
            layout,
            commit,
            finals,
        });
        gone
    }

    /// Puts memory parts together that are worth it, beside readers and writers; whether there may be
    /// more. What is shown has the same rows before and after.
    pub fn gather(&self) -> bool {
        let (layout, crowd) = {
            let current = self.current.read();
            let layout = Arc::clone(&current.snapshot.layout);
            let crowd = current.parts.crowd(&layout, (&self.claims, &self.marks));
            (layout, crowd)
        };
        let Some((crowd, part)) = crowd.and_then(|c| {
            let part = c.together(&layout).ok()?;
            Some((c, part))
        }) else {
            return false;
        };
        let mut current = self.current.write();
        let fits = Arc::ptr_eq(&current.snapshot.layout, &layout);
        if !fits
            || !current
                .parts
                .put_together(&crowd, part, (&self.claims, &self.marks))
        {
            return false;
        }
        let shown = &current.snapshot;
        let snapshot = Snapshot {
            parts: current.parts.to_vec(),
            definition: Arc::clone(&shown.definition),
            layout,
            commit: shown.commit,
            finals: Arc::new(shown.finals.followed()),
        };
        current.snapshot = Arc::new(snapshot);
        true
    }

    /// Shows another definition, and a changed list of parts with it; with a `reshaped` one rows
    /// must be prepared anew. Returns the parts that went.
    pub fn redefine(
        &self,
        commit: u64,
        (definition, layout): (Arc<TableDefinition>, Arc<Layout>),
        reshaped: bool,
        change: impl FnOnce(&mut PartList) -> Vec<Arc<Part>>,
    ) -> Vec<Arc<Part>> {
        let mut current = self.current.write();
        if reshaped {
            current.version = commit;
        }
        let gone = change(&mut current.parts);
        current.parts.take_lost();
        current.snapshot = Arc::new(Snapshot {
            parts: current.parts.to_vec(),
            definition,
            layout,
            commit,
            finals: Default::default(),
        });
        gone
    }

    /// Empties the table for good; returns its parts.
    pub fn mark_dropped(&self, commit: u64) -> Vec<Arc<Part>> {
        self.current.write().dropped = true;
        self.publish(commit, |parts, _| parts.clear(None))
    }
}
