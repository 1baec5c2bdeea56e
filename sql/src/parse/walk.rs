//! A walk over the tables that a query names.
//!
//! Invariant: a name that a WITH of an enclosing query defines is not a table.

use roost_engine::error::Result;

use super::ast::{
    Expr, From, GroupBy, JoinItem, JoinOn, Matcher, Over, Query, QueryBody, Select, TableExpr,
    TableSource, Transformer, With,
};

/// What a walk finds.
pub enum Found<'a> {
    /// A table in FROM; it may be replaced.
    Table(&'a mut TableExpr),
    /// A bare name on the right of IN: a table, if it is no column.
    InName(&'a mut Expr),
    /// A table function.
    Function(&'a str),
}

type Visit<'v> = &'v mut dyn FnMut(Found<'_>) -> Result<()>;

/// Calls `visit` on every table of `query`, innermost last.
pub fn walk(query: &mut Query, visit: Visit<'_>) -> Result<()> {
    Walker {
        visit,
        scopes: Vec::new(),
    }
    .query(query)
}

struct Walker<'v> {
    visit: Visit<'v>,
    /// Names that WITH defines, outermost first.
    scopes: Vec<String>,
}

impl Walker<'_> {
    fn query(&mut self, query: &mut Query) -> Result<()> {
        let depth = self.scopes.len();
        let out = self.body(&mut query.body);
        self.scopes.truncate(depth);
        out
    }

    /// Names of a WITH stay known in the rest of a UNION.
    fn body(&mut self, body: &mut QueryBody) -> Result<()> {
        match body {
            QueryBody::Select(select) => self.select(select),
            QueryBody::Set { inputs, .. } => inputs.iter_mut().try_for_each(|b| self.body(b)),
            QueryBody::Nested(query) => self.query(query),
        }
    }

    fn select(&mut self, select: &mut Select) -> Result<()> {
        for with in &mut select.with {
            match with {
                With::Expr { expr, .. } => self.expr(expr)?,
                With::Query { name, query, .. } => {
                    if select.recursive {
                        self.scopes.push(name.clone());
                    }
                    self.query(query)?;
                    self.scopes.push(name.clone());
                }
            }
        }
        if let Some(from) = &mut select.from {
            self.from(from)?;
        }
        self.exprs(&mut select.items)?;
        for e in [&mut select.prewhere, &mut select.filter, &mut select.having]
            .into_iter()
            .chain([&mut select.qualify, &mut select.limit, &mut select.offset])
            .flatten()
        {
            self.expr(e)?;
        }
        match &mut select.group_by {
            GroupBy::Exprs(list) | GroupBy::Rollup(list) | GroupBy::Cube(list) => {
                self.exprs(list)?
            }
            GroupBy::Sets(sets) => sets.iter_mut().try_for_each(|s| self.exprs(s))?,
            GroupBy::All => {}
        }
        for order in &mut select.order_by {
            self.expr(&mut order.expr)?;
        }
        if let Some(by) = &mut select.limit_by {
            self.exprs(&mut by.by)?;
        }
        Ok(())
    }

    fn from(&mut self, from: &mut From) -> Result<()> {
        self.table(&mut from.first)?;
        for join in &mut from.joins {
            match join {
                JoinItem::Array { exprs, .. } => self.exprs(exprs)?,
                JoinItem::Join(join) => {
                    self.table(&mut join.table)?;
                    match &mut join.on {
                        JoinOn::None => {}
                        JoinOn::On(e) => self.expr(e)?,
                        JoinOn::Using(list) => self.exprs(list)?,
                    }
                }
            }
        }
        Ok(())
    }

    fn table(&mut self, table: &mut TableExpr) -> Result<()> {
        match &mut table.source {
            TableSource::Name(name) => {
                let is_cte = name.database.is_none() && self.scopes.contains(&name.name);
                if !is_cte {
                    (self.visit)(Found::Table(table))?;
                }
                Ok(())
            }
            TableSource::Function { name, args } => {
                let is_cte = self.scopes.contains(name);
                if !is_cte {
                    (self.visit)(Found::Function(name))?;
                }
                self.exprs(args)
            }
            TableSource::Query(query) => self.query(query),
            TableSource::Join(from) => self.from(from),
        }
    }

    fn exprs(&mut self, list: &mut [Expr]) -> Result<()> {
        list.iter_mut().try_for_each(|e| self.expr(e))
    }

    fn expr(&mut self, expr: &mut Expr) -> Result<()> {
        match expr {
            Expr::Identifier(_) | Expr::Literal(_) | Expr::Parameter { .. } => Ok(()),
            Expr::Function(function) => {
                let is_in = matches!(
                    function.name.as_str(),
                    "in" | "notIn" | "globalIn" | "globalNotIn"
                );
                if let (true, Some(right)) = (is_in, function.args.get_mut(1))
                    && let Expr::Identifier(parts) = right
                {
                    let known = matches!(&parts[..], [name] if self.scopes.contains(name));
                    if !known {
                        (self.visit)(Found::InName(right))?;
                        return self.rest_of_in(&mut function.args);
                    }
                }
                self.exprs(&mut function.args)?;
                if let Some(params) = &mut function.params {
                    self.exprs(params)?;
                }
                if let Some(filter) = &mut function.filter {
                    self.expr(filter)?;
                }
                if let Some(Over::Spec(spec)) = &mut function.over {
                    self.exprs(&mut spec.partition_by)?;
                    spec.order_by
                        .iter_mut()
                        .try_for_each(|o| self.expr(&mut o.expr))?;
                }
                Ok(())
            }
            Expr::Lambda { body, .. } => self.expr(body),
            Expr::Subquery(query) => self.query(query),
            Expr::Matcher(matcher) => self.matcher(matcher),
            Expr::Alias(inner, _) => self.expr(inner),
        }
    }

    /// The left side only: the right side may be a query that was just put in.
    fn rest_of_in(&mut self, args: &mut [Expr]) -> Result<()> {
        args.iter_mut().take(1).try_for_each(|e| self.expr(e))
    }

    fn matcher(&mut self, matcher: &mut Matcher) -> Result<()> {
        for t in &mut matcher.transformers {
            match t {
                Transformer::Except(_) | Transformer::ExceptRegex(_) => {}
                Transformer::Replace(pairs) => {
                    pairs.iter_mut().try_for_each(|(e, _)| self.expr(e))?
                }
                Transformer::Apply(_, params) => self.exprs(params)?,
                Transformer::ApplyLambda(e) => self.expr(e)?,
            }
        }
        Ok(())
    }
}
