//! From conditions to row ranges.
//!
//! Invariant: a row that fulfils all conditions is in the answer; the answer ascends, is disjoint
//! and ends at granules' ends.

use std::ops::{Bound, Range};

use super::file::FilePart;
use super::{PageStats, Part, PrimaryIndex, skip};
use crate::hooks::{Condition, ValueRange};
use crate::types::{Physical, Value};

/// Past this many ranges a condition is searched instead of tried range by range.
const LINEAR_RANGES_MAX: usize = 8;

/// A condition that was checked against a column's type.
pub(super) struct Matcher<'a> {
    ranges: &'a [ValueRange],
}

impl<'a> Matcher<'a> {
    /// None when the condition's values are not of the column's class: then it says nothing.
    pub(super) fn new(condition: &'a Condition, shape: &Physical) -> Option<Self> {
        let bounds = condition.ranges.iter().flat_map(|r| [&r.low, &r.high]);
        let fits = bounds.into_iter().all(|b| match b {
            Bound::Unbounded => true,
            Bound::Included(v) | Bound::Excluded(v) => same_class(v, shape),
        });
        fits.then_some(Matcher {
            ranges: &condition.ranges,
        })
    }

    pub(super) fn ranges(&self) -> &'a [ValueRange] {
        self.ranges
    }

    /// Whether a value between `min` and `max` may fulfil the condition.
    pub(super) fn may_match(&self, min: &Value, max: &Value) -> bool {
        if self.ranges.len() <= LINEAR_RANGES_MAX {
            return self.ranges.iter().any(|r| r.overlaps(min, max));
        }
        let first = self.ranges.partition_point(|r| match &r.high {
            Bound::Unbounded => false,
            Bound::Included(v) => v.compare(min).is_lt(),
            Bound::Excluded(v) => v.compare(min).is_le(),
        });
        self.ranges.get(first).is_some_and(|r| r.overlaps(min, max))
    }
}

fn same_class(value: &Value, shape: &Physical) -> bool {
    match shape {
        Physical::Nullable(inner) => same_class(value, inner),
        Physical::Bytes | Physical::Fixed(_) => matches!(value, Value::Bytes(_)),
        Physical::F32 | Physical::F64 => value.as_f64().is_some(),
        Physical::Nothing | Physical::Array(_) | Physical::Tuple(_) => false,
        _ => value.as_f64().is_some() && !matches!(value, Value::Float(_)),
    }
}

/// The row ranges of `part` that may hold rows fulfilling all conditions.
pub(super) fn prune(
    part: &Part,
    index: &PrimaryIndex,
    file: Option<&FilePart>,
    conditions: &[Condition],
) -> Vec<Range<usize>> {
    let granules = part.granules();
    if conditions.iter().any(|c| c.ranges.is_empty()) || !partition_matches(part, conditions) {
        return Vec::new();
    }
    let mut alive: Vec<Range<usize>> = std::iter::once(0..granules).collect();
    if index.covers(granules) {
        for (i, key) in index.key().iter().enumerate() {
            let shape = key.ty.physical();
            for condition in conditions.iter().filter(|c| c.column == key.name) {
                let Some(matcher) = Matcher::new(condition, &shape) else {
                    continue;
                };
                alive = match i {
                    0 => intersect(&alive, &index.search_first(&matcher, granules)),
                    _ => refine(&alive, |g| index.may_match(i, g, &matcher)),
                };
            }
        }
    }
    for condition in conditions {
        alive = by_column(part, file, condition, alive);
    }
    let mut rows: Vec<Range<usize>> = Vec::new();
    for range in alive.into_iter().filter(|r| !r.is_empty()) {
        let (start, end) = (
            part.granule_rows(range.start).start,
            part.granule_rows(range.end - 1).end,
        );
        match rows.last_mut() {
            Some(last) if last.end == start => last.end = end,
            _ => rows.push(start..end),
        }
    }
    rows
}

fn partition_matches(part: &Part, conditions: &[Condition]) -> bool {
    part.partition().iter().all(|p| {
        let shape = p.ty.physical();
        conditions
            .iter()
            .filter(|c| c.column == p.name)
            .all(|c| match Matcher::new(c, &shape) {
                Some(m) => !p.value.is_null() && m.may_match(&p.value, &p.value),
                None => true,
            })
    })
}

/// Statistics and filters of the condition's column.
fn by_column(
    part: &Part,
    file: Option<&FilePart>,
    condition: &Condition,
    mut alive: Vec<Range<usize>>,
) -> Vec<Range<usize>> {
    let Some(c) = part.schema().index_of(&condition.column) else {
        return alive;
    };
    let shape = part.schema().fields[c].ty.physical();
    let Some(matcher) = Matcher::new(condition, &shape) else {
        return alive;
    };
    if let Some(stats) = part.page_stats(c).filter(|s| s.pages() == part.granules()) {
        alive = refine(&alive, |g| page_may_match(stats, g, &matcher));
    }
    let filters = file
        .into_iter()
        .flat_map(|f| f.filters(c).map(move |i| (f, i)));
    for (file, filter) in filters {
        if let Some(wanted) = skip::wanted(&matcher, &shape) {
            alive = refine(&alive, |g| file.filter_may_hold(filter, g, &wanted));
        }
    }
    alive
}

fn page_may_match(stats: &PageStats, g: usize, matcher: &Matcher) -> bool {
    stats
        .bounds(g)
        .is_some_and(|(min, max)| matcher.may_match(&min, &max))
}

fn refine(alive: &[Range<usize>], keep: impl Fn(usize) -> bool) -> Vec<Range<usize>> {
    let mut out: Vec<Range<usize>> = Vec::new();
    for g in alive.iter().cloned().flatten().filter(|g| keep(*g)) {
        match out.last_mut() {
            Some(last) if last.end == g => last.end = g + 1,
            _ => out.push(g..g + 1),
        }
    }
    out
}

fn intersect(a: &[Range<usize>], b: &[Range<usize>]) -> Vec<Range<usize>> {
    let (mut i, mut j, mut out) = (0, 0, Vec::new());
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        let both = x.start.max(y.start)..x.end.min(y.end);
        if both.start < both.end {
            out.push(both);
        }
        if x.end <= y.end { i += 1 } else { j += 1 }
    }
    out
}
