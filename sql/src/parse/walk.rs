//! A walk over the tables that a query names.
//!
//! Invariant: a name that a WITH of an enclosing query defines is not a table.

use roost_engine::error::Result;

use super::ast::{
    Distinct, Expr, Fill, Frame, FrameBound, From, Function, GroupBy, JoinItem, JoinOn, LimitBy,
    Matcher, OrderBy, Over, Query, QueryBody, Select, TableExpr, TableSource, Transformer,
    WindowSpec, With,
};

/// What a walk finds.
pub enum Found<'a> {
    /// A table in FROM; it may be replaced.
    Table(&'a mut TableExpr),
    /// A bare name on the right of IN: a table, if it is no column.
    InName(&'a mut Expr),
    /// A table function.
    Function(&'a str),
    /// A SELECT, after everything in it.
    Select(&'a mut Select),
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

/// The bare name that an expression is, perhaps with an alias.
fn named(expr: &mut Expr) -> Option<&mut Expr> {
    match expr {
        Expr::Identifier(_) => Some(expr),
        Expr::Alias(inner, _) => named(inner),
        _ => None,
    }
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

    /// Every field is named: one that is added must be walked, or said to hold no table.
    fn select(&mut self, select: &mut Select) -> Result<()> {
        let Select {
            with,
            recursive,
            distinct,
            items,
            from,
            prewhere,
            filter,
            group_by,
            with_totals: _,
            having,
            windows,
            qualify,
            order_by,
            order_by_all: _,
            interpolate,
            limit_by,
            limit,
            offset,
            with_ties: _,
            settings: _,
        } = select;
        for with in with {
            match with {
                With::Expr { expr, .. } => self.expr(expr)?,
                With::Query { name, query, .. } => {
                    if *recursive {
                        self.scopes.push(name.clone());
                    }
                    self.query(query)?;
                    self.scopes.push(name.clone());
                }
            }
        }
        if let Some(from) = from {
            self.from(from)?;
        }
        if let Distinct::On(list) = distinct {
            self.exprs(list)?;
        }
        self.exprs(items)?;
        for e in [prewhere, filter, having, qualify, limit, offset]
            .into_iter()
            .flatten()
        {
            self.expr(e)?;
        }
        match group_by {
            GroupBy::Exprs(list) | GroupBy::Rollup(list) | GroupBy::Cube(list) => {
                self.exprs(list)?
            }
            GroupBy::Sets(sets) => sets.iter_mut().try_for_each(|s| self.exprs(s))?,
            GroupBy::All => {}
        }
        windows
            .iter_mut()
            .try_for_each(|(_, window)| self.window(window))?;
        self.order_by(order_by)?;
        for (_, value) in interpolate.iter_mut().flatten() {
            value.iter_mut().try_for_each(|e| self.expr(e))?;
        }
        if let Some(LimitBy { limit, offset, by }) = limit_by {
            self.expr(limit)?;
            offset.iter_mut().try_for_each(|e| self.expr(e))?;
            self.exprs(by)?;
        }
        (self.visit)(Found::Select(select))
    }

    fn order_by(&mut self, list: &mut [OrderBy]) -> Result<()> {
        for OrderBy { expr, fill, .. } in list {
            self.expr(expr)?;
            if let Some(Fill {
                from,
                to,
                step,
                staleness,
            }) = fill
            {
                let parts = [from, to, step, staleness].into_iter().flatten();
                parts.into_iter().try_for_each(|e| self.expr(e))?;
            }
        }
        Ok(())
    }

    fn window(&mut self, window: &mut WindowSpec) -> Result<()> {
        let WindowSpec {
            base: _,
            partition_by,
            order_by,
            frame,
        } = window;
        self.exprs(partition_by)?;
        self.order_by(order_by)?;
        let Some(Frame { start, end, .. }) = frame else {
            return Ok(());
        };
        for bound in [start, end] {
            if let FrameBound::Preceding(e) | FrameBound::Following(e) = bound {
                self.expr(e)?;
            }
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
        if let Some((ratio, offset)) = &mut table.sample {
            self.expr(ratio)?;
            offset.iter_mut().try_for_each(|e| self.expr(e))?;
        }
        match &mut table.source {
            TableSource::Name(name) => {
                let is_cte = name.database.is_none() && self.scopes.contains(&name.name);
                if !is_cte {
                    (self.visit)(Found::Table(table))?;
                }
                Ok(())
            }
            TableSource::Function { name, args } => {
                (self.visit)(Found::Function(name))?;
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
            Expr::Function(function) => self.function(function),
            Expr::Lambda { body, .. } => self.expr(body),
            Expr::Subquery(query) => self.query(query),
            Expr::Matcher(matcher) => self.matcher(matcher),
            Expr::Alias(inner, _) => self.expr(inner),
        }
    }

    fn function(&mut self, function: &mut Function) -> Result<()> {
        let Function {
            name,
            is_operator: _,
            params,
            args,
            distinct: _,
            filter,
            respect_nulls: _,
            over,
        } = function;
        if let Some(params) = params {
            self.exprs(params)?;
        }
        if let Some(filter) = filter {
            self.expr(filter)?;
        }
        if let Some(Over::Spec(spec)) = over {
            self.window(spec)?;
        }
        // `in`, `notIn`, `globalIn`, `nullIn` and so on.
        let is_in = name == "in" || name.ends_with("In");
        if let (true, Some(right)) = (is_in, args.get_mut(1))
            && let Some(right) = named(right)
        {
            let known = matches!(right, Expr::Identifier(parts)
                if matches!(&parts[..], [name] if self.scopes.contains(name)));
            if !known {
                (self.visit)(Found::InName(right))?;
                return self.rest_of_in(args);
            }
        }
        self.exprs(args)
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
