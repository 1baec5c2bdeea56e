//! Which rows of parts a replacing merge would drop, found by reading key columns only.
//!
//! Invariant: of all rows with one key exactly one stays: that of the largest version, of equal
//! versions the last; rows dropped from a part ascend.

use std::sync::Arc;

use super::cursor::{Chunk, Input};
use super::meeting::{Keys, meeting};
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

/// A part of which rows may have to yield.
#[derive(Debug, Clone)]
pub struct Contender {
    /// The part.
    pub part: Arc<Part>,
    /// Whether it has to be compared with everything: rows of settled parts yield to rows of fresh
    /// ones only.
    pub fresh: bool,
}

/// The dropped rows of each part (in the order of commits); of a part that is not fresh, some rows
/// that yield to another one that is not fresh may be missing.
///
/// # Errors
/// What reading says.
pub fn superseded(parts: &[Contender], spec: &MergeSpec, rule: Rule) -> Result<Vec<Vec<u32>>> {
    let mut dropped = vec![Vec::new(); parts.len()];
    let mut last: Option<Last> = None;
    // A merge left one row of each key.
    let distinct: Vec<bool> = parts.iter().map(|c| c.part.info().level > 0).collect();
    drive(&inputs(parts, spec)?, spec, |input, chunk, start, len| {
        // In a run of distinct keys only the first row can meet the row before it.
        let met = if distinct[input] { 1 } else { len };
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
        for (contender, rows) in parts.iter().zip(&mut dropped).filter(|(c, _)| c.fresh) {
            drop_deleted(&contender.part, name, rows)?;
        }
    }
    Ok(dropped)
}

/// Fresh parts as they are, of the others what can meet them.
fn inputs<'a>(parts: &'a [Contender], spec: &MergeSpec) -> Result<Vec<Input<'a>>> {
    if parts.iter().all(|c| c.fresh) {
        return Ok(parts.iter().map(|c| Input::whole(&c.part)).collect());
    }
    let fresh = parts.iter().filter(|c| c.fresh);
    let keys = fresh.map(|c| Keys::of(&c.part, spec));
    let keys: Vec<Keys> = keys.flat_map(Result::transpose).collect::<Result<_>>()?;
    let input = |c: &'a Contender| match c.fresh {
        true => Input::whole(&c.part),
        false => Input {
            part: &c.part,
            rows: meeting(&c.part, &keys),
        },
    };
    Ok(parts.iter().map(input).collect())
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
