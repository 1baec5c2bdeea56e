//! FROM: tables, views, CTEs, subqueries, table functions, ARRAY JOIN, and the chain of joins.
//!
//! Invariant: after each item the scope holds exactly the columns that the plan outputs.

use std::sync::Arc;

use roost_engine::bail;
use roost_engine::block::{Block, Schema};
use roost_engine::error::Result;
use roost_engine::types::{DataType, Value};

use super::rewrite::same;
use super::scope::{Env, Named, Table, Tables, column};
use super::select::SelectBinder;
use super::{Bound, Relation};
use crate::expr::{ColumnId, Expr};
use crate::parse::ast::{self, JoinItem, TableExpr};
use crate::plan::{self, Plan, TableSource};

/// Whether a query's text mentions a name: what makes a CTE recursive.
pub(super) fn mentions(query: &ast::Query, name: &str) -> bool {
    let text = query.to_string();
    let word = |c: char| c.is_alphanumeric() || c == '_';
    text.split(|c| !word(c)).any(|w| w == name)
}

impl SelectBinder<'_, '_> {
    /// Binds FROM; without one there is one row of no columns.
    pub(super) fn from(&mut self, from: Option<&ast::From>) -> Result<Plan> {
        match from {
            None => one_row(),
            Some(from) => {
                self.tables.joins = count_joins(from);
                self.chain(from)
            }
        }
    }

    /// Binds a first table and what is joined to it, adding to the scope.
    fn chain(&mut self, from: &ast::From) -> Result<Plan> {
        let (mut plan, tables) = self.table(&from.first)?;
        self.take_in(tables);
        for item in &from.joins {
            plan = match item {
                JoinItem::Join(join) => {
                    let (right, tables) = self.table(&join.table)?;
                    match join.kind {
                        ast::JoinKind::Paste => self.paste(plan, right, tables)?,
                        _ => self.join(plan, right, tables, join)?,
                    }
                }
                JoinItem::Array { left, exprs } => self.array_join(plan, *left, exprs)?,
            };
        }
        Ok(plan)
    }

    /// Adds the tables of another scope.
    pub(super) fn take_in(&mut self, tables: Tables) {
        self.tables.tables.extend(tables.tables);
        self.tables.merged.extend(tables.merged);
        self.tables.elements.extend(tables.elements);
    }

    /// Binds one table expression; the scope is not changed.
    fn table(&mut self, table: &TableExpr) -> Result<(Plan, Tables)> {
        if table.sample.is_some() {
            let of = match &table.source {
                ast::TableSource::Name(name) => format!("Table {name}"),
                _ => "This table expression".into(),
            };
            bail!(SAMPLING_NOT_SUPPORTED, "{of} doesn't support sampling");
        }
        let (plan, mut tables) = match &table.source {
            ast::TableSource::Name(name) => self.named(name, table.is_final)?,
            ast::TableSource::Function { name, args } => self.table_function(name, args)?,
            ast::TableSource::Query(query) => {
                let bound = self.binder.query(query, &self.env)?;
                subquery_table(bound, None)
            }
            ast::TableSource::Join(from) => {
                let outside = std::mem::take(&mut self.tables);
                self.tables.joins = outside.joins;
                let plan = self.chain(from);
                let inside = std::mem::replace(&mut self.tables, outside);
                return Ok((plan?, inside));
            }
        };
        tables.alias.clone_from(&table.alias);
        if !table.columns.is_empty() {
            rename_columns(&mut tables, &table.columns)?;
        }
        let mut scope = Tables::default();
        scope.push(tables);
        Ok((plan, scope))
    }

