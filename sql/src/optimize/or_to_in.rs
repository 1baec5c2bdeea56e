//! `x = 1 OR x = 2 OR x = 3` as `x IN (1, 2, 3)`.
//!
//! Invariant: only constants of exactly the column's type take part, so equality means the same.

use std::sync::{Arc, OnceLock};

use roost_engine::block::{Block, Field, Schema};
use roost_engine::column::{Column, ColumnBuilder};
use roost_engine::error::Result;
use roost_engine::types::{DataType, Value};

use super::transform_up;
use crate::bind::call::call;
use crate::bind::rewrite::{disjuncts, same};
use crate::expr::{Expr, InSet, SetSource};
use crate::functions::BindContext;
use crate::functions::cast::convert_value;
use crate::plan::Query;

/// Fewer equalities than this are left alone.
const FEWEST: usize = 3;

/// The rule.
pub(super) fn rule(query: &mut Query, context: &BindContext) -> Result<()> {
    transform_up(&mut query.plan, &mut |mut plan| {
        plan.for_each_expr_mut(&mut |expr| gather(expr, context));
        Ok(plan)
    })
}

pub(super) fn gather(expr: &mut Expr, context: &BindContext) {
    expr.rewrite_in_place(&mut |e| match e.as_call() {
        Some(("or", _)) => gathered(e, context).filter(|new| new.ty() == e.ty()),
        _ => None,
    });
}

/// Equalities of one expression with constants.
struct Group {
    needle: Expr,
    values: Vec<Value>,
    originals: Vec<Expr>,
}

fn gathered(or: &Expr, context: &BindContext) -> Option<Expr> {
    let mut groups: Vec<Group> = Vec::new();
    let mut rest: Vec<Expr> = Vec::new();
    for part in disjuncts(or) {
        let Some((needle, value)) = equality(&part, context) else {
            rest.push(part);
            continue;
        };
        match groups.iter_mut().find(|g| same(&g.needle, &needle)) {
            Some(group) => {
                group.values.push(value);
                group.originals.push(part);
            }
            None => groups.push(Group {
                needle,
                values: vec![value],
                originals: vec![part],
            }),
        }
    }
    if !groups.iter().any(|g| g.values.len() >= FEWEST) {
        return None;
    }
    for group in groups {
        match group.values.len() >= FEWEST {
            true => rest.push(membership(group)?),
            false => rest.extend(group.originals),
        }
    }
    match rest.len() {
        1 => rest.pop(),
        _ => call("or", rest, context).ok(),
    }
}

/// `x = constant` with the constant as a value of x's type.
fn equality(expr: &Expr, context: &BindContext) -> Option<(Expr, Value)> {
    let ("equals", [a, b]) = expr.as_call()? else {
        return None;
    };
    let (needle, value, ty) = match (a, b) {
        (Expr::Literal(..), Expr::Literal(..)) => return None,
        (needle, Expr::Literal(v, ty)) | (Expr::Literal(v, ty), needle) => (needle, v, ty),
        _ => return None,
    };
    let own = needle.ty().value_type();
    let simple = own.is_integer() || *own == DataType::String || own.is_date();
    let alike = own == ty.value_type() || (own.is_integer() && ty.value_type().is_integer());
    if !simple || !alike || value.is_null() {
        return None;
    }
    let converted = convert_value(value, ty, own, context).ok()??;
    Some((needle.clone(), converted))
}

fn membership(group: Group) -> Option<Expr> {
    let ty = group.needle.ty().value_type().clone();
    let mut builder = ColumnBuilder::new(&ty, group.values.len());
    for value in &group.values {
        builder.push(value).ok()?;
    }
    let schema = Schema::new(vec![Field::new("0", ty.clone())]);
    let column = Column::Flat(builder.finish());
    let block = Block::new(schema, vec![column], group.values.len()).ok()?;
    let rows = OnceLock::new();
    rows.set(Arc::new(block)).ok()?;
    let answer = match group.needle.ty().is_nullable() {
        true => DataType::UInt8.nullable(),
        false => DataType::UInt8,
    };
    Some(Expr::In(Arc::new(InSet {
        needle: vec![group.needle],
        set: Arc::new(SetSource {
            types: vec![ty],
            plan: None,
            rows,
        }),
        negated: false,
        ty: answer,
    })))
}
