//! Subqueries in expressions: scalars and EXISTS run while binding, so that the planner sees
//! constants.
//!
//! Invariant: equal subqueries under equal names run once per statement.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use roost_engine::bail;
use roost_engine::block::Block;
use roost_engine::error::Result;
use roost_engine::types::{DataType, TupleType, Value};

use super::select::SelectBinder;
use super::{Bound, OutputName};
use crate::expr::Expr;
use crate::parse::ast;
use crate::plan::fingerprint::{Class, Classes};
use crate::plan::{self, Plan};

/// Answers of subqueries that have run. A table expression is bound anew wherever it is named, and
/// the subqueries in it with it: they run once all the same.
#[derive(Debug, Default)]
pub(super) struct Answers {
    classes: Classes,
    /// With the plans, which the classes hold on to.
    known: HashMap<Class, (Plan, Block)>,
}

impl SelectBinder<'_, '_> {
    /// `(SELECT ...)` as a value.
    pub(super) fn scalar_subquery(&mut self, query: &ast::Query) -> Result<Expr> {
        if let Some(known) = self.known_scalar(query) {
            return Ok(known);
        }
        if let Some(known) = self.known_correlated(query, false) {
            return Ok(known);
        }
        let bound = self.binder.query(query, &self.env)?;
        if !bound.plan.free_columns().is_empty() {
            return self.correlated_scalar(query, bound);
        }
        let columns = bound.columns.clone();
        let block = self.run(bound, 2)?;
        if block.rows() > 1 {
            bail!(
                INCORRECT_RESULT_OF_SCALAR_SUBQUERY,
                "Scalar subquery returned more than one row"
            );
        }
        let values = (block.rows() == 1).then(|| {
            let cells = block.columns().iter().map(|c| c.value(0));
            cells.collect::<Vec<Value>>()
        });
        let value = match columns.as_slice() {
            [one] => single(one, values.and_then(|v| v.into_iter().next()))?,
            many => tuple(many, values),
        };
        let entry = (Rc::clone(&self.env), query.clone(), value.clone());
        self.binder.scalars.borrow_mut().push(entry);
        Ok(value)
    }

    fn known_scalar(&self, query: &ast::Query) -> Option<Expr> {
        let known = self.binder.scalars.borrow();
        let mut found = known
            .iter()
            .filter(|(env, q, _)| Rc::ptr_eq(env, &self.env) && q == query);
        found.next().map(|(_, _, value)| value.clone())
    }

    /// `EXISTS (SELECT ...)`.
    pub(super) fn exists(&mut self, function: &ast::Function) -> Result<Expr> {
        let [ast::Expr::Subquery(query)] = function.args.as_slice() else {
            bail!(BAD_ARGUMENTS, "EXISTS takes a subquery");
        };
        if let Some(known) = self.known_correlated(query, true) {
            return Ok(known);
        }
        let bound = self.binder.query(query, &self.env)?;
        if !bound.plan.free_columns().is_empty() {
            return self.correlated_exists(query, bound);
        }
        let found = self.run(bound, 1)?.rows() > 0;
        Ok(Expr::Literal(
            Value::UInt(u64::from(found)),
            DataType::UInt8,
        ))
    }

    /// The first rows of a subquery.
    fn run(&self, bound: Bound, rows: u64) -> Result<Block> {
        let mut query = bound.into_query();
        query.plan = Plan::Limit(Box::new(plan::Limit {
            input: query.plan,
            limit: Some(rows),
            offset: 0,
            ties: Vec::new(),
        }));
        let class = self
            .binder
            .answers
            .borrow_mut()
            .classes
            .of(&query.plan)
            .class;
        let known = class.and_then(|c| self.binder.answers.borrow().known.get(&c).cloned());
        if let Some((_, block)) = known {
            return Ok(block);
        }
        let block = self.binder.catalog.run(&query, rows)?;
        if let Some(class) = class {
            let mut answers = self.binder.answers.borrow_mut();
            answers.known.insert(class, (query.plan, block.clone()));
        }
        Ok(block)
    }
}

/// The value of a subquery of one column: Nullable where that is possible.
fn single(column: &OutputName, value: Option<Value>) -> Result<Expr> {
    let can = super::join::can_be_nullable(&column.ty)
        && !matches!(column.ty, DataType::LowCardinality(_));
    match value {
        Some(value) if !can => Ok(Expr::Literal(value, column.ty.clone())),
        Some(value) => Ok(Expr::Literal(value, column.ty.clone().nullable())),
        None if super::join::can_be_nullable(&column.ty) => {
            Ok(Expr::Literal(Value::Null, column.ty.clone().nullable()))
        }
        None => Err(roost_engine::err!(
            INCORRECT_RESULT_OF_SCALAR_SUBQUERY,
            "Scalar subquery returned empty result of type {} which cannot be Nullable",
            column.ty
        )),
    }
}

/// The value of a subquery of several columns: a tuple named like them; NULL for no row.
fn tuple(columns: &[OutputName], values: Option<Vec<Value>>) -> Expr {
    let Some(values) = values else {
        return Expr::Literal(Value::Null, DataType::Nothing.nullable());
    };
    let mut names: Vec<String> = columns.iter().map(|c| c.name.clone()).collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    sorted.dedup();
    if sorted.len() < names.len() {
        names.clear();
    }
    let ty = DataType::Tuple(Arc::new(TupleType {
        types: columns.iter().map(|c| c.ty.clone()).collect(),
        names,
    }));
    Expr::Literal(Value::Tuple(values), ty)
}
