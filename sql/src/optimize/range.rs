//! Unions and intersections of value ranges.
//!
//! Invariant: results are ascending and disjoint; empty ranges are dropped.

use std::cmp::Ordering;
use std::ops::Bound;

use roost_engine::hooks::ValueRange;
use roost_engine::types::Value;

/// Order of lower ends: unbounded first, at one value included before excluded.
fn compare_low(a: &Bound<Value>, b: &Bound<Value>) -> Ordering {
    match (a, b) {
        (Bound::Unbounded, Bound::Unbounded) => Ordering::Equal,
        (Bound::Unbounded, _) => Ordering::Less,
        (_, Bound::Unbounded) => Ordering::Greater,
        (Bound::Included(x), Bound::Excluded(y)) => x.compare(y).then(Ordering::Less),
        (Bound::Excluded(x), Bound::Included(y)) => x.compare(y).then(Ordering::Greater),
        (Bound::Included(x), Bound::Included(y)) | (Bound::Excluded(x), Bound::Excluded(y)) => {
            x.compare(y)
        }
    }
}

/// Order of upper ends: unbounded last, at one value excluded before included.
fn compare_high(a: &Bound<Value>, b: &Bound<Value>) -> Ordering {
    match (a, b) {
        (Bound::Unbounded, Bound::Unbounded) => Ordering::Equal,
        (Bound::Unbounded, _) => Ordering::Greater,
        (_, Bound::Unbounded) => Ordering::Less,
        (Bound::Included(x), Bound::Excluded(y)) => x.compare(y).then(Ordering::Greater),
        (Bound::Excluded(x), Bound::Included(y)) => x.compare(y).then(Ordering::Less),
        (Bound::Included(x), Bound::Included(y)) | (Bound::Excluded(x), Bound::Excluded(y)) => {
            x.compare(y)
        }
    }
}

/// Whether no value lies between the ends.
fn is_empty(low: &Bound<Value>, high: &Bound<Value>) -> bool {
    match (low, high) {
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
        (Bound::Included(a), Bound::Included(b)) => a.compare(b).is_gt(),
        (Bound::Included(a) | Bound::Excluded(a), Bound::Included(b) | Bound::Excluded(b)) => {
            a.compare(b).is_ge()
        }
    }
}

/// Whether a gap lies between an upper end and a lower end behind it.
fn is_apart(high: &Bound<Value>, low: &Bound<Value>) -> bool {
    match (high, low) {
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
        (Bound::Excluded(a), Bound::Excluded(b)) => a.compare(b).is_le(),
        (Bound::Included(a) | Bound::Excluded(a), Bound::Included(b) | Bound::Excluded(b)) => {
            a.compare(b).is_lt()
        }
    }
}

/// All values of any of the ranges.
pub(super) fn union(mut ranges: Vec<ValueRange>) -> Vec<ValueRange> {
    ranges.retain(|r| !is_empty(&r.low, &r.high));
    ranges.sort_by(|a, b| compare_low(&a.low, &b.low));
    let mut merged: Vec<ValueRange> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match merged.last_mut() {
            Some(last) if !is_apart(&last.high, &range.low) => {
                if compare_high(&range.high, &last.high).is_gt() {
                    last.high = range.high;
                }
            }
            _ => merged.push(range),
        }
    }
    merged
}

/// The values that lie in both lists.
pub(super) fn intersection(a: &[ValueRange], b: &[ValueRange]) -> Vec<ValueRange> {
    let (mut i, mut j) = (0, 0);
    let mut all = Vec::new();
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        let low = match compare_low(&x.low, &y.low).is_ge() {
            true => &x.low,
            false => &y.low,
        };
        let first_ends = compare_high(&x.high, &y.high).is_le();
        let high = if first_ends { &x.high } else { &y.high };
        if !is_empty(low, high) {
            all.push(ValueRange {
                low: low.clone(),
                high: high.clone(),
            });
        }
        match first_ends {
            true => i += 1,
            false => j += 1,
        }
    }
    all
}
