//! Tells sorts and scans how many rows are wanted.
//!
//! Invariant: the limit itself stays; below it only work is saved.

use roost_engine::error::Result;

use super::transform_up;
use crate::functions::BindContext;
use crate::plan::{JoinKind, Limit, Plan, Query, Strictness};

/// The rule.
pub(super) fn rule(query: &mut Query, _context: &BindContext) -> Result<()> {
    transform_up(&mut query.plan, &mut |mut plan| {
        if let Plan::Limit(node) = &mut plan
            && let Some(limit) = node.limit
            && node.ties.is_empty()
        {
            hint(&mut node.input, limit.saturating_add(node.offset));
        }
        Ok(plan)
    })
}

/// Only the first `rows` rows of the plan are wanted.
fn hint(plan: &mut Plan, rows: u64) {
    match plan {
        Plan::Scan(scan) if scan.filter.is_none() => {
            scan.limit = Some(scan.limit.map_or(rows, |own| own.min(rows)));
        }
        Plan::Sort(sort) if sort.keys.iter().all(|k| k.fill.is_none()) => {
            sort.limit = Some(sort.limit.map_or(rows, |own| own.min(rows)));
        }
        Plan::Project(node) => hint(&mut node.input, rows),
        Plan::Aggregate(node) if node.grouping_sets.is_empty() && !node.with_totals => {
            node.wanted = Some(rows);
        }
        Plan::Limit(node) if node.ties.is_empty() => {
            let own = node.limit.unwrap_or(u64::MAX).min(rows);
            hint(&mut node.input, own.saturating_add(node.offset));
        }
        Plan::Union(node) => {
            for (input, _) in &mut node.inputs {
                hint(input, rows);
                stop_after(input, rows);
            }
        }
        // Every left row gives at least one row.
        Plan::Join(node) if node.kind == JoinKind::Left => {
            let every = matches!(node.strictness, Strictness::All | Strictness::Any);
            if every {
                hint(&mut node.left, rows);
                stop_after(&mut node.left, rows);
            }
        }
        _ => {}
    }
}

/// A limit on a branch, where it saves more than it costs.
fn stop_after(plan: &mut Plan, rows: u64) {
    if matches!(plan, Plan::Limit(_) | Plan::Values(_)) {
        return;
    }
    let input = super::take(plan);
    *plan = Plan::Limit(Box::new(Limit {
        input,
        limit: Some(rows),
        offset: 0,
        ties: Vec::new(),
    }));
}
