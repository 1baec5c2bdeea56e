//! Joins: equalities between the sides become keys, conditions on one side go to that side where
//! the kind of join allows it, the rest is checked on pairs.
//!
//! Invariant: both expressions of a key pair have one type; each uses its own side only.

use std::collections::{HashMap, HashSet};

use roost_engine::bail;
use roost_engine::error::{Error, Result};
use roost_engine::types::DataType;

use super::rewrite::{conjuncts, uses_only};
use super::scope::Tables;
use super::select::{SelectBinder, filtered, renamed};
use crate::expr::{ColumnId, Expr};
use crate::functions::supertype::least_supertype;
use crate::parse::ast::{self, JoinKind, JoinOn, JoinStrictness};
use crate::plan::{self, Plan, Strictness};

/// A join while its condition is taken apart.
pub(super) struct Joining {
    pub(super) left: Plan,
    pub(super) right: Plan,
    pub(super) kind: plan::JoinKind,
    pub(super) strictness: Strictness,
    pub(super) on: Vec<(Expr, Expr)>,
    residual: Vec<Expr>,
    asof: Option<(Expr, Expr, &'static str)>,
    left_ids: HashSet<ColumnId>,
    right_ids: HashSet<ColumnId>,
    /// Columns merged by USING whose sides become Nullable: name, left, right.
    pub(super) coalesced: Vec<(String, Expr, Expr)>,
}

impl Joining {
    fn new(left: Plan, right: Plan, join: &ast::Join) -> Result<Joining> {
        let strictness = match join.strictness {
            None | Some(JoinStrictness::All) => Strictness::All,
            Some(JoinStrictness::Any) => Strictness::Any,
            Some(JoinStrictness::Semi) => Strictness::Semi,
            Some(JoinStrictness::Anti) => Strictness::Anti,
            Some(JoinStrictness::Asof) => Strictness::Asof,
        };
        let one_sided = matches!(strictness, Strictness::Semi | Strictness::Anti);
        let kind = match join.kind {
            JoinKind::Inner if one_sided => plan::JoinKind::Left,
            JoinKind::Inner => plan::JoinKind::Inner,
            JoinKind::Left => plan::JoinKind::Left,
            JoinKind::Right => plan::JoinKind::Right,
            JoinKind::Full if strictness != Strictness::All => {
                return Err(Error::not_implemented("FULL JOIN that is not ALL"));
            }
            JoinKind::Full => plan::JoinKind::Full,
            JoinKind::Cross | JoinKind::Comma => plan::JoinKind::Cross,
            JoinKind::Paste => return Err(Error::bug("PASTE JOIN has no condition")),
        };
        Ok(Joining {
            left_ids: left.outputs().iter().map(|c| c.id).collect(),
            right_ids: right.outputs().iter().map(|c| c.id).collect(),
            left,
            right,
            kind,
            strictness,
            on: Vec::new(),
            residual: Vec::new(),
            asof: None,
            coalesced: Vec::new(),
        })
    }

    fn is_left(&self, expr: &Expr) -> bool {
        uses_only(expr, &|id| self.left_ids.contains(&id))
    }

    fn is_right(&self, expr: &Expr) -> bool {
        uses_only(expr, &|id| self.right_ids.contains(&id))
    }

    /// The sides of a binary call, left side first; whether they were exchanged.
    fn sides<'e>(&self, args: &'e [Expr]) -> Option<(&'e Expr, &'e Expr, bool)> {
        let [a, b] = args else {
            return None;
        };
        if a.columns().is_empty() || b.columns().is_empty() {
            return None;
        }
        if self.is_left(a) && self.is_right(b) {
            Some((a, b, false))
        } else if self.is_left(b) && self.is_right(a) {
            Some((b, a, true))
        } else {
            None
        }
    }