    fn named(&mut self, name: &ast::TableName, is_final: bool) -> Result<(Plan, Table)> {
        if name.database.is_none()
            && let Some(rows) = self.env.working(&name.name)
        {
            return Ok(self.scan(rows, Some(name.clone())));
        }
        if name.database.is_none()
            && let Some((cte, env)) = self.env.cte(&name.name)
        {
            if cte.recursive
                && let Some(rows) = self.recursive_cte(&name.name, &cte, &env)?
            {
                return Ok(self.scan(rows, Some(name.clone())));
            }
            let bound = self.binder.query(&cte.query, &env)?;
            let (plan, mut table) = subquery_table(bound, Some(name.clone()));
            rename_columns(&mut table, &cte.columns)?;
            return Ok((plan, table));
        }
        let catalog = self.binder.catalog;
        match catalog.relation(name.database.as_deref(), &name.name)? {
            Some(Relation::Table(source)) => {
                let source = if is_final {
                    source.with_final()?
                } else {
                    source
                };
                Ok(self.scan(source, Some(self.full_name(name))))
            }
            Some(Relation::View(query)) => {
                let bound = self.binder.query(&query, &Env::root())?;
                Ok(subquery_table(bound, Some(self.full_name(name))))
            }
            None => {
                let similar = catalog.similar_tables(&name.name);
                let hint =
                    super::hint::maybe_you_meant(&name.name, similar.iter().map(String::as_str));
                let database = name
                    .database
                    .iter()
                    .map(|d| format!("{d}."))
                    .collect::<String>();
                bail!(
                    UNKNOWN_TABLE,
                    "Unknown table expression identifier '{database}{}'{hint}",
                    name.name
                )
            }
        }
    }

    fn full_name(&self, name: &ast::TableName) -> ast::TableName {
        let current = &self.binder.catalog.context().database;
        ast::TableName {
            database: Some(name.database.clone().unwrap_or_else(|| current.clone())),
            name: name.name.clone(),
        }
    }

    /// A scan of all columns; the optimizer drops those that nobody uses.
    fn scan(&self, source: Arc<dyn TableSource>, name: Option<ast::TableName>) -> (Plan, Table) {
        let ids: Vec<ColumnId> = source
            .schema()
            .fields
            .iter()
            .map(|_| self.binder.fresh())
            .collect();
        let mut table = Table::of_schema(source.schema(), &ids);
        let visible = source.visible_columns();
        for (i, column) in table.columns.iter_mut().enumerate() {
            column.visible = i < visible;
        }
        table.name = name;
        let plan = Plan::Scan(plan::Scan {
            source,
            columns: ids.into_iter().enumerate().map(|(i, id)| (id, i)).collect(),
            filter: None,
            filter_only: Vec::new(),
            limit: None,
        });
        (plan, table)
    }

    fn table_function(&mut self, name: &str, args: &[ast::Expr]) -> Result<(Plan, Table)> {
        if name.eq_ignore_ascii_case("view")
            && let [ast::Expr::Subquery(query)] = args
        {
            let bound = self.binder.query(query, &self.env)?;
            return Ok(subquery_table(bound, None));
        }
        let mut values = Vec::with_capacity(args.len());
        for arg in args {
            values.push(self.table_argument(name, arg)?);
        }
        let Some(source) = self.binder.catalog.table_function(name, &values)? else {
            bail!(UNKNOWN_FUNCTION, "Unknown table function {name}");
        };
        let own = ast::TableName {
            database: None,
            name: name.to_owned(),
        };
        Ok(self.scan(source, Some(own)))
    }

    /// A constant, or a bare name as its text (`format(JSONEachRow, '...')`).
    fn table_argument(&mut self, name: &str, arg: &ast::Expr) -> Result<(Value, DataType)> {
        let mut alone = SelectBinder::new(self.binder, std::rc::Rc::clone(&self.env));
        if let ast::Expr::Identifier(parts) = arg
            && alone.find(parts)?.is_none()
        {
            let text = parts.join(".").into_bytes();
            return Ok((Value::Bytes(text), DataType::String));
        }
        match alone.bind(arg)? {
            Expr::Literal(value, ty) => Ok((value, ty)),
            _ => bail!(
                BAD_ARGUMENTS,
                "Argument {arg} of table function {name} is not constant"
            ),
        }
    }

