//! Merges: choose, claim, run, commit.
//!
//! Invariant: the inputs of a running merge are claimed; the output replaces them in one commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::super::drafts::{self, Draft};
use super::super::{Inner, Table};
use super::flush::covering;
use super::is_stale;
use crate::error::{Code, Error, Result};
use crate::merge::select::Candidate;
use crate::merge::{Deadline, Limits, MergeMode, MergeSpec, merge, select};
use crate::part::{Part, PartInfo};
use crate::table::Layout;

/// How long OPTIMIZE waits for a busy part, and how often.
const PATIENCE: Duration = Duration::from_millis(5);
const ROUNDS_MAX: usize = 2000;

/// A running merge, for `system.merges`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeProgress {
    /// Branch of the table.
    pub branch: u64,
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
        if self.expire_step()? {
            return Ok(true);
        }
        let limits = Limits {
            bytes_max: self.options.merge_bytes_max,
            parts_max: self.options.merge_parts_max,
        };
        for table in self.durable_tables() {
            if table.merges_stopped() {
                continue;
            }
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

    /// Merges until there is one part in each partition and bucket, as far as limits allow; waits
    /// for merges that run.
    pub(super) fn optimize(
        &self,
        table: &Arc<Table>,
        partition: Option<&str>,
        final_: bool,
    ) -> Result<()> {
        if !table.definition().engine.is_durable() {
            return Ok(());
        }
        if table.merges_stopped() {
            return Err(Error::new(Code::ABORTED, "Cancelled merging parts."));
        }
        self.flush_where(|_| true)?;
        for _ in 0..ROUNDS_MAX {
            let done = self.optimize_once(table, partition, final_)?;
            self.remove_retired();
            if done {
                break;
            }
            std::thread::sleep(PATIENCE);
        }
        Ok(())
    }

    /// False when some part was busy.
    fn optimize_once(
        &self,
        table: &Arc<Table>,
        partition: Option<&str>,
        final_: bool,
    ) -> Result<bool> {
        let layout = table.layout();
        let mut done = true;
        for group in file_groups(table, partition) {
            let bytes: u64 = group.iter().map(|p| p.info().bytes).sum();
            let current = group[0].schema() == &layout.schema
                && layout.ttl.is_none()
                && (matches!(layout.mode, MergeMode::Plain) || group[0].info().level > 0);
            let single = group.len() == 1 && current;
            if !single && (final_ || bytes <= self.options.merge_bytes_max) {
                done &= self.merge_parts(table, &group)?;
            }
        }
        Ok(done)
    }

    /// Merges neighbours; false when some of them are busy or gone.
    pub(super) fn merge_parts(&self, table: &Arc<Table>, parts: &[Arc<Part>]) -> Result<bool> {
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
        let merged = self.write_merge(table, &layout, parts, info, &running)?;
        self.storage.sync_dir(drafts::FOLDER)?;
        let swapped = self.swap(table, version, ids, merged);
        drop(claim);
        match swapped {
            Ok(()) => Ok(true),
            Err(e) if is_stale(e.code()) => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// The merged part, and whether rows expired.
    fn write_merge(
        &self,
        table: &Table,
        layout: &Layout,
        parts: &[Arc<Part>],
        info: PartInfo,
        running: &Running,
    ) -> Result<(Option<Draft>, bool)> {
        let spec = MergeSpec {
            columns: layout.columns(),
            order: layout.order.clone(),
            mode: layout.mode.clone(),
            block_rows: self.options.merge_block_rows,
            expiry: layout.ttl.clone().map(|expiry| Deadline {
                expiry,
                now: self.now(),
                met: AtomicBool::new(false),
            }),
        };
        let mut draft: Option<Draft> = None;
        merge(parts, &spec, |block| {
            if table.is_dropped() {
                return Err(Error::new(Code::ABORTED, "the table was dropped"));
            }
            self.check_writable()?;
            let writing = match &mut draft {
                Some(draft) => draft,
                None => {
                    let values = parts.first().map(|p| p.partition().to_vec());
                    let values = values.unwrap_or_default();
                    draft.insert(Draft::create(self, layout, values, info.clone())?)
                }
            };
            writing.write(&block, &layout.key_columns(&block)?)?;
            running
                .rows_written
                .fetch_add(block.rows() as u64, Ordering::Relaxed);
            Ok(())
        })?;
        if let Some(draft) = &mut draft {
            draft.finish()?;
        }
        let expired = spec.expiry.is_some_and(|d| d.met.into_inner());
        Ok((draft, expired))
    }

    fn list(&self, table: &Table, parts: &[Arc<Part>], result: u64) -> Arc<Running> {
        let definition = table.definition();
        let infos = || parts.iter().map(|p| p.info());
        let running = Arc::new(Running {
            fixed: MergeProgress {
                branch: table.branch(),
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

/// Neighbouring part files of one partition and bucket.
fn file_groups(table: &Table, partition: Option<&str>) -> Vec<Vec<Arc<Part>>> {
    let snapshot = table.snapshot();
    let mut groups: Vec<(usize, Vec<Arc<Part>>)> = Vec::new();
    for (place, part) in snapshot.parts.iter().enumerate() {
        let info = part.info();
        if part.memory_block().is_some() || partition.is_some_and(|p| p != info.partition) {
            continue;
        }
        let same = groups.last_mut().filter(|(last, g)| {
            let other = g[0].info();
            *last + 1 == place
                && (&other.partition, other.bucket) == (&info.partition, info.bucket)
                && !table.marks().between(other, info)
        });
        match same {
            Some((last, group)) => {
                *last = place;
                group.push(Arc::clone(part));
            }
            None => groups.push((place, vec![Arc::clone(part)])),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

fn choose(table: &Table, limits: Limits) -> Option<Vec<Arc<Part>>> {
    let snapshot = table.snapshot();
    let candidates: Vec<Candidate<'_>> = snapshot
        .parts
        .iter()
        .enumerate()
        .map(|(place, part)| {
            let before = place.checked_sub(1).and_then(|p| snapshot.parts.get(p));
            Candidate {
                info: part.info(),
                free: part.memory_block().is_none() && !table.claims().is_busy(part.info().id),
                apart: before.is_some_and(|b| table.marks().between(b.info(), part.info())),
            }
        })
        .collect();
    let range = select(&candidates, limits)?;
    Some(snapshot.parts[range].to_vec())
}
