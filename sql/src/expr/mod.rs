//! Typed expressions: names are resolved, types decided, functions bound.
//!
//! Invariant: a column is named by a [`ColumnId`] that is unique in the whole query, so an
//! expression means the same wherever in the plan it is moved.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, OnceLock};

use foldhash::fast::FixedState;
use roost_engine::block::Block;
use roost_engine::types::{DataType, Value};

use crate::functions::{Aggregate, BoundFunction, ScalarFunction};

/// A column of some plan node, unique in the query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ColumnId(pub u32);

/// Something for each of some columns.
pub type ColumnMap<T> = HashMap<ColumnId, T, FixedState>;

/// Some columns.
pub type ColumnSet = HashSet<ColumnId, FixedState>;

/// A typed expression. Cheap to clone: calls are shared.
#[derive(Debug, Clone)]
pub enum Expr {
    /// A column of the input.
    Column(ColumnId, DataType),
    /// A constant.
    Literal(Value, DataType),
    /// A bound function applied to arguments.
    Call(Arc<Call>),
    /// Whether the argument (a tuple for several columns) is in a set.
    In(Arc<InSet>),
    /// The first argument of a higher-order [`Call`], nowhere else.
    Lambda(Arc<Lambda>),
}

/// A function applied to arguments.
#[derive(Debug, Clone)]
pub struct Call {
    /// The function's record.
    pub function: &'static ScalarFunction,
    /// Its binding to the argument types.
    pub bound: BoundFunction,
    /// Arguments.
    pub args: Vec<Expr>,
}

/// Parameters and body of a lambda. The body may also use columns of the outer input.
#[derive(Debug, Clone)]
pub struct Lambda {
    /// The parameters as columns of the body.
    pub params: Vec<(ColumnId, DataType)>,
    /// The body.
    pub body: Expr,
}

/// `x IN set`.
#[derive(Debug, Clone)]
pub struct InSet {
    /// The left side: one expression per column of the set.
    pub needle: Vec<Expr>,
    /// The right side.
    pub set: Arc<SetSource>,
    /// `NOT IN`.
    pub negated: bool,
    /// UInt8, or Nullable(UInt8) as ClickHouse decides.
    pub ty: DataType,
}

/// Where the rows of a set come from: known at bind time, or filled by running a subquery before
/// the pipeline that needs it starts.
#[derive(Debug)]
pub struct SetSource {
    /// Types of the set's columns, equal to the needle's (casts were put on both sides).
    pub types: Vec<DataType>,
    /// The subquery, until it has run.
    pub plan: Option<crate::plan::Plan>,
    /// The rows, duplicates allowed, once known.
    pub rows: OnceLock<Arc<Block>>,
}

/// An aggregate function applied to arguments.
#[derive(Debug, Clone)]
pub struct AggregateCall {
    /// Name with combinators.
    pub name: String,
    /// Parameters: `0.9` of `quantile(0.9)(x)`.
    pub params: Vec<Value>,
    /// The bound function.
    pub function: Arc<dyn Aggregate>,
    /// Arguments over the aggregation's input.
    pub args: Vec<Expr>,
    /// `agg(DISTINCT x)`: rows with equal arguments count once per group.
    pub distinct: bool,
}

/// `exprs` rewritten, if any of them is anything else then.
fn all_rewritten(exprs: &[Expr], map: &mut dyn FnMut(&Expr) -> Option<Expr>) -> Option<Vec<Expr>> {
    let mut all: Option<Vec<Expr>> = None;
    for (i, expr) in exprs.iter().enumerate() {
        match (expr.rewritten(map), &mut all) {
            (None, None) => {}
            (new, Some(all)) => all.push(new.unwrap_or_else(|| expr.clone())),
            (Some(new), None) => {
                let mut kept = Vec::with_capacity(exprs.len());
                kept.extend_from_slice(&exprs[..i]);
                kept.push(new);
                all = Some(kept);
            }
        }
    }
    all
}

impl Expr {
    /// Type of the values.
    pub fn ty(&self) -> &DataType {
        match self {
            Expr::Column(_, ty) | Expr::Literal(_, ty) => ty,
            Expr::Call(call) => &call.bound.ty,
            Expr::In(set) => &set.ty,
            Expr::Lambda(lambda) => lambda.body.ty(),
        }
    }

