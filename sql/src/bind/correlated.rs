//! Correlated subqueries: set aside while expressions are bound, then joined to the rows they
//! belong to.
//!
//! Invariant: a row of the outer query meets the subquery's rows for its own outer columns, NULL
//! equal to NULL; without such rows EXISTS is 0 and a value is NULL (or its type's default where
//! the type holds no NULL), as ClickHouse has it.

use std::collections::HashMap;

use roost_engine::bail;
use roost_engine::error::{Error, Result};
use roost_engine::types::{DataType, Value};

use super::Bound;
use super::decorrelate::{Decorrelation, Param};
use super::join::can_be_nullable;
use super::select::{SelectBinder, renamed};
use crate::expr::{ColumnId, Expr};
use crate::parse::ast;
use crate::plan::{self, JoinKind, Plan, Strictness};

/// A subquery that uses columns of the outer query.
pub(super) struct Correlated {
    /// The column that carries its value in the outer query.
    pub(super) id: ColumnId,
    ty: DataType,
    query: ast::Query,
    exists: bool,
    plan: Plan,
    /// The subquery's column that is its value.
    value: ColumnId,
    /// The outer columns it uses, and what they are where it is placed.
    pub(super) free: Vec<(ColumnId, Expr)>,
    /// Whether a node joins it already.
    pub(super) placed: bool,
}

impl Correlated {
    /// The columns of the outer query that must be there where it is placed.
    pub(super) fn outer_columns(&self) -> Vec<ColumnId> {
        self.free.iter().flat_map(|(_, e)| e.columns()).collect()
    }
}

impl SelectBinder<'_, '_> {
    /// The column of an equal subquery that is set aside already.
    pub(super) fn known_correlated(&self, query: &ast::Query, exists: bool) -> Option<Expr> {
        let mut all = self.correlated.iter();
        let known = all.find(|c| c.exists == exists && c.query == *query)?;
        Some(Expr::Column(known.id, known.ty.clone()))
    }

    /// Refuses correlated subqueries in a clause.
    pub(super) fn refuse_correlated(&self, expr: &Expr, place: &str) -> Result<()> {
        let used = expr.columns();
        if self.correlated.iter().any(|c| used.contains(&c.id)) {
            return Err(Error::not_implemented(format!(
                "Correlated subquery in {place}"
            )));
        }
        Ok(())
    }

    /// Sets a subquery of one column aside.
    pub(super) fn correlated_scalar(&mut self, query: &ast::Query, bound: Bound) -> Result<Expr> {
        let [column] = bound.columns.as_slice() else {
            bail!(
                NUMBER_OF_COLUMNS_DOESNT_MATCH,
                "A correlated subquery used as an expression must return exactly one column, but it returns {}",
                bound.columns.len()
            );
        };
        let ty = match can_be_nullable(&column.ty) && !column.ty.is_nullable() {
            true => column.ty.clone().nullable(),
            false => column.ty.clone(),
        };
        let value = column.id;
        self.set_aside(query, bound.plan, value, ty, false)
    }

    /// Sets an EXISTS aside.
    pub(super) fn correlated_exists(&mut self, query: &ast::Query, bound: Bound) -> Result<Expr> {
        // How many rows there are does not matter, nor in which order.
        let mut plan = bound.plan;
        loop {
            plan = match plan {
                Plan::Limit(limit) if limit.limit != Some(0) && limit.offset == 0 => limit.input,
                Plan::Sort(sort) => sort.input,
                other => break self.set_aside(query, other, ColumnId(0), DataType::UInt8, true),
            };
        }
    }

    fn set_aside(
        &mut self,
        query: &ast::Query,
        plan: Plan,
        value: ColumnId,
        ty: DataType,
        exists: bool,
    ) -> Result<Expr> {
        let types = column_types(&plan);
        let free = plan.free_columns().into_iter().map(|id| {
            let ty = types.get(&id).cloned();
            let ty = ty.ok_or_else(|| Error::bug("an outer column that no expression uses"))?;
            Ok((id, Expr::Column(id, ty)))
        });
        let id = self.binder.fresh();
        self.correlated.push(Correlated {
            free: free.collect::<Result<_>>()?,
            id,
            ty: ty.clone(),
            query: query.clone(),
            exists,
            plan,
            value,
            placed: false,
        });
        Ok(Expr::Column(id, ty))
    }

    /// Joins the subqueries among `wanted` that no node has joined yet to `plan`.
    pub(super) fn place_correlated(&mut self, mut plan: Plan, wanted: &[ColumnId]) -> Result<Plan> {
        for at in 0..self.correlated.len() {
            if !self.correlated[at].placed && wanted.contains(&self.correlated[at].id) {
                self.correlated[at].placed = true;
                plan = self.joined_subquery(plan, at)?;
            }
        }
        Ok(plan)
    }

