//! Partitions, peers and frames as row ranges.
//!
//! Invariant: a frame lies inside its row's partition; an empty frame has `start == end`.

use std::cmp::Ordering;
use std::ops::Range;

use roost_engine::err;
use roost_engine::error::Result;
use roost_engine::kernels::sort::SortKey;
use roost_engine::types::Value;
use roost_engine::with_native;

use super::Rows;
use crate::exec::sort::encode::{self, Keys, Words};
use crate::plan::{Frame, FrameBound};

/// Where partitions and groups of peers start; each list ends with the number of rows.
pub(super) struct Parts {
    pub(super) partitions: Vec<usize>,
    pub(super) peers: Vec<usize>,
}

impl Parts {
    /// From ordered rows; the first `partition_keys` keys are PARTITION BY.
    pub(super) fn new(keys: Vec<SortKey>, partition_keys: usize, rows: usize) -> Self {
        let partition = encode::keys(keys[..partition_keys].to_vec(), true);
        let partitions = starts(&partition, partition_keys, rows);
        let all = keys.len();
        let peers = match all == partition_keys {
            true => partitions.clone(),
            false => starts(&encode::keys(keys, true), all, rows),
        };
        Parts { partitions, peers }
    }

    /// The partitions' row ranges.
    pub(super) fn partitions(&self) -> impl Iterator<Item = Range<usize>> {
        self.partitions.windows(2).map(|w| w[0]..w[1])
    }

    /// The groups of peers.
    pub(super) fn peers(&self) -> impl Iterator<Item = Range<usize>> {
        self.peers.windows(2).map(|w| w[0]..w[1])
    }
}

fn starts(keys: &Keys, n: usize, rows: usize) -> Vec<usize> {
    fn changes(rows: usize, differ: impl Fn(usize) -> bool) -> Vec<usize> {
        let mut starts: Vec<usize> = Vec::new();
        if rows > 0 {
            starts.push(0);
        }
        starts.extend((1..rows).filter(|row| differ(*row)));
        starts.push(rows);
        starts
    }
    if n == 0 {
        return changes(rows, |_| false);
    }
    if !keys.exact() {
        return changes(rows, |r| {
            keys.compare(r as u32 - 1, r as u32) != Ordering::Equal
        });
    }
    match keys.words(rows) {
        Words::Narrow(words) => changes(rows, |r| words[r - 1] != words[r]),
        Words::Wide(words) => changes(rows, |r| words[r - 1] != words[r]),
    }
}

/// The frame of every row.
pub(super) fn frames(rows: &Rows<'_>, frame: &Frame) -> Result<Vec<Range<usize>>> {
    let mut peer_of = vec![0..0; rows.rows];
    for peers in rows.parts.peers() {
        let same = peers.clone();
        peer_of[peers].iter_mut().for_each(|p| *p = same.clone());
    }
    let offsets = Offsets::new(rows, frame)?;
    let mut out = Vec::with_capacity(rows.rows);
    for partition in rows.parts.partitions() {
        for row in partition.clone() {
            let start = offsets.start(row, &partition, &peer_of[row]);
            let end = offsets.end(row, &partition, &peer_of[row]);
            out.push(start..end.max(start));
        }
    }
    Ok(out)
}

/// The ends of a frame, ready for use.
struct Offsets {
    rows_frame: bool,
    start: End,
    end: End,
    /// For RANGE with an offset: the key as numbers that ascend, `None` for NULL.
    values: Option<Vec<Option<f64>>>,
}

enum End {
    First,
    Last,
    Current,
    /// So many rows (or so much in value) after the current one.
    Rows(i64),
    Value(f64),
}

