//! What operators above a scan know while it runs: keys that a join's other side has, and how good
//! a row must be to be among the first.
//!
//! Invariant: a row that is dropped for this reason could not have reached the answer.

use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::hooks::ValueRange;
use roost_engine::kernels::compare::compare;
use roost_engine::kernels::sort::SortKey;
use roost_engine::types::{DataType, Value};

use super::sort::encode::{self, Words};
use crate::eval::groups::{Groups, NO_GROUP};
use crate::eval::set::strip_nulls;
use crate::expr::{ColumnId, Expr};

/// Sets of keys up to this size are handed to the source one by one.
const MOST_POINTS: usize = 256;

/// What is known about columns below.
#[derive(Clone, Default)]
pub(crate) struct Pushed {
    pub(crate) keys: Vec<(ColumnId, Arc<KeyFilter>)>,
    pub(crate) top: Option<Top>,
    /// Whether what stands right above a scan takes rows with a mask.
    pub(crate) masks: bool,
}

/// An order of which only the first rows are wanted.
#[derive(Clone)]
pub(crate) struct Top {
    /// Its first keys as far as they are plain columns, and whether each descends; at least one.
    pub(crate) keys: Vec<(ColumnId, bool)>,
    /// Whether these are all of its keys.
    pub(crate) whole: bool,
    pub(crate) threshold: Arc<Threshold>,
}

impl Top {
    /// The first key.
    pub(crate) fn first(&self) -> Option<ColumnId> {
        self.keys.first().map(|k| k.0)
    }
}

/// The keys that the held side of a join has.
pub(crate) struct KeyFilter {
    /// Ranges that hold all keys.
    pub(crate) ranges: Vec<ValueRange>,
    groups: Groups,
}

impl KeyFilter {
    /// From the distinct keys of one column.
    pub(crate) fn new(groups: &Groups) -> Result<Self> {
        let keys = groups.keys()?;
        let ranges = keys.first().map_or_else(Vec::new, ranges);
        Ok(KeyFilter {
            ranges,
            groups: groups.clone(),
        })
    }

    /// Number of keys.
    pub(crate) fn len(&self) -> usize {
        self.groups.len()
    }

    /// Rows whose key is there; `None`: all.
    pub(crate) fn select(&self, column: &Column) -> Result<Option<Vec<u32>>> {
        let rows = column.len();
        let (values, nulls) = strip_nulls(std::slice::from_ref(column), rows);
        let mut ids = Vec::with_capacity(rows);
        self.groups.find(&values, rows, &mut ids)?;
        let null = |row: usize| nulls.as_ref().is_some_and(|n| n[row] != 0);
        let kept = ids.iter().enumerate();
        let kept: Vec<u32> = kept
            .filter(|(row, id)| **id != NO_GROUP && !null(*row))
            .map(|(row, _)| row as u32)
            .collect();
        Ok((kept.len() < rows).then_some(kept))
    }
}

fn ranges(keys: &Column) -> Vec<ValueRange> {
    let rows = keys.len();
    if rows <= MOST_POINTS {
        let mut values: Vec<Value> = (0..rows).map(|row| keys.value(row)).collect();
        values.sort_by(Value::compare);
        return values.into_iter().map(ValueRange::point).collect();
    }
    let order = |a: &usize, b: &usize| compare(keys, *a, keys, *b);
    let (low, high) = ((0..rows).min_by(order), (0..rows).max_by(order));
    match (low, high) {
        (Some(low), Some(high)) => vec![ValueRange {
            low: Bound::Included(keys.value(low)),
            high: Bound::Included(keys.value(high)),
        }],
        _ => Vec::new(),
    }
}

/// How good a row must be: the upper half of its words may not be greater.
pub(crate) struct Threshold {
    worst: AtomicU64,
    dropped: AtomicU64,
    /// How many rows are wanted.
    limit: usize,
    descending: bool,
    nulls_first: bool,
}

/// The part of a word that thresholds look at.
pub(crate) fn upper(words: &Words, row: usize) -> u64 {
    match words {
        Words::Narrow(words) => words[row],
        Words::Wide(words) => (words[row] >> 64) as u64,
    }
}

