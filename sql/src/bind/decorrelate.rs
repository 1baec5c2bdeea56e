//! Makes a correlated subquery a plan of its own: its rows for all values of the outer columns at
//! once, with those values beside them.
//!
//! Where the subquery equates an outer column with an expression, that expression is the value;
//! elsewhere the different values of the outer rows are crossed with the subquery's (Neumann and
//! Kemper, "Unnesting Arbitrary Queries").
//!
//! Invariant: a pushed plan outputs what it output before, and every outer column as a parameter.

use std::collections::HashMap;

use roost_engine::error::{Error, Result};
use roost_engine::types::DataType;

use super::correlated::copied;
use super::from::one_row;
use super::rewrite::{conjuncts, replace_columns};
use super::select::{SelectBinder, filtered};
use crate::expr::{ColumnId, Expr};
use crate::plan::{self, JoinKind, Plan, Strictness};

/// An outer column inside the subquery.
#[derive(Debug, Clone)]
pub(super) struct Param {
    /// A column of the pushed plan.
    pub(super) expr: Expr,
    /// Whether its NULL stands for the outer NULL (an equality never lets NULL through).
    pub(super) holds_nulls: bool,
}

impl Param {
    /// The column's id.
    pub(super) fn id(&self) -> ColumnId {
        match &self.expr {
            Expr::Column(id, _) => *id,
            _ => ColumnId(u32::MAX),
        }
    }
}

/// A pushed plan.
pub(super) struct Pushed {
    pub(super) plan: Plan,
    pub(super) params: HashMap<ColumnId, Param>,
}

/// The work for one subquery.
pub(super) struct Decorrelation<'s, 'b, 'c> {
    binder: &'s SelectBinder<'b, 'c>,
    outer: &'s Plan,
    /// The outer columns, as the subquery knows them and as they are in `outer`.
    free: &'s [(ColumnId, Expr)],
    /// How often the subquery uses each of them.
    uses: HashMap<ColumnId, usize>,
}

impl<'s, 'b, 'c> Decorrelation<'s, 'b, 'c> {
    pub(super) fn new(
        binder: &'s SelectBinder<'b, 'c>,
        outer: &'s Plan,
        free: &'s [(ColumnId, Expr)],
        subquery: &Plan,
    ) -> Self {
        let mut uses = HashMap::new();
        count(subquery, &mut uses);
        Decorrelation {
            binder,
            outer,
            free,
            uses,
        }
    }

    /// The whole subquery.
    pub(super) fn run(&self, plan: Plan) -> Result<Pushed> {
        let pushed = self.push(plan)?;
        let left = pushed.plan.free_columns();
        let ours = |id: &ColumnId| self.free.iter().any(|(f, _)| f == id);
        // Columns of queries further out stay free in the copies of the outer plan.
        let allowed = self.outer.free_columns();
        if left.iter().any(|id| ours(id) && !allowed.contains(id)) {
            return Err(Error::not_implemented("This form of correlated subquery"));
        }
        Ok(pushed)
    }

    /// Whether the plan or anything below it uses an outer column.
    fn mentions(&self, plan: &Plan) -> bool {
        let used = plan.free_columns();
        self.free.iter().any(|(id, _)| used.contains(id))
    }

    fn uses(&self, expr: &Expr) -> bool {
        let used = expr.columns();
        self.free.iter().any(|(id, _)| used.contains(id))
    }

    /// The different values of the outer columns.
    fn domain(&self) -> Result<Pushed> {
        let (copy, map) = self.outer.renumbered(&mut || self.binder.binder.fresh());
        let mut exprs = Vec::with_capacity(self.free.len());
        let mut params = HashMap::new();
        for (id, outer) in self.free {
            let own = self.binder.binder.fresh();
            exprs.push((own, copied(outer, &map)));
            let expr = Expr::Column(own, outer.ty().clone());
            let holds_nulls = outer.ty().is_nullable();
            params.insert(*id, Param { expr, holds_nulls });
        }
        let on = exprs.iter().map(|(id, _)| *id).collect();
        let input = Plan::Project(Box::new(plan::Project { input: copy, exprs }));
        Ok(Pushed {
            plan: Plan::Distinct(Box::new(plan::Distinct { input, on })),
            params,
        })
    }

