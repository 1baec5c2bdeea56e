//! A table's rows at one instant.
//!
//! Invariant: parts are ordered by (partition, bucket, first commit); parts of one partition and
//! bucket cover disjoint ranges of commits. Nothing of a snapshot changes; its files stay as long
//! as it is held.

use std::ops::{Bound, Range};
use std::sync::Arc;

use super::definition::TableDefinition;
use super::layout::Layout;
use crate::block::{Block, Field, Schema};
use crate::column::{Column, ColumnBuilder};
use crate::hooks::{Condition, ValueRange};
use crate::part::{Narrowed, Part};
use crate::types::Value;

/// A part with the row ranges of it that may match.
pub type PartRanges = (Arc<Part>, Vec<Range<usize>>);

/// The parts of a table at one commit.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Parts in files and in memory.
    pub parts: Vec<Arc<Part>>,
    /// The table's definition at that commit. A part may be older and lack columns.
    pub definition: Arc<TableDefinition>,
    /// Compiled keys.
    pub layout: Arc<Layout>,
    /// The last commit that touched the table.
    pub commit: u64,
    /// The rows that FINAL shows, once somebody asked.
    pub(super) finals: Arc<super::finals::Cache>,
}

impl Snapshot {
    /// The same with some of the parts.
    #[must_use]
    pub fn of_parts(&self, parts: Vec<Arc<Part>>) -> Snapshot {
        Snapshot {
            parts,
            finals: Arc::default(),
            ..self.clone()
        }
    }

    /// Rows of all parts.
    pub fn rows(&self) -> u64 {
        self.parts.iter().map(|p| p.info().rows).sum()
    }

    /// Bytes of all parts (files: on disk, memory parts: resident).
    pub fn bytes(&self) -> u64 {
        self.parts.iter().map(|p| p.info().bytes).sum()
    }

    /// The parts that may hold rows fulfilling all `conditions`, with their row ranges that may:
    /// by bucket, partition values, key and statistics.
    pub fn prune(&self, conditions: &[Condition]) -> Vec<PartRanges> {
        let parts = self.in_buckets(conditions).into_iter();
        let ranges = parts.map(|p| (Arc::clone(p), p.prune(conditions)));
        ranges.filter(|(_, ranges)| !ranges.is_empty()).collect()
    }

    /// As [`Snapshot::prune`], and where a range of keys begins and ends inside of a granule, from
    /// that row to that row.
    pub fn narrow(&self, conditions: &[Condition]) -> Vec<(Arc<Part>, Narrowed)> {
        let parts = self.in_buckets(conditions).into_iter();
        let rows = parts.map(|p| (Arc::clone(p), p.narrow(conditions)));
        rows.filter(|(_, rows)| !rows.ranges.is_empty()).collect()
    }

    fn in_buckets(&self, conditions: &[Condition]) -> Vec<&Arc<Part>> {
        let buckets = self.buckets(conditions);
        let parts = self.parts.iter().filter(|p| {
            let bucket = p.info().bucket;
            buckets.as_ref().is_none_or(|b| b.contains(&bucket))
        });
        parts.collect()
    }

    /// The buckets that may match; `None` when conditions do not say.
    pub(super) fn buckets(&self, conditions: &[Condition]) -> Option<Vec<u32>> {
        let (expr, _) = self.layout.bucket.as_ref()?;
        let [input] = expr.inputs() else { return None };
        let condition = conditions.iter().find(|c| c.column == *input)?;
        let points = points(&condition.ranges)?;
        let ty = &self.layout.schema.fields[self.layout.schema.index_of(input)?].ty;
        let mut builder = ColumnBuilder::new(ty, points.len());
        for point in &points {
            builder.push(point).ok()?;
        }
        let schema = Schema::new(vec![Field::new(input.clone(), ty.clone())]);
        let column = Column::Flat(builder.finish());
        let block = Block::new(schema, vec![column], points.len()).ok()?;
        let found = expr.evaluate(&block).ok()?;
        let numbers = (0..found.len()).map(|i| found.value(i).as_u64());
        numbers
            .map(|n| n.and_then(|n| u32::try_from(n).ok()))
            .collect()
    }
}

fn points(ranges: &[ValueRange]) -> Option<Vec<&Value>> {
    let point = |r: &'_ ValueRange| matches!((&r.low, &r.high), (Bound::Included(a), Bound::Included(b)) if a == b);
    if !ranges.iter().all(point) {
        return None;
    }
    let lows = ranges.iter().filter_map(|r| match &r.low {
        Bound::Included(v) => Some(v),
        _ => None,
    });
    Some(lows.collect())
}
