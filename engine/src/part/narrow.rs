//! From granules to rows: where a key's range begins and ends inside of its border granules.
//!
//! Invariant: rows outside of the answer do not fulfil the conditions; what cannot be told stays,
//! and an answer that is called certain holds no row that does not fulfil them.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::ops::{Bound, Range};
use std::rc::Rc;

use super::prune::Matcher;
use super::{Part, PrimaryIndex};
use crate::column::Column;
use crate::error::Result;
use crate::hooks::Condition;
use crate::kernels::compare::{compare_flat, compare_to};
use crate::types::{Physical, Value};

/// Rows that may fulfil conditions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Narrowed {
    /// Ascending and disjoint.
    pub ranges: Vec<Range<usize>>,
    /// Whether every one of these rows fulfils all of the conditions.
    pub certain: bool,
}

/// The range of one element of the key, the elements before it being fixed.
struct Element<'a> {
    /// Place of its column in the part.
    column: usize,
    low: &'a Bound<Value>,
    high: &'a Bound<Value>,
}

/// `ranges` without rows at either end whose key is outside of what `conditions` allow.
pub(super) fn narrow(
    part: &Part,
    index: &PrimaryIndex,
    conditions: &[Condition],
    ranges: Vec<Range<usize>>,
) -> Narrowed {
    let as_it_is = |ranges| Narrowed {
        ranges,
        certain: conditions.is_empty(),
    };
    if ranges.is_empty() || !index.covers(part.granules()) {
        return as_it_is(ranges);
    }
    let elements = elements(part, index, conditions);
    if elements.is_empty() {
        return as_it_is(ranges);
    }
    let certain = conditions.iter().all(|c| is_whole(c, part, &elements));
    let search = Search {
        part,
        index,
        elements: &elements,
        last: RefCell::default(),
    };
    // A page that cannot be read is the scan's to report.
    let Ok((start, end)) = search.ends(&ranges) else {
        return as_it_is(ranges);
    };
    let cut = ranges
        .into_iter()
        .map(|r| r.start.max(start)..r.end.min(end));
    Narrowed {
        ranges: cut.filter(|r| !r.is_empty()).collect(),
        certain,
    }
}

/// Whether an element of the key says all that the condition says.
fn is_whole(condition: &Condition, part: &Part, elements: &[Element<'_>]) -> bool {
    let column = part.schema().index_of(&condition.column);
    let fields = &part.schema().fields;
    elements.iter().any(|e| {
        let shape = fields[e.column].ty.physical();
        Some(e.column) == column
            && Matcher::new(condition, &shape).is_some_and(|m| m.ranges().len() == 1)
    })
}

/// The leading elements of the key that conditions fix, and the range of the one behind them.
fn elements<'a>(
    part: &Part,
    index: &PrimaryIndex,
    conditions: &'a [Condition],
) -> Vec<Element<'a>> {
    let mut out = Vec::new();
    for key in index.key() {
        let Some(column) = part.schema().index_of(&key.name) else {
            break;
        };
        let shape = part.schema().fields[column].ty.physical();
        // NULL and NaN have places of their own in the order.
        if matches!(shape, Physical::Nullable(_) | Physical::F32 | Physical::F64) {
            break;
        }
        let (mut low, mut high) = (&Bound::Unbounded, &Bound::Unbounded);
        for condition in conditions.iter().filter(|c| c.column == key.name) {
            let Some(matcher) = Matcher::new(condition, &shape) else {
                continue;
            };
            if let [range] = matcher.ranges() {
                low = tighter(low, &range.low, Ordering::Greater);
                high = tighter(high, &range.high, Ordering::Less);
            }
        }
        if (low, high) == (&Bound::Unbounded, &Bound::Unbounded) {
            break;
        }
        let fixed = matches!((low, high), (Bound::Included(a), Bound::Included(b))
            if a.compare(b).is_eq());
        out.push(Element { column, low, high });
        if !fixed {
            break;
        }
    }
    out
}

/// The one of two bounds that lets less through; `wins` is how the better value compares.
fn tighter<'a>(a: &'a Bound<Value>, b: &'a Bound<Value>, wins: Ordering) -> &'a Bound<Value> {
    let value = |bound: &'a Bound<Value>| match bound {
        Bound::Unbounded => None,
        Bound::Included(v) | Bound::Excluded(v) => Some(v),
    };
    match (value(a), value(b)) {
        (_, None) => a,
        (None, _) => b,
        (Some(x), Some(y)) => match y.compare(x) {
            Ordering::Equal if matches!(b, Bound::Excluded(_)) => b,
            order if order == wins => b,
            _ => a,
        },
    }
}

struct Search<'a> {
    part: &'a Part,
    index: &'a PrimaryIndex,
    elements: &'a [Element<'a>],
    /// The granule that was searched last: often both ends are in it.
    last: RefCell<Option<(usize, Rc<Keys>)>>,
}

/// How an element of one key compares with a value.
type Key<'a> = dyn Fn(usize, &Value) -> Ordering + 'a;

