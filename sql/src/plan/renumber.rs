//! A copy of a plan under ids of its own, and the ids that a plan uses without making them.
//!
//! Invariant: a copy shares no output id with its original; ids that the plan does not make stay.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{Plan, Query};
use crate::expr::{ColumnId, Expr};

impl Plan {
    /// Calls `visit` on the ids that this node makes.
    fn for_each_made_mut(&mut self, visit: &mut dyn FnMut(&mut ColumnId)) {
        match self {
            Plan::Scan(n) => n.columns.iter_mut().for_each(|(id, _)| visit(id)),
            Plan::Values(n) => n.columns.iter_mut().for_each(visit),
            Plan::Project(n) => n.exprs.iter_mut().for_each(|(id, _)| visit(id)),
            Plan::Aggregate(n) => {
                n.keys.iter_mut().for_each(|(id, _)| visit(id));
                n.aggregates.iter_mut().for_each(|(id, _)| visit(id));
                n.set_number.iter_mut().for_each(visit);
            }
            Plan::Window(n) => n.functions.iter_mut().for_each(|(id, _)| visit(id)),
            Plan::Union(n) => n.columns.iter_mut().for_each(|c| visit(&mut c.id)),
            Plan::Join(n) => n
                .nullable_outputs
                .iter_mut()
                .for_each(|(id, _, _)| visit(id)),
            Plan::ArrayJoin(n) => n.arrays.iter_mut().for_each(|(id, _)| visit(id)),
            Plan::Filter(_)
            | Plan::Sort(_)
            | Plan::Limit(_)
            | Plan::LimitBy(_)
            | Plan::Distinct(_) => {}
        }
    }

    /// The ids that this node makes.
    fn made(&self) -> Vec<ColumnId> {
        match self {
            Plan::Scan(n) => n.columns.iter().map(|(id, _)| *id).collect(),
            Plan::Values(n) => n.columns.clone(),
            Plan::Project(n) => n.exprs.iter().map(|(id, _)| *id).collect(),
            Plan::Aggregate(n) => {
                let keys = n.keys.iter().map(|(id, _)| *id);
                let calls = n.aggregates.iter().map(|(id, _)| *id);
                keys.chain(calls).chain(n.set_number).collect()
            }
            Plan::Window(n) => n.functions.iter().map(|(id, _)| *id).collect(),
            Plan::Union(n) => n.columns.iter().map(|c| c.id).collect(),
            Plan::Join(n) => n.nullable_outputs.iter().map(|(id, _, _)| *id).collect(),
            Plan::ArrayJoin(n) => n.arrays.iter().map(|(id, _)| *id).collect(),
            Plan::Filter(_)
            | Plan::Sort(_)
            | Plan::Limit(_)
            | Plan::LimitBy(_)
            | Plan::Distinct(_) => Vec::new(),
        }
    }

    /// Calls `visit` on the ids of inputs that this node names outside of expressions.
    fn for_each_named_mut(&mut self, visit: &mut dyn FnMut(&mut ColumnId)) {
        match self {
            Plan::Distinct(n) => n.on.iter_mut().for_each(visit),
            Plan::Sort(n) => n.interpolate.iter_mut().for_each(|(id, _)| visit(id)),
            Plan::Union(n) => {
                let ids = n.inputs.iter_mut().flat_map(|(_, ids)| ids);
                ids.for_each(visit);
            }
            Plan::Join(n) => n
                .nullable_outputs
                .iter_mut()
                .for_each(|(_, old, _)| visit(old)),
            _ => {}
        }
    }

    /// A copy whose ids are `fresh`, and what each of the plan's ids became.
    pub fn renumbered(
        &self,
        fresh: &mut dyn FnMut() -> ColumnId,
    ) -> (Plan, HashMap<ColumnId, ColumnId>) {
        let mut copy = self.clone();
        let mut map = HashMap::new();
        collect(&mut copy, fresh, &mut map);
        rename(&mut copy, &map);
        (copy, map)
    }

    /// The ids that the plan uses and no node of it makes: the columns of an outer query. Those of
    /// subqueries behind IN are among them.
    pub fn free_columns(&self) -> BTreeSet<ColumnId> {
        let (mut made, mut used) = (HashSet::new(), BTreeSet::new());
        uses(self, &mut made, &mut used);
        used.retain(|id| !made.contains(id));
        used
    }
}

impl Query {
    /// The largest id in the query, so that new ones can be made.
    pub fn largest_id(&self) -> u32 {
        let (mut made, mut used) = (HashSet::new(), BTreeSet::new());
        uses(&self.plan, &mut made, &mut used);
        made.iter().chain(&used).map(|id| id.0).max().unwrap_or(0)
    }
}

fn collect(
    plan: &mut Plan,
    fresh: &mut dyn FnMut() -> ColumnId,
    map: &mut HashMap<ColumnId, ColumnId>,
) {
    plan.for_each_made_mut(&mut |id| {
        map.entry(*id).or_insert_with(&mut *fresh);
    });
    for input in plan.inputs_mut() {
        collect(input, fresh, map);
    }
}

fn rename(plan: &mut Plan, map: &HashMap<ColumnId, ColumnId>) {
    let mut change = |id: &mut ColumnId| {
        if let Some(new) = map.get(id) {
            *id = *new;
        }
    };
    plan.for_each_made_mut(&mut change);
    plan.for_each_named_mut(&mut change);
    plan.for_each_expr_mut(&mut |expr| {
        *expr = expr.rewrite(&mut |e| match e {
            Expr::Column(id, ty) => map.get(id).map(|new| Expr::Column(*new, ty.clone())),
            _ => None,
        });
    });
    for input in plan.inputs_mut() {
        rename(input, map);
    }
}

fn uses(plan: &Plan, made: &mut HashSet<ColumnId>, used: &mut BTreeSet<ColumnId>) {
    made.extend(plan.made());
    let mut sets = Vec::new();
    plan.for_each_expr(&mut |expr| {
        used.extend(expr.columns());
        expr.walk(&mut |e| match e {
            Expr::In(set) => sets.extend(set.set.plan.clone()),
            Expr::Lambda(lambda) => made.extend(lambda.params.iter().map(|p| p.0)),
            _ => {}
        });
    });
    for set in sets {
        uses(&set, made, used);
    }
    for input in plan.inputs() {
        uses(input, made, used);
    }
}
