//! Which names an expression may use: columns of the tables in FROM, and what outer queries define.
//!
//! Invariant: resolving a name never changes a scope; a name that could mean two columns is an
//! error unless ClickHouse prefers one of them.

use std::cell::{Cell, OnceCell};
use std::rc::Rc;
use std::sync::Arc;

use roost_engine::block::Schema;
use roost_engine::error::Result;
use roost_engine::types::DataType;

use crate::expr::{ColumnId, Expr};
use crate::parse::ast;
use crate::plan::TableSource;

/// A column that a table in FROM offers.
#[derive(Debug, Clone)]
pub(super) struct Named {
    /// Its name.
    pub(super) name: String,
    /// What it is: a column of the plan (after USING perhaps a cast one).
    pub(super) expr: Expr,
    /// Whether `*` takes it.
    pub(super) visible: bool,
}

/// A table in FROM.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    /// Alias.
    pub(super) alias: Option<String>,
    /// Own name, which stays usable beside the alias.
    pub(super) name: Option<ast::TableName>,
    /// Columns.
    pub(super) columns: Vec<Named>,
}

impl Table {
    /// A nameless table with a schema's columns.
    pub(super) fn of_schema(schema: &Schema, ids: &[ColumnId]) -> Table {
        let columns = schema
            .fields
            .iter()
            .zip(ids)
            .map(|(field, id)| Named {
                name: field.name.clone(),
                expr: Expr::Column(*id, field.ty.clone()),
                visible: true,
            })
            .collect();
        Table {
            columns,
            ..Table::default()
        }
    }

    /// How many of the leading `parts` name this table, if any do.
    pub(super) fn prefix(&self, parts: &[String]) -> Option<usize> {
        let first = parts.first()?;
        if self.alias.as_ref() == Some(first) {
            return Some(1);
        }
        let own = self.name.as_ref()?;
        if own.name == *first {
            return Some(1);
        }
        (parts.len() > 1 && own.database.as_ref() == Some(first) && own.name == parts[1])
            .then_some(2)
    }

    /// The column of that name.
    pub(super) fn column(&self, name: &str) -> Option<&Named> {
        self.columns.iter().find(|c| c.name == name)
    }

    /// What goes in front of the dot when a column needs it.
    pub(super) fn qualifier(&self) -> Option<&str> {
        match (&self.alias, &self.name) {
            (Some(alias), _) => Some(alias),
            (None, Some(name)) => Some(&name.name),
            _ => None,
        }
    }
}

/// What a dotted name was found to be.
#[derive(Debug, Clone)]
pub(super) struct Found {
    /// The column.
    pub(super) expr: Expr,
    /// How many parts of the name it took; the rest are elements of a tuple.
    pub(super) parts: usize,
}

/// A column merged by USING.
#[derive(Debug, Clone)]
pub(super) struct Merged {
    /// Its name.
    pub(super) name: String,
    /// Its value.
    pub(super) expr: Expr,
    /// The side's column that is shown under the bare name, if one is.
    pub(super) shown: Option<Expr>,
}

/// The tables in FROM, as far as they have been bound.
#[derive(Debug, Clone, Default)]
pub(super) struct Tables {
    /// Tables, left to right.
    pub(super) tables: Vec<Table>,
    /// Columns merged by USING: the bare name means these.
    pub(super) merged: Vec<Merged>,
    /// Columns made by ARRAY JOIN ... AS.
    pub(super) elements: Vec<(String, Expr)>,
    /// Joins in FROM: with one, an ambiguous bare name means the left table's column.
    pub(super) joins: usize,
}

impl Tables {
    /// Adds a table.
    pub(super) fn push(&mut self, table: Table) {
        self.tables.push(table);
    }

    /// The column that the bare name means; `None` when there is none.
    pub(super) fn bare(&self, name: &str) -> Result<Option<Expr>> {
        let element = self.elements.iter().rev().find(|(n, _)| n == name);
        let merged = self.merged.iter().find(|m| m.name == name);
        let found = element.map(|(_, e)| e).or(merged.map(|m| &m.expr));
        if let Some(found) = found {
            return Ok(Some(found.clone()));
        }
        self.first_of_tables(name)
    }

    fn first_of_tables(&self, name: &str) -> Result<Option<Expr>> {
        let mut found = self.tables.iter().filter_map(|t| t.column(name));
        let Some(first) = found.next() else {
            return Ok(None);
        };
        if self.joins > 1 && found.next().is_some() {
            roost_engine::bail!(
                AMBIGUOUS_IDENTIFIER,
                "Ambiguous identifier '{name}': several joined tables have it, write the table in front"
            );
        }
        Ok(Some(first.expr.clone()))
    }

    /// The column that a dotted name means: a column of that whole name, then a table's column, then
    /// a column with elements behind it.
    pub(super) fn resolve(&self, parts: &[String]) -> Result<Option<Found>> {
        let whole = parts.len();
        if let Some(expr) = self.bare(&parts.join("."))? {
            return Ok(Some(Found { expr, parts: whole }));
        }
        for table in &self.tables {
            let Some(skip) = table.prefix(parts) else {
                continue;
            };
            for take in (skip + 1..=whole).rev() {
                if let Some(column) = table.column(&parts[skip..take].join(".")) {
                    let expr = column.expr.clone();
                    return Ok(Some(Found { expr, parts: take }));
                }
            }
        }
        for take in (1..whole).rev() {
            if let Some(expr) = self.bare(&parts[..take].join("."))? {
                return Ok(Some(Found { expr, parts: take }));
            }
        }
        Ok(None)
    }

