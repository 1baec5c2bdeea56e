//! A snapshot's rows as runs of parts, in the order in which they are handed out.
//!
//! Invariant: when the first rows of an order are wanted and pages tell, what may hold the very
//! first of them comes first; else runs stand as their rows do.

use std::cmp::Ordering;
use std::ops::{Bound, Range};
use std::sync::Arc;

use roost_engine::block::Schema;
use roost_engine::error::Result;
use roost_engine::hooks::Condition;
use roost_engine::kernels::mask::Mask;
use roost_engine::part::{Narrowed, Part, has_bounds};
use roost_engine::table::{FinalPart, Snapshot};
use roost_engine::types::{DataType, Physical, Value};

use crate::plan::{SourceRequest, Standing, WantedOrder};

/// Rows of one run, at most: eight granules.
const RUN_ROWS: usize = 8 * 8192;

/// A run of rows of one part.
pub(super) struct Run {
    pub(super) part: Arc<Part>,
    pub(super) range: Range<usize>,
    /// Which rows of the part are shown; none stands for all.
    pub(super) shown: Option<Arc<Mask>>,
    /// Whether all rows are known to fulfil the request's conditions.
    pub(super) certain: bool,
    /// What no value of the wanted order's first key comes before.
    pub(super) best: Option<Value>,
}

/// Runs to be read.
pub(super) struct Runs {
    pub(super) all: Vec<Run>,
    /// How rows that fulfil the request's conditions stand in every run.
    pub(super) standing: Option<Standing>,
}

impl Runs {
    /// What of `snapshot` may be asked for.
    pub(super) fn of(
        snapshot: &Snapshot,
        is_final: bool,
        schema: &Schema,
        request: &SourceRequest,
    ) -> Result<Self> {
        let found: Vec<(FinalPart, Narrowed)> = match is_final {
            false => {
                let all = snapshot.narrow(&request.conditions).into_iter();
                all.map(|(part, rows)| (FinalPart { part, rows: None }, rows))
                    .collect()
            }
            true => snapshot.prune_final(&request.conditions)?,
        };
        let order = request.order.as_ref();
        let bounds = order.and_then(|order| Bounds::of(snapshot, schema, order));
        let mut all = Vec::new();
        for (source, rows) in &found {
            let rows_at_once = match bounds {
                Some(_) => source.part.granule_rows(0).len().max(1),
                None => RUN_ROWS,
            };
            for range in rows.ranges.iter().flat_map(|r| cut(r, rows_at_once)) {
                all.push(Run {
                    part: Arc::clone(&source.part),
                    shown: source.rows.clone(),
                    certain: rows.certain,
                    best: bounds.as_ref().and_then(|b| b.best(&source.part, &range)),
                    range,
                });
            }
        }
        if let Some(bounds) = &bounds {
            bounds.sort(&mut all);
        }
        Ok(Runs {
            standing: order.and_then(|o| standing(snapshot, schema, &request.conditions, o)),
            all,
        })
    }
}

/// A range in pieces that end at multiples of `rows`.
fn cut(range: &Range<usize>, rows: usize) -> impl Iterator<Item = Range<usize>> + use<> {
    let (mut at, end) = (range.start, range.end);
    std::iter::from_fn(move || {
        let start = at;
        at = end.min((start / rows + 1) * rows);
        (start < end).then_some(start..at)
    })
}

/// The first key of a wanted order, where pages tell what its values are.
struct Bounds<'a> {
    column: &'a str,
    ty: &'a DataType,
    descending: bool,
}

impl<'a> Bounds<'a> {
    fn of(snapshot: &'a Snapshot, schema: &'a Schema, order: &WantedOrder) -> Option<Self> {
        let (place, descending) = *order.keys.first()?;
        let column = schema.fields.get(place)?.name.as_str();
        let ty = plain_type(snapshot, column)?;
        Some(Bounds {
            column,
            ty,
            descending,
        })
    }

    fn best(&self, part: &Part, range: &Range<usize>) -> Option<Value> {
        let c = part.schema().index_of(self.column)?;
        let granule = range.start / part.granule_rows(0).len().max(1);
        let stats = part.page_stats(c);
        let stats = stats.filter(|s| part.schema().fields[c].ty == *self.ty && granule < s.pages());
        let (least, greatest) = stats?.bounds(granule)?;
        Some(if self.descending { greatest } else { least })
    }

    /// The best first; what one run does not tell, none tells.
    fn sort(&self, runs: &mut [Run]) {
        if runs.iter().any(|r| r.best.is_none()) {
            runs.iter_mut().for_each(|r| r.best = None);
            return;
        }
        runs.sort_by(|a, b| match (&a.best, &b.best) {
            (Some(a), Some(b)) if self.descending => b.compare(a),
            (Some(a), Some(b)) => a.compare(b),
            _ => Ordering::Equal,
        });
    }
}

/// The type of a stored column whose values stand in the order of its kind everywhere: NULL and NaN
/// have places of their own.
fn plain_type<'a>(snapshot: &'a Snapshot, column: &str) -> Option<&'a DataType> {
    let schema = &snapshot.layout.schema;
    let ty = &schema.fields[schema.index_of(column)?].ty;
    let shape = ty.physical();
    let plain = !matches!(
        shape,
        Physical::Nullable(_) | Physical::F32 | Physical::F64 | Physical::Nothing
    );
    (plain && has_bounds(&shape)).then_some(ty)
}

/// How rows that fulfil `conditions` stand in `order` inside of every part: those of a sorting key
/// whose other elements are fixed.
fn standing(
    snapshot: &Snapshot,
    schema: &Schema,
    conditions: &[Condition],
    order: &WantedOrder,
) -> Option<Standing> {
    let descending = order.keys.first().filter(|_| order.whole)?.1;
    let mut elements = snapshot.layout.order.iter();
    for (place, descends) in &order.keys {
        let column = schema.fields.get(*place)?.name.as_str();
        if *descends != descending {
            return None;
        }
        plain_type(snapshot, column)?;
        let own = |text: &str| conditions.iter().any(|c| c.column == text && is_point(c));
        loop {
            let element = elements.next()?.text();
            if element == column {
                break;
            }
            if !own(element) {
                return None;
            }
        }
    }
    Some(match descending {
        false => Standing::InOrder,
        true => Standing::Reversed,
    })
}

fn is_point(condition: &Condition) -> bool {
    let [range] = condition.ranges.as_slice() else {
        return false;
    };
    matches!((&range.low, &range.high), (Bound::Included(a), Bound::Included(b))
        if a.compare(b).is_eq())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_cut_at_multiples() {
        let pieces: Vec<Range<usize>> = cut(&(5..25), 10).collect();
        assert_eq!(pieces, vec![5..10, 10..20, 20..25]);
        assert_eq!(cut(&(10..20), 10).count(), 1);
        assert_eq!(cut(&(3..3), 10).count(), 0);
    }
}
