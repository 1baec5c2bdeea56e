//! System tables about databases, tables, columns, parts and merges.
//!
//! Invariant: all rows of one table come from one look at the catalog.

use roost_engine::block::Block;
use roost_engine::error::Result;
use roost_engine::table::{TableDefinition, TableEngine};

use super::super::context::StatementContext;
use super::super::materialized::{self, MaterializedView};
use super::super::{show, views};
use super::kit::{Rows, b, n, s, uuid};
use crate::Value;

/// Name of a table's engine without arguments.
fn engine_name(d: &TableDefinition) -> &str {
    d.engine_text.split('(').next().unwrap_or("MergeTree")
}

/// `system.databases`.
pub(super) fn databases(context: &StatementContext) -> Result<Block> {
    let mut rows = Rows::new(&[
        ("name", "String"),
        ("engine", "String"),
        ("data_path", "String"),
        ("metadata_path", "String"),
        ("uuid", "UUID"),
        ("engine_full", "String"),
        ("comment", "String"),
    ])?;
    let mut all = context.shared.engine.databases();
    all.extend(["system", "information_schema", "INFORMATION_SCHEMA"].map(String::from));
    for name in all {
        rows.push(vec![
            s(name),
            s("Atomic"),
            s(""),
            s(""),
            uuid(0),
            s("Atomic"),
            s(""),
        ])?;
    }
    rows.finish()
}

/// `system.tables`.
pub(super) fn tables(context: &StatementContext) -> Result<Block> {
    let mut rows = Rows::new(&[
        ("database", "String"),
        ("name", "String"),
        ("uuid", "UUID"),
        ("engine", "String"),
        ("is_temporary", "UInt8"),
        ("has_own_data", "UInt8"),
        ("create_table_query", "String"),
        ("engine_full", "String"),
        ("as_select", "String"),
        ("partition_key", "String"),
        ("sorting_key", "String"),
        ("primary_key", "String"),
        ("sampling_key", "String"),
        ("storage_policy", "String"),
        ("total_rows", "Nullable(UInt64)"),
        ("total_bytes", "Nullable(UInt64)"),
        ("parts", "Nullable(UInt64)"),
        ("comment", "String"),
        ("dependencies_database", "Array(String)"),
        ("dependencies_table", "Array(String)"),
    ])?;
    let materialized = materialized::all(&context.shared.engine)?;
    let followers = |database: &str, name: &str| {
        let follows = |v: &&MaterializedView| {
            let source = v.source.as_ref();
            source.is_some_and(|s| s.0 == database && s.1 == name)
        };
        let found = materialized.iter().filter(follows);
        let (databases, names) = found.map(|v| (s(&v.database), s(&v.name))).unzip();
        [Value::Array(databases), Value::Array(names)]
    };
    for table in context.shared.engine.tables() {
        let snapshot = table.snapshot();
        let d = &snapshot.definition;
        let text = |t: &Option<String>| s(t.as_deref().unwrap_or(""));
        let order = s(strip(&d.order_by));
        let primary = d
            .primary_key
            .as_deref()
            .map_or(order.clone(), |k| s(strip(k)));
        let [databases, names] = followers(&d.database, &d.name);
        rows.push(vec![
            s(&d.database),
            s(&d.name),
            uuid(d.uuid),
            s(engine_name(d)),
            b(false),
            b(true),
            s(show::create_text(d)),
            s(&d.engine_text),
            s(""),
            text(&d.partition_by),
            order,
            primary,
            text(&d.sample_by),
            s("default"),
            n(snapshot.rows()),
            n(snapshot.bytes()),
            n(snapshot.parts.len() as u64),
            s(&d.comment),
            databases,
            names,
        ])?;
    }
    let engine = &context.shared.engine;
    let plain = views::all(engine)
        .into_iter()
        .map(|(database, name, query)| {
            let create = format!("CREATE VIEW {database}.{name} AS {query}");
            (database, name, "View", create, query)
        });
    let kept = materialized.iter().map(|v| {
        let create = show::materialized_text(v, engine);
        let query = v.query.to_string();
        (
            v.database.clone(),
            v.name.clone(),
            "MaterializedView",
            create,
            query,
        )
    });
    for (database, name, kind, create, query) in plain.chain(kept) {
        let [databases, names] = followers(&database, &name);
        rows.push(vec![
            s(&database),
            s(&name),
            uuid(0),
            s(kind),
            b(false),
            b(false),
            s(create),
            s(""),
            s(&query),
            s(""),
            s(""),
            s(""),
            s(""),
            s(""),
            Value::Null,
            Value::Null,
            Value::Null,
            s(""),
            databases,
            names,
        ])?;
    }
    for name in super::names() {
        rows.push(vec![
            s("system"),
            s(name),
            uuid(0),
            s("SystemTable"),
            b(false),
            b(false),
            s(""),
            s(""),
            s(""),
            s(""),
            s(""),
            s(""),
            s(""),
            s(""),
            Value::Null,
            Value::Null,
            Value::Null,
            s(""),
            Value::Array(Vec::new()),
            Value::Array(Vec::new()),
        ])?;
    }
    rows.finish()
}

/// The inside of a key clause's parentheses.
fn strip(key: &str) -> &str {
    let inner = key.strip_prefix("tuple(").or_else(|| key.strip_prefix('('));
    inner.and_then(|k| k.strip_suffix(')')).unwrap_or(key)
}

