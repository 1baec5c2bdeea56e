//! Drops columns that nobody uses, down to the scans.
//!
//! Invariant: a node's required columns stay, in the same order; row counts never change.

use std::sync::Arc;

use roost_engine::block::{Block, Schema};
use roost_engine::error::Result;

use crate::expr::{ColumnSet as Ids, Expr};
use crate::functions::BindContext;
use crate::plan::{Plan, Query};

/// The rule.
pub(super) fn rule(query: &mut Query, _context: &BindContext) -> Result<()> {
    let wanted: Ids = query.columns.iter().map(|(_, id)| *id).collect();
    prune(&mut query.plan, &wanted)
}

fn add(ids: &mut Ids, expr: &Expr) {
    ids.extend(expr.columns());
}

/// Keeps of `plan`'s outputs at least `wanted`.
fn prune(plan: &mut Plan, wanted: &Ids) -> Result<()> {
    let mut below = wanted.clone();
    match plan {
        Plan::Scan(scan) => {
            scan.filter.iter().for_each(|f| add(&mut below, f));
            scan.columns.retain(|(id, _)| below.contains(id));
            let ids = scan.columns.iter().map(|(id, _)| *id);
            scan.filter_only = ids.filter(|id| !wanted.contains(id)).collect();
            return Ok(());
        }
        Plan::Values(values) => {
            let keep: Vec<usize> = (0..values.columns.len())
                .filter(|i| wanted.contains(&values.columns[*i]))
                .collect();
            if keep.len() == values.columns.len() {
                return Ok(());
            }
            let fields = &values.rows.schema().fields;
            let schema = Schema::new(keep.iter().map(|i| fields[*i].clone()).collect());
            let columns = keep
                .iter()
                .map(|i| values.rows.column(*i).clone())
                .collect();
            values.rows = Arc::new(Block::new(schema, columns, values.rows.rows())?);
            values.columns = keep.iter().map(|i| values.columns[*i]).collect();
            return Ok(());
        }
        Plan::Project(node) => {
            node.exprs.retain(|(id, _)| wanted.contains(id));
            below = Ids::default();
            node.exprs.iter().for_each(|(_, e)| add(&mut below, e));
        }
        Plan::Aggregate(node) => {
            // Without keys and aggregates there would be nothing that makes the one row.
            let only = (node.keys.is_empty()).then(|| node.aggregates.first().cloned());
            node.aggregates.retain(|(id, _)| wanted.contains(id));
            if node.aggregates.is_empty() {
                node.aggregates.extend(only.flatten());
            }
            below = Ids::default();
            node.keys.iter().for_each(|(_, e)| add(&mut below, e));
            let args = node.aggregates.iter().flat_map(|(_, c)| &c.args);
            args.for_each(|e| add(&mut below, e));
        }
        Plan::Window(node) => {
            node.functions.retain(|(id, _)| wanted.contains(id));
            if node.functions.is_empty() {
                let mut input = super::take(&mut node.input);
                prune(&mut input, wanted)?;
                *plan = input;
                return Ok(());
            }
            plan.for_each_expr(&mut |e| add(&mut below, e));
        }
        Plan::Distinct(node) => below.extend(&node.on),
        Plan::Union(node) => {
            let keep: Vec<bool> = node
                .columns
                .iter()
                .map(|c| wanted.contains(&c.id))
                .collect();
            retain(&mut node.columns, &keep);
            for (input, ids) in &mut node.inputs {
                retain(ids, &keep);
                prune(input, &ids.iter().copied().collect())?;
            }
            return Ok(());
        }
        Plan::Join(node) => {
            node.nullable_outputs
                .retain(|(new, _, _)| wanted.contains(new));
            below.extend(node.nullable_outputs.iter().map(|(_, old, _)| *old));
            plan.for_each_expr(&mut |e| add(&mut below, e));
        }
        Plan::Sort(node) => {
            node.interpolate.retain(|(id, _)| wanted.contains(id));
            plan.for_each_expr(&mut |e| add(&mut below, e));
        }
        Plan::Filter(_) | Plan::Limit(_) | Plan::LimitBy(_) | Plan::ArrayJoin(_) => {
            plan.for_each_expr(&mut |e| add(&mut below, e))
        }
    }
    plan.inputs_mut()
        .into_iter()
        .try_for_each(|input| prune(input, &below))
}

fn retain<T>(list: &mut Vec<T>, keep: &[bool]) {
    let mut at = keep.iter();
    list.retain(|_| at.next().copied().unwrap_or(true));
}
