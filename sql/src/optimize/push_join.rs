//! Filters above a join: to the side that they speak of, into the keys, or left above.
//!
//! Invariant: a side that a join may fill with defaults is only filtered by what would drop those
//! defaults too.

use std::collections::HashSet;

use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::types::{DataType, Value};

use super::fold::simplify;
use super::push_filter::{above, push};
use crate::bind::call::cast;
use crate::bind::rewrite::{conjuncts, replace_columns, same, uses_only};
use crate::expr::{ColumnId, Expr};
use crate::functions::BindContext;
use crate::functions::supertype::least_supertype;
use crate::plan::{Join, JoinKind, Plan, Strictness};

/// A key of each side.
type Pair = (Expr, Expr);

/// Ids of both sides.
struct Sides {
    left: HashSet<ColumnId>,
    right: HashSet<ColumnId>,
}

impl Sides {
    fn is_left(&self, expr: &Expr) -> bool {
        uses_only(expr, &|id| self.left.contains(&id))
    }

    fn is_right(&self, expr: &Expr) -> bool {
        uses_only(expr, &|id| self.right.contains(&id))
    }
}

/// The join with the predicates applied, as deep as they go.
pub(super) fn push_into_join(
    mut join: Join,
    wanted: Vec<Expr>,
    context: &BindContext,
) -> Result<Plan> {
    let sides = Sides {
        left: join.left.outputs().iter().map(|c| c.id).collect(),
        right: join.right.outputs().iter().map(|c| c.id).collect(),
    };
    narrow(&mut join, &wanted, &sides, context);
    let (mut left, mut right, mut kept) = (Vec::new(), Vec::new(), Vec::new());
    for predicate in wanted {
        let (to_left, to_right) = may_filter(&join);
        let constant = predicate.columns().is_empty();
        if !constant && to_left && sides.is_left(&predicate) {
            left.push(predicate);
        } else if !constant && to_right && sides.is_right(&predicate) {
            right.push(predicate);
        } else if let Some(pair) = key_of(&join, &predicate, &sides, context) {
            join.on.push(pair);
            join.kind = JoinKind::Inner;
        } else {
            kept.push(predicate);
        }
    }
    if join.kind == JoinKind::Inner && join.strictness == Strictness::All {
        split_residual(&mut join, &sides, &mut left, &mut right);
    }
    carry_over(&join, &mut left, &mut right);
    join.left = push(join.left, left, context)?;
    join.right = push(join.right, right, context)?;
    above(Plan::Join(Box::new(join)), kept, context)
}

/// Sides that a predicate above the join may filter before it.
fn may_filter(join: &Join) -> (bool, bool) {
    match (join.kind, join.strictness) {
        (JoinKind::Inner | JoinKind::Cross, Strictness::All) => (true, true),
        (JoinKind::Inner, Strictness::Asof) => (true, false),
        (JoinKind::Left, _) => (true, false),
        (JoinKind::Right, _) => (false, true),
        _ => (false, false),
    }
}

/// `left = right` as a key of an inner or cross join.
fn key_of(
    join: &Join,
    predicate: &Expr,
    sides: &Sides,
    context: &BindContext,
) -> Option<(Expr, Expr)> {
    let inner = matches!(join.kind, JoinKind::Inner | JoinKind::Cross);
    if !inner || join.strictness != Strictness::All {
        return None;
    }
    let ("equals", [a, b]) = predicate.as_call()? else {
        return None;
    };
    if a.columns().is_empty() || b.columns().is_empty() {
        return None;
    }
    let (left, right) = if sides.is_left(a) && sides.is_right(b) {
        (a, b)
    } else if sides.is_left(b) && sides.is_right(a) {
        (b, a)
    } else {
        return None;
    };
    if left.ty() == right.ty() {
        return Some((left.clone(), right.clone()));
    }
    let types = [left.ty(), right.ty()].map(DataType::without_low_cardinality);
    let common = least_supertype(&types).ok()?;
    let left = cast(left.clone(), &common, context).ok()?;
    let right = cast(right.clone(), &common, context).ok()?;
    Some((left, right))
}

