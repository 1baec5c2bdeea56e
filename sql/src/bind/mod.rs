//! Syntax tree to typed plan: names are resolved, types decided, functions bound.
//!
//! Invariant: what leaves here is fully typed; nothing below looks at a name again.
//!
//! Reading order: [`scope`] (which names there are), [`expr`] (one expression), [`select`] (one
//! SELECT as a chain of plan nodes), then the clauses: [`from`], [`join`], [`aggregate`],
//! [`window`], [`order`], [`subquery`], [`in_set`], [`set_ops`].

mod aggregate;
mod alias;
pub mod call;
pub mod catalog;
mod correlated;
mod decorrelate;
mod expr;
mod fill;
mod format_row;
mod from;
mod grouping;
mod grouping_function;
mod hint;
mod in_set;
mod interpolate;
mod join;
mod literal;
mod matcher;
mod naming;
mod null_in;
mod order;
mod parameter;
mod paste;
mod recursive;
pub mod rewrite;
mod scope;
mod select;
mod set_ops;
mod subquery;
#[cfg(test)]
pub(crate) mod tests;
mod untuple;
mod using;
mod window;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use roost_engine::block::Schema;
use roost_engine::error::Result;
use roost_engine::types::DataType;

pub use catalog::{BindCatalog, Relation};
pub(crate) use literal::literal;

use crate::expr::{ColumnId, Expr};
use crate::parse::ast;
use crate::plan::{Plan, Query};
use scope::Env;

/// Deepest nesting of subqueries.
const MAX_SUBQUERY_DEPTH: u32 = 100;

/// Binds a query.
pub fn bind_query(query: &ast::Query, catalog: &dyn BindCatalog) -> Result<Query> {
    let binder = Binder::new(catalog, 0);
    let bound = binder.query(query, &Env::root())?;
    Ok(bound.into_query())
}

/// Binds an expression over the columns of `schema`: column `i` of the schema is `ids[i]` of the
/// answer. For DEFAULT, keys, TTL, row filters. Aggregates, windows and `arrayJoin` are refused.
pub fn bind_expression(
    expr: &ast::Expr,
    schema: &Schema,
    catalog: &dyn BindCatalog,
) -> Result<(Expr, Vec<ColumnId>)> {
    let binder = Binder::new(catalog, 0);
    let ids: Vec<ColumnId> = schema.fields.iter().map(|_| binder.fresh()).collect();
    let mut select = select::SelectBinder::new(&binder, Env::root());
    select.tables.push(scope::Table::of_schema(schema, &ids));
    select.collect_aliases_of(expr)?;
    let bound = select.bind(expr)?;
    select.require_plain(&bound)?;
    Ok((bound, ids))
}

/// What is shared by all scopes of one statement.
pub(crate) struct Binder<'a> {
    /// The surroundings.
    catalog: &'a dyn BindCatalog,
    next_id: Cell<u32>,
    next_subquery: Cell<u32>,
    depth: Cell<u32>,
    /// Values of scalar subqueries that have run: equal text under equal names runs once.
    scalars: RefCell<Vec<(Rc<Env>, ast::Query, Expr)>>,
    /// Answers of subqueries that have run, by what their plans do.
    answers: RefCell<subquery::Answers>,
}

/// An output column of a bound query.
#[derive(Debug, Clone)]
pub(crate) struct OutputName {
    name: String,
    id: ColumnId,
    ty: DataType,
}

/// A bound query: a plan and what its columns are called.
#[derive(Debug)]
pub(crate) struct Bound {
    plan: Plan,
    columns: Vec<OutputName>,
}

impl Bound {
    fn into_query(self) -> Query {
        let columns = self.columns.into_iter().map(|c| (c.name, c.id)).collect();
        Query {
            plan: self.plan,
            columns,
        }
    }
}

impl<'a> Binder<'a> {
    fn new(catalog: &'a dyn BindCatalog, first_id: u32) -> Self {
        Binder {
            catalog,
            next_id: Cell::new(first_id),
            next_subquery: Cell::new(1),
            depth: Cell::new(0),
            scalars: RefCell::default(),
            answers: RefCell::default(),
        }
    }

    /// Whether a setting that is a flag is on.
    fn is_on(&self, setting: &str) -> bool {
        let value = self.catalog.context().settings.get(setting);
        value.is_some_and(|v| v == "1" || v == "true")
    }

    /// A column id that nothing else has.
    fn fresh(&self) -> ColumnId {
        let id = self.next_id.get();
        self.next_id.set(id + 1);
        ColumnId(id)
    }

    /// Binds a query under the names of `env`.
    fn query(&self, query: &ast::Query, env: &Rc<Env>) -> Result<Bound> {
        let depth = self.depth.get() + 1;
        if depth > MAX_SUBQUERY_DEPTH {
            roost_engine::bail!(
                TOO_DEEP_SUBQUERIES,
                "Too deep subqueries. Maximum: {MAX_SUBQUERY_DEPTH}"
            );
        }
        self.depth.set(depth);
        let bound = self.body(&query.body, env);
        self.depth.set(depth - 1);
        bound
    }

    fn body(&self, body: &ast::QueryBody, env: &Rc<Env>) -> Result<Bound> {
        match body {
            ast::QueryBody::Select(select) => select::bind_select(self, select, env),
            ast::QueryBody::Nested(query) => self.query(query, env),
            ast::QueryBody::Set { op, inputs } => set_ops::bind_set(self, *op, inputs, env),
        }
    }
}