impl Threshold {
    /// Every row is good enough so far; direction and NULLs of the first key.
    pub(crate) fn new(limit: usize, descending: bool, nulls_first: bool) -> Self {
        Threshold {
            limit,
            worst: AtomicU64::new(u64::MAX),
            dropped: AtomicU64::new(0),
            descending,
            nulls_first,
        }
    }

    /// The worst word that is still good; `None`: any.
    pub(crate) fn worst(&self) -> Option<u64> {
        let worst = self.worst.load(Ordering::Relaxed);
        (worst != u64::MAX).then_some(worst)
    }

    /// Asks more of rows from now on.
    pub(crate) fn tighten(&self, worst: u64) {
        self.worst.fetch_min(worst, Ordering::Relaxed);
    }

    /// Rows that were not good enough, where they did not reach the sort.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// How many rows are wanted.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Says that so many rows did not reach the sort.
    pub(crate) fn drop_rows(&self, rows: usize) {
        self.dropped.fetch_add(rows as u64, Ordering::Relaxed);
    }

    /// Whether nothing as good as `best`, a value of type `ty`, is wanted any more.
    pub(crate) fn is_behind(&self, best: &Value, ty: &DataType) -> bool {
        let Some(worst) = self.worst() else {
            return false;
        };
        let column = Column::constant(best, ty, 1);
        column.is_ok_and(|column| upper(&self.words(&column), 0) > worst)
    }

    /// Rows whose first key is good enough; `None`: all. `last` says that nothing between here and
    /// the sort drops rows, so that the best of these rows are enough.
    pub(crate) fn select(&self, column: &Column, last: bool) -> Option<Vec<u32>> {
        let rows = column.len();
        let enough = last && self.limit > 0 && rows / 2 > self.limit;
        if !enough && self.worst().is_none() {
            return None;
        }
        let words = self.words(column);
        // Of the first key alone: others' bits may stand behind it in the words of the whole order,
        // so nobody else is told.
        let own = match enough {
            true => nth(&words, rows, self.limit - 1),
            false => u64::MAX,
        };
        let worst = self.worst().unwrap_or(u64::MAX).min(own);
        let kept = (0..rows as u32).filter(|row| upper(&words, *row as usize) <= worst);
        let kept: Vec<u32> = kept.collect();
        let dropped = rows - kept.len();
        self.drop_rows(dropped);
        (dropped > 0).then_some(kept)
    }

    fn words(&self, column: &Column) -> Words {
        let key = SortKey {
            column: column.clone(),
            descending: self.descending,
            nulls_first: self.nulls_first,
        };
        encode::keys(vec![key], false).words(column.len())
    }
}

/// The upper half of the word at place `n` in their order.
fn nth(words: &Words, rows: usize, n: usize) -> u64 {
    let mut uppers: Vec<u64> = (0..rows).map(|row| upper(words, row)).collect();
    *uppers.select_nth_unstable(n).1
}

impl Pushed {
    /// What is known below a projection.
    pub(crate) fn below(&self, exprs: &[(ColumnId, Expr)]) -> Pushed {
        let source = |id: &ColumnId| {
            exprs
                .iter()
                .find(|(out, _)| out == id)
                .and_then(|(_, e)| match e {
                    Expr::Column(input, _) => Some(*input),
                    _ => None,
                })
        };
        let keys = self.keys.iter();
        let keys = keys.filter_map(|(id, f)| Some((source(id)?, Arc::clone(f))));
        let top = self.top.as_ref().map(|top| {
            let below = top.keys.iter();
            let below = below.map_while(|(id, down)| Some((source(id)?, *down)));
            let keys: Vec<(ColumnId, bool)> = below.collect();
            Top {
                whole: top.whole && keys.len() == top.keys.len(),
                keys,
                threshold: Arc::clone(&top.threshold),
            }
        });
        Pushed {
            keys: keys.collect(),
            top: top.filter(|top| !top.keys.is_empty()),
            masks: false,
        }
    }

    /// The same without the threshold (below an operator that makes several rows of one, or
    /// drops some).
    pub(crate) fn keys_only(&self) -> Pushed {
        Pushed {
            keys: self.keys.clone(),
            top: None,
            masks: false,
        }
    }
}
