//! Aggregate functions inside expressions: bound, set aside, and replaced by a column.
//!
//! Invariant: equal calls are computed once; no aggregate stands inside another.

use roost_engine::bail;
use roost_engine::error::{Code, Error, Result};
use roost_engine::types::{DataType, Value};

use super::rewrite::same;
use super::select::SelectBinder;
use crate::expr::{AggregateCall, Expr};
use crate::functions::aggregates::{bind_aggregate, is_aggregate_name};
use crate::parse::ast;

impl SelectBinder<'_, '_> {
    /// The column that carries the aggregate; `None` when no aggregate has that name.
    pub(super) fn aggregate_function(&mut self, function: &ast::Function) -> Result<Option<Expr>> {
        let Some(call) = self.aggregate_call(function, false)? else {
            return Ok(None);
        };
        for arg in &call.args {
            self.refuse_aggregates(arg, "inside another aggregate function")?;
        }
        let ty = call.function.return_type();
        let key = aggregate_key(&call, function, self)?;
        let known = self
            .aggregates
            .iter()
            .zip(&self.aggregate_keys)
            .find(|((_, c), k)| {
                **k == key && c.args.len() == call.args.len() && {
                    c.args.iter().zip(&call.args).all(|(a, b)| same(a, b))
                }
            });
        if let Some(((id, _), _)) = known {
            return Ok(Some(Expr::Column(*id, ty)));
        }
        let id = self.binder.fresh();
        self.aggregates.push((id, call));
        self.aggregate_keys.push(key);
        Ok(Some(Expr::Column(id, ty)))
    }

    /// The bound call; `None` when no aggregate has that name. Over a window the arguments may hold
    /// aggregates.
    pub(super) fn aggregate_call(
        &mut self,
        function: &ast::Function,
        over_window: bool,
    ) -> Result<Option<AggregateCall>> {
        let params = self.parameters(function)?;
        let (name, distinct) = effective_name(function);
        let mut args = match is_count_star(function) {
            true => Vec::new(),
            false => self.expand_arguments(&function.args)?.into_owned(),
        };
        args.extend(function.filter.iter().cloned());
        // The name is looked up before the arguments are bound: an unknown function is named first.
        if !is_aggregate_name(&name) {
            return Ok(None);
        }
        let mut bound = args
            .iter()
            .map(|a| self.bind(a))
            .collect::<Result<Vec<_>>>()?;
        if name.eq_ignore_ascii_case("count") && bound.iter().all(|a| !a.ty().is_nullable()) {
            // Every row counts.
            if bound.len() > 1 {
                bail!(
                    NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
                    "Aggregate function {name} requires zero or one argument, found {}",
                    bound.len()
                );
            }
            for arg in bound.drain(..).filter(|_| !over_window) {
                self.refuse_aggregates(&arg, "inside another aggregate function")?;
            }
        }
        let types: Vec<DataType> = bound.iter().map(|a| a.ty().clone()).collect();
        match bind_aggregate(&name, &params, &types) {
            Ok((bound_function, canonical)) => Ok(Some(AggregateCall {
                name: canonical,
                params,
                function: bound_function,
                args: bound,
                distinct,
            })),
            Err(e) if is_unknown(&e) => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// The literals in the first parentheses of `quantile(0.9)(x)`.
    fn parameters(&mut self, function: &ast::Function) -> Result<Vec<Value>> {
        let mut values = Vec::new();
        for param in function.params.iter().flatten() {
            match self.bind(param)? {
                Expr::Literal(value, _) => values.push(value),
                _ => bail!(
                    BAD_ARGUMENTS,
                    "Parameter for function '{}' expected to have constant value. Actual: {param}",
                    function.name
                ),
            }
        }
        Ok(values)
    }
}

/// What tells two calls with equal arguments apart.
fn aggregate_key(
    call: &AggregateCall,
    function: &ast::Function,
    binder: &mut SelectBinder<'_, '_>,
) -> Result<String> {
    let params = binder.parameters(function)?;
    Ok(format!("{}{params:?}{}", call.name, call.distinct))
}

/// The name with the combinators that DISTINCT, FILTER and RESPECT NULLS stand for.
/// Whether the node has to drop repeated arguments itself, where no combinator does.
fn effective_name(function: &ast::Function) -> (String, bool) {
    let mut name = function.name.clone();
    let mut by_node = false;
    if function.respect_nulls == Some(true) {
        name.push_str("_respect_nulls");
    }
    if function.distinct {
        let combined = distinct_name(&name);
        by_node = !is_aggregate_name(&combined);
        if !by_node {
            name = combined;
        }
    }
    if function.filter.is_some() {
        name.push_str("If");
    }
    (name, by_node)
}

/// `count(DISTINCT x)` is `uniqExact(x)`, for others there is the combinator; where repetition
/// does not matter nothing changes.
fn distinct_name(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    match lower.as_str() {
        "count" => "uniqExact".into(),
        "countif" => "uniqExactIf".into(),
        "min" | "max" | "any" | "uniq" | "uniqexact" => name.into(),
        _ => format!("{name}Distinct"),
    }
}

fn is_count_star(function: &ast::Function) -> bool {
    let star = |a: &ast::Expr| matches!(a, ast::Expr::Matcher(m) if m.transformers.is_empty());
    function.name.eq_ignore_ascii_case("count")
        && !function.distinct
        && !function.args.is_empty()
        && function.args.iter().all(star)
}

fn is_unknown(error: &Error) -> bool {
    matches!(
        error.code(),
        Code::UNKNOWN_AGGREGATE_FUNCTION | Code::UNKNOWN_FUNCTION
    )
}
