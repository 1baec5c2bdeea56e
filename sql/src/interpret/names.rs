//! Names of tables in statements that change them.
//!
//! Invariant: system databases are never written to.

use std::sync::Arc;

use roost_engine::error::{Code, Error, Result};
use roost_engine::table::Table;

use super::context::StatementContext;
use crate::parse::ast::TableName;

/// Database and name, the current database put in.
pub(super) fn full(context: &StatementContext, name: &TableName) -> Result<(String, String)> {
    let database = name
        .database
        .clone()
        .unwrap_or_else(|| context.database.clone());
    if database.eq_ignore_ascii_case("system") {
        let message = format!("Database {database} is read-only");
        return Err(Error::new(Code::ACCESS_DENIED, message));
    }
    if !context.shared.engine.databases().contains(&database) {
        return Err(unknown_database(&database));
    }
    Ok((database, name.name.clone()))
}

/// UNKNOWN_DATABASE.
pub(super) fn unknown_database(name: &str) -> Error {
    Error::new(
        Code::UNKNOWN_DATABASE,
        format!("Database {name} does not exist"),
    )
}

/// UNKNOWN_TABLE.
pub(super) fn unknown_table(database: &str, name: &str) -> Error {
    Error::new(
        Code::UNKNOWN_TABLE,
        format!("Table {database}.{name} does not exist"),
    )
}

/// The table of that name; of a materialized view its target.
pub(super) fn table(context: &StatementContext, name: &TableName) -> Result<Arc<Table>> {
    let (database, name) = full(context, name)?;
    if let Some(table) = context.shared.engine.table(&database, &name) {
        return Ok(table);
    }
    if let Some(view) = super::materialized::find(&context.shared.engine, &database, &name)? {
        let (database, name) = &view.target;
        let target = context.shared.engine.table(database, name);
        return target.ok_or_else(|| unknown_table(database, name));
    }
    if super::views::text_of(&context.shared.engine, &database, &name).is_some() {
        let message = format!("{database}.{name} is a view: it cannot be written to");
        return Err(Error::new(Code::NOT_IMPLEMENTED, message));
    }
    Err(unknown_table(&database, &name))
}
