//! Rows that were set aside, tried once more: their data source may have changed since.
//!
//! Invariant: a row is never lost: what fits leaves the quarantine in the commit that adds it to the
//! data source, what still does not fit stays, with what is wrong with it now.

use std::sync::Arc;

use roost::interpret::{Also, WriteOptions, Written};
use roost::session::QueryRequest;
use roost_engine::error::Error;
use serde_json::{Map, Value as Json};

use super::check::Checker;
use super::json::{is_text, joined};
use super::quarantine::rows_of;
use super::{Ingested, Target, no_table};
use crate::project::Result;
use crate::project::model::DataSource;
use crate::project::state::Project;
use crate::store::{Ending, quoted};
use crate::tokens::new_uuid;

/// Tries all rows in the quarantine of `source` again, with what `ending` makes of it; `go_on` is asked
/// while others are waited for.
pub fn replay(
    project: &Project,
    source: &Arc<DataSource>,
    ending: Option<Ending<Ingested>>,
    go_on: &mut dyn FnMut() -> std::result::Result<(), Error>,
) -> Result<Ingested> {
    let store = &project.store;
    let name = source.quarantine();
    let table = store.table(&name).ok_or_else(|| no_table(&name))?;
    let hold = store.database().engine().hold(&table, go_on)?;
    let target = Target::of(project, source, &source.name);
    let write = WriteOptions {
        replace: Some(hold),
        ..WriteOptions::default()
    };
    let columns: Vec<String> = target.columns().map(|c| quoted(&c.name)).collect();
    let mut text = Vec::new();
    let select = QueryRequest {
        sql: format!(
            "SELECT {} FROM {} FORMAT JSONEachRow",
            columns.join(", "),
            store.at(&name)
        ),
        write: write.clone(),
        ..QueryRequest::default()
    };
    store.run_into(select, &mut text)?;
    let lines = text.split(|b| *b == b'\n').filter(|l| !l.is_empty());
    let rows: Vec<Vec<u8>> = lines.map(|line| row_of(&target, line)).collect();
    let (good, bad) = Checker::new(&target)?.split_json(rows);
    let done = Ingested {
        import_id: new_uuid(),
        rows: good.len() as u64,
        quarantined: bad.len() as u64,
        ..Ingested::default()
    };
    let told = done.clone();
    let mut write = WriteOptions {
        also: ending.map(|ending| Arc::new(move |_: &Written| ending(&told)) as Also),
        ..write
    };
    if !bad.is_empty() {
        let rows = rows_of(&table, &target, &bad, &done.import_id)?;
        write.beside.push((table, rows));
    }
    target.insert_with("JSONEachRow", joined(&good), &[], write)?;
    Ok(done)
}

/// A row as it came: texts of values that were none are values again, absent ones absent.
fn row_of(target: &Target<'_>, line: &[u8]) -> Vec<u8> {
    let Ok(Json::Object(values)) = serde_json::from_slice(line) else {
        return line.to_vec();
    };
    let mut out = Map::new();
    for (name, value) in values {
        let column = target.columns().find(|c| c.name == name);
        let text = match value {
            Json::String(text) => text,
            _ => continue,
        };
        let is_plain = column.is_none_or(|c| is_text(&c.ty));
        let value = match serde_json::from_str::<Json>(&text) {
            Ok(value) if !is_plain => value,
            _ => Json::String(text),
        };
        out.insert(name, value);
    }
    Json::Object(out).to_string().into_bytes()
}
