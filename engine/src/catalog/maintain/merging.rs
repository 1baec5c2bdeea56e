//! Merges: choose, claim, run, commit.
//!
//! Invariant: the inputs of a running merge are claimed; the output replaces them in one commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::super::drafts::{self, Draft};
use super::super::{Inner, Table};
use super::flush::covering;
use super::is_stale;
use crate::error::{Code, Error, Result};
use crate::merge::select::Candidate;
use crate::merge::{Limits, MergeMode, MergeSpec, merge, select};
use crate::part::{Part, PartInfo};
use crate::table::Layout;

/// A running merge, for `system.merges`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeProgress {
    /// Database of the table.
    pub database: String,
    /// Name of the table.
    pub table: String,
    /// Partition id.
    pub partition: String,
    /// Ids of the inputs.
    pub parts: Vec<u64>,
    /// Id of the output.
    pub result: u64,
    /// Rows of all inputs.
    pub rows_total: u64,
    /// Rows written so far.
    pub rows_written: u64,
    /// Bytes of all inputs.
    pub bytes_total: u64,
    /// When it started.
    pub started_micros: i64,
}

/// The counters of a running merge.
#[derive(Debug)]
pub(in crate::catalog) struct Running {
    fixed: MergeProgress,
    rows_written: AtomicU64,
}

impl Running {
    pub(super) fn progress(&self) -> MergeProgress {
        MergeProgress {
            rows_written: self.rows_written.load(Ordering::Relaxed),
            ..self.fixed.clone()
        }
    }
}

/// Takes a merge off the list when it ends, however it ends.
struct Listed<'a> {
    inner: &'a Inner,
    result: u64,
}

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        self.inner.merges.lock().remove(&self.result);
    }
}

impl Inner {
    /// Runs one merge where one is worth it; whether one ran.
    pub(super) fn merge_step(&self) -> Result<bool> {
        self.check_writable()?;
        let limits = Limits {
            bytes_max: self.options.merge_bytes_max,
            parts_max: self.options.merge_parts_max,
        };
        for table in self.durable_tables() {
            let Some(chosen) = choose(&table, limits) else {
                continue;
            };
            let merged = self.merge_parts(&table, &chosen)?;
            drop(chosen);
            if merged {
                self.remove_retired();
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(super) fn optimize(
        &self,
        table: &Arc<Table>,
        partition: Option<&str>,
        final_: bool,
    ) -> Result<()> {
        if !table.definition().engine.is_durable() {
            return Ok(());
        }
        self.flush_where(|_| true)?;
        let wanted = |i: &PartInfo| partition.is_none_or(|p| p == i.partition);
        let snapshot = table.snapshot();
        let files = snapshot.parts.iter().filter(|p| p.memory_block().is_none());
        let mut groups: Vec<Vec<Arc<Part>>> = Vec::new();
        for part in files.filter(|p| wanted(p.info())) {
            let info = part.info();
            let same = groups.last_mut().filter(|g| {
                let other = g[0].info();
                (&other.partition, other.bucket) == (&info.partition, info.bucket)
            });
            match same {
                Some(group) => group.push(Arc::clone(part)),
                None => groups.push(vec![Arc::clone(part)]),
            }
        }
        drop(snapshot);
        let limits = Limits {
            bytes_max: self.options.merge_bytes_max,
            parts_max: usize::MAX,
        };
        for group in groups {
            let bytes: u64 = group.iter().map(|p| p.info().bytes).sum();
            let layout = table.layout();
            let current = group[0].schema() == &layout.schema
                && (matches!(layout.mode, MergeMode::Plain) || group[0].info().level > 0);
            let single = group.len() == 1 && current;
            if single || (!final_ && bytes > limits.bytes_max) {
                continue;
            }
            self.merge_parts(table, &group)?;
        }
        self.remove_retired();
        Ok(())
    }

    /// Merges neighbours; false when some of them are busy or gone.
    fn merge_parts(&self, table: &Arc<Table>, parts: &[Arc<Part>]) -> Result<bool> {
        let ids: Vec<u64> = parts.iter().map(|p| p.info().id).collect();
        let Some(claim) = table.claims().try_claim(&ids) else {
            return Ok(false);
        };
        let result = self.new_part();
        let mut info = covering(result, parts.iter().map(|p| p.info()));
        info.level = parts.iter().map(|p| p.info().level).max().unwrap_or(0) + 1;
        let running = self.list(table, parts, result);
        let _listed = Listed {
            inner: self,
            result,
        };
        let (layout, version) = table.versioned_layout();
        let draft = self.write_merge(table, &layout, parts, info, &running)?;
        self.storage.sync_dir(drafts::FOLDER)?;
        let swapped = self.swap(table, version, ids, draft);
        drop(claim);
        match swapped {
            Ok(()) => Ok(true),
            Err(e) if is_stale(e.code()) => Ok(false),
            Err(e) => Err(e),
        }
    }

    fn write_merge(
        &self,
        table: &Table,
        layout: &Layout,
        parts: &[Arc<Part>],
        info: PartInfo,
        running: &Running,
    ) -> Result<Draft> {
        let spec = MergeSpec {
            columns: layout.columns(),
            order: layout.order.clone(),
            mode: layout.mode.clone(),
            block_rows: self.options.merge_block_rows,
        };
        let values = parts.first().map(|p| p.partition().to_vec());
        let mut draft = Draft::create(self, layout, values.unwrap_or_default(), info)?;
        merge(parts, &spec, |block| {
            if table.is_dropped() {
                return Err(Error::new(Code::ABORTED, "the table was dropped"));
            }
            self.check_writable()?;
            draft.write(&block, &layout.key_columns(&block)?)?;
            running
                .rows_written
                .fetch_add(block.rows() as u64, Ordering::Relaxed);
            Ok(())
        })?;
        draft.finish()?;
        Ok(draft)
    }

    fn list(&self, table: &Table, parts: &[Arc<Part>], result: u64) -> Arc<Running> {
        let definition = table.definition();
        let infos = || parts.iter().map(|p| p.info());
        let running = Arc::new(Running {
            fixed: MergeProgress {
                database: definition.database.clone(),
                table: definition.name.clone(),
                partition: infos()
                    .next()
                    .map(|i| i.partition.clone())
                    .unwrap_or_default(),
                parts: infos().map(|i| i.id).collect(),
                result,
                rows_total: infos().map(|i| i.rows).sum(),
                rows_written: 0,
                bytes_total: infos().map(|i| i.bytes).sum(),
                started_micros: self.now(),
            },
            rows_written: AtomicU64::new(0),
        });
        self.merges.lock().insert(result, Arc::clone(&running));
        running
    }
}

fn choose(table: &Table, limits: Limits) -> Option<Vec<Arc<Part>>> {
    let snapshot = table.snapshot();
    let candidates: Vec<Candidate<'_>> = snapshot
        .parts
        .iter()
        .map(|part| Candidate {
            info: part.info(),
            free: part.memory_block().is_none() && !table.claims().is_busy(part.info().id),
        })
        .collect();
    let range = select(&candidates, limits)?;
    Some(snapshot.parts[range].to_vec())
}