    /// ARRAY JOIN: named items become columns, others take the place of their array.
    fn array_join(&mut self, plan: Plan, left: bool, exprs: &[ast::Expr]) -> Result<Plan> {
        let mut arrays = Vec::new();
        let mut made: Vec<(Option<String>, Expr, Expr)> = Vec::new();
        for item in exprs {
            let (inner, alias) = match item {
                ast::Expr::Alias(inner, name) => (inner.as_ref(), Some(name.as_str())),
                other => (other, None),
            };
            for (array, name) in self.unrolled(inner, alias)? {
                let Some(element) = array.ty().element().cloned() else {
                    bail!(
                        TYPE_MISMATCH,
                        "ARRAY JOIN needs an array or a map, found {} of type {}",
                        inner,
                        array.ty()
                    );
                };
                let id = self.binder.fresh();
                made.push((name, array.clone(), column(id, &element)));
                arrays.push((id, array));
            }
        }
        for (name, array, element) in made {
            match name {
                Some(name) => self.tables.elements.push((name, element)),
                None => self.tables.map(&|e| match same(e, &array) {
                    true => element.clone(),
                    false => e.clone(),
                }),
            }
        }
        self.resolved.clear();
        Ok(Plan::ArrayJoin(Box::new(plan::ArrayJoin {
            input: plan,
            arrays,
            left,
        })))
    }

    /// The arrays of one ARRAY JOIN item with the names of their elements (none: the array's own
    /// column). A Nested prefix means all its columns.
    fn unrolled(
        &mut self,
        item: &ast::Expr,
        alias: Option<&str>,
    ) -> Result<Vec<(Expr, Option<String>)>> {
        if let ast::Expr::Identifier(parts) = item
            && let [name] = parts.as_slice()
            && self.find(parts)?.is_none()
        {
            let prefix = format!("{name}.");
            let columns = self.tables.tables.iter().flat_map(|t| &t.columns);
            let nested: Vec<(Expr, Option<String>)> = columns
                .filter_map(|c| {
                    let rest = c.name.strip_prefix(&prefix)?;
                    Some((c.expr.clone(), alias.map(|a| format!("{a}.{rest}"))))
                })
                .collect();
            if !nested.is_empty() {
                return Ok(nested);
            }
        }
        let bound = self.bind(item)?;
        let array = match bound.ty().map_entry() {
            Some(entry) => self.cast(bound.clone(), &entry.array())?,
            None => bound.clone(),
        };
        let name = match (alias, &bound) {
            (Some(alias), _) => Some(alias.to_owned()),
            (None, Expr::Column(..)) if matches!(array, Expr::Column(..)) => None,
            (None, _) => Some(self.name_of(item)),
        };
        Ok(vec![(array, name)])
    }
}

/// One row without columns: what SELECT without FROM reads.
pub(super) fn one_row() -> Result<Plan> {
    let rows = Block::new(Arc::new(Schema { fields: Vec::new() }), Vec::new(), 1)?;
    Ok(Plan::Values(plan::Values {
        columns: Vec::new(),
        rows: Arc::new(rows),
    }))
}

fn count_joins(from: &ast::From) -> usize {
    let nested = |table: &TableExpr| match &table.source {
        ast::TableSource::Join(inner) => count_joins(inner),
        _ => 0,
    };
    let own = from.joins.iter().map(|item| match item {
        JoinItem::Join(join) => 1 + nested(&join.table),
        JoinItem::Array { .. } => 0,
    });
    nested(&from.first) + own.sum::<usize>()
}

fn subquery_table(bound: Bound, name: Option<ast::TableName>) -> (Plan, Table) {
    let columns = bound
        .columns
        .into_iter()
        .map(|c| Named {
            name: c.name,
            expr: column(c.id, &c.ty),
            visible: true,
        })
        .collect();
    let table = Table {
        alias: None,
        name,
        columns,
    };
    (bound.plan, table)
}

fn rename_columns(table: &mut Table, names: &[String]) -> Result<()> {
    if names.len() > table.columns.len() {
        bail!(
            NUMBER_OF_COLUMNS_DOESNT_MATCH,
            "{} column aliases for a table of {} columns",
            names.len(),
            table.columns.len()
        );
    }
    for (column, name) in table.columns.iter_mut().zip(names) {
        column.name.clone_from(name);
    }
    Ok(())
}
