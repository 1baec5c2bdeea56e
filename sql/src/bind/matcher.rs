//! Expands `*`, `t.*` and `COLUMNS(...)` with their transformers, in select lists and arguments.
//!
//! Invariant: a matcher takes columns in the order of FROM, hidden ones never by `*`.

use std::borrow::Cow;
use std::collections::HashSet;

use roost_engine::bail;
use roost_engine::error::Result;

use super::scope::Named;
use super::select::SelectBinder;
use super::untuple;
use crate::expr::Expr;
use crate::parse::ast::{self, Matcher, MatcherKind, Transformer};

/// An item of the select list.
pub(super) struct Item {
    /// The column's name.
    pub(super) name: String,
    /// Its value.
    pub(super) expr: Expr,
}

/// A matched column on its way through the transformers, as syntax.
struct Matched {
    /// The column's own name, which EXCEPT and REPLACE look at.
    column: String,
    /// What stands for it now.
    expr: ast::Expr,
    /// The name it will have.
    name: Option<String>,
}

impl SelectBinder<'_, '_> {
    /// Binds the select list.
    pub(super) fn select_items(&mut self, items: &[ast::Expr]) -> Result<Vec<Item>> {
        let mut all = Vec::with_capacity(items.len());
        for item in items {
            match item {
                ast::Expr::Matcher(matcher) => {
                    for matched in self.matched(matcher)? {
                        let expr = self.bind_matched(&matched)?;
                        let name = match matched.name {
                            Some(name) => name,
                            None => self.name_of(&matched.expr),
                        };
                        all.push(Item { name, expr });
                    }
                }
                other if untuple::call_of(other).is_some() => self.untuple_item(other, &mut all)?,
                other => {
                    let expr = self.bind(other)?;
                    let name = self.name_of(other);
                    all.push(Item { name, expr });
                }
            }
        }
        if all.is_empty() {
            bail!(
                EMPTY_LIST_OF_COLUMNS_QUERIED,
                "Empty list of columns in SELECT"
            );
        }
        Ok(all)
    }

    fn untuple_item(&mut self, item: &ast::Expr, all: &mut Vec<Item>) -> Result<()> {
        let alias = match item {
            ast::Expr::Alias(_, name) => Some(name.as_str()),
            _ => None,
        };
        let Some(function) = untuple::call_of(item) else {
            return Ok(());
        };
        for (element, name) in self.untupled(function, alias)? {
            let expr = self.bind(&element)?;
            let name = name.unwrap_or_else(|| self.name_of(&element));
            all.push(Item { name, expr });
        }
        Ok(())
    }

    /// Binds what stands for a matched column: its name means the column, not an alias.
    fn bind_matched(&mut self, matched: &Matched) -> Result<Expr> {
        self.resolving.push(matched.column.clone());
        let bound = self.bind(&matched.expr);
        self.resolving.pop();
        self.skipped.remove(&matched.column);
        bound
    }

    /// Arguments with matchers among them replaced by the columns they take.
    pub(super) fn expand_arguments<'e>(
        &mut self,
        args: &'e [ast::Expr],
    ) -> Result<Cow<'e, [ast::Expr]>> {
        let many = |a: &ast::Expr| matches!(a, ast::Expr::Matcher(_));
        if !args
            .iter()
            .any(|a| many(a) || untuple::call_of(a).is_some())
        {
            return Ok(Cow::Borrowed(args));
        }
        let mut all = Vec::new();
        for arg in args {
            match arg {
                ast::Expr::Matcher(m) => all.extend(self.matched(m)?.into_iter().map(|m| m.expr)),
                other if let Some(function) = untuple::call_of(other) => {
                    let elements = self.untupled(function, None)?;
                    all.extend(elements.into_iter().map(|(e, _)| e));
                }
                other => all.push(other.clone()),
            }
        }
        Ok(Cow::Owned(all))
    }

    fn matched(&mut self, matcher: &Matcher) -> Result<Vec<Matched>> {
        let mut columns: Vec<Matched> = self
            .taken(matcher)?
            .into_iter()
            .map(|parts| Matched {
                column: parts.last().cloned().unwrap_or_default(),
                expr: ast::Expr::Identifier(parts),
                name: None,
            })
            .collect();
        for transformer in &matcher.transformers {
            transform(transformer, &mut columns)?;
        }
        Ok(columns)
    }

    /// The identifiers of the columns that a matcher takes.
    fn taken(&self, matcher: &Matcher) -> Result<Vec<Vec<String>>> {
        let wanted = wanted(&matcher.kind)?;
        let mut all = Vec::new();
        let mut merged_done: HashSet<&str> = HashSet::new();
        let mut any_table = false;
        for table in &self.tables.tables {
            let qualified = matcher.table.is_some();
            if let Some(parts) = &matcher.table
                && table.prefix(parts) != Some(parts.len())
            {
                continue;
            }
            any_table = true;
            for column in table.columns.iter().filter(|c| wanted(c)) {
                let merged = self.tables.merged.iter().any(|m| m.name == column.name);
                if merged && !qualified {
                    if merged_done.insert(&column.name) {
                        all.push(vec![column.name.clone()]);
                    }
                    continue;
                }
                let name = self.tables.display_name(table, column);
                match (name == column.name, table.qualifier()) {
                    (false, Some(qualifier)) => {
                        all.push(vec![qualifier.to_owned(), column.name.clone()]);
                    }
                    _ => all.push(vec![column.name.clone()]),
                }
            }
        }
        if !any_table {
            let parts = matcher.table.clone().unwrap_or_default();
            bail!(
                UNKNOWN_IDENTIFIER,
                "Qualified matcher {}.* does not find a table",
                parts.join(".")
            );
        }
        if let MatcherKind::Names(names) = &matcher.kind {
            return self.in_written_order(names, &all);
        }
        Ok(all)
    }

    fn in_written_order(
        &self,
        names: &[String],
        found: &[Vec<String>],
    ) -> Result<Vec<Vec<String>>> {
        let one = |name: &String| {
            let parts = found.iter().find(|parts| parts.last() == Some(name));
            parts.cloned().ok_or_else(|| {
                roost_engine::err!(UNKNOWN_IDENTIFIER, "Unknown column `{name}` in COLUMNS")
            })
        };
        names.iter().map(one).collect()
    }
}