impl Offsets {
    fn new(rows: &Rows<'_>, frame: &Frame) -> Result<Self> {
        let end = |bound: &FrameBound| -> Result<End> {
            Ok(match bound {
                FrameBound::UnboundedPreceding => End::First,
                FrameBound::UnboundedFollowing => End::Last,
                FrameBound::CurrentRow => End::Current,
                FrameBound::Preceding(v) if frame.rows => End::Rows(-count(v)?),
                FrameBound::Following(v) if frame.rows => End::Rows(count(v)?),
                FrameBound::Preceding(v) => End::Value(-distance(v)?),
                FrameBound::Following(v) => End::Value(distance(v)?),
            })
        };
        let (start, end) = (end(&frame.start)?, end(&frame.end)?);
        let by_value = matches!(start, End::Value(_)) || matches!(end, End::Value(_));
        let values = match (by_value, &rows.first_key) {
            (false, _) => None,
            (true, Some(key)) => Some(ascending(key)?),
            (true, None) => {
                return Err(err!(
                    BAD_ARGUMENTS,
                    "The RANGE OFFSET frame requires exactly one ORDER BY column, 0 given"
                ));
            }
        };
        Ok(Offsets {
            rows_frame: frame.rows,
            start,
            end,
            values,
        })
    }

    fn start(&self, row: usize, partition: &Range<usize>, peers: &Range<usize>) -> usize {
        match self.start {
            End::First => partition.start,
            End::Last => partition.end,
            End::Current if self.rows_frame => row,
            End::Current => peers.start,
            End::Rows(n) => moved(row, n).clamp(partition.start, partition.end),
            End::Value(by) => self.first_at(row, partition, by).unwrap_or(peers.start),
        }
    }

    fn end(&self, row: usize, partition: &Range<usize>, peers: &Range<usize>) -> usize {
        match self.end {
            End::First => partition.start,
            End::Last => partition.end,
            End::Current if self.rows_frame => row + 1,
            End::Current => peers.end,
            End::Rows(n) => moved(row + 1, n).clamp(partition.start, partition.end),
            End::Value(by) => self.first_after(row, partition, by).unwrap_or(peers.end),
        }
    }

    /// The first row whose value is not below the current one's plus `by`.
    fn first_at(&self, row: usize, partition: &Range<usize>, by: f64) -> Option<usize> {
        let values = &self.values.as_ref()?[partition.clone()];
        let limit = values[row - partition.start]? + by;
        let place = values.partition_point(|v| v.is_some_and(|v| v < limit));
        Some(partition.start + place)
    }

    fn first_after(&self, row: usize, partition: &Range<usize>, by: f64) -> Option<usize> {
        let values = &self.values.as_ref()?[partition.clone()];
        let limit = values[row - partition.start]? + by;
        let place = values.partition_point(|v| v.is_some_and(|v| v <= limit));
        Some(partition.start + place)
    }
}

fn moved(row: usize, by: i64) -> usize {
    let row = i64::try_from(row).unwrap_or(i64::MAX);
    usize::try_from(row.saturating_add(by).max(0)).unwrap_or(usize::MAX)
}

fn count(value: &Value) -> Result<i64> {
    value.as_i64().filter(|n| *n >= 0).ok_or_else(|| {
        err!(
            BAD_ARGUMENTS,
            "Window frame offset must be a nonnegative integer"
        )
    })
}

fn distance(value: &Value) -> Result<f64> {
    value.as_f64().filter(|n| *n >= 0.0).ok_or_else(|| {
        err!(
            BAD_ARGUMENTS,
            "Window frame offset must be a nonnegative number"
        )
    })
}

/// The key as numbers that ascend in the window's order. NULLs first would break the order that
/// the search relies on, so they count as peers of each other only.
#[allow(
    clippy::unnecessary_cast,
    reason = "the macro writes the cast for every type, the same one too"
)]
fn ascending(key: &SortKey) -> Result<Vec<Option<f64>>> {
    let flat = key.column.to_flat();
    let (nulls, values) = flat.split_nulls();
    let sign = if key.descending { -1.0 } else { 1.0 };
    let numbers: Vec<f64> = with_native!(
        values,
        |v| v.iter().map(|x| *x as f64 * sign).collect(),
        other => return Err(err!(
            NOT_IMPLEMENTED,
            "The RANGE OFFSET frame over a column of {} is not implemented",
            other.shape_name()
        ))
    );
    let null = |i: usize| nulls.is_some_and(|m| m[i] != 0);
    let numbered = numbers.into_iter().enumerate();
    Ok(numbered.map(|(i, x)| (!null(i)).then_some(x)).collect())
}
