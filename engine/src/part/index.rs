//! The sparse primary index: the key of the first row of each granule, and of the last row.
//!
//! Invariant: keys ascend; an index whose keys do not is empty and prunes nothing.

use std::cmp::Ordering;
use std::ops::{Bound, Range};

use super::info::KeyColumn;
use super::prune::Matcher;
use crate::column::{Column, Flat};
use crate::error::{Error, Result};
use crate::kernels::compare::{compare_flat, compare_to};
use crate::kernels::take::take;
use crate::types::Value;

/// Keys at the borders of granules.
#[derive(Debug, Clone)]
pub struct PrimaryIndex {
    key: Vec<KeyColumn>,
    /// Per element: granules + 1 values, or nothing at all.
    borders: Vec<Flat>,
}

impl PrimaryIndex {
    /// The index of sorted rows with these key columns.
    pub fn of_rows(
        key: Vec<KeyColumn>,
        columns: &[Column],
        rows: usize,
        granule_rows: usize,
    ) -> Result<Self> {
        if key.len() != columns.len() || columns.iter().any(|c| c.len() != rows) {
            return Err(Error::bug(format!(
                "a key of {} elements and {rows} rows got columns of {:?} rows",
                key.len(),
                columns.iter().map(Column::len).collect::<Vec<_>>()
            )));
        }
        let mut at: Vec<u32> = (0..rows as u32).step_by(granule_rows).collect();
        at.extend((rows as u32).checked_sub(1));
        let borders = columns.iter().map(|c| take(c, &at).to_flat()).collect();
        Ok(Self::of_borders(key, borders))
    }

    /// The index with these border values (granules + 1 of each element).
    pub fn of_borders(key: Vec<KeyColumn>, borders: Vec<Flat>) -> Self {
        let index = PrimaryIndex { key, borders };
        let count = index.borders.first().map_or(0, Flat::len);
        let fits = index.borders.len() == index.key.len()
            && index.borders.iter().all(|b| b.len() == count)
            && (1..count).all(|i| index.order(i - 1, i).is_le());
        if fits {
            index
        } else {
            PrimaryIndex {
                borders: Vec::new(),
                ..index
            }
        }
    }

    /// Elements of the key.
    pub fn key(&self) -> &[KeyColumn] {
        &self.key
    }

    /// Border values, one column per element; empty when there is no key.
    pub fn borders(&self) -> &[Flat] {
        &self.borders
    }

    fn order(&self, i: usize, j: usize) -> Ordering {
        let orders = self.borders.iter().map(|b| compare_flat(b, i, b, j));
        orders.fold(Ordering::Equal, Ordering::then)
    }

    /// Whether the index can answer for `granules` granules.
    pub(super) fn covers(&self, granules: usize) -> bool {
        self.borders
            .first()
            .is_some_and(|b| b.len() == granules + 1)
    }

    /// The granules that may fulfil a condition on the first element, by binary search.
    pub(super) fn search_first(&self, matcher: &Matcher, granules: usize) -> Vec<Range<usize>> {
        let Some(first) = self.borders.first() else {
            return std::iter::once(0..granules).collect();
        };
        let mut found: Vec<Range<usize>> = Vec::new();
        for range in matcher.ranges() {
            // Granule g spans borders g and g + 1.
            let start = partition_point(granules, |g| match &range.low {
                Bound::Unbounded => false,
                Bound::Included(v) => compare_to(first, g + 1, v).is_lt(),
                Bound::Excluded(v) => compare_to(first, g + 1, v).is_le(),
            });
            let end = partition_point(granules, |g| match &range.high {
                Bound::Unbounded => true,
                Bound::Included(v) => compare_to(first, g, v).is_le(),
                Bound::Excluded(v) => compare_to(first, g, v).is_lt(),
            });
            let start = start.max(found.last().map_or(0, |r| r.end));
            if start < end {
                found.push(start..end);
            }
        }
        found
    }

    /// Whether granule `g` may fulfil a condition on element `i`: it can only be said when the
    /// elements before it do not change inside the granule.
    pub(super) fn may_match(&self, i: usize, g: usize, matcher: &Matcher) -> bool {
        let before = &self.borders[..i.min(self.borders.len())];
        if before.iter().any(|b| compare_flat(b, g, b, g + 1).is_ne()) {
            return true;
        }
        self.borders
            .get(i)
            .is_none_or(|b| matcher.may_match(&b.value(g), &b.value(g + 1)))
    }

    /// Key values at border `i`.
    pub fn border(&self, i: usize) -> Vec<Value> {
        self.borders
            .iter()
            .filter(|b| i < b.len())
            .map(|b| b.value(i))
            .collect()
    }
}

fn partition_point(n: usize, before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, n);
    while low < high {
        let middle = low + (high - low) / 2;
        if before(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}