/// Conjuncts of an inner join's residual that speak of one side only.
fn split_residual(join: &mut Join, sides: &Sides, left: &mut Vec<Expr>, right: &mut Vec<Expr>) {
    let Some(residual) = &join.residual else {
        return;
    };
    let all = conjuncts(residual);
    let one_sided = |p: &Expr| {
        let moves = !p.columns().is_empty() && p.is_deterministic();
        moves && (sides.is_left(p) || sides.is_right(p))
    };
    if !all.iter().all(one_sided) {
        return;
    }
    join.residual = None;
    for predicate in all {
        match sides.is_left(&predicate) {
            true => left.push(predicate),
            false => right.push(predicate),
        }
    }
}

/// A predicate on a key column holds for the other side's key too: rows without a partner on the
/// filled side do not matter.
fn carry_over(join: &Join, left: &mut Vec<Expr>, right: &mut Vec<Expr>) {
    let both = matches!(
        join.strictness,
        Strictness::All | Strictness::Any | Strictness::Semi
    );
    if !both {
        return;
    }
    let carried = |from: &[Expr], pick: fn(&Pair) -> Pair| {
        let mut found = Vec::new();
        for pair in &join.on {
            let (Expr::Column(id, ty), Expr::Column(other, other_ty)) = pick(pair) else {
                continue;
            };
            if ty != other_ty {
                continue;
            }
            for predicate in from.iter().filter(|p| p.columns() == [id]) {
                let to = Expr::Column(other, ty.clone());
                found.push(replace_columns(predicate, &|_| Some(to.clone())));
            }
        }
        found
    };
    let inner = join.kind == JoinKind::Inner && join.strictness == Strictness::All;
    let left_kept = matches!(join.kind, JoinKind::Left) || inner;
    let right_kept = matches!(join.kind, JoinKind::Right) || inner;
    let to_right = match left_kept {
        true => carried(left, |(l, r)| (l.clone(), r.clone())),
        false => Vec::new(),
    };
    let to_left = match right_kept {
        true => carried(right, |(l, r)| (r.clone(), l.clone())),
        false => Vec::new(),
    };
    add_new(right, to_right);
    add_new(left, to_left);
}

fn add_new(list: &mut Vec<Expr>, more: Vec<Expr>) {
    for expr in more {
        if !list.iter().any(|e| same(e, &expr)) {
            list.push(expr);
        }
    }
}

/// Turns an outer join into an inner one when a predicate above drops the rows it would fill.
fn narrow(join: &mut Join, wanted: &[Expr], sides: &Sides, context: &BindContext) {
    if join.strictness != Strictness::All || !join.nullable_outputs.is_empty() {
        return;
    }
    let drops = |side: &HashSet<ColumnId>| {
        wanted.iter().any(|p| {
            let all_there = !p.columns().is_empty() && uses_only(p, &|id| side.contains(&id));
            all_there && is_false_on_defaults(p, context)
        })
    };
    match join.kind {
        JoinKind::Left if drops(&sides.right) => join.kind = JoinKind::Inner,
        JoinKind::Right if drops(&sides.left) => join.kind = JoinKind::Inner,
        JoinKind::Full => {
            let (left_filled, right_filled) = (drops(&sides.left), drops(&sides.right));
            join.kind = match (left_filled, right_filled) {
                (true, true) => JoinKind::Inner,
                // Rows whose left side is filled are dropped: what remains is a left join.
                (true, false) => JoinKind::Left,
                (false, true) => JoinKind::Right,
                (false, false) => JoinKind::Full,
            };
        }
        _ => {}
    }
}

/// Whether the predicate is known to be false where every column has its type's default.
fn is_false_on_defaults(predicate: &Expr, context: &BindContext) -> bool {
    let mut types: Vec<(ColumnId, DataType)> = Vec::new();
    predicate.walk(&mut |e| {
        if let Expr::Column(id, ty) = e {
            types.push((*id, ty.clone()));
        }
    });
    let mut holds_lambda = false;
    predicate.walk(&mut |e| holds_lambda |= matches!(e, Expr::Lambda(_)));
    if holds_lambda {
        return false;
    }
    let default = |id: ColumnId| {
        let (_, ty) = types.iter().find(|(own, _)| *own == id)?;
        let value = Column::defaults(ty, 1).value(0);
        Some(Expr::Literal(value, ty.clone()))
    };
    let mut known = replace_columns(predicate, &default);
    simplify(&mut known, context);
    match known.as_literal() {
        Some(Value::Null) => true,
        Some(value) => value.as_f64() == Some(0.0),
        None => false,
    }
}
