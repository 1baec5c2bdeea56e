//! UNION, INTERSECT, EXCEPT: columns by position, types unified, names from the first branch.
//!
//! Invariant: every input supplies columns of exactly the output's types.

use std::rc::Rc;

use roost_engine::bail;
use roost_engine::error::Result;
use roost_engine::types::{DataType, Value};

use super::call::{call, cast};
use super::scope::Env;
use super::select::filtered;
use super::{Binder, Bound, OutputName};
use crate::expr::{AggregateCall, ColumnId, Expr};
use crate::functions::aggregates::bind_aggregate;
use crate::functions::supertype::least_supertype;
use crate::parse::ast::{QueryBody, Select, SetOp};
use crate::plan::{self, OutputColumn, Plan};

/// Binds a set operation.
pub(super) fn bind_set(
    binder: &Binder<'_>,
    op: SetOp,
    inputs: &[QueryBody],
    env: &Rc<Env>,
) -> Result<Bound> {
    // WITH in front of the first SELECT is seen by all branches, as ClickHouse has it.
    let shared = match inputs.first().and_then(first_select) {
        Some(select) => super::select::with_environment(select, env)?,
        None => Rc::clone(env),
    };
    let mut bound = Vec::with_capacity(inputs.len());
    for (i, input) in inputs.iter().enumerate() {
        bound.push(binder.body(input, if i == 0 { env } else { &shared })?);
    }
    let types = common_types(&bound)?;
    match op {
        SetOp::UnionAll => union(binder, bound, &types),
        SetOp::UnionDistinct => {
            let all = union(binder, bound, &types)?;
            Ok(distinct(all))
        }
        _ => counted(binder, op, bound, &types),
    }
}

/// The leftmost SELECT of a branch.
pub(super) fn first_select(body: &QueryBody) -> Option<&Select> {
    match body {
        QueryBody::Select(select) => Some(select),
        QueryBody::Set { inputs, .. } => first_select(inputs.first()?),
        QueryBody::Nested(_) => None,
    }
}

pub(super) fn common_types(inputs: &[Bound]) -> Result<Vec<DataType>> {
    let Some(first) = inputs.first() else {
        bail!(LOGICAL_ERROR, "Set operation without inputs");
    };
    for other in inputs {
        if other.columns.len() != first.columns.len() {
            bail!(
                UNION_ALL_RESULT_STRUCTURES_MISMATCH,
                "Different number of columns in set operation: {} and {}",
                first.columns.len(),
                other.columns.len()
            );
        }
    }
    let at = |i: usize| {
        let types: Vec<DataType> = inputs.iter().map(|b| b.columns[i].ty.clone()).collect();
        match types.iter().all(|t| *t == types[0]) {
            true => Ok(types[0].clone()),
            false => least_supertype(&types),
        }
    };
    (0..first.columns.len()).map(at).collect()
}

pub(super) fn union(binder: &Binder<'_>, inputs: Vec<Bound>, types: &[DataType]) -> Result<Bound> {
    let names: Vec<String> = inputs
        .first()
        .map(|b| b.columns.iter().map(|c| c.name.clone()).collect())
        .unwrap_or_default();
    let mut parts = Vec::with_capacity(inputs.len());
    for input in inputs {
        parts.push(converted(binder, input, types, None)?);
    }
    let columns: Vec<OutputColumn> = types
        .iter()
        .map(|ty| OutputColumn {
            id: binder.fresh(),
            ty: ty.clone(),
        })
        .collect();
    let names = names.into_iter().zip(&columns).map(|(name, c)| OutputName {
        name,
        id: c.id,
        ty: c.ty.clone(),
    });
    Ok(Bound {
        columns: names.collect(),
        plan: Plan::Union(Box::new(plan::Union {
            inputs: parts,
            columns,
        })),
    })
}

/// An input with its columns in the common types, and perhaps a constant column behind them.
fn converted(
    binder: &Binder<'_>,
    input: Bound,
    types: &[DataType],
    tag: Option<u64>,
) -> Result<(Plan, Vec<ColumnId>)> {
    let unchanged = input.columns.iter().map(|c| &c.ty).eq(types) && tag.is_none();
    if unchanged {
        let ids = input.columns.iter().map(|c| c.id).collect();
        return Ok((input.plan, ids));
    }
    let context = binder.catalog.context();
    let mut exprs = Vec::with_capacity(types.len() + 1);
    for (column, ty) in input.columns.iter().zip(types) {
        let own = Expr::Column(column.id, column.ty.clone());
        exprs.push((binder.fresh(), cast(own, ty, context)?));
    }
    if let Some(tag) = tag {
        let literal = Expr::Literal(Value::UInt(tag), DataType::UInt8);
        exprs.push((binder.fresh(), literal));
    }
    let ids = exprs.iter().map(|(id, _)| *id).collect();
    let plan = Plan::Project(Box::new(plan::Project {
        input: input.plan,
        exprs,
    }));
    Ok((plan, ids))
}

