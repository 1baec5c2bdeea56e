//! Plain views: a query kept under a name.
//!
//! Invariant: a view is one key of the engine's durable key-value store; its text parses.

use std::sync::Arc;

use roost_engine::catalog::Engine;
use roost_engine::error::{Code, Error, Result};

use super::materialized;
use crate::bind::Relation;
use crate::parse::{ast, parse_query};

fn key(database: &str, name: &str) -> String {
    format!("view/{database}/{name}")
}

/// The view of that name.
pub fn find(engine: &Engine, database: &str, name: &str) -> Result<Option<Relation>> {
    let Some(text) = text_of(engine, database, name) else {
        return Ok(None);
    };
    let query = parse_query(&text).map_err(|e| e.context(format!("view {database}.{name}")))?;
    Ok(Some(Relation::View(Arc::new(query))))
}

/// The SELECT of the view of that name.
pub fn text_of(engine: &Engine, database: &str, name: &str) -> Option<String> {
    engine
        .get(&key(database, name))
        .and_then(|bytes| String::from_utf8(bytes).ok())
}

/// All views: database, name, SELECT.
pub fn all(engine: &Engine) -> Vec<(String, String, String)> {
    let split = |(key, bytes): (String, Vec<u8>)| {
        let (database, name) = key.strip_prefix("view/")?.split_once('/')?;
        Some((
            database.to_string(),
            name.to_string(),
            String::from_utf8(bytes).ok()?,
        ))
    };
    engine.scan("view/").into_iter().filter_map(split).collect()
}

/// Keeps a view.
pub fn create(engine: &Engine, database: &str, view: &ast::CreateView) -> Result<()> {
    let name = &view.name.name;
    let other =
        engine.table(database, name).is_some() || materialized::exists(engine, database, name);
    if other || text_of(engine, database, name).is_some() {
        if view.if_not_exists {
            return Ok(());
        }
        if !view.or_replace || other {
            let message = format!("Table {database}.{name} already exists");
            return Err(Error::new(Code::TABLE_ALREADY_EXISTS, message));
        }
    }
    let mut tx = engine.begin();
    tx.define(
        &key(database, name),
        Some(view.query.to_string().into_bytes()),
    );
    tx.commit().map(drop)
}

/// Forgets a view; whether there was one.
pub fn drop_view(engine: &Engine, database: &str, name: &str) -> Result<bool> {
    if text_of(engine, database, name).is_none() {
        return Ok(false);
    }
    let mut tx = engine.begin();
    tx.define(&key(database, name), None);
    tx.commit().map(|_| true)
}

/// Forgets all views of a database that is gone.
pub fn forget_database(engine: &Engine, database: &str) -> Result<()> {
    let mut tx = engine.begin();
    for prefix in ["view/", "matview/"] {
        for (key, _) in engine.scan(&format!("{prefix}{database}/")) {
            tx.define(&key, None);
        }
    }
    tx.commit().map(drop)
}
