//! Binds one expression: identifiers, functions, lambdas.
//!
//! Invariant: aggregates, window functions and `arrayJoin` inside an expression are set aside (see
//! [`super::select::SelectBinder`]) and stand in the bound expression as columns.

use std::collections::HashMap;
use std::sync::Arc;

use roost_engine::bail;
use roost_engine::error::{Error, Result};
use roost_engine::types::{DataType, Value};

use super::call;
use super::hint::maybe_you_meant;
use super::literal::literal;
use super::select::SelectBinder;
use crate::expr::{Expr, Lambda};
use crate::functions::registry::scalar_functions;
use crate::functions::{ScalarFunction, scalar_function};
use crate::parse::ast;

/// Deepest nesting of expressions, aliases followed.
const MAX_DEPTH: usize = 400;

/// Names that a lambda brings in.
#[derive(Debug, Default)]
pub(super) struct LambdaNames {
    params: HashMap<String, Expr>,
    aliases: super::alias::Aliases,
}

impl SelectBinder<'_, '_> {
    /// Binds an expression.
    pub(super) fn bind(&mut self, expr: &ast::Expr) -> Result<Expr> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            bail!(
                TOO_DEEP_RECURSION,
                "Expression is nested deeper than {MAX_DEPTH} levels"
            );
        }
        let bound = match expr {
            ast::Expr::Identifier(parts) => self.identifier(parts),
            ast::Expr::Literal(l) => Ok(literal(l)),
            ast::Expr::Parameter { name, ty } => self.parameter(name, ty),
            ast::Expr::Function(function) => self.function(function),
            ast::Expr::Subquery(query) => self.scalar_subquery(query),
            ast::Expr::Alias(inner, name) => self.aliased(name, inner),
            ast::Expr::Lambda { .. } => Err(roost_engine::err!(
                UNSUPPORTED_METHOD,
                "A lambda can only be the argument of a higher-order function: {expr}"
            )),
            ast::Expr::Matcher(_) => Err(roost_engine::err!(
                UNSUPPORTED_METHOD,
                "Matcher {expr} can only stand in a list of expressions"
            )),
        };
        self.depth -= 1;
        bound
    }

    /// Binds the definition of an alias where it stands.
    fn aliased(&mut self, name: &str, inner: &ast::Expr) -> Result<Expr> {
        if self.lambdas.iter().any(|l| l.aliases.contains_key(name)) {
            return self.bind(inner);
        }
        if self.resolving.iter().any(|n| n == name) {
            return self.bind(inner);
        }
        self.alias_value(name, inner)
    }

    /// The value of an alias of this SELECT, remembered unless it depends on where it was asked.
    fn alias_value(&mut self, name: &str, definition: &ast::Expr) -> Result<Expr> {
        if let Some(known) = self.resolved.get(name) {
            return Ok(known.clone());
        }
        let lambdas = std::mem::take(&mut self.lambdas);
        self.resolving.push(name.to_owned());
        let bound = self.bind(definition);
        self.resolving.pop();
        self.lambdas = lambdas;
        let bound = bound?;
        self.skipped.remove(name);
        if self.skipped.is_empty() {
            self.resolved.insert(name.to_owned(), bound.clone());
        }
        Ok(bound)
    }

    /// An identifier: lambda parameters, then aliases, then columns, then outer names.
    pub(super) fn identifier(&mut self, parts: &[String]) -> Result<Expr> {
        match self.find(parts)? {
            Some(found) => Ok(found),
            None => Err(self.unknown(parts)),
        }
    }

    /// Like [`Self::identifier`], `None` when nothing has that name.
    pub(super) fn find(&mut self, parts: &[String]) -> Result<Option<Expr>> {
        let Some(first) = parts.first() else {
            return Ok(None);
        };
        if let Some(found) = self.lambda_name(first)? {
            return self.elements(found, &parts[1..]).map(Some);
        }
        let dotted = parts.join(".");
        let (name, rest) = match self.aliases.contains_key(&dotted) {
            true => (dotted.as_str(), &[][..]),
            false => (first.as_str(), &parts[1..]),
        };
        if let Some(definition) = self.aliases.get(name).cloned() {
            if self.resolving.iter().any(|n| n == name) {
                self.skipped.insert(name.to_owned());
            } else if rest.is_empty() || !self.tables.has_table(parts) {
                let value = self.alias_value(name, &definition)?;
                return self.elements(value, rest).map(Some);
            }
        }
        if let Some(found) = self.tables.resolve(parts)? {
            return self.elements(found.expr, &parts[found.parts..]).map(Some);
        }
        if let Some(value) = self.outer(name)? {
            return self.elements(value, rest).map(Some);
        }
        // A column of an outer query's table: what makes a subquery correlated.
        match self.env.outer_column(parts)? {
            Some(found) => self.elements(found.expr, &parts[found.parts..]).map(Some),
            None => Ok(None),
        }
    }

    fn lambda_name(&mut self, name: &str) -> Result<Option<Expr>> {
        for at in (0..self.lambdas.len()).rev() {
            if let Some(param) = self.lambdas[at].params.get(name) {
                return Ok(Some(param.clone()));
            }
            if let Some(definition) = self.lambdas[at].aliases.get(name).cloned() {
                return self.bind(&definition).map(Some);
            }
        }
        Ok(None)
    }

    /// An alias of an outer query: usable when it is a constant.
    fn outer(&mut self, name: &str) -> Result<Option<Expr>> {
        let Some((alias, env)) = self.env.alias(name) else {
            return Ok(None);
        };
        if let Some(known) = alias.value.get() {
            return known.clone().map(Some);
        }
        let mut alone = SelectBinder::new(self.binder, env);
        alias.busy.set(true);
        let value = alone.bind(&alias.expr).and_then(|bound| {
            alone.require_plain(&bound)?;
            match bound {
                Expr::Literal(..) => Ok(bound),
                other if other.columns().is_empty() => Ok(other),
                _ => Err(Error::not_implemented("Correlated subquery")),
            }
        });
        alias.busy.set(false);
        let _ = alias.value.set(value.clone());
        value.map(Some)
    }

    /// Elements of tuples and other subcolumns, by name.
    fn elements(&mut self, mut value: Expr, names: &[String]) -> Result<Expr> {
        for name in names {
            let ty = value.ty().value_type().clone();
            value = match (name.as_str(), &ty) {
                ("null", _) if value.ty().is_nullable() => self.call("isNull", vec![value])?,
                ("size0", DataType::Array(_) | DataType::Map(..)) => {
                    self.call("length", vec![value])?
                }
                ("keys", DataType::Map(..)) => self.call("mapKeys", vec![value])?,
                ("values", DataType::Map(..)) => self.call("mapValues", vec![value])?,
                _ => {
                    let key = match name.parse::<u64>() {
                        Ok(n) => literal(&ast::Literal::UInt(u128::from(n))),
                        Err(_) => {
                            Expr::Literal(Value::string(name.as_bytes().to_vec()), DataType::String)
                        }
                    };
                    let by_name = name.parse::<u64>().is_err();
                    let element = self.call("tupleElement", vec![value, key]);
                    element.map_err(|e| match by_name {
                        true => roost_engine::err!(
                            UNKNOWN_IDENTIFIER,
                            "Unknown expression identifier `{name}`: {}",
                            e.message()
                        ),
                        false => e,
                    })?
                }
            };
        }
        Ok(value)
    }

    fn unknown(&self, parts: &[String]) -> Error {
        let name = parts.join(".");
        let mut names = self.tables.names();
        names.extend(self.aliases.keys().cloned());
        let last = parts.last().map_or("", String::as_str);
        let hint = maybe_you_meant(last, names.iter().map(String::as_str));
        roost_engine::err!(
            UNKNOWN_IDENTIFIER,
            "Unknown expression identifier `{name}`{hint}"
        )
    }

    /// A function call of any kind.
    fn function(&mut self, function: &ast::Function) -> Result<Expr> {
        if function.over.is_some() {
            return self.window_function(function);
        }
        match function.name.as_str() {
            "in" | "globalIn" => return self.in_set(function, false),
            "notIn" | "globalNotIn" => return self.in_set(function, true),
            "nullIn" | "globalNullIn" => return self.in_or_zero(function, false),
            "notNullIn" | "globalNotNullIn" => return self.in_or_zero(function, true),
            "exists" => return self.exists(function),
            "arrayJoin" => return self.array_join_function(function),
            "toTypeName" => return self.type_name(function),
            "caseWithExpression" => return self.case_with_expression(function),
            "grouping" => return self.grouping_call(function),
            "formatRow" | "formatRowNoNewline" => return self.format_row(function),
            "untuple" => bail!(
                UNEXPECTED_EXPRESSION,
                "Function untuple can only stand in a list of expressions"
            ),
            _ => {}
        }
        if let Some(lambda) = self.lambda_alias(&function.name) {
            return self.call_lambda_alias(&function.name, &lambda, &function.args);
        }
        let plain = function.params.is_none() && !function.distinct && function.filter.is_none();
        match scalar_function(&function.name) {
            Some(found) if plain => self.scalar_call(found, &function.args),
            _ => match self.aggregate_function(function)? {
                Some(column) => Ok(column),
                None => Err(unknown_function(&function.name)),
            },
        }
    }

    fn scalar_call(
        &mut self,
        function: &'static ScalarFunction,
        args: &[ast::Expr],
    ) -> Result<Expr> {
        let args = self.expand_arguments(args)?;
        if let Some(params_of) = function.lambda_params
            && let Some(first) = args.first()
            && let Some((params, body)) = self.as_lambda(first)
        {
            let rest = args[1..]
                .iter()
                .map(|a| self.bind(a))
                .collect::<Result<Vec<_>>>()?;
            let types: Vec<DataType> = rest.iter().map(|a| a.ty().clone()).collect();
            let param_types = params_of(&types, params.len())?;
            let lambda = self.lambda(&params, &param_types, &body)?;
            let all = std::iter::once(lambda).chain(rest).collect();
            return call::apply(function, all, self.binder.catalog.context());
        }
        let bound = args
            .iter()
            .map(|a| self.bind(a))
            .collect::<Result<Vec<_>>>()?;
        call::apply(function, bound, self.binder.catalog.context())
    }

    fn as_lambda(&self, expr: &ast::Expr) -> Option<(Vec<String>, ast::Expr)> {
        match expr.unaliased() {
            ast::Expr::Lambda { params, body } => Some((params.clone(), body.as_ref().clone())),
            ast::Expr::Identifier(parts) if parts.len() == 1 => {
                match self.lambda_alias(&parts[0])? {
                    ast::Expr::Lambda { params, body } => Some((params, *body)),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn lambda(&mut self, params: &[String], types: &[DataType], body: &ast::Expr) -> Result<Expr> {
        if params.len() != types.len() {
            bail!(
                NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
                "Lambda has {} parameters, the function gives it {}",
                params.len(),
                types.len()
            );
        }
        let mut names = LambdaNames::default();
        super::alias::of_expr(body, &mut names.aliases)?;
        let mut columns = Vec::with_capacity(params.len());
        for (name, ty) in params.iter().zip(types) {
            let id = self.binder.fresh();
            columns.push((id, ty.clone()));
            let param = Expr::Column(id, ty.clone());
            names.params.insert(name.clone(), param);
        }
        self.lambdas.push(names);
        let bound = self.bind(body);
        self.lambdas.pop();
        Ok(Expr::Lambda(Arc::new(Lambda {
            params: columns,
            body: bound?,
        })))
    }

    /// The lambda that an alias of this or an outer query stands for.
    fn lambda_alias(&self, name: &str) -> Option<ast::Expr> {
        let own = self.aliases.get(name).map(|e| e.as_ref().clone());
        let found = own.or_else(|| Some(self.env.alias(name)?.0.expr.clone()))?;
        matches!(found.unaliased(), ast::Expr::Lambda { .. }).then(|| found.unaliased().clone())
    }

    /// `f(x)` where `f` is the alias of a lambda: its body with the arguments in place.
    fn call_lambda_alias(
        &mut self,
        name: &str,
        lambda: &ast::Expr,
        args: &[ast::Expr],
    ) -> Result<Expr> {
        let ast::Expr::Lambda { params, body } = lambda else {
            return Err(unknown_function(name));
        };
        if params.len() != args.len() {
            bail!(
                NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
                "Lambda {name} takes {} arguments, {} given",
                params.len(),
                args.len()
            );
        }
        let mut names = LambdaNames::default();
        for (param, arg) in params.iter().zip(args) {
            let value = self.bind(arg)?;
            names.params.insert(param.clone(), value);
        }
        self.lambdas.push(names);
        let bound = self.bind(body);
        self.lambdas.pop();
        bound
    }

    /// `CASE x WHEN a THEN b ... END`.
    fn case_with_expression(&mut self, function: &ast::Function) -> Result<Expr> {
        let [value, arms @ .., otherwise] = function.args.as_slice() else {
            return Err(unknown_function(&function.name));
        };
        let mut args = Vec::with_capacity(function.args.len());
        for arm in arms.chunks(2) {
            let [when, then] = arm else {
                bail!(
                    NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
                    "CASE needs pairs of WHEN and THEN"
                );
            };
            let is_null = matches!(when.unaliased(), ast::Expr::Literal(ast::Literal::Null));
            let test = match is_null {
                true => ast::Expr::call("isNull", vec![value.clone()]),
                false => ast::Expr::call("equals", vec![value.clone(), when.clone()]),
            };
            args.extend([self.bind(&test)?, self.bind(then)?]);
        }
        args.push(self.bind(otherwise)?);
        let value = self.bind(value)?;
        if matches!(value.ty(), DataType::LowCardinality(_))
            && let Some(all) = self.constant_arms(value, arms, otherwise)?
        {
            return self.call("caseWithExpression", all);
        }
        self.call("multiIf", args)
    }

    /// `value, when, then, ..., else` when all but the value are constants: computed once for each
    /// entry of the value's dictionary.
    fn constant_arms(
        &mut self,
        value: Expr,
        arms: &[ast::Expr],
        otherwise: &ast::Expr,
    ) -> Result<Option<Vec<Expr>>> {
        let mut all = vec![value];
        for arg in arms.iter().chain([otherwise]) {
            let bound = self.bind(arg)?;
            if !matches!(bound, Expr::Literal(..)) {
                return Ok(None);
            }
            all.push(bound);
        }
        Ok(Some(all))
    }

    /// `toTypeName(x)`: known as soon as `x` is bound.
    fn type_name(&mut self, function: &ast::Function) -> Result<Expr> {
        let [arg] = function.args.as_slice() else {
            bail!(
                NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
                "Function toTypeName takes one argument, {} given",
                function.args.len()
            );
        };
        let name = self.bind(arg)?.ty().to_string();
        Ok(Expr::Literal(Value::string(name), DataType::String))
    }

    /// A bound scalar call by name.
    pub(super) fn call(&self, name: &str, args: Vec<Expr>) -> Result<Expr> {
        call::call(name, args, self.binder.catalog.context())
    }

    /// A bound cast.
    pub(super) fn cast(&self, expr: Expr, to: &DataType) -> Result<Expr> {
        call::cast(expr, to, self.binder.catalog.context())
    }
}

/// UNKNOWN_FUNCTION with a hint.
pub(super) fn unknown_function(name: &str) -> Error {
    let known = scalar_functions().map(|f| f.name);
    let aggregates = crate::functions::registry::aggregate_functions().map(|f| f.name);
    let hint = maybe_you_meant(name, known.chain(aggregates));
    roost_engine::err!(
        UNKNOWN_FUNCTION,
        "Function with name `{name}` does not exist{hint}"
    )
}
