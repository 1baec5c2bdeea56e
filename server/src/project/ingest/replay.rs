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
use super::messages::{Message, Stream};
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
    let topic = source.setting("kafka_topic").unwrap_or_default();
    let stream = Stream::of(project, source, topic);
    let target = stream.target(project);
    let write = WriteOptions {
        replace: Some(hold),
        ..WriteOptions::default()
    };
    let columns: Vec<String> = target
        .columns()
        .filter(|c| table.stored_schema().index_of(&c.name).is_some())
        .map(|c| match is_exact(source, &c.name) {
            true => format!("hex({0}) AS {0}", quoted(&c.name)),
            false => quoted(&c.name),
        })
        .collect();
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
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    let checker = Checker::new(&target)?;
    for line in lines {
        let message = message_of(source, line);
        let row = match message.as_ref().map(|m| (m, stream.line(m))) {
            None => row_of(&target, line),
            Some((_, Ok(row))) => row,
            Some((message, Err(why))) => {
                bad.push(stream.unreadable(&target, message, why));
                continue;
            }
        };
        match checker.fault_of_json(&row) {
            None => good.push(row),
            Some(why) => bad.push(match &message {
                Some(message) => stream.misfit(&target, message, why),
                None => why,
            }),
        }
    }
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
    target.insert_with(
        "JSONEachRow",
        joined(good.iter().map(Vec::as_slice)),
        &[],
        write,
    )?;
    Ok(done)
}

/// Whether a column of the quarantine holds bytes of a message.
fn is_exact(source: &DataSource, column: &str) -> bool {
    source.kind == "kafka" && matches!(column, "__value" | "__key")
}

/// The message that a row of the quarantine was, if it was one. Its headers are not kept there.
fn message_of(source: &DataSource, line: &[u8]) -> Option<Message> {
    if source.kind != "kafka" {
        return None;
    }
    let row: Json = serde_json::from_str(&String::from_utf8_lossy(line)).ok()?;
    let text = |name: &str| row.get(name)?.as_str();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes = |hex: &str| {
        hex.as_bytes()
            .chunks(2)
            .map(byte)
            .collect::<Option<Vec<u8>>>()
    };
    let (value, time) = (text("__value").and_then(bytes), text("__timestamp"));
    // What could not be read has no time.
    let fault = (value.is_none() && time.is_none()).then(|| "it was never read".to_owned());
    Some(Message {
        value,
        key: text("__key").and_then(bytes),
        headers: Vec::new(),
        partition: text("__partition")?.parse().ok()?,
        offset: text("__offset")?.parse().ok()?,
        timestamp: (time.map_or(Some(0.0), |t| t.parse::<f64>().ok())? * 1000.0) as i64,
        fault,
    })
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
