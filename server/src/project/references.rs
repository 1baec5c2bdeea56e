//! Which tables a query names, found in its syntax tree.
//!
//! Invariant: a name that a WITH of an enclosing query defines is not a table.

use std::collections::BTreeMap;

use roost::parse::ast::{TableName, TableSource};
use roost::parse::parse_query;
use roost::parse::walk::{Found, walk};
use roost_engine::error::Result;

/// A table as a query names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TableRef {
    /// The database, when written.
    pub database: Option<String>,
    /// The name.
    pub name: String,
}

/// The tables a query reads, each once, in the order of the text.
pub fn tables_of(sql: &str) -> Result<Vec<TableRef>> {
    let mut query = parse_query(sql)?;
    let mut out: Vec<TableRef> = Vec::new();
    walk(&mut query, &mut |found| {
        if let Found::Table(table) = found
            && let TableSource::Name(name) = &table.source
        {
            let table = TableRef {
                database: name.database.clone(),
                name: name.name.clone(),
            };
            if !out.contains(&table) {
                out.push(table);
            }
        }
        Ok(())
    })?;
    Ok(out)
}

/// The query with tables replaced by others; keys and values are `name` or `database.name`.
pub fn replace_tables(sql: &str, replacements: &BTreeMap<String, String>) -> Result<String> {
    let mut query = parse_query(sql)?;
    walk(&mut query, &mut |found| {
        if let Found::Table(table) = found
            && let TableSource::Name(name) = &mut table.source
        {
            let key = match &name.database {
                Some(database) => format!("{database}.{}", name.name),
                None => name.name.clone(),
            };
            if let Some(new) = replacements.get(&key).filter(|new| **new != key) {
                // Columns may be written with the old name in front.
                if table.alias.is_none() {
                    table.alias = Some(name.name.clone());
                }
                *name = table_name(new);
            }
        }
        Ok(())
    })?;
    Ok(query.to_string())
}

/// `name` or `database.name`.
fn table_name(text: &str) -> TableName {
    match text.split_once('.') {
        Some((database, name)) => TableName {
            database: Some(database.to_owned()),
            name: name.to_owned(),
        },
        None => TableName {
            database: None,
            name: text.to_owned(),
        },
    }
}