    /// Rows of a side that fail a condition on it alone can be dropped before the join.
    fn may_filter(&self) -> (bool, bool) {
        let semi = self.strictness == Strictness::Semi;
        match self.kind {
            plan::JoinKind::Inner | plan::JoinKind::Cross => (true, true),
            plan::JoinKind::Left => (semi, true),
            plan::JoinKind::Right => (true, semi),
            plan::JoinKind::Full => (false, false),
        }
    }

    /// Sorts one conjunct of ON to where it belongs.
    fn add(&mut self, conjunct: Expr, binder: &SelectBinder<'_, '_>) -> Result<()> {
        if let Some((name, args)) = conjunct.as_call()
            && let Some((l, r, exchanged)) = self.sides(args)
        {
            if name == "equals" {
                let pair = binder.key_pair(l.clone(), r.clone())?;
                self.on.push(pair);
                return Ok(());
            }
            if self.strictness == Strictness::Asof
                && let Some(name) = inequality(name, exchanged)
            {
                if self.asof.is_some() {
                    bail!(
                        INVALID_JOIN_ON_EXPRESSION,
                        "ASOF JOIN takes exactly one inequality"
                    );
                }
                let (l, r) = binder.key_pair(l.clone(), r.clone())?;
                self.asof = Some((l, r, name));
                return Ok(());
            }
        }
        let (filter_left, filter_right) = self.may_filter();
        let is_constant = conjunct.columns().is_empty();
        if is_constant && is_true(&conjunct) {
            return Ok(());
        }
        if filter_left && self.is_left(&conjunct) && !is_constant {
            let left = std::mem::replace(&mut self.left, super::from::one_row()?);
            self.left = filtered(left, conjunct);
        } else if filter_right && self.is_right(&conjunct) && !is_constant {
            let right = std::mem::replace(&mut self.right, super::from::one_row()?);
            self.right = filtered(right, conjunct);
        } else {
            self.residual.push(conjunct);
        }
        Ok(())
    }
}

impl SelectBinder<'_, '_> {
    /// Joins `right` to `left`; the scope takes the right tables in.
    pub(super) fn join(
        &mut self,
        left: Plan,
        right: Plan,
        right_tables: Tables,
        join: &ast::Join,
    ) -> Result<Plan> {
        let mut joining = Joining::new(left, right, join)?;
        match &join.on {
            JoinOn::Using(exprs) => self.using(&mut joining, exprs, right_tables)?,
            JoinOn::On(on) => {
                self.take_in(right_tables);
                self.resolved.clear();
                let bound = self.condition(on, "JOIN ON")?;
                self.refuse_aggregates(&bound, "in JOIN ON")?;
                self.refuse_correlated(&bound, "JOIN ON")?;
                for conjunct in conjuncts(&bound) {
                    joining.add(conjunct, self)?;
                }
            }
            JoinOn::None => {
                self.take_in(right_tables);
                if joining.kind != plan::JoinKind::Cross {
                    bail!(
                        INVALID_JOIN_ON_EXPRESSION,
                        "JOIN needs a condition: ON or USING"
                    );
                }
            }
        }
        self.resolved.clear();
        self.joined(joining)
    }