/// The keys of some rows that ascend.
struct Keys {
    /// By element.
    cells: Vec<Cells>,
}

enum Cells {
    All(Value),
    Each(Column),
}

impl Keys {
    /// The first of `len` rows for which `skip` is false.
    fn first(&self, len: usize, skip: impl Fn(&Key<'_>) -> bool) -> usize {
        let (mut low, mut high) = (0, len);
        while low < high {
            let middle = low + (high - low) / 2;
            let key = |e: usize, value: &Value| match &self.cells[e] {
                Cells::All(own) => own.compare(value),
                Cells::Each(column) => column.value(middle).compare(value),
            };
            match skip(&key) {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        low
    }
}

impl Search<'_> {
    /// The first row inside and the first row behind.
    fn ends(&self, ranges: &[Range<usize>]) -> Result<(usize, usize)> {
        let granule = self.part.granule_rows;
        let granules = |r: &Range<usize>| r.start / granule..r.end.div_ceil(granule);
        let (mut start, mut end) = (usize::MAX, 0);
        for g in ranges.iter().flat_map(granules) {
            // The border behind a granule is at least as high as all of its keys.
            if self.before(self.border(g + 1)) {
                continue;
            }
            let rows = self.part.granule_rows(g);
            let first = match self.before(self.border(g)) {
                false => 0,
                true => self.row(g, |cells| self.before(cells))?,
            };
            if first < rows.len() {
                start = rows.start + first;
                break;
            }
        }
        for g in ranges.iter().rev().flat_map(|r| granules(r).rev()) {
            if self.behind(self.border(g)) {
                continue;
            }
            let rows = self.part.granule_rows(g);
            let first = match self.behind(self.border(g + 1)) {
                false => rows.len(),
                true => self.row(g, |cells| !self.behind(cells))?,
            };
            end = rows.start + first;
            break;
        }
        Ok((start, end))
    }

    /// The key at the border in front of granule `g`.
    fn border(&self, g: usize) -> impl Fn(usize, &Value) -> Ordering {
        move |element, value| compare_to(&self.index.borders()[element], g, value)
    }

    /// The first row of granule `g` for which `skip` is false. Of keys in files only some are read:
    /// the ends of steps first, then the rows of one step.
    fn row(&self, g: usize, skip: impl Fn(&Key<'_>) -> bool) -> Result<usize> {
        let rows = self.part.granule_rows(g);
        let step = rows.len().isqrt().max(1);
        let ends = self.ends_of_steps(g, step)?;
        let passed = ends.first(rows.len() / step, &skip);
        let start = rows.start + passed * step;
        let end = (start + step).min(rows.end);
        let inside = self.keys(g, (start as u32..end as u32).collect())?;
        Ok(passed * step + inside.first(end - start, &skip))
    }

    /// The keys of the last row of every step of granule `g`.
    fn ends_of_steps(&self, g: usize, step: usize) -> Result<Rc<Keys>> {
        let mut last = self.last.borrow_mut();
        if let Some((_, keys)) = last.as_ref().filter(|(of, _)| *of == g) {
            return Ok(Rc::clone(keys));
        }
        let rows = self.part.granule_rows(g);
        let ends = (1..=rows.len() / step).map(|i| (rows.start + i * step - 1) as u32);
        let keys = Rc::new(self.keys(g, ends.collect())?);
        *last = Some((g, Rc::clone(&keys)));
        Ok(keys)
    }

    /// The keys of `rows` of granule `g`.
    fn keys(&self, g: usize, rows: Vec<u32>) -> Result<Keys> {
        // What leads the key is often the same in all of a granule, which its borders say.
        let mut same = true;
        let mut cells = Vec::with_capacity(self.elements.len());
        for (i, element) in self.elements.iter().enumerate() {
            let borders = &self.index.borders()[i];
            same = same && compare_flat(borders, g, borders, g + 1).is_eq();
            cells.push(match same {
                true => Cells::All(borders.value(g)),
                false => Cells::Each(self.part.read_rows(element.column, &rows)?),
            });
        }
        Ok(Keys { cells })
    }

    /// Whether a key is below the range.
    fn before(&self, key: impl Fn(usize, &Value) -> Ordering) -> bool {
        self.outside(key, |e| e.low, Ordering::Less)
    }

    /// Whether a key is above the range.
    fn behind(&self, key: impl Fn(usize, &Value) -> Ordering) -> bool {
        self.outside(key, |e| e.high, Ordering::Greater)
    }

    fn outside<'b>(
        &'b self,
        key: impl Fn(usize, &Value) -> Ordering,
        bound: impl Fn(&'b Element<'b>) -> &'b Bound<Value>,
        side: Ordering,
    ) -> bool {
        for (i, element) in self.elements.iter().enumerate() {
            let (value, excluded) = match bound(element) {
                Bound::Unbounded => return false,
                Bound::Included(v) => (v, false),
                Bound::Excluded(v) => (v, true),
            };
            match key(i, value) {
                Ordering::Equal if excluded => return true,
                Ordering::Equal => {}
                order => return order == side,
            }
        }
        false
    }
}