    /// All values of the outer columns beside all rows.
    fn crossed(&self, plan: Plan) -> Result<Pushed> {
        let domain = self.domain()?;
        let join = plan::Join {
            left: plan,
            right: domain.plan,
            kind: JoinKind::Cross,
            strictness: Strictness::All,
            on: Vec::new(),
            residual: None,
            asof: None,
            nullable_outputs: Vec::new(),
        };
        Ok(Pushed {
            plan: Plan::Join(Box::new(join)),
            params: domain.params,
        })
    }

    fn push(&self, plan: Plan) -> Result<Pushed> {
        if !self.mentions(&plan) {
            return self.crossed(plan);
        }
        match plan {
            Plan::Filter(node) => self.filter(*node),
            Plan::Project(mut node) => {
                let input = self.push(std::mem::replace(&mut node.input, one_row()?))?;
                for (_, expr) in &mut node.exprs {
                    *expr = with_params(expr, &input.params);
                }
                for param in input.params.values() {
                    if !node.exprs.iter().any(|(id, _)| *id == param.id()) {
                        node.exprs.push((param.id(), param.expr.clone()));
                    }
                }
                node.input = input.plan;
                Ok(Pushed {
                    plan: Plan::Project(node),
                    params: input.params,
                })
            }
            Plan::Aggregate(node) => self.aggregate(*node),
            Plan::Join(node) => self.join(*node),
            Plan::Union(node) => self.union(*node),
            Plan::Limit(node) if node.ties.is_empty() && node.limit.is_some() => {
                let input = self.push(node.input)?;
                let by = input.params.values().map(|p| p.expr.clone()).collect();
                let plan = Plan::LimitBy(Box::new(plan::LimitBy {
                    input: input.plan,
                    by,
                    limit: node.limit.unwrap_or(u64::MAX),
                    offset: node.offset,
                }));
                Ok(Pushed {
                    plan,
                    params: input.params,
                })
            }
            Plan::Limit(_) => Err(Error::not_implemented(
                "OFFSET or WITH TIES in a correlated subquery",
            )),
            other => self.single(other),
        }
    }

    /// Nodes of one input that only need the parameters beside what they have.
    fn single(&self, mut plan: Plan) -> Result<Pushed> {
        let params = match plan.inputs_mut().into_iter().next() {
            Some(input) => {
                let pushed = self.push(std::mem::replace(input, one_row()?))?;
                *input = pushed.plan;
                pushed.params
            }
            None => return Err(Error::not_implemented("This form of correlated subquery")),
        };
        plan.for_each_expr_mut(&mut |e| *e = with_params(e, &params));
        let columns = params.values().map(|p| p.expr.clone());
        match &mut plan {
            Plan::Distinct(node) => node.on.extend(params.values().map(Param::id)),
            Plan::LimitBy(node) => node.by.extend(columns),
            Plan::Window(node) => {
                for (_, call) in &mut node.functions {
                    call.partition_by.extend(columns.clone());
                }
            }
            Plan::Sort(node) if node.keys.iter().any(|k| k.fill.is_some()) => {
                return Err(Error::not_implemented("WITH FILL in a correlated subquery"));
            }
            _ => {}
        }
        Ok(Pushed { plan, params })
    }

    fn filter(&self, node: plan::Filter) -> Result<Pushed> {
        let all = conjuncts(&node.predicate);
        if !self.mentions(&node.input)
            && let Some((params, rest)) = self.equated(&all)
        {
            return self.replaced(node.input, params, rest);
        }
        let input = self.push(node.input)?;
        let predicate = with_params(&node.predicate, &input.params);
        Ok(Pushed {
            plan: filtered(input.plan, predicate),
            params: input.params,
        })
    }

