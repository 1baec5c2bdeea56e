//! Answers that the source knows without reading: how many rows, smallest and largest values.
//!
//! Invariant: only whole tables without a filter are answered so, and only when all aggregates are.

use roost_engine::column::{Column, ColumnBuilder};
use roost_engine::error::Result;
use roost_engine::types::Value;

use crate::expr::{AggregateCall, Expr};
use crate::plan::{AggregatePlan, Plan, Scan};

/// The one row of an aggregation without keys, when the source knows all of it.
pub(super) fn columns(plan: &AggregatePlan) -> Result<Option<Vec<Column>>> {
    if !plan.keys.is_empty() || plan.with_totals || !plan.grouping_sets.is_empty() {
        return Ok(None);
    }
    let Some(scan) = whole_table(&plan.input) else {
        return Ok(None);
    };
    let mut out = Vec::with_capacity(plan.aggregates.len());
    for (_, call) in &plan.aggregates {
        match answer(call, scan, &plan.input)? {
            Some(column) => out.push(column),
            None => return Ok(None),
        }
    }
    Ok(Some(out))
}

/// The scan below projections, when nothing filters it.
fn whole_table(plan: &Plan) -> Option<&Scan> {
    match plan {
        Plan::Scan(scan) if scan.filter.is_none() => Some(scan),
        Plan::Project(project) => whole_table(&project.input),
        _ => None,
    }
}

fn answer(call: &AggregateCall, scan: &Scan, input: &Plan) -> Result<Option<Column>> {
    let mut states = call.function.states();
    states.resize(1);
    match (call.name.as_str(), &call.args[..], call.distinct) {
        ("count", [], false) => {
            let Some(rows) = scan.source.row_count() else {
                return Ok(None);
            };
            let rows = usize::try_from(rows).unwrap_or(usize::MAX);
            states.update_one(&[], rows, 0)?;
        }
        ("min" | "max", [arg], _) => {
            let Some((low, high)) = column_of(arg, input, scan)
                .and_then(|place| scan.source.min_max(place))
                .filter(|(low, high)| !is_unordered(low) && !is_unordered(high))
            else {
                return Ok(None);
            };
            let mut both = ColumnBuilder::new(arg.ty(), 2);
            both.push(&low)?;
            both.push(&high)?;
            states.update_one(&[Column::Flat(both.finish())], 2, 0)?;
        }
        _ => return Ok(None),
    }
    Ok(Some(states.finish()?))
}

/// NULL and NaN say nothing of the rest.
fn is_unordered(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Float(x) => x.is_nan(),
        _ => false,
    }
}

/// The place in the source's schema of an expression that is a column as it is.
fn column_of(expr: &Expr, plan: &Plan, scan: &Scan) -> Option<usize> {
    let Expr::Column(id, _) = expr else {
        return None;
    };
    match plan {
        Plan::Project(project) => {
            let (_, inner) = project.exprs.iter().find(|(out, _)| out == id)?;
            column_of(inner, &project.input, scan)
        }
        _ => scan.columns.iter().find(|c| c.0 == *id).map(|c| c.1),
    }
}
