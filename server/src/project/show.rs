//! Resources as the JSON that `/v0` answers.
//!
//! Invariant: every field that the command line client reads is there (see the traps of the protocol).

use serde_json::{Map, Value as Json, json};

use super::copies::TARGET;
use super::model::{DataSource, Node, Pipe, StoredColumn};
use super::state::Project;

/// A column.
pub fn column_json(column: &StoredColumn) -> Json {
    json!({
        "name": column.name,
        "type": column.ty,
        "codec": column.codec,
        "default_value": column.default,
        "jsonpath": column.jsonpath,
        "nullable": column.ty.starts_with("Nullable("),
        "normalized_name": column.name,
    })
}

/// A data source in full.
pub fn data_source_json(project: &Project, source: &DataSource) -> Json {
    let columns: Vec<Json> = source.columns.iter().map(column_json).collect();
    let (rows, bytes) = project.store.size_of(&source.name);
    let (bad_rows, _) = project.store.size_of(&source.quarantine());
    let mut engine = Map::new();
    engine.insert("engine".to_owned(), source.engine.clone().into());
    engine.insert("ttl".to_owned(), Json::Null);
    for (key, value) in &source.engine_args {
        if !value.is_empty() {
            engine.insert(key.clone(), value.clone().into());
        }
    }
    for (key, arg) in [
        ("engine_sorting_key", "sorting_key"),
        ("engine_partition_key", "partition_key"),
        ("engine_primary_key", "primary_key"),
    ] {
        engine.insert(key.to_owned(), source.engine_arg(arg).unwrap_or("").into());
    }
    let used_by: Vec<Json> = project
        .used_by(&source.name)
        .iter()
        .map(|p| json!({ "id": p.id, "name": p.name }))
        .collect();
    let mut out = json!({
        "id": source.id,
        "name": source.name,
        "cluster": "tinybird",
        "tags": {},
        "created_at": source.created_at,
        "updated_at": source.updated_at,
        "replicated": false,
        "version": 0,
        "project": null,
        "headers": {},
        "shared_with": source.shared_with,
        "shared_from": null,
        "description": source.description,
        "type": source.kind,
        "used_by": used_by,
        "last_commit": { "content_sha": "", "status": "changed", "path": "" },
        "errors_discarded_at": null,
        "new_columns_detected": {},
        "quarantine_rows": bad_rows,
        "engine": engine,
        "indexes": source.indexes.iter().map(|i| index_json(i)).collect::<Vec<_>>(),
        "columns": columns,
        "schema": { "sql_schema": source.sql_schema, "columns": columns },
        "statistics": { "bytes": bytes, "row_count": rows },
    });
    if source.kind == "kafka" {
        out["service"] = "kafka".into();
        for (key, value) in source
            .settings
            .iter()
            .filter(|(k, _)| k.starts_with("kafka_"))
        {
            out[key] = value.clone().into();
        }
        if let Some(reading) = project.reading.lock().get(&source.id) {
            out["kafka_state"] = json!({
                "status": if reading.error.is_some() { "error" } else { "ok" },
                "error": reading.error,
                "at": reading.at,
                "lag": reading.lag.values().sum::<i64>(),
                "partitions": reading.lag.len(),
            });
        }
    }
    out
}

/// `INDEX name expr TYPE type GRANULARITY n`.
fn index_json(line: &str) -> Json {
    let text = line.trim();
    let text = match text.get(..6) {
        Some(word) if word.eq_ignore_ascii_case("INDEX ") => text[6..].trim(),
        _ => text,
    };
    let (name, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let upper = rest.to_ascii_uppercase();
    let (expr, ty) = match upper.find(" TYPE ") {
        Some(at) => (&rest[..at], &rest[at + 6..]),
        None => (rest, ""),
    };
    let (ty, granularity) = match ty.to_ascii_uppercase().find(" GRANULARITY ") {
        Some(at) => (&ty[..at], &ty[at + 13..]),
        None => (ty, "1"),
    };
    json!({
        "name": name.trim_matches('`'),
        "expr": expr.trim(),
        "type_full": ty.trim(),
        "granularity": granularity.trim(),
    })
}

/// A node in full.
pub fn node_json(project: &Project, node: &Node) -> Json {
    let parameters = node
        .sql
        .trim_start()
        .strip_prefix('%')
        .and_then(|body| project.template(body).ok());
    let params: Vec<Json> = parameters
        .iter()
        .flat_map(|t| {
            t.parameters()
                .iter()
                .map(crate::template::Parameter::to_json)
        })
        .collect();
    let state = project.snapshot();
    let target = node.view_target().and_then(|t| state.data_source(t));
    let target = target.map(|t| t.id.clone());
    json!({
        "id": node.id,
        "name": node.name,
        "sql": node.sql,
        "description": node.description,
        "materialized": target,
        "cluster": null,
        "tags": {},
        "created_at": node.created_at,
        "updated_at": node.updated_at,
        "version": 0,
        "project": null,
        "result": null,
        "ignore_sql_errors": false,
        "node_type": node.kind,
        "dependencies": *project.dependencies(node),
        "params": params,
    })
}

/// A pipe in full.
pub fn pipe_json(project: &Project, pipe: &Pipe) -> Json {
    let nodes: Vec<Json> = pipe.nodes.iter().map(|n| node_json(project, n)).collect();
    let mut out = json!({
        "id": pipe.id,
        "name": pipe.name,
        "description": pipe.description,
        "type": pipe.kind(),
        "endpoint": pipe.endpoint,
        "url": format!("/v0/pipes/{}.json", pipe.name),
        "created_at": pipe.created_at,
        "updated_at": pipe.updated_at,
        "parent": null,
        "edited_by": "",
        "last_commit": { "content_sha": "", "status": "changed", "path": "" },
        "nodes": nodes,
    });
    if let Some(node) = pipe.job_node() {
        out[format!("{}_node", node.kind)] = node.id.clone().into();
        out["schedule"] = match pipe.schedule() {
            None => json!({}),
            Some((cron, rests)) => json!({
                "cron": cron,
                "status": if rests { "shutdown" } else { "running" },
                "timezone": "Etc/UTC",
            }),
        };
        if let Some(target) = node.setting(TARGET) {
            let state = project.snapshot();
            let id = state.data_source(target).map(|d| d.id.as_str());
            out["copy_target_datasource"] = id.unwrap_or(target).into();
            out["copy_target_workspace"] = project.workspace().id.clone().into();
            out["copy_mode"] = node.copy_mode().name().into();
        }
    }
    out
}
