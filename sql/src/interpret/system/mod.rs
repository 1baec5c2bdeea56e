//! The tables of database `system`.
//!
//! Invariant: each is a function from the statement's context to one block; names and types of
//! their columns are ClickHouse's.

mod catalog_tables;
mod kit;
mod queries;
mod registries;

use std::sync::Arc;

use roost_engine::block::Block;
use roost_engine::error::Result;

use super::context::StatementContext;
use crate::plan::{MemorySource, TableSource};

pub use queries::kill;

type Build = fn(&StatementContext) -> Result<Block>;

const TABLES: &[(&str, Build)] = &[
    ("aggregate_function_combinators", registries::combinators),
    ("build_options", registries::build_options),
    ("columns", catalog_tables::columns),
    ("contributors", registries::nothing),
    ("data_skipping_indices", catalog_tables::indexes),
    ("data_type_families", registries::data_types),
    ("databases", catalog_tables::databases),
    ("disks", registries::nothing),
    ("formats", registries::formats),
    ("functions", registries::functions),
    ("merges", catalog_tables::merges),
    ("mutations", registries::nothing),
    ("one", registries::one),
    ("parts", catalog_tables::parts),
    ("processes", queries::processes),
    ("query_log", queries::query_log),
    ("settings", registries::settings),
    ("table_engines", registries::engines),
    ("tables", catalog_tables::tables),
    ("time_zones", registries::time_zones),
];

/// Names of the tables.
pub fn names() -> impl Iterator<Item = &'static str> {
    let sources = ["numbers", "numbers_mt", "zeros", "zeros_mt"];
    TABLES.iter().map(|t| t.0).chain(sources)
}

/// The table of that name.
pub fn table(name: &str, context: &StatementContext) -> Result<Option<Arc<dyn TableSource>>> {
    if let Some((name, build)) = TABLES.iter().find(|t| t.0 == name) {
        let rows = build(context)?;
        let schema = Arc::clone(rows.schema());
        let source = MemorySource::new(format!("system.{name}"), schema, vec![rows]);
        return Ok(Some(Arc::new(source)));
    }
    match name {
        "numbers" | "numbers_mt" | "zeros" | "zeros_mt" => super::series::table_function(name, &[]),
        _ => Ok(None),
    }
}

/// The rows of a table that is known to exist.
pub fn block(name: &str, context: &StatementContext) -> Result<Block> {
    match TABLES.iter().find(|t| t.0 == name) {
        Some((_, build)) => build(context),
        None => Err(roost_engine::error::Error::bug("unknown system table")),
    }
}
