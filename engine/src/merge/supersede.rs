//! Which rows of parts a replacing merge would drop, found by reading key columns only.
//!
//! Invariant: of all rows with one key exactly one stays: that of the largest version, of equal
//! versions the last; rows dropped from a part ascend.

use std::sync::Arc;

use super::cursor::Chunk;
use super::run::{MergeSpec, drive};
use crate::error::Result;
use crate::kernels::compare::compare;
use crate::kernels::filter::truth;
use crate::part::Part;

/// What to compare; places are those of the spec's columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rule {
    /// Version column.
    pub version: Option<usize>,
    /// Column of numbers that are not zero in rows that stand for a deletion.
    pub is_deleted: Option<usize>,
}

/// The dropped rows of each part. `distinct` tells of each part whether its own keys differ.
pub fn superseded(
    parts: &[Arc<Part>],
    distinct: &[bool],
    spec: &MergeSpec,
    rule: Rule,
) -> Result<Vec<Vec<u32>>> {
    let mut dropped = vec![Vec::new(); parts.len()];
    let mut last: Option<Last> = None;
    drive(parts, spec, |input, chunk, start, len| {
        // In a run of distinct keys only the first row can meet the row before it.
        let met = if distinct.get(input).is_some_and(|d| *d) {
            1
        } else {
            len
        };
        for row in start..start + met.min(len) {
            let new = Last {
                input,
                chunk: Arc::clone(chunk),
                row,
            };
            match &last {
                Some(old) if old.same_key(&new) => {
                    if old.is_newer(&new, rule.version) {
                        dropped[new.input].push(new.number());
                        continue;
                    }
                    dropped[old.input].push(old.number());
                }
                _ => {}
            }
            last = Some(new);
        }
        if met < len {
            last = Some(Last {
                input,
                chunk: Arc::clone(chunk),
                row: start + len - 1,
            });
        }
        Ok(())
    })?;
    // A row that yields to a later one comes after rows that yielded to it.
    dropped.iter_mut().for_each(|rows| rows.sort_unstable());
    if let Some(column) = rule.is_deleted {
        let name = &spec.columns.schema.fields[column].name;
        for (part, rows) in parts.iter().zip(&mut dropped) {
            drop_deleted(part, name, rows)?;
        }
    }
    Ok(dropped)
}

/// The row that stands for its key so far.
struct Last {
    input: usize,
    chunk: Arc<Chunk>,
    row: usize,
}

impl Last {
    fn number(&self) -> u32 {
        (self.chunk.first + self.row) as u32
    }

    fn same_key(&self, other: &Last) -> bool {
        self.chunk
            .compare(self.row, &other.chunk, other.row)
            .is_eq()
    }

    fn is_newer(&self, next: &Last, version: Option<usize>) -> bool {
        version.is_some_and(|v| {
            let (a, b) = (self.chunk.block.column(v), next.chunk.block.column(v));
            compare(a, self.row, b, next.row).is_gt()
        })
    }
}

fn drop_deleted(part: &Part, name: &str, dropped: &mut Vec<u32>) -> Result<()> {
    let Some(c) = part.schema().index_of(name) else {
        return Ok(());
    };
    let column = part.read(c, 0..part.rows())?.to_flat();
    let deleted = truth(column.split_nulls().1)?;
    dropped.extend(
        (0..)
            .zip(&deleted)
            .filter(|(_, d)| **d != 0)
            .map(|(row, _)| row),
    );
    dropped.sort_unstable();
    dropped.dedup();
    Ok(())
}