    fn joined_subquery(&self, outer: Plan, at: usize) -> Result<Plan> {
        let subquery = &self.correlated[at];
        let (outer, columns) = self.with_columns(outer, &subquery.free);
        let inner = Decorrelation::new(self, &outer, &columns, &subquery.plan)
            .run(subquery.plan.clone())?;
        let mut on = Vec::new();
        for (free, column) in &columns {
            self.param_keys(column.clone(), &inner.params[free], &mut on)?;
        }
        // Of several rows a value takes one, as in ClickHouse.
        let mut join = plan::Join {
            left: outer,
            right: inner.plan,
            kind: JoinKind::Left,
            strictness: Strictness::Any,
            on,
            residual: None,
            asof: None,
            nullable_outputs: Vec::new(),
        };
        let params = inner.params.values().map(|p| (p.id(), p.expr.clone()));
        let mut exprs: Vec<(ColumnId, Expr)> = params.collect();
        exprs.sort_by_key(|(id, _)| *id);
        exprs.dedup_by_key(|(id, _)| *id);
        if subquery.exists {
            let one = Expr::Literal(Value::UInt(1), DataType::UInt8);
            exprs.push((subquery.id, one));
        } else {
            let outputs = join.right.outputs();
            let found = outputs.iter().find(|c| c.id == subquery.value);
            let found = found.ok_or_else(|| Error::bug("a subquery without its value"))?;
            let value = Expr::Column(found.id, found.ty.clone());
            let own = match found.ty == subquery.ty {
                true => subquery.id,
                false => {
                    let own = self.binder.fresh();
                    let nullable = (subquery.id, own, subquery.ty.clone());
                    join.nullable_outputs.push(nullable);
                    own
                }
            };
            exprs.push((own, value));
        }
        join.right = Plan::Project(Box::new(plan::Project {
            input: join.right,
            exprs,
        }));
        Ok(Plan::Join(Box::new(join)))
    }

    /// `plan` with every outer expression as a column of its own.
    fn with_columns(&self, plan: Plan, free: &[(ColumnId, Expr)]) -> (Plan, Vec<(ColumnId, Expr)>) {
        if free.iter().all(|(_, e)| matches!(e, Expr::Column(..))) {
            return (plan, free.to_vec());
        }
        let outputs = plan.outputs().into_iter();
        let mut exprs: Vec<(ColumnId, Expr)> =
            outputs.map(|c| (c.id, Expr::Column(c.id, c.ty))).collect();
        let columns = free
            .iter()
            .map(|(id, outer)| {
                let own = self.binder.fresh();
                exprs.push((own, outer.clone()));
                (*id, Expr::Column(own, outer.ty().clone()))
            })
            .collect();
        let plan = Plan::Project(Box::new(plan::Project { input: plan, exprs }));
        (plan, columns)
    }

    /// Keys that tie an outer column to its parameter.
    pub(super) fn param_keys(
        &self,
        outer: Expr,
        param: &Param,
        on: &mut Vec<(Expr, Expr)>,
    ) -> Result<()> {
        let inner = param.expr.clone();
        if !param.holds_nulls {
            on.push(self.key_pair(outer, inner)?);
            return Ok(());
        }
        let missing = |e: &Expr| self.call("isNull", vec![e.clone()]);
        on.push((missing(&outer)?, missing(&inner)?));
        on.push((self.present(outer)?, self.present(inner)?));
        Ok(())
    }
}

/// The types of the columns that a plan's expressions use.
fn column_types(plan: &Plan) -> HashMap<ColumnId, DataType> {
    fn collect(plan: &Plan, types: &mut HashMap<ColumnId, DataType>) {
        plan.for_each_expr(&mut |expr| {
            expr.walk(&mut |e| {
                if let Expr::Column(id, ty) = e {
                    types.insert(*id, ty.clone());
                }
                if let Expr::In(set) = e
                    && let Some(plan) = &set.set.plan
                {
                    collect(plan, types);
                }
            });
        });
        plan.inputs().into_iter().for_each(|p| collect(p, types));
    }
    let mut types = HashMap::new();
    collect(plan, &mut types);
    types
}

/// The columns of a renumbered copy of `plan` under which outer columns are found.
pub(super) fn copied(expr: &Expr, map: &HashMap<ColumnId, ColumnId>) -> Expr {
    let exprs: HashMap<ColumnId, Expr> = match expr {
        Expr::Column(id, ty) => map
            .get(id)
            .map(|new| (*id, Expr::Column(*new, ty.clone())))
            .into_iter()
            .collect(),
        _ => HashMap::new(),
    };
    renamed(expr, &exprs)
}
