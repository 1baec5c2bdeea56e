//! Parts with rows whose time is over.
//!
//! A part whose rows are all over goes at once; one with some such rows is written anew when a good
//! share of its span of time has passed, so about eight times in its life.
//!
//! Invariant: only rows whose time is over go.

use std::sync::Arc;

use super::super::{Inner, Table};
use crate::block::Schema;
use crate::error::Result;
use crate::merge::Expiry;
use crate::part::Part;
use crate::table::Layout;

/// Parts of the span between the first and the last expiry after which a part is written anew.
const SHARES: i64 = 8;
/// A part is not written anew more often than this.
const PAUSE_MICROS: i64 = 60_000_000;

impl Inner {
    /// Removes expired rows of one part; whether there was one.
    pub(super) fn expire_step(&self) -> Result<bool> {
        let now = self.now();
        for table in self.durable_tables() {
            let layout = table.layout();
            let Some(expiry) = &layout.ttl else {
                continue;
            };
            if let Some(part) = self.first_expired(&table, &layout, expiry, now)? {
                let done = self.merge_parts(&table, std::slice::from_ref(&part))?;
                drop(part);
                if done {
                    self.remove_retired();
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    fn first_expired(
        &self,
        table: &Table,
        layout: &Layout,
        expiry: &Expiry,
        now: i64,
    ) -> Result<Option<Arc<Part>>> {
        let snapshot = table.snapshot();
        let files = snapshot.parts.iter().filter(|p| p.memory_block().is_none());
        for part in files.filter(|p| !table.claims().is_busy(p.info().id)) {
            let (first, last) = self.expiry_of((table, part), layout, expiry)?;
            let share = (last.saturating_sub(first) / SHARES).max(PAUSE_MICROS);
            if last <= now || (last != i64::MAX && first.saturating_add(share) <= now) {
                return Ok(Some(Arc::clone(part)));
            }
            if last == i64::MAX && first.saturating_add(PAUSE_MICROS) <= now {
                return Ok(Some(Arc::clone(part)));
            }
        }
        Ok(None)
    }

    /// When the first and the last row of a part expire.
    fn expiry_of(
        &self,
        (table, part): (&Table, &Part),
        layout: &Layout,
        expiry: &Expiry,
    ) -> Result<(i64, i64)> {
        let id = (part.info().id, table.uid());
        if let Some(known) = self.expiries.lock().get(&id) {
            return Ok(*known);
        }
        let inputs = expiry.inputs();
        let fields = layout.schema.fields.iter();
        let schema = Schema::new(
            fields
                .filter(|f| inputs.contains(&f.name))
                .cloned()
                .collect(),
        );
        let columns = layout.columns_of(&schema);
        let (mut first, mut last) = (i64::MAX, i64::MIN);
        let step = self.options.merge_block_rows.max(1);
        for start in (0..part.rows()).step_by(step) {
            let block = columns.read(part, start..part.rows().min(start + step))?;
            for time in expiry.times(&block)? {
                first = first.min(time);
                last = last.max(time);
            }
        }
        self.expiries.lock().insert(id, (first, last));
        Ok((first, last))
    }
}
