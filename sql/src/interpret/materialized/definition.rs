//! Materialized views as they are stored.
//!
//! Invariant: a view is one key of the engine's durable key-value store; its text is the statement
//! that makes it, with every database written out.

use std::sync::Arc;

use roost_engine::catalog::Engine;
use roost_engine::error::{Code, Error, Result};
use roost_engine::types::text::quote_identifier;

use super::gate::Name;
use crate::parse::ast::{
    Query, QueryBody, Select, Statement, TableExpr, TableName, TableSource, With,
};
use crate::parse::parse_statement;

/// A materialized view.
#[derive(Debug, Clone)]
pub struct MaterializedView {
    /// Database.
    pub database: String,
    /// Name.
    pub name: String,
    /// The table whose inserts it follows: the leftmost one of its query.
    pub source: Option<Name>,
    /// The table that its rows go to.
    pub target: Name,
    /// The query, names of tables written out.
    pub query: Arc<Query>,
    /// Columns with their types, as shown.
    pub columns: Vec<(String, String)>,
}

impl MaterializedView {
    /// `database.name`.
    pub fn full_name(&self) -> String {
        name_text(&(self.database.clone(), self.name.clone()))
    }

    /// Name of the table that a view without TO makes for itself.
    pub fn inner_name(name: &str) -> String {
        format!(".inner.{name}")
    }

    /// Names that the own table of a view may have: while the view is replaced both are there.
    pub(super) fn inner_names(name: &str) -> [String; 2] {
        [format!(".inner2.{name}"), Self::inner_name(name)]
    }

    /// Whether the target belongs to the view.
    pub fn owns_target(&self) -> bool {
        let own = Self::inner_names(&self.name);
        self.target.0 == self.database && own.contains(&self.target.1)
    }

    /// The head of the statement that makes it, up to the columns.
    fn head(&self) -> String {
        format!("CREATE MATERIALIZED VIEW {}", self.full_name())
    }

    fn columns_text(&self) -> String {
        let column = |(name, ty): &(String, String)| format!("    {} {ty}", quoted(name));
        let all: Vec<String> = self.columns.iter().map(column).collect();
        match all.is_empty() {
            true => String::new(),
            false => format!("\n(\n{}\n)", all.join(",\n")),
        }
    }

    /// The statement as it is stored.
    fn stored_text(&self) -> String {
        let (head, columns) = (self.head(), self.columns_text());
        let target = name_text(&self.target);
        format!("{head} TO {target}{columns}\nAS {}", self.query)
    }

    /// The statement as SHOW CREATE prints it; `engine` are the clauses of an own target.
    pub fn create_text(&self, engine: Option<&str>) -> String {
        match engine {
            None => self.stored_text(),
            Some(engine) => format!(
                "{}{}\n{engine}\nAS {}",
                self.head(),
                self.columns_text(),
                self.query
            ),
        }
    }

    /// Key and value that keep it.
    pub(super) fn stored(&self) -> (String, Vec<u8>) {
        let text = self.stored_text().into_bytes();
        (key(&self.database, &self.name), text)
    }

    fn parse(database: &str, name: &str, text: &str) -> Result<Self> {
        let broken = |e: Error| e.context(format!("materialized view {database}.{name}"));
        let Statement::CreateView(view) = parse_statement(text).map_err(broken)? else {
            return Err(broken(Error::new(
                Code::CORRUPTED_DATA,
                "its text is no view",
            )));
        };
        let Some(to) = view.to else {
            return Err(broken(Error::new(
                Code::CORRUPTED_DATA,
                "its text has no TO",
            )));
        };
        let columns = view.columns.into_iter();
        Ok(MaterializedView {
            database: database.to_string(),
            name: name.to_string(),
            source: source_of(&view.query, database),
            target: (to.database.unwrap_or_else(|| database.to_string()), to.name),
            query: Arc::new(*view.query),
            columns: columns
                .map(|c| (c.name, c.ty.unwrap_or_default()))
                .collect(),
        })
    }
}

fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"))
}

/// `database.name`, quoted where it must be.
pub(super) fn name_text(name: &Name) -> String {
    format!(
        "{}.{}",
        quote_identifier(&name.0),
        quote_identifier(&name.1)
    )
}

pub(super) const PREFIX: &str = "matview/";

pub(super) fn key(database: &str, name: &str) -> String {
    format!("{PREFIX}{database}/{name}")
}

