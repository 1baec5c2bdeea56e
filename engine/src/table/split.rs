//! Blocks of an insert cut into sorted runs, one for each partition and bucket.
//!
//! Invariant: the runs hold the rows of the block, each once; rows of a run with equal keys keep
//! their order.

use hashbrown::HashMap;

use super::layout::Layout;
use super::partition::partition_id;
use crate::block::Block;
use crate::column::Column;
use crate::error::{Error, Result};
use crate::kernels::compare::compare;
use crate::kernels::hash::hash_rows;
use crate::kernels::sort::{SortKey, sort_permutation};
use crate::part::{Part, PartInfo, PartitionValue};

/// Sorted rows of one partition and bucket.
#[derive(Debug, Clone)]
pub struct Run {
    /// Partition id.
    pub partition: String,
    /// Values of the partition key.
    pub values: Vec<PartitionValue>,
    /// Bucket.
    pub bucket: u32,
    /// Rows in the order of the sorting key.
    pub block: Block,
    /// Values of the primary key.
    pub key: Vec<Column>,
}

impl Run {
    /// The run as a memory part.
    pub fn into_part(self, layout: &Layout, info: PartInfo) -> Result<Part> {
        Part::memory(self.block, layout.key(), &self.key, self.values, info)
    }
}

/// Cuts `block`, which has the layout's schema.
pub fn split(layout: &Layout, block: &Block) -> Result<Vec<Run>> {
    let mut columns = layout
        .partition
        .iter()
        .map(|e| e.evaluate(block))
        .collect::<Result<Vec<_>>>()?;
    if let Some((bucket, _)) = &layout.bucket {
        columns.push(bucket.evaluate(block)?);
    }
    if block.rows() == 0 {
        return Ok(Vec::new());
    }
    let groups = group(&columns, block.rows());
    let whole = groups.len() == 1;
    let runs = groups.into_iter().map(|rows| {
        let first = rows.first().copied().unwrap_or_default() as usize;
        let own = if whole {
            block.clone()
        } else {
            block.take(&rows)
        };
        run(layout, own, &columns, first)
    });
    runs.collect()
}

fn run(layout: &Layout, block: Block, columns: &[Column], first: usize) -> Result<Run> {
    let values: Vec<PartitionValue> = layout
        .partition
        .iter()
        .zip(columns)
        .map(|(expr, column)| PartitionValue {
            name: expr.text().to_string(),
            ty: expr.data_type().clone(),
            value: column.value(first),
        })
        .collect();
    let bucket = match &layout.bucket {
        None => 0,
        Some((expr, n)) => {
            let value = columns.last().map(|c| c.value(first));
            let number = value.as_ref().and_then(crate::types::Value::as_u64);
            let fits = number.and_then(|b| u32::try_from(b).ok()).filter(|b| b < n);
            fits.ok_or_else(|| Error::bug(format!("{} gave bucket {value:?} of {n}", expr.text())))?
        }
    };
    let (block, key) = sort(layout, block)?;
    Ok(Run {
        partition: partition_id(&values),
        values,
        bucket,
        block,
        key,
    })
}

/// Rows by sorting key, and their primary key.
pub fn sort(layout: &Layout, block: Block) -> Result<(Block, Vec<Column>)> {
    let mut key = layout.order_columns(&block)?;
    if key.is_empty() {
        return Ok((block, key));
    }
    let order: Vec<SortKey> = key.iter().cloned().map(SortKey::ascending).collect();
    let permutation = sort_permutation(&order, block.rows());
    key.truncate(layout.primary);
    if permutation.is_sorted() {
        return Ok((block, key));
    }
    let key = key
        .iter()
        .map(|k| crate::kernels::take::take(k, &permutation));
    Ok((block.take(&permutation), key.collect()))
}

/// Row numbers of equal rows, groups in the order of their first rows.
fn group(columns: &[Column], rows: usize) -> Vec<Vec<u32>> {
    if columns.iter().all(|c| c.as_const().is_some()) {
        return vec![(0..rows as u32).collect()];
    }
    let hashes = hash_rows(columns, rows);
    let equal = |a: u32, b: u32| {
        let (a, b) = (a as usize, b as usize);
        columns.iter().all(|c| compare(c, a, c, b).is_eq())
    };
    let mut groups: Vec<Vec<u32>> = Vec::new();
    let mut by_hash: HashMap<u64, Vec<usize>> = HashMap::new();
    let mut last: Option<(u64, usize)> = None;
    for (row, &hash) in hashes.iter().enumerate() {
        let row = row as u32;
        if let Some((h, g)) = last
            && h == hash
            && equal(groups[g][0], row)
        {
            groups[g].push(row);
            continue;
        }
        let known = by_hash.entry(hash).or_default();
        let g = match known.iter().find(|g| equal(groups[**g][0], row)) {
            Some(g) => *g,
            None => {
                known.push(groups.len());
                groups.push(Vec::new());
                groups.len() - 1
            }
        };
        groups[g].push(row);
        last = Some((hash, g));
    }
    groups
}
