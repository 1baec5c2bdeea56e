//! GROUP BY: which keys there are, the aggregation node, and what later clauses see of it.
//!
//! Invariant: above the aggregation an expression uses keys and aggregates only; anything else is
//! NOT_AN_AGGREGATE.

use std::collections::HashSet;

use roost_engine::bail;
use roost_engine::error::Result;

use super::matcher::Item;
use super::rewrite::{replace, same};
use super::select::{Outputs, SelectBinder};
use crate::expr::{ColumnId, Expr};
use crate::parse::ast::{self, GroupBy, Select};
use crate::plan::{self, Plan};

/// Most columns of CUBE: it makes a set for every subset.
const MAX_CUBE: usize = 12;

/// Keys of a GROUP BY.
pub(super) struct Keys {
    exprs: Vec<Expr>,
    sets: Vec<Vec<usize>>,
    /// Whether a GROUP BY was written.
    written: bool,
}

impl SelectBinder<'_, '_> {
    /// Binds the keys.
    pub(super) fn group_keys(&mut self, select: &Select, items: &[Item]) -> Result<Keys> {
        let mut keys = Keys {
            exprs: Vec::new(),
            sets: Vec::new(),
            written: true,
        };
        match &select.group_by {
            GroupBy::Exprs(exprs) => {
                keys.written = !exprs.is_empty();
                self.key_positions(exprs, items, &mut keys.exprs)?;
            }
            GroupBy::All => {
                for item in items {
                    self.keys_inside(&item.expr, &mut keys.exprs);
                }
            }
            GroupBy::Rollup(exprs) => {
                let at = self.key_positions(exprs, items, &mut keys.exprs)?;
                keys.sets = (0..=at.len()).rev().map(|n| at[..n].to_vec()).collect();
            }
            GroupBy::Cube(exprs) => {
                let at = self.key_positions(exprs, items, &mut keys.exprs)?;
                keys.sets = subsets(&at)?;
            }
            GroupBy::Sets(sets) => {
                for set in sets {
                    let at = self.key_positions(set, items, &mut keys.exprs)?;
                    keys.sets.push(at);
                }
            }
        }
        for key in &keys.exprs {
            self.refuse_aggregates(key, "in GROUP BY")?;
        }
        Ok(keys)
    }

    /// Binds keys, adds the new ones to `all` and tells where each stands.
    fn key_positions(
        &mut self,
        exprs: &[ast::Expr],
        items: &[Item],
        all: &mut Vec<Expr>,
    ) -> Result<Vec<usize>> {
        let mut positions = Vec::new();
        for expr in exprs {
            let parts: &[ast::Expr] = match expr {
                ast::Expr::Function(f) if f.name == "tuple" && f.params.is_none() => &f.args,
                other => std::slice::from_ref(other),
            };
            for part in parts {
                let bound = match self.position(part, items.len())? {
                    Some(at) => items[at].expr.clone(),
                    None => self.bind(part)?,
                };
                let at = all.iter().position(|k| same(k, &bound));
                positions.push(at.unwrap_or(all.len()));
                if at.is_none() {
                    all.push(bound);
                }
            }
        }
        Ok(positions)
    }

    /// GROUP BY ALL: the largest parts of an item that hold no aggregate.
    fn keys_inside(&self, expr: &Expr, keys: &mut Vec<Expr>) {
        let used = expr.columns();
        let later = |id: &ColumnId| {
            self.aggregates.iter().any(|(a, _)| a == id)
                || self.windows.iter().any(|(w, _)| w == id)
        };
        if !used.iter().any(later) {
            if !used.is_empty() && !keys.iter().any(|k| same(k, expr)) {
                keys.push(expr.clone());
            }
            return;
        }
        if let Expr::Call(call) = expr {
            call.args.iter().for_each(|a| self.keys_inside(a, keys));
        }
    }

