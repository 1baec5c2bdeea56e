//! `POST /v0/analyze`: a schema for rows.
//!
//! Invariant: the proposed schema takes every row that was looked at.

use std::sync::Arc;

use bytes::Bytes;
use roost::formats::{FormatSettings, infer_schema};
use roost::parse::parse_columns;
use serde_json::{Value as Json, json};

use super::append::rows_of;
use super::import_url::fetch;
use crate::http::app::App;
use crate::http::call::Call;
use crate::http::reply::{Failure, Handled, Reply};
use crate::project::guess::{Column, guess_columns, schema_of};
use crate::project::{DataSource, NewDataSource};

pub(super) fn analyze(app: &App, call: &Call) -> Handled {
    let rows = match call.query.said("url") {
        Some(url) => fetch(app, url)?,
        None => rows_of(call)?,
    };
    let columns = find_columns(&rows)?;
    let schema = schema_of(&columns);
    let shown: Vec<Json> = columns
        .iter()
        .map(|c| {
            json!({
                "path": c.path,
                "recommended_type": c.ty,
                "present_pct": c.present,
                "name": c.name,
            })
        })
        .collect();
    Ok(Reply::json(&json!({
        "analysis": { "columns": shown, "schema": schema },
        "preview": { "meta": [], "data": [], "rows": 0, "statistics": {
            "elapsed": 0.0, "rows_read": 0, "bytes_read": 0
        } },
    })))
}

/// Makes a data source that fits the rows.
pub(super) fn create_from(app: &App, name: &str, rows: &Bytes) -> Handled<Arc<DataSource>> {
    let columns = find_columns(rows)?;
    if columns.is_empty() {
        return Err(Failure::bad("the body has no rows to guess a schema from"));
    }
    let is_json = columns.iter().any(|c| !c.path.is_empty());
    let schema = schema_of(&columns);
    parse_columns(&schema)?;
    Ok(app.project.create_data_source(NewDataSource {
        name: name.to_owned(),
        kind: if is_json { "ndjson" } else { "csv" }.to_owned(),
        schema,
        engine: "MergeTree".to_owned(),
        engine_args: vec![("sorting_key".to_owned(), "tuple()".to_owned())],
        ..NewDataSource::default()
    })?)
}

fn find_columns(rows: &Bytes) -> Handled<Vec<Column>> {
    if rows.starts_with(b"PAR1") {
        return parquet_columns(rows);
    }
    Ok(guess_columns(rows).columns)
}

/// What the file itself says: its schema stands at its end.
fn parquet_columns(rows: &Bytes) -> Handled<Vec<Column>> {
    let rows = Box::new(std::io::Cursor::new(rows.clone()));
    let schema = infer_schema("Parquet", rows, &FormatSettings::default())?;
    let column = |f: &roost_engine::block::Field| Column {
        path: format!("$.{}", f.name),
        name: f.name.clone(),
        ty: f.ty.to_string(),
        present: 1.0,
    };
    Ok(schema.fields.iter().map(column).collect())
}