    fn joined(&mut self, joining: Joining) -> Result<Plan> {
        if joining.strictness == Strictness::Asof && joining.asof.is_none() {
            bail!(
                INVALID_JOIN_ON_EXPRESSION,
                "ASOF JOIN needs an inequality in ON"
            );
        }
        let nullable_outputs = self.nullable_outputs(&joining);
        let residual = joining.residual;
        let residual = match residual.len() {
            0 | 1 => residual.into_iter().next(),
            _ => Some(self.call("and", residual)?),
        };
        let crossing = joining.kind == plan::JoinKind::Inner
            && joining.on.is_empty()
            && joining.strictness == Strictness::All;
        let kind = if crossing {
            plan::JoinKind::Cross
        } else {
            joining.kind
        };
        let (residual, filter) = match kind {
            plan::JoinKind::Cross => (None, residual),
            _ => (residual, None),
        };
        let renames: HashMap<ColumnId, Expr> = nullable_outputs
            .iter()
            .map(|(new, old, ty)| (*old, Expr::Column(*new, ty.clone())))
            .collect();
        if !renames.is_empty() {
            let mut tables = std::mem::take(&mut self.tables);
            tables.map(&|e| self.nullable_copy(e, &renames));
            self.tables = tables;
        }
        for (name, left, right) in joining.coalesced {
            let sides = [&left, &right]
                .map(|e| self.nullable_copy(e, &renames))
                .to_vec();
            let value = self.call("coalesce", sides)?;
            let merged = self.tables.merged.iter_mut();
            merged
                .filter(|m| m.name == name)
                .for_each(|m| m.expr = value.clone());
        }
        let plan = Plan::Join(Box::new(plan::Join {
            left: joining.left,
            right: joining.right,
            kind,
            strictness: joining.strictness,
            on: joining.on,
            residual,
            asof: joining.asof,
            nullable_outputs,
        }));
        Ok(match filter {
            Some(filter) => filtered(plan, filter),
            None => plan,
        })
    }

    /// A column, perhaps in the common type of USING, after it became Nullable.
    fn nullable_copy(&self, expr: &Expr, renames: &HashMap<ColumnId, Expr>) -> Expr {
        let copy = renamed(expr, renames);
        let Some(("CAST", [Expr::Column(..), _])) = expr.as_call() else {
            return copy;
        };
        match copy.as_call() {
            Some((_, [column, _])) if column.ty().is_nullable() => {
                let to = expr.ty().clone().nullable();
                self.cast(column.clone(), &to).unwrap_or(copy)
            }
            _ => copy,
        }
    }

    /// With `join_use_nulls = 1`: the columns that become Nullable.
    fn nullable_outputs(&self, joining: &Joining) -> Vec<(ColumnId, ColumnId, DataType)> {
        let on = self.binder.is_on("join_use_nulls");
        if !on {
            return Vec::new();
        }
        let mut columns = Vec::new();
        if matches!(joining.kind, plan::JoinKind::Right | plan::JoinKind::Full) {
            columns.extend(joining.left.outputs());
        }
        if matches!(joining.kind, plan::JoinKind::Left | plan::JoinKind::Full) {
            columns.extend(joining.right.outputs());
        }
        columns
            .into_iter()
            .filter(|c| can_be_nullable(&c.ty) && !c.ty.is_nullable())
            .map(|c| (self.binder.fresh(), c.id, c.ty.nullable()))
            .collect()
    }

    /// Two keys as values of one type.
    pub(super) fn key_pair(&self, left: Expr, right: Expr) -> Result<(Expr, Expr)> {
        if left.ty() == right.ty() {
            return Ok((left, right));
        }
        let types = [
            left.ty().without_low_cardinality(),
            right.ty().without_low_cardinality(),
        ];
        let common = least_supertype(&types).map_err(|e| {
            e.context(format!(
                "JOIN cannot infer common type for keys {left} and {right}"
            ))
        })?;
        Ok((self.cast(left, &common)?, self.cast(right, &common)?))
    }
}

/// Whether `Nullable(ty)` exists.
pub(super) fn can_be_nullable(ty: &DataType) -> bool {
    !matches!(
        ty,
        DataType::Array(_)
            | DataType::Map(..)
            | DataType::Tuple(_)
            | DataType::AggregateFunction(_)
    )
}

fn is_true(expr: &Expr) -> bool {
    expr.as_literal()
        .and_then(|v| v.as_f64())
        .is_some_and(|v| v != 0.0)
}

/// The inequality with the left side first.
fn inequality(name: &str, exchanged: bool) -> Option<&'static str> {
    Some(match (name, exchanged) {
        ("less", false) | ("greater", true) => "less",
        ("lessOrEquals", false) | ("greaterOrEquals", true) => "lessOrEquals",
        ("greater", false) | ("less", true) => "greater",
        ("greaterOrEquals", false) | ("lessOrEquals", true) => "greaterOrEquals",
        _ => return None,
    })
}