    /// Puts the aggregation on `plan` when there is one, and rewrites everything above it.
    pub(super) fn aggregated(
        &mut self,
        select: &Select,
        plan: Plan,
        keys: Keys,
        outputs: &mut Outputs,
    ) -> Result<Plan> {
        if !keys.written && self.aggregates.is_empty() && !select.with_totals {
            self.refuse_grouping()?;
            return Ok(plan);
        }
        let args = self.aggregates.iter().flat_map(|(_, call)| &call.args);
        let below: Vec<Expr> = args.chain(&keys.exprs).cloned().collect();
        let below: Vec<&Expr> = below.iter().collect();
        let input = self.place_array_joins(plan, &below, &|e| Ok(e.clone()))?;
        let keys_out: Vec<(ColumnId, Expr)> = keys
            .exprs
            .into_iter()
            .map(|e| (self.binder.fresh(), e))
            .collect();
        let set_number = self.place_grouping(&keys_out, &keys.sets, outputs)?;
        self.rewrite_above(&keys_out, set_number, outputs)?;
        Ok(Plan::Aggregate(Box::new(plan::AggregatePlan {
            input,
            keys: keys_out,
            aggregates: std::mem::take(&mut self.aggregates),
            grouping_sets: keys.sets,
            with_totals: select.with_totals,
            wanted: None,
            set_number,
        })))
    }

    fn rewrite_above(
        &mut self,
        keys: &[(ColumnId, Expr)],
        set_number: Option<ColumnId>,
        outputs: &mut Outputs,
    ) -> Result<()> {
        let mut allowed: HashSet<ColumnId> = keys.iter().map(|(id, _)| *id).collect();
        allowed.extend(set_number);
        let unplaced = self.correlated.iter().filter(|c| !c.placed);
        allowed.extend(unplaced.map(|c| c.id));
        allowed.extend(self.aggregates.iter().map(|(id, _)| *id));
        allowed.extend(self.windows.iter().map(|(id, _)| *id));
        let unplaced = self.array_joins.iter().map(|(id, _)| *id);
        allowed.extend(unplaced.filter(|id| !self.placed.contains(id)));
        let mut windows = std::mem::take(&mut self.windows);
        let mut arrays = std::mem::take(&mut self.array_joins);
        let mut correlated = std::mem::take(&mut self.correlated);
        let mut change = |expr: &mut Expr| {
            *expr = above(expr, keys);
            self.check_above(expr, &allowed)
        };
        outputs.for_each(&mut change)?;
        for (_, call) in &mut windows {
            super::window::each_expr(call, &mut change)?;
        }
        for (id, array) in &mut arrays {
            if allowed.contains(id) {
                change(array)?;
            }
        }
        for subquery in correlated.iter_mut().filter(|c| !c.placed) {
            for (_, outer) in &mut subquery.free {
                change(outer)?;
            }
        }
        self.windows = windows;
        self.array_joins = arrays;
        self.correlated = correlated;
        Ok(())
    }

    fn check_above(&self, expr: &Expr, allowed: &HashSet<ColumnId>) -> Result<()> {
        let Some(id) = expr.columns().into_iter().find(|id| !allowed.contains(id)) else {
            return Ok(());
        };
        let columns = self.tables.tables.iter().flat_map(|t| &t.columns);
        let merged = self.tables.merged.iter().map(|m| (&m.name, &m.expr));
        let elements = self.tables.elements.iter().map(|(n, e)| (n, e));
        let all = columns
            .map(|c| (&c.name, &c.expr))
            .chain(merged)
            .chain(elements);
        let mut named = all.filter(|(_, e)| e.columns().contains(&id));
        let name = named.next().map_or("arrayJoin", |(name, _)| name);
        bail!(
            NOT_AN_AGGREGATE,
            "Column '{name}' is not under aggregate function and not in GROUP BY keys"
        )
    }
}

/// The expression with keys in the place of what they are computed from.
fn above(expr: &Expr, keys: &[(ColumnId, Expr)]) -> Expr {
    replace(expr, &mut |e| {
        if matches!(e, Expr::Literal(..)) {
            return None;
        }
        let key = keys.iter().find(|(_, k)| same(k, e));
        key.map(|(id, k)| Expr::Column(*id, k.ty().clone()))
    })
}

fn subsets(at: &[usize]) -> Result<Vec<Vec<usize>>> {
    if at.len() > MAX_CUBE {
        bail!(
            BAD_ARGUMENTS,
            "CUBE over {} columns, at most {MAX_CUBE} are allowed",
            at.len()
        );
    }
    let all = 0..1_u32 << at.len();
    let pick = |mask: u32| {
        let chosen = at.iter().enumerate().filter(|(i, _)| mask >> i & 1 == 1);
        chosen.map(|(_, k)| *k).collect()
    };
    Ok(all.rev().map(pick).collect())
}
