//! `untuple(x)`: the elements of a tuple as items or arguments of their own.
//!
//! Invariant: an element is what `tupleElement` gives, so it is named like that.

use roost_engine::bail;
use roost_engine::error::Result;

use super::select::SelectBinder;
use crate::parse::ast;

/// The call behind aliases, when the expression is `untuple(...)`.
pub(super) fn call_of(expr: &ast::Expr) -> Option<&ast::Function> {
    match expr.unaliased() {
        ast::Expr::Function(f) if f.name == "untuple" => Some(f),
        _ => None,
    }
}

impl SelectBinder<'_, '_> {
    /// The elements of the call's tuple with their names (`alias.1` when there is an alias).
    pub(super) fn untupled(
        &mut self,
        function: &ast::Function,
        alias: Option<&str>,
    ) -> Result<Vec<(ast::Expr, Option<String>)>> {
        let [arg] = function.args.as_slice() else {
            bail!(
                UNSUPPORTED_METHOD,
                "Function 'untuple' must have 1 argument"
            );
        };
        let ty = self.bind(arg)?.ty().clone();
        let names: Vec<String> = match ty.value_type() {
            roost_engine::types::DataType::Tuple(tuple) => (0..tuple.types.len())
                .map(|i| match tuple.names.get(i) {
                    Some(name) => name.clone(),
                    None => (i + 1).to_string(),
                })
                .collect(),
            _ => bail!(
                UNSUPPORTED_METHOD,
                "Function 'untuple' argument must have compound type. Actual type {ty}"
            ),
        };
        let element = |name: String| {
            let key = ast::Expr::Literal(ast::Literal::String(name.clone().into_bytes()));
            let call = ast::Expr::call("tupleElement", vec![arg.clone(), key]);
            (call, alias.map(|a| format!("{a}.{name}")))
        };
        Ok(names.into_iter().map(element).collect())
    }
}