fn distinct(bound: Bound) -> Bound {
    let on = bound.columns.iter().map(|c| c.id).collect();
    Bound {
        columns: bound.columns,
        plan: Plan::Distinct(Box::new(plan::Distinct {
            input: bound.plan,
            on,
        })),
    }
}

/// INTERSECT and EXCEPT: rows are counted per side, then kept or repeated as the counts say.
fn counted(
    binder: &Binder<'_>,
    op: SetOp,
    inputs: Vec<Bound>,
    types: &[DataType],
) -> Result<Bound> {
    let context = binder.catalog.context();
    let names: Vec<String> = inputs
        .first()
        .map(|b| b.columns.iter().map(|c| c.name.clone()).collect())
        .unwrap_or_default();
    let mut parts = Vec::with_capacity(inputs.len());
    for (side, input) in inputs.into_iter().enumerate() {
        parts.push(converted(binder, input, types, Some(u64::from(side > 0)))?);
    }
    let columns: Vec<OutputColumn> = types
        .iter()
        .chain(std::iter::once(&DataType::UInt8))
        .map(|ty| OutputColumn {
            id: binder.fresh(),
            ty: ty.clone(),
        })
        .collect();
    let is_right = columns.last().map(|c| Expr::Column(c.id, c.ty.clone()));
    let Some(is_right) = is_right else {
        bail!(LOGICAL_ERROR, "Set operation without columns");
    };
    let is_left = call("not", vec![is_right.clone()], context)?;
    let keys: Vec<(ColumnId, Expr)> = columns[..types.len()]
        .iter()
        .map(|c| (binder.fresh(), Expr::Column(c.id, c.ty.clone())))
        .collect();
    let mut counts = Vec::with_capacity(2);
    for side in [is_left, is_right] {
        let (function, name) = bind_aggregate("countIf", &[], &[DataType::UInt8])?;
        counts.push((
            binder.fresh(),
            AggregateCall {
                name,
                params: Vec::new(),
                function,
                args: vec![side],
                distinct: false,
            },
        ));
    }
    let ids: Vec<ColumnId> = counts.iter().map(|(id, _)| *id).collect();
    let outputs: Vec<OutputName> = names
        .into_iter()
        .zip(&keys)
        .map(|(name, (id, key))| OutputName {
            name,
            id: *id,
            ty: key.ty().clone(),
        })
        .collect();
    let grouped = Plan::Aggregate(Box::new(plan::AggregatePlan {
        input: Plan::Union(Box::new(plan::Union {
            inputs: parts,
            columns,
        })),
        keys,
        aggregates: counts,
        grouping_sets: Vec::new(),
        with_totals: false,
        wanted: None,
        set_number: None,
    }));
    let plan = kept(binder, op, grouped, &ids)?;
    Ok(Bound {
        plan,
        columns: outputs,
    })
}

fn kept(binder: &Binder<'_>, op: SetOp, grouped: Plan, counts: &[ColumnId]) -> Result<Plan> {
    let context = binder.catalog.context();
    let count = |i: usize| Expr::Column(counts[i], DataType::UInt64);
    let zero = || Expr::Literal(Value::UInt(0), DataType::UInt8);
    let some = |i: usize| call("greater", vec![count(i), zero()], context);
    match op {
        SetOp::IntersectDistinct => {
            let both = call("and", vec![some(0)?, some(1)?], context)?;
            Ok(filtered(grouped, both))
        }
        SetOp::ExceptDistinct => {
            let none = call("equals", vec![count(1), zero()], context)?;
            let only = call("and", vec![some(0)?, none], context)?;
            Ok(filtered(grouped, only))
        }
        _ => {
            let least = call("least", vec![count(0), count(1)], context)?;
            let times = match op {
                SetOp::Intersect => least,
                _ => call("minus", vec![count(0), least], context)?,
            };
            let times = cast(times, &DataType::UInt64, context)?;
            let array = call("range", vec![times], context)?;
            Ok(Plan::ArrayJoin(Box::new(plan::ArrayJoin {
                input: grouped,
                arrays: vec![(binder.fresh(), array)],
                left: false,
            })))
        }
    }
}
