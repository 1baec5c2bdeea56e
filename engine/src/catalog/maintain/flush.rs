//! Memory parts to files.
//!
//! Invariant: a flush takes neighbours only, so that the ranges of commits stay disjoint.

use std::sync::Arc;

use super::super::commit::Request;
use super::super::drafts::{self, Draft};
use super::super::{Inner, Table};
use super::is_stale;
use crate::block::Block;
use crate::error::Result;
use crate::log::Edit;
use crate::part::PartInfo;
use crate::table::parts::MemoryEntry;
use crate::table::split::{Run, sort};

/// Neighbouring memory parts of one partition and bucket.
pub(super) struct Group {
    entries: Vec<MemoryEntry>,
}

impl Group {
    fn rows(&self) -> u64 {
        self.entries.iter().map(|e| e.part.info().rows).sum()
    }

    fn bytes(&self) -> u64 {
        self.entries.iter().map(|e| e.part.info().bytes).sum()
    }

    fn inserts(&self) -> usize {
        self.entries.iter().map(|e| e.ids.len()).sum()
    }

    fn since(&self) -> i64 {
        let since = self.entries.iter().map(|e| e.since_micros);
        since.min().unwrap_or(i64::MAX)
    }
}

impl Inner {
    /// Flushes what is large or old, and the largest when all together is too much.
    pub(super) fn flush_due(&self) -> Result<bool> {
        let (now, options) = (self.now(), &self.options);
        let due = |g: &Group| {
            g.rows() >= options.flush_rows
                || g.bytes() >= options.flush_bytes
                || g.inserts() >= options.flush_inserts
                || now.saturating_sub(g.since()) >= options.flush_age_micros
        };
        let mut flushed = self.flush_where(due)?;
        let tables = self.durable_tables();
        let all = || tables.iter().flat_map(groups);
        if all().map(|g| g.bytes()).sum::<u64>() > options.memory_bytes_max {
            let largest = all().map(|g| g.bytes()).max().unwrap_or_default();
            flushed |= self.flush_where(|g| g.bytes() >= largest / 2)?;
        }
        Ok(flushed)
    }

    /// Flushes the groups that `wanted` names; whether there were any.
    pub(super) fn flush_where(&self, wanted: impl Fn(&Group) -> bool) -> Result<bool> {
        let mut any = false;
        for table in self.durable_tables() {
            for group in groups(&table).into_iter().filter(&wanted) {
                match self.flush_group(&table, &group) {
                    Ok(done) => any |= done,
                    Err(e) if is_stale(e.code()) => {}
                    Err(e) => return Err(e),
                }
            }
        }
        Ok(any)
    }

    pub(super) fn durable_tables(&self) -> Vec<Arc<Table>> {
        let names = self.names.read();
        let durable = names
            .tables()
            .filter(|t| t.definition().engine.is_durable());
        durable.cloned().collect()
    }

    fn flush_group(&self, table: &Arc<Table>, group: &Group) -> Result<bool> {
        let ids: Vec<u64> = group.entries.iter().map(|e| e.part.info().id).collect();
        let Some(claim) = table.claims().try_claim(&ids) else {
            return Ok(false);
        };
        if !still_there(table, group) {
            return Ok(false);
        }
        let (layout, version) = table.versioned_layout();
        let columns = layout.columns();
        let blocks = group
            .entries
            .iter()
            .map(|e| columns.read(&e.part, 0..e.part.rows()))
            .collect::<Result<Vec<_>>>()?;
        let block = Block::concat(Arc::clone(&layout.schema), &blocks)?;
        let (block, key) = sort(&layout, block)?;
        let Some(first) = group.entries.first() else {
            return Ok(false);
        };
        let info = covering(self.new_part(), group.entries.iter().map(|e| e.part.info()));
        let run = Run {
            partition: info.partition.clone(),
            values: first.part.partition().to_vec(),
            bucket: info.bucket,
            block,
            key,
        };
        let draft = Draft::of_run(self, &layout, run, info)?;
        self.storage.sync_dir(drafts::FOLDER)?;
        let removed: Vec<u64> = group.entries.iter().flat_map(|e| e.ids.clone()).collect();
        self.swap(table, version, removed, (Some(draft), false))?;
        drop(claim);
        Ok(true)
    }

    /// Commits that `draft` (or nothing, when no rows are left) stands for the parts `removed`;
    /// `lost`: rows of theirs are in no part any more.
    pub(super) fn swap(
        &self,
        table: &Arc<Table>,
        version: u64,
        removed: Vec<u64>,
        (draft, lost): (Option<Draft>, bool),
    ) -> Result<()> {
        let mut request = Request::default();
        request.expect(table.uid(), version);
        request.edit(Edit::Swap {
            table: table.uid(),
            removed: removed.clone(),
            added: draft.iter().map(Draft::info).collect(),
        });
        let table = Arc::clone(table);
        request.show(move |_, commit| {
            table.publish(commit, |parts, _| {
                let part = draft.and_then(|d| d.publish(commit));
                match lost {
                    false => parts.exchange(&removed, part),
                    true => {
                        let gone = parts.remove(&removed);
                        part.into_iter().for_each(|p| parts.add_file(p));
                        gone
                    }
                }
            })
        });
        self.commit(request).map(|_| ())
    }
}

/// Whether the parts, claimed by now, were not put together with others before the claim.
fn still_there(table: &Table, group: &Group) -> bool {
    let now = table.memory_parts();
    let there = |e: &MemoryEntry| now.iter().any(|n| Arc::ptr_eq(&n.part, &e.part));
    group.entries.iter().all(there)
}

/// The memory parts of a table, by neighbourhood.
fn groups(table: &Arc<Table>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for entry in table.memory_parts() {
        let info = entry.part.info();
        let last = groups.last_mut().filter(|g| {
            g.entries.last().is_some_and(|l| {
                let other = l.part.info();
                l.place + 1 == entry.place
                    && (&other.partition, other.bucket) == (&info.partition, info.bucket)
                    && !table.marks().between(other, info)
            })
        });
        match last {
            Some(group) => group.entries.push(entry),
            None => groups.push(Group {
                entries: vec![entry],
            }),
        }
    }
    groups
}

/// What is known of the part `id` that covers parts of one partition and bucket.
pub(super) fn covering<'a>(id: u64, parts: impl Iterator<Item = &'a PartInfo> + Clone) -> PartInfo {
    let first = parts.clone().next().cloned().unwrap_or_default();
    PartInfo {
        id,
        min_block: parts.clone().map(|i| i.min_block).min().unwrap_or_default(),
        max_block: parts.clone().map(|i| i.max_block).max().unwrap_or_default(),
        ..first
    }
}