/// `system.columns`.
pub(super) fn columns(context: &StatementContext) -> Result<Block> {
    let mut rows = Rows::new(&[
        ("database", "String"),
        ("table", "String"),
        ("name", "String"),
        ("type", "String"),
        ("position", "UInt64"),
        ("default_kind", "String"),
        ("default_expression", "String"),
        ("data_compressed_bytes", "UInt64"),
        ("data_uncompressed_bytes", "UInt64"),
        ("comment", "String"),
        ("is_in_partition_key", "UInt8"),
        ("is_in_sorting_key", "UInt8"),
        ("is_in_primary_key", "UInt8"),
        ("compression_codec", "String"),
    ])?;
    for table in context.shared.engine.tables() {
        let d = table.definition();
        let inside = |key: &str, name: &str| {
            key.split(|c: char| !(c.is_alphanumeric() || c == '_'))
                .any(|word| word == name)
        };
        for (i, c) in d.columns.iter().enumerate() {
            let (kind, text) = match &c.default {
                None => ("", ""),
                Some((kind, text)) => (show::kind_word(*kind), text.as_str()),
            };
            let partition = d
                .partition_by
                .as_deref()
                .is_some_and(|k| inside(k, &c.name));
            let sorting = inside(&d.order_by, &c.name);
            let primary = d
                .primary_key
                .as_deref()
                .map_or(sorting, |k| inside(k, &c.name));
            let codec = c
                .codec
                .as_ref()
                .map_or(String::new(), |t| format!("CODEC({t})"));
            rows.push(vec![
                s(&d.database),
                s(&d.name),
                s(&c.name),
                s(c.ty.to_string()),
                n(i as u64 + 1),
                s(kind),
                s(text),
                n(0),
                n(0),
                s(&c.comment),
                b(partition),
                b(sorting),
                b(primary),
                s(codec),
            ])?;
        }
    }
    rows.finish()
}

/// `system.data_skipping_indices`.
pub(super) fn indexes(context: &StatementContext) -> Result<Block> {
    let mut rows = Rows::new(&[
        ("database", "String"),
        ("table", "String"),
        ("name", "String"),
        ("type", "String"),
        ("type_full", "String"),
        ("expr", "String"),
        ("granularity", "UInt64"),
    ])?;
    for table in context.shared.engine.tables() {
        let d = table.definition();
        for i in &d.indexes {
            let short = i.ty.split('(').next().unwrap_or("");
            rows.push(vec![
                s(&d.database),
                s(&d.name),
                s(&i.name),
                s(short),
                s(&i.ty),
                s(&i.expr),
                n(i.granularity),
            ])?;
        }
    }
    rows.finish()
}

/// `system.parts`.
pub(super) fn parts(context: &StatementContext) -> Result<Block> {
    let mut rows = Rows::new(&[
        ("partition", "String"),
        ("name", "String"),
        ("part_type", "String"),
        ("active", "UInt8"),
        ("marks", "UInt64"),
        ("rows", "UInt64"),
        ("bytes_on_disk", "UInt64"),
        ("data_compressed_bytes", "UInt64"),
        ("data_uncompressed_bytes", "UInt64"),
        ("partition_id", "String"),
        ("min_block_number", "Int64"),
        ("max_block_number", "Int64"),
        ("level", "UInt32"),
        ("database", "String"),
        ("table", "String"),
        ("engine", "String"),
        ("bucket", "UInt32"),
    ])?;
    for table in context.shared.engine.tables() {
        let snapshot = table.snapshot();
        let d = &snapshot.definition;
        if matches!(d.engine, TableEngine::Null) {
            continue;
        }
        for part in &snapshot.parts {
            let info = part.info();
            let kind = if part.memory_block().is_some() {
                "Memory"
            } else {
                "Roost"
            };
            rows.push(vec![
                s(&info.partition),
                s(super::super::source::part_name(info)),
                s(kind),
                b(true),
                n(part.granules() as u64),
                n(info.rows),
                n(info.bytes),
                n(info.bytes),
                n(info.uncompressed_bytes),
                s(&info.partition),
                Value::Int(info.min_block as i64),
                Value::Int(info.max_block as i64),
                n(info.level.into()),
                s(&d.database),
                s(&d.name),
                s(engine_name(d)),
                n(info.bucket.into()),
            ])?;
        }
    }
    rows.finish()
}

/// `system.merges`.
pub(super) fn merges(context: &StatementContext) -> Result<Block> {
    let mut rows = Rows::new(&[
        ("database", "String"),
        ("table", "String"),
        ("elapsed", "Float64"),
        ("progress", "Float64"),
        ("num_parts", "UInt64"),
        ("partition_id", "String"),
        ("total_size_bytes_compressed", "UInt64"),
        ("rows_read", "UInt64"),
        ("rows_written", "UInt64"),
    ])?;
    let now = context.shared.clock.now_micros();
    for m in context.shared.engine.merges() {
        let elapsed = (now - m.started_micros).max(0) as f64 / 1e6;
        let progress = m.rows_written as f64 / m.rows_total.max(1) as f64;
        rows.push(vec![
            s(&m.database),
            s(&m.table),
            Value::Float(elapsed),
            Value::Float(progress),
            n(m.parts.len() as u64),
            s(&m.partition),
            n(m.bytes_total),
            n(m.rows_written),
            n(m.rows_written),
        ])?;
    }
    rows.finish()
}