    /// For each outer column an expression of the subquery's own that it must equal, and the other
    /// conditions; `None` when there is not one for each.
    fn equated(&self, all: &[Expr]) -> Option<(HashMap<ColumnId, Expr>, Vec<Expr>)> {
        let mut found: HashMap<ColumnId, Expr> = HashMap::new();
        let mut rest = Vec::new();
        for conjunct in all {
            match self.equality(conjunct) {
                Some((id, expr)) if !found.contains_key(&id) => {
                    found.insert(id, expr);
                }
                _ => rest.push(conjunct.clone()),
            }
        }
        (found.len() == self.free.len()).then_some((found, rest))
    }

    /// `outer = own`, where `own` can take the outer column's place.
    fn equality(&self, conjunct: &Expr) -> Option<(ColumnId, Expr)> {
        let ("equals", [a, b]) = conjunct.as_call()? else {
            return None;
        };
        let outer = |e: &Expr| match e {
            Expr::Column(id, _) => self.free.iter().find(|(f, _)| f == id).map(|(f, _)| *f),
            _ => None,
        };
        let (id, own) = match (outer(a), outer(b)) {
            (Some(id), None) => (id, b),
            (None, Some(id)) => (id, a),
            _ => return None,
        };
        let plain = |ty: &DataType| !matches!(ty, DataType::LowCardinality(_));
        let (_, column) = self.free.iter().find(|(f, _)| *f == id)?;
        let alike = own.ty() == column.ty() && !own.ty().is_nullable();
        let once = self.uses.get(&id) == Some(&1) && plain(own.ty()) && plain(column.ty());
        let fits = !self.uses(own) && own.is_deterministic() && (alike || once);
        fits.then(|| (id, own.clone()))
    }

    /// The input with expressions of its own as the outer columns.
    fn replaced(
        &self,
        input: Plan,
        own: HashMap<ColumnId, Expr>,
        rest: Vec<Expr>,
    ) -> Result<Pushed> {
        let mut exprs: Vec<(ColumnId, Expr)> = input
            .outputs()
            .into_iter()
            .map(|c| (c.id, Expr::Column(c.id, c.ty)))
            .collect();
        let mut params = HashMap::new();
        for (id, expr) in own {
            let made = self.binder.binder.fresh();
            let column = Expr::Column(made, expr.ty().clone());
            exprs.push((made, expr));
            params.insert(
                id,
                Param {
                    expr: column,
                    holds_nulls: false,
                },
            );
        }
        let mut plan = Plan::Project(Box::new(plan::Project { input, exprs }));
        for predicate in rest {
            plan = filtered(plan, with_params(&predicate, &params));
        }
        Ok(Pushed { plan, params })
    }

    fn aggregate(&self, mut node: plan::AggregatePlan) -> Result<Pushed> {
        if !node.grouping_sets.is_empty() || node.with_totals {
            return Err(Error::not_implemented(
                "GROUPING SETS or WITH TOTALS in a correlated subquery",
            ));
        }
        let input = self.push(std::mem::replace(&mut node.input, one_row()?))?;
        let mut plan = Plan::Aggregate(Box::new(plan::AggregatePlan {
            input: input.plan,
            ..node
        }));
        plan.for_each_expr_mut(&mut |e| *e = with_params(e, &input.params));
        let mut params = HashMap::new();
        if let Plan::Aggregate(node) = &mut plan {
            for (id, param) in input.params {
                let own = self.binder.binder.fresh();
                let expr = Expr::Column(own, param.expr.ty().clone());
                node.keys.push((own, param.expr));
                params.insert(id, Param { expr, ..param });
            }
        }
        Ok(Pushed { plan, params })
    }

