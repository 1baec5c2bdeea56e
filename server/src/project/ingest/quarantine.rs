//! The table of rows that did not fit.
//!
//! Invariant: what is set aside keeps every value as it came, and says why.

use std::io::Cursor;

use roost::session::QueryRequest;
use serde_json::{Map, Value as Json};

use super::{BadRow, Target};
use crate::project::Result;
use crate::store::{iso_seconds, now_micros};

/// Writes bad rows to the data source's quarantine.
pub(super) fn set_aside(target: &Target<'_>, rows: &[BadRow], import_id: &str) -> Result<()> {
    let now = iso_seconds(now_micros(), ' ');
    let mut lines = Vec::new();
    for row in rows {
        let mut out = Map::new();
        for (column, value) in target.columns().zip(&row.values) {
            if let Some(value) = value {
                out.insert(column.name.clone(), Json::String(value.clone()));
            }
        }
        let columns = row.errors.iter().map(|(c, _)| c.as_str());
        let columns: Json = columns.filter(|c| !c.is_empty()).collect();
        let errors: Json = row.errors.iter().map(|(_, e)| e.as_str()).collect();
        out.insert("c__error_column".to_owned(), columns);
        out.insert("c__error".to_owned(), errors);
        out.insert("c__import_id".to_owned(), import_id.into());
        out.insert("insertion_date".to_owned(), now.clone().into());
        lines.extend_from_slice(Json::Object(out).to_string().as_bytes());
        lines.push(b'\n');
    }
    let store = &target.project.store;
    let table = store.at(&target.source.quarantine());
    store.run(QueryRequest {
        sql: format!("INSERT INTO {table} FORMAT JSONEachRow"),
        body: Some(Box::new(Cursor::new(lines))),
        ..QueryRequest::default()
    })?;
    Ok(())
}