    /// The value, when the expression is a literal.
    pub fn as_literal(&self) -> Option<&Value> {
        match self {
            Expr::Literal(value, _) => Some(value),
            _ => None,
        }
    }

    /// The function's name and arguments, when the expression is a call.
    pub fn as_call(&self) -> Option<(&'static str, &[Expr])> {
        match self {
            Expr::Call(call) => Some((call.function.name, &call.args)),
            _ => None,
        }
    }

    /// Calls `visit` on this expression and all below, parents first.
    pub fn walk(&self, visit: &mut dyn FnMut(&Expr)) {
        visit(self);
        match self {
            Expr::Call(call) => call.args.iter().for_each(|a| a.walk(visit)),
            Expr::In(set) => set.needle.iter().for_each(|a| a.walk(visit)),
            Expr::Lambda(lambda) => lambda.body.walk(visit),
            Expr::Column(..) | Expr::Literal(..) => {}
        }
    }

    /// The same expression with every node replaced by what `map` gives for it (children first);
    /// `None` keeps a node.
    #[must_use]
    pub fn rewrite(&self, map: &mut dyn FnMut(&Expr) -> Option<Expr>) -> Expr {
        self.rewritten(map).unwrap_or_else(|| self.clone())
    }

    /// The same in place.
    pub fn rewrite_in_place(&mut self, map: &mut dyn FnMut(&Expr) -> Option<Expr>) {
        if let Some(new) = self.rewritten(map) {
            *self = new;
        }
    }

    /// What [`Expr::rewrite`] gives, if that is anything else.
    fn rewritten(&self, map: &mut dyn FnMut(&Expr) -> Option<Expr>) -> Option<Expr> {
        let rebuilt = match self {
            Expr::Call(call) => all_rewritten(&call.args, map).map(|args| {
                Expr::Call(Arc::new(Call {
                    function: call.function,
                    bound: call.bound.clone(),
                    args,
                }))
            }),
            Expr::In(set) => all_rewritten(&set.needle, map).map(|needle| {
                Expr::In(Arc::new(InSet {
                    needle,
                    set: Arc::clone(&set.set),
                    negated: set.negated,
                    ty: set.ty.clone(),
                }))
            }),
            Expr::Lambda(lambda) => lambda.body.rewritten(map).map(|body| {
                Expr::Lambda(Arc::new(Lambda {
                    params: lambda.params.clone(),
                    body,
                }))
            }),
            Expr::Column(..) | Expr::Literal(..) => None,
        };
        map(rebuilt.as_ref().unwrap_or(self)).or(rebuilt)
    }

    /// The columns that the expression reads from its input (lambda parameters are not among them).
    pub fn columns(&self) -> Vec<ColumnId> {
        let (mut used, mut own) = (Vec::new(), Vec::new());
        self.walk(&mut |e| match e {
            Expr::Column(id, _) => used.push(*id),
            Expr::Lambda(lambda) => own.extend(lambda.params.iter().map(|p| p.0)),
            _ => {}
        });
        used.retain(|id| !own.contains(id));
        used.sort_unstable();
        used.dedup();
        used
    }

    /// Whether equal inputs give equal answers everywhere in it.
    pub fn is_deterministic(&self) -> bool {
        let mut all = true;
        self.walk(&mut |e| {
            if let Expr::Call(call) = e {
                all &= call.function.deterministic;
            }
        });
        all
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn list(f: &mut fmt::Formatter<'_>, args: &[Expr]) -> fmt::Result {
            for (i, arg) in args.iter().enumerate() {
                let comma = if i > 0 { ", " } else { "" };
                write!(f, "{comma}{arg}")?;
            }
            Ok(())
        }
        match self {
            Expr::Column(id, _) => write!(f, "#{}", id.0),
            Expr::Literal(Value::Bytes(b), _) => write!(f, "'{}'", String::from_utf8_lossy(b)),
            Expr::Literal(value, ty) => write!(f, "{value:?}::{ty}"),
            Expr::Call(call) => {
                write!(f, "{}(", call.function.name)?;
                list(f, &call.args)?;
                f.write_str(")")
            }
            Expr::In(set) => {
                f.write_str(if set.negated { "notIn(" } else { "in(" })?;
                list(f, &set.needle)?;
                f.write_str(", set)")
            }
            Expr::Lambda(lambda) => write!(f, "lambda({})", lambda.body),
        }
    }
}