/// The view of that name.
pub fn find(engine: &Engine, database: &str, name: &str) -> Result<Option<MaterializedView>> {
    match engine.get(&key(database, name)) {
        None => Ok(None),
        Some(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            MaterializedView::parse(database, name, &text).map(Some)
        }
    }
}

/// Whether there is a view of that name.
pub fn exists(engine: &Engine, database: &str, name: &str) -> bool {
    engine.get(&key(database, name)).is_some()
}

/// All views.
pub fn all(engine: &Engine) -> Result<Vec<MaterializedView>> {
    let mut views = Vec::new();
    for (key, bytes) in engine.scan(PREFIX) {
        let Some((database, name)) = key.strip_prefix(PREFIX).and_then(|k| k.split_once('/'))
        else {
            continue;
        };
        let text = String::from_utf8_lossy(&bytes);
        views.push(MaterializedView::parse(database, name, &text)?);
    }
    Ok(views)
}

/// The leftmost table of a query, through CTEs and subqueries.
pub(super) fn leftmost(query: &Query) -> Option<(&TableExpr, &TableName, &Select)> {
    leftmost_in(&query.body, &[])
}

fn leftmost_in<'q>(
    body: &'q QueryBody,
    outer: &[&'q With],
) -> Option<(&'q TableExpr, &'q TableName, &'q Select)> {
    let select = match body {
        QueryBody::Select(select) => select,
        QueryBody::Set { inputs, .. } => return leftmost_in(inputs.first()?, outer),
        QueryBody::Nested(query) => return leftmost_in(&query.body, outer),
    };
    let mut scope: Vec<&With> = outer.to_vec();
    scope.extend(&select.with);
    let mut first = &select.from.as_ref()?.first;
    loop {
        match &first.source {
            TableSource::Join(from) => first = &from.first,
            TableSource::Query(query) => return leftmost_in(&query.body, &scope),
            TableSource::Function { .. } => return None,
            TableSource::Name(name) => {
                return match cte_of(&scope, name) {
                    Some((query, p)) => leftmost_in(&query.body, &scope[..p]),
                    None => Some((first, name, select)),
                };
            }
        }
    }
}

/// The table whose new rows alone give the new rows of a query: its leftmost one; unqualified names are
/// of `database`.
///
/// # Errors
/// BAD_ARGUMENTS when the query reads none there, or goes through a UNION on the way to it: the other
/// inputs would come again each time.
pub fn increment_of(query: &Query, database: &str) -> Result<Name> {
    if has_set(&query.body, &[]) {
        return Err(Error::new(
            Code::BAD_ARGUMENTS,
            "new rows of one table are asked for, and the query puts several together (UNION, EXCEPT \
             or INTERSECT)",
        ));
    }
    source_of(query, database).ok_or_else(|| {
        Error::new(
            Code::BAD_ARGUMENTS,
            "new rows of a table are asked for, and the query begins with no table",
        )
    })
}

/// Whether a set operation stands between a query and its leftmost table.
fn has_set(body: &QueryBody, outer: &[&With]) -> bool {
    let select = match body {
        QueryBody::Select(select) => select,
        QueryBody::Set { .. } => return true,
        QueryBody::Nested(query) => return has_set(&query.body, outer),
    };
    let mut scope: Vec<&With> = outer.to_vec();
    scope.extend(&select.with);
    let Some(from) = &select.from else {
        return false;
    };
    let mut first = &from.first;
    loop {
        match &first.source {
            TableSource::Join(from) => first = &from.first,
            TableSource::Query(query) => return has_set(&query.body, &scope),
            TableSource::Function { .. } => return false,
            TableSource::Name(name) => {
                let place = cte_of(&scope, name);
                return place.is_some_and(|(query, p)| has_set(&query.body, &scope[..p]));
            }
        }
    }
}

/// The CTE that a name means, and its place; it sees only what is written before it.
fn cte_of<'q>(scope: &[&'q With], name: &TableName) -> Option<(&'q Query, usize)> {
    let named = |w: &&With| match w {
        With::Query { name: cte, .. } => name.database.is_none() && *cte == name.name,
        With::Expr { .. } => false,
    };
    let place = scope.iter().rposition(named)?;
    match scope[place] {
        With::Query { query, .. } => Some((query, place)),
        With::Expr { .. } => None,
    }
}

fn source_of(query: &Query, database: &str) -> Option<Name> {
    let (_, name, _) = leftmost(query)?;
    let database = name.database.as_deref().unwrap_or(database);
    Some((database.to_string(), name.name.clone()))
}
