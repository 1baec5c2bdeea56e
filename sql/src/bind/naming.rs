//! What a result column is called when no alias is given: the printed expression.
//!
//! Invariant: names in it are as short as they can be, and subqueries are numbered, as ClickHouse
//! prints them.

use super::select::SelectBinder;
use crate::parse::ast::{self, Expr, OrderBy, Over};

impl SelectBinder<'_, '_> {
    /// The name of a select item.
    pub(super) fn name_of(&self, expr: &Expr) -> String {
        match expr {
            Expr::Alias(_, name) => name.clone(),
            Expr::Identifier(parts) => self.short(parts).join("."),
            other => self.shown(other).to_string(),
        }
    }

    /// The expression with identifiers shortened and subqueries numbered.
    fn shown(&self, expr: &Expr) -> Expr {
        match expr {
            Expr::Alias(_, name) => Expr::Identifier(vec![name.clone()]),
            Expr::Identifier(parts) => Expr::Identifier(self.short(parts)),
            Expr::Subquery(_) => {
                let n = self.binder.next_subquery.get();
                self.binder.next_subquery.set(n + 1);
                Expr::Identifier(vec![format!("_subquery_{n}")])
            }
            Expr::Function(function) => Expr::Function(Box::new(self.shown_function(function))),
            Expr::Parameter { name, ty } => self.shown_parameter(name, ty),
            Expr::Lambda { params, body } => Expr::Lambda {
                params: params.clone(),
                body: Box::new(self.shown(body)),
            },
            other => other.clone(),
        }
    }

    /// A parameter shows its value: `_CAST(7, 'UInt8')`.
    fn shown_parameter(&self, name: &str, ty: &str) -> Expr {
        let given = self.binder.catalog.parameter(name).unwrap_or_default();
        if ty == "Identifier" {
            return Expr::Identifier(vec![given]);
        }
        let value = match given.parse::<u64>() {
            Ok(number) if !ty.contains("String") => ast::Literal::UInt(u128::from(number)),
            _ => ast::Literal::String(given.into_bytes()),
        };
        let ty = ast::Literal::String(ty.as_bytes().to_vec());
        Expr::call("_CAST", vec![Expr::Literal(value), Expr::Literal(ty)])
    }

    fn shown_function(&self, function: &ast::Function) -> ast::Function {
        let mut shown = function.clone();
        let is_count = function.name.eq_ignore_ascii_case("count");
        let star = |a: &Expr| matches!(a, Expr::Matcher(m) if m.transformers.is_empty());
        if is_count && function.args.iter().all(star) {
            shown.args.clear();
        }
        for arg in &mut shown.args {
            *arg = self.shown(arg);
        }
        if shown.distinct {
            shown.distinct = false;
            shown.name.push_str("Distinct");
        }
        if let Some(filter) = shown.filter.take() {
            shown.name.push_str("If");
            shown.args.push(self.shown(&filter));
        }
        if let Some(Over::Spec(spec)) = &mut shown.over {
            let order = spec.order_by.iter_mut().map(|o: &mut OrderBy| &mut o.expr);
            for expr in spec.partition_by.iter_mut().chain(order) {
                *expr = self.shown(expr);
            }
        }
        shown
    }

    fn short(&self, parts: &[String]) -> Vec<String> {
        let is_alias = self.aliases.contains_key(&parts[0]) && !self.tables.has_table(parts);
        if parts.len() < 2 || is_alias {
            return parts.to_vec();
        }
        for table in &self.tables.tables {
            let Some(skip) = table.prefix(parts) else {
                continue;
            };
            for take in (skip + 1..=parts.len()).rev() {
                let name = parts[skip..take].join(".");
                let Some(column) = table.column(&name) else {
                    continue;
                };
                let shown = self.tables.display_name(table, column);
                let mut short: Vec<String> = Vec::new();
                if shown != column.name
                    && let Some(qualifier) = table.qualifier()
                {
                    short.push(qualifier.to_owned());
                }
                short.extend_from_slice(&parts[skip..]);
                return short;
            }
        }
        parts.to_vec()
    }
}
