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
    resolve(context, name).map(|(table, _)| table)
}

/// The same with the version that it has under that name: when it has another, it may be elsewhere.
///
/// # Errors
/// UNKNOWN_TABLE; ABORTED when it never stands still.
pub(super) fn versioned(context: &StatementContext, name: &TableName) -> Result<(Arc<Table>, u64)> {
    for _ in 0..1000 {
        let (table, (database, name)) = resolve(context, name)?;
        let version = table.versioned_layout().1;
        // Read behind the version: a version of another place comes with that place's name.
        let definition = table.definition();
        if (&definition.database, &definition.name) == (&database, &name) {
            return Ok((table, version));
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    let message = format!("Table {} changes its place all the time", name.name);
    Err(Error::new(Code::ABORTED, message))
}

/// A table with the name that it is found by.
fn resolve(context: &StatementContext, name: &TableName) -> Result<(Arc<Table>, (String, String))> {
    let (database, name) = full(context, name)?;
    if let Some(table) = context.shared.engine.table(&database, &name) {
        return Ok((table, (database, name)));
    }
    if let Some(view) = super::materialized::find(&context.shared.engine, &database, &name)? {
        let (database, name) = &view.target;
        let target = context.shared.engine.table(database, name);
        let target = target.ok_or_else(|| unknown_table(database, name))?;
        return Ok((target, view.target));
    }
    if super::views::text_of(&context.shared.engine, &database, &name).is_some() {
        let message = format!("{database}.{name} is a view: it cannot be written to");
        return Err(Error::new(Code::NOT_IMPLEMENTED, message));
    }
    Err(unknown_table(&database, &name))
}