    /// The shortest name under which a column of `table` is found again: bare when the bare name
    /// means it, else with the table in front.
    pub(super) fn display_name(&self, table: &Table, column: &Named) -> String {
        let merged = self.merged.iter().find(|m| m.name == column.name);
        let bare = match merged {
            Some(merged) => merged.shown.clone(),
            None => self.first_of_tables(&column.name).ok().flatten(),
        };
        let same = bare.is_some_and(|e| super::rewrite::same(&e, &column.expr));
        match table.qualifier() {
            Some(qualifier) if !same => format!("{qualifier}.{}", column.name),
            _ => column.name.clone(),
        }
    }

    /// All names, for hints.
    pub(super) fn names(&self) -> Vec<String> {
        let columns = self.tables.iter().flat_map(|t| &t.columns);
        let elements = self.elements.iter().map(|(n, _)| n.clone());
        columns.map(|c| c.name.clone()).chain(elements).collect()
    }

    /// Whether any table is called like the first part.
    pub(super) fn has_table(&self, parts: &[String]) -> bool {
        self.tables.iter().any(|t| t.prefix(parts).is_some())
    }

    /// Replaces every column expression, as joins do that change ids or types.
    pub(super) fn map(&mut self, change: &dyn Fn(&Expr) -> Expr) {
        let columns = self.tables.iter_mut().flat_map(|t| &mut t.columns);
        columns.for_each(|c| c.expr = change(&c.expr));
        for merged in &mut self.merged {
            merged.expr = change(&merged.expr);
            merged.shown = merged.shown.as_ref().map(change);
        }
        let elements = self.elements.iter_mut();
        elements.for_each(|(_, e)| *e = change(e));
    }
}

/// A common table expression.
#[derive(Debug)]
pub(super) struct Cte {
    /// Column names, when given.
    pub(super) columns: Vec<String>,
    /// Query.
    pub(super) query: ast::Query,
    /// Whether its name inside its own query means its own rows.
    pub(super) recursive: bool,
}

/// A name with an expression that inner queries see.
#[derive(Debug)]
pub(super) struct OuterAlias {
    /// Its expression.
    pub(super) expr: ast::Expr,
    /// Its value once asked for: a constant, or why it is none.
    pub(super) value: OnceCell<Result<Expr>>,
    /// Set while its value is being found: inside itself the name means something further out.
    pub(super) busy: Cell<bool>,
}

/// What outer queries define, innermost first. Shared by the queries below.
#[derive(Debug, Default)]
pub(super) struct Env {
    /// The surrounding names.
    pub(super) parent: Option<Rc<Env>>,
    /// Common table expressions.
    pub(super) ctes: Vec<(String, Rc<Cte>)>,
    /// Aliases.
    pub(super) aliases: Vec<(String, Rc<OuterAlias>)>,
    /// Columns of the outer query's tables: using one makes a subquery correlated.
    pub(super) tables: Option<Tables>,
    /// The rows of the step before, inside a recursive CTE.
    pub(super) working: Option<super::recursive::Working>,
}

impl Env {
    /// No names.
    pub(super) fn root() -> Rc<Env> {
        Rc::new(Env::default())
    }

    /// This environment and its surroundings, innermost first.
    pub(super) fn chain(self: &Rc<Self>) -> impl Iterator<Item = &Rc<Env>> {
        std::iter::successors(Some(self), |env| env.parent.as_ref())
    }

    /// A common table expression and the environment in which its query is bound: a later WITH
    /// item sees earlier ones, none sees itself.
    pub(super) fn cte(self: &Rc<Self>, name: &str) -> Option<(Rc<Cte>, Rc<Env>)> {
        self.chain().find_map(|env| {
            let at = env.ctes.iter().rposition(|(n, _)| n == name)?;
            let visible = Env {
                parent: env.parent.clone(),
                ctes: env.ctes[..at].to_vec(),
                aliases: env.aliases.clone(),
                tables: None,
                working: None,
            };
            Some((Rc::clone(&env.ctes[at].1), Rc::new(visible)))
        })
    }

    /// The rows that a recursive CTE's name means inside of it.
    pub(super) fn working(self: &Rc<Self>, name: &str) -> Option<Arc<dyn TableSource>> {
        let mut working = self.chain().filter_map(|env| env.working.as_ref());
        let found = working.find(|w| w.name == name)?;
        Some(Arc::clone(&found.source))
    }

    /// An alias of an outer query, and the environment in which it stands.
    pub(super) fn alias(self: &Rc<Self>, name: &str) -> Option<(Rc<OuterAlias>, Rc<Env>)> {
        self.chain().find_map(|env| {
            let mut named = env.aliases.iter().filter(|(n, _)| n == name);
            let found = named.find(|(_, alias)| !alias.busy.get())?;
            Some((Rc::clone(&found.1), Rc::clone(env)))
        })
    }

    /// The column of the nearest outer query that has one of that name.
    pub(super) fn outer_column(self: &Rc<Self>, parts: &[String]) -> Result<Option<Found>> {
        let mut tables = self.chain().filter_map(|env| env.tables.as_ref());
        tables
            .find_map(|t| t.resolve(parts).transpose())
            .transpose()
    }
}

/// A column as an expression.
pub(super) fn column(id: ColumnId, ty: &DataType) -> Expr {
    Expr::Column(id, ty.clone())
}
