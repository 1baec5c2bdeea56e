//! The rows that FINAL shows: as if everything were merged.
//!
//! Replacing tables: parts as they are with the rows that stay, found from key columns alone.
//! Summing and aggregating tables: parts merged in memory where they overlap.
//!
//! Invariant: counted at most once for each snapshot.

use std::sync::{Arc, OnceLock};

use super::definition::TableEngine;
use super::layout::Layout;
use super::snapshot::Snapshot;
use super::split::sort;
use crate::block::{Block, Schema};
use crate::error::Result;
use crate::merge::supersede::{Rule, superseded};
use crate::merge::{MergeMode, MergeSpec, merge};
use crate::part::{GRANULE_ROWS, Part, PartInfo};

/// What a snapshot remembers.
pub(super) type Cache = Arc<OnceLock<Arc<Vec<FinalPart>>>>;

/// A part with its rows that FINAL shows.
#[derive(Debug, Clone)]
pub struct FinalPart {
    /// The part.
    pub part: Arc<Part>,
    /// Its rows, ascending; `None` is all of them.
    pub rows: Option<Arc<Vec<u32>>>,
}

impl Snapshot {
    /// The rows that FINAL shows.
    ///
    /// # Errors
    /// What reading says.
    pub fn final_parts(&self) -> Result<Arc<Vec<FinalPart>>> {
        if let Some(known) = self.finals.get() {
            return Ok(Arc::clone(known));
        }
        let found = Arc::new(self.count_finals()?);
        Ok(Arc::clone(self.finals.get_or_init(|| found)))
    }

    fn count_finals(&self) -> Result<Vec<FinalPart>> {
        let layout = &self.layout;
        let mut all = Vec::with_capacity(self.parts.len());
        for group in self.key_groups() {
            match &layout.mode {
                MergeMode::Plain => all.extend(group.into_iter().map(whole)),
                MergeMode::Replacing { .. } => all.extend(self.replaced(group)?),
                MergeMode::Combine(_) => all.extend(combined(layout, group)?),
            }
        }
        Ok(all)
    }

    /// Parts that may share keys, in the order of commits: all of them, or those of one partition
    /// (bucket) where the key decides it.
    fn key_groups(&self) -> Vec<Vec<Arc<Part>>> {
        let layout = &self.layout;
        let in_key = |name: &String| layout.order.iter().any(|e| e.text() == name);
        let decided = |inputs: &[String]| inputs.iter().all(in_key);
        let partition = layout.partition.iter().all(|e| decided(e.inputs()));
        let bucket = layout
            .bucket
            .as_ref()
            .is_none_or(|(e, _)| decided(e.inputs()));
        let mut groups: Vec<Vec<Arc<Part>>> = Vec::new();
        for part in &self.parts {
            let info = part.info();
            let same = groups.iter_mut().find(|g| {
                let other = g[0].info();
                (!partition || other.partition == info.partition)
                    && (!bucket || other.bucket == info.bucket)
            });
            match same {
                Some(group) => group.push(Arc::clone(part)),
                None => groups.push(vec![Arc::clone(part)]),
            }
        }
        for group in &mut groups {
            group.sort_by_key(|p| p.info().min_block);
        }
        groups
    }

    fn replaced(&self, group: Vec<Arc<Part>>) -> Result<Vec<FinalPart>> {
        let TableEngine::Replacing {
            version,
            is_deleted,
        } = &self.definition.engine
        else {
            return Ok(group.into_iter().map(whole).collect());
        };
        if is_merged(&group) && is_deleted.is_none() {
            return Ok(group.into_iter().map(whole).collect());
        }
        let inputs = self.layout.order.iter().flat_map(|e| e.inputs());
        let wanted: Vec<&String> = inputs.chain(version).chain(is_deleted).collect();
        let fields = self.layout.schema.fields.iter();
        let schema = Schema::new(
            fields
                .filter(|f| wanted.contains(&&f.name))
                .cloned()
                .collect(),
        );
        let place = |name: &Option<String>| name.as_ref().and_then(|n| schema.index_of(n));
        let rule = Rule {
            version: place(version),
            is_deleted: place(is_deleted),
        };
        let spec = MergeSpec {
            columns: self.layout.columns_of(&schema),
            order: self.layout.order.clone(),
            mode: MergeMode::Plain,
            block_rows: GRANULE_ROWS,
            expiry: None,
        };
        let distinct: Vec<bool> = group.iter().map(|p| p.info().level > 0).collect();
        let dropped = superseded(&group, &distinct, &spec, rule)?;
        let parts = group.into_iter().zip(dropped);
        Ok(parts
            .map(|(part, dropped)| without(part, &dropped))
            .collect())
    }
}

fn whole(part: Arc<Part>) -> FinalPart {
    FinalPart { part, rows: None }
}

/// One part that came from a merge shows itself.
fn is_merged(group: &[Arc<Part>]) -> bool {
    matches!(group, [one] if one.info().level > 0)
}

fn without(part: Arc<Part>, dropped: &[u32]) -> FinalPart {
    if dropped.is_empty() {
        return whole(part);
    }
    let mut rows = Vec::with_capacity(part.rows() - dropped.len());
    let mut start = 0;
    for &row in dropped {
        rows.extend(start..row);
        start = row + 1;
    }
    rows.extend(start..part.rows() as u32);
    FinalPart {
        part,
        rows: Some(Arc::new(rows)),
    }
}

fn combined(layout: &Layout, group: Vec<Arc<Part>>) -> Result<Vec<FinalPart>> {
    if is_merged(&group) {
        return Ok(group.into_iter().map(whole).collect());
    }
    let spec = MergeSpec {
        columns: layout.columns(),
        order: layout.order.clone(),
        mode: layout.mode.clone(),
        block_rows: GRANULE_ROWS,
        expiry: None,
    };
    let mut blocks = Vec::new();
    merge(&group, &spec, |block| {
        blocks.push(block);
        Ok(())
    })?;
    let block = Block::concat(Arc::clone(&layout.schema), &blocks)?;
    let (block, key) = sort(layout, block)?;
    let first = group.first().map(|p| p.info().clone()).unwrap_or_default();
    let one_partition = group.iter().all(|p| p.info().partition == first.partition);
    let values = group.first().filter(|_| one_partition);
    let values = values.map_or_else(Vec::new, |p| p.partition().to_vec());
    let info = PartInfo { level: 1, ..first };
    let part = Part::memory(block, layout.key(), &key, values, info)?;
    Ok(vec![whole(Arc::new(part))])
}