    fn join(&self, mut node: plan::Join) -> Result<Pushed> {
        if node.kind == JoinKind::Full || node.kind == JoinKind::Right {
            return Err(Error::not_implemented(
                "RIGHT or FULL JOIN in a correlated subquery",
            ));
        }
        let left_keys = node.on.iter().any(|(l, _)| self.uses(l));
        let right_keys = node.on.iter().any(|(_, r)| self.uses(r));
        let between = node.residual.iter().any(|e| self.uses(e));
        let right_uses = self.mentions(&node.right) || right_keys;
        let inner = matches!(node.kind, JoinKind::Inner | JoinKind::Cross);
        let left_uses = self.mentions(&node.left) || left_keys;
        let push_left = left_uses || between || !inner || !right_uses;
        let push = |side: &mut Plan| -> Result<HashMap<ColumnId, Param>> {
            let pushed = self.push(std::mem::replace(side, one_row()?))?;
            *side = pushed.plan;
            Ok(pushed.params)
        };
        let left = push_left.then(|| push(&mut node.left)).transpose()?;
        let right = right_uses.then(|| push(&mut node.right)).transpose()?;
        let shown = left.clone().or_else(|| right.clone()).unwrap_or_default();
        for (l, r) in &mut node.on {
            *l = with_params(l, left.as_ref().unwrap_or(&shown));
            *r = with_params(r, right.as_ref().unwrap_or(&shown));
        }
        node.residual = node.residual.map(|e| with_params(&e, &shown));
        if let (Some(left), Some(right)) = (&left, &right) {
            if node.kind == JoinKind::Cross {
                node.kind = JoinKind::Inner;
            }
            for (id, param) in left {
                let other = &right[id];
                let both = Param {
                    expr: other.expr.clone(),
                    holds_nulls: param.holds_nulls && other.holds_nulls,
                };
                self.binder
                    .param_keys(param.expr.clone(), &both, &mut node.on)?;
            }
        }
        Ok(Pushed {
            plan: Plan::Join(Box::new(node)),
            params: shown,
        })
    }

    fn union(&self, mut node: plan::Union) -> Result<Pushed> {
        let mut params: Vec<HashMap<ColumnId, Param>> = Vec::new();
        for (input, ids) in &mut node.inputs {
            let pushed = self.push(std::mem::replace(input, one_row()?))?;
            *input = pushed.plan;
            ids.extend(self.free.iter().map(|(f, _)| pushed.params[f].id()));
            params.push(pushed.params);
        }
        let mut shown = HashMap::new();
        for (id, _) in self.free {
            let first = &params[0][id];
            let alike = |p: &HashMap<ColumnId, Param>| p[id].expr.ty() == first.expr.ty();
            if !params.iter().all(alike) {
                return Err(Error::not_implemented(
                    "UNION of different types in a correlated subquery",
                ));
            }
            let own = self.binder.binder.fresh();
            let ty = first.expr.ty().clone();
            node.columns.push(plan::OutputColumn {
                id: own,
                ty: ty.clone(),
            });
            let holds_nulls = params.iter().any(|p| p[id].holds_nulls);
            let expr = Expr::Column(own, ty);
            shown.insert(*id, Param { expr, holds_nulls });
        }
        Ok(Pushed {
            plan: Plan::Union(Box::new(node)),
            params: shown,
        })
    }
}

fn with_params(expr: &Expr, params: &HashMap<ColumnId, Param>) -> Expr {
    replace_columns(expr, &|id| params.get(&id).map(|p| p.expr.clone()))
}

/// How often a plan uses each column.
fn count(plan: &Plan, uses: &mut HashMap<ColumnId, usize>) {
    plan.for_each_expr(&mut |expr| {
        expr.walk(&mut |e| match e {
            Expr::Column(id, _) => *uses.entry(*id).or_default() += 1,
            Expr::In(set) => set.set.plan.iter().for_each(|plan| count(plan, uses)),
            _ => {}
        });
    });
    plan.inputs().into_iter().for_each(|p| count(p, uses));
}