/// Whether a matcher takes a column.
type Wanted = Box<dyn Fn(&Named) -> bool>;

fn wanted(kind: &MatcherKind) -> Result<Wanted> {
    Ok(match kind {
        MatcherKind::All => Box::new(|c| c.visible),
        MatcherKind::Regex(pattern) => {
            let regex = compile(pattern)?;
            Box::new(move |c| c.visible && regex.is_match(&c.name))
        }
        MatcherKind::Names(names) => {
            let names = names.clone();
            Box::new(move |c| names.contains(&c.name))
        }
    })
}

fn compile(pattern: &str) -> Result<regex::Regex> {
    regex::Regex::new(pattern)
        .map_err(|e| roost_engine::err!(CANNOT_COMPILE_REGEXP, "COLUMNS('{pattern}'): {e}"))
}

fn transform(transformer: &Transformer, columns: &mut Vec<Matched>) -> Result<()> {
    match transformer {
        Transformer::Except(names) => columns.retain(|c| !names.contains(&c.column)),
        Transformer::ExceptRegex(pattern) => {
            let regex = compile(pattern)?;
            columns.retain(|c| !regex.is_match(&c.column));
        }
        Transformer::Replace(items) => {
            for column in columns {
                if let Some((expr, name)) = items.iter().find(|(_, n)| *n == column.column) {
                    column.expr = expr.clone();
                    column.name = Some(name.clone());
                }
            }
        }
        Transformer::Apply(name, params) => {
            for column in columns {
                column.name = None;
                let args = vec![column.expr.clone()];
                column.expr = ast::Expr::Function(Box::new(ast::Function {
                    name: name.clone(),
                    params: (!params.is_empty()).then(|| params.clone()),
                    args,
                    ..ast::Function::default()
                }));
            }
        }
        Transformer::ApplyLambda(lambda) => {
            for column in columns {
                column.name = None;
                column.expr = applied(lambda, &column.expr)?;
            }
        }
    }
    Ok(())
}

/// The body of a lambda of one parameter, with `arg` in the parameter's place.
fn applied(lambda: &ast::Expr, arg: &ast::Expr) -> Result<ast::Expr> {
    match lambda.unaliased() {
        ast::Expr::Lambda { params, body } if params.len() == 1 => {
            Ok(substitute(body, &params[0], arg))
        }
        other => bail!(
            BAD_ARGUMENTS,
            "APPLY takes a function or a lambda of one parameter, found {other}"
        ),
    }
}

fn substitute(expr: &ast::Expr, param: &str, arg: &ast::Expr) -> ast::Expr {
    match expr {
        ast::Expr::Identifier(parts) if parts.len() == 1 && parts[0] == param => arg.clone(),
        ast::Expr::Alias(inner, name) => {
            ast::Expr::Alias(Box::new(substitute(inner, param, arg)), name.clone())
        }
        ast::Expr::Function(function) => {
            let mut function = function.clone();
            for a in function.args.iter_mut().chain(&mut function.filter) {
                *a = substitute(a, param, arg);
            }
            ast::Expr::Function(function)
        }
        ast::Expr::Lambda { params, body } if !params.iter().any(|p| p == param) => {
            ast::Expr::Lambda {
                params: params.clone(),
                body: Box::new(substitute(body, param, arg)),
            }
        }
        other => other.clone(),
    }
}
