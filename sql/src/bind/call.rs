//! Applies a scalar function to bound arguments, and computes it at once when all are constant.
//!
//! Invariant: folding never changes a type, and never fails a query: what cannot be computed now
//! is left for run time.

use std::sync::Arc;

use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::types::{DataType, Value};

use crate::eval::Evaluator;
use crate::expr::{Call, Expr};
use crate::functions::{Arg, BindContext, Kernel, LambdaType, ScalarFunction, scalar_function};

/// Functions that are deterministic but must see every row.
pub(crate) const NEVER_FOLDED: &[&str] = &[
    "materialize",
    "sleep",
    "sleepEachRow",
    "throwIf",
    "identity",
    "ignore",
    "rowNumberInBlock",
    "rowNumberInAllBlocks",
    "blockNumber",
    "runningDifference",
];

/// Arrays longer than this are computed at run time.
const MAX_FOLDED_ELEMENTS: usize = 4096;

/// The function `name` applied to `args`, folded when constant.
pub fn call(name: &str, args: Vec<Expr>, context: &BindContext) -> Result<Expr> {
    let function = scalar_function(name).ok_or_else(|| {
        roost_engine::err!(
            UNKNOWN_FUNCTION,
            "Function with name `{name}` does not exist"
        )
    })?;
    apply(function, args, context)
}

/// `function` applied to `args`, folded when constant.
pub fn apply(
    function: &'static ScalarFunction,
    args: Vec<Expr>,
    context: &BindContext,
) -> Result<Expr> {
    let known: Vec<Arg> = args.iter().map(argument).collect();
    let bound = function
        .bind_framed(&known, context)
        .map_err(|e| e.context(format_args!("function {}", function.name)))?;
    Ok(fold(Call {
        function,
        bound,
        args,
    }))
}

/// `expr` as a value of `to`.
pub fn cast(expr: Expr, to: &DataType, context: &BindContext) -> Result<Expr> {
    if expr.ty() == to {
        return Ok(expr);
    }
    let target = Expr::Literal(Value::string(to.to_string()), DataType::String);
    call("CAST", vec![expr, target], context)
}

/// `expr` as a value of `Nullable(to)`, NULL where it has no exact counterpart there.
pub fn cast_or_null(expr: Expr, to: &DataType, context: &BindContext) -> Result<Expr> {
    let target = Expr::Literal(Value::string(to.to_string()), DataType::String);
    call("accurateCastOrNull", vec![expr, target], context)
}

/// What binding may know of an argument.
pub fn argument(expr: &Expr) -> Arg {
    match expr {
        Expr::Literal(value, ty) => Arg::constant(value.clone(), ty.clone()),
        Expr::Lambda(lambda) => Arg {
            ty: lambda.body.ty().clone(),
            constant: None,
            lambda: Some(LambdaType {
                params: lambda.params.iter().map(|p| p.1.clone()).collect(),
                result: lambda.body.ty().clone(),
            }),
        },
        other => Arg::of(other.ty().clone()),
    }
}

/// The call, or its value when that is already known.
fn fold(call: Call) -> Expr {
    let value = match is_foldable(&call) {
        true => evaluate(&call),
        false => None,
    };
    match value {
        Some(value) => Expr::Literal(value, call.bound.ty),
        None => Expr::Call(Arc::new(call)),
    }
}

fn is_foldable(call: &Call) -> bool {
    call.function.deterministic
        && !NEVER_FOLDED.contains(&call.function.name)
        && call.args.iter().all(|a| match a {
            Expr::Literal(..) => true,
            Expr::Lambda(_) => a.columns().is_empty() && a.is_deterministic(),
            _ => false,
        })
}

fn evaluate(call: &Call) -> Option<Value> {
    let Kernel::Plain(kernel) = &call.bound.kernel else {
        let whole = Expr::Call(Arc::new(call.clone()));
        let column = Evaluator::new(&[whole], &[])
            .ok()?
            .evaluate_one(&[], 1)
            .ok()?;
        return (column.len() == 1 && !is_large(&column, 0)).then(|| column.value(0));
    };
    let columns = call
        .args
        .iter()
        .map(|a| match a {
            Expr::Literal(value, ty) => Column::constant(value, ty, 1).ok(),
            _ => None,
        })
        .collect::<Option<Vec<Column>>>()?;
    let column = kernel(&columns, 1).ok()?;
    if column.len() != 1 || is_large(&column, columns.len()) {
        return None;
    }
    Some(column.value(0))
}

/// Whether the value is much more than what was written.
fn is_large(column: &Column, written: usize) -> bool {
    column
        .to_flat()
        .as_array()
        .is_ok_and(|a| a.elements().len() > MAX_FOLDED_ELEMENTS.max(written))
}
