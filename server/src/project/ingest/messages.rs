//! Messages of a stream as rows: their JSON by path, and what the stream knows of them.
//!
//! Invariant: the rows of a batch, those set aside, and the cursors that say how far the stream was
//! read are one commit; a message is in exactly one of the two tables, and its bytes are never lost.

use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;
use roost::interpret::{CursorMove, WriteOptions};
use roost_engine::types::Value;
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};

use super::check::Checker;
use super::json::{Column, column_of, joined, pick};
use super::{BadRow, Ingested, Target, is_fault_of_rows};
use crate::project::Result;
use crate::project::model::{DataSource, StoredColumn};
use crate::project::state::Project;
use crate::store::iso_seconds;
use crate::tokens::new_uuid;

/// The columns of a data source that reads a stream, besides those of its schema.
const STREAM_COLUMNS: &[(&str, &str)] = &[
    ("__value", "String"),
    ("__topic", "LowCardinality(String)"),
    ("__partition", "Int16"),
    ("__offset", "Int64"),
    ("__timestamp", "DateTime"),
    ("__key", "String"),
];
/// The column of headers, where they are kept.
const HEADERS: (&str, &str) = ("__headers", "Map(String, String)");

/// A message.
#[derive(Debug, Clone, Default)]
pub struct Message {
    /// Its bytes; none for a tombstone.
    pub value: Option<Vec<u8>>,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its headers.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The partition it is in.
    pub partition: i32,
    /// Its place there.
    pub offset: i64,
    /// When it was written, in milliseconds since 1970.
    pub timestamp: i64,
    /// Why it could not be read, when it could not: nothing but its place is known then.
    pub fault: Option<String>,
}

/// What a data source keeps of messages.
pub struct Stream<'a> {
    source: &'a Arc<DataSource>,
    topic: &'a str,
    /// The topic as the first of what a row is closed with.
    closing: Vec<u8>,
    /// Times go as texts in UTC, otherwise as seconds since 1970.
    times_are_texts: bool,
    /// Implicit columns that the schema does not name.
    implicit: Vec<StoredColumn>,
    /// Columns that come out of the JSON.
    columns: Vec<Column<'a>>,
    /// Each of them is read from the key of its name: the JSON can go to the database as it is.
    is_plain: bool,
    keeps_value: bool,
    keeps_headers: bool,
    binary_headers: bool,
}

/// The columns of a stream that the table of `source` has and its schema does not name.
pub(in crate::project) fn implicit_columns(source: &DataSource) -> Vec<StoredColumn> {
    if source.kind != "kafka" {
        return Vec::new();
    }
    let headers = source.flag("kafka_store_headers").then_some(&HEADERS);
    let all = STREAM_COLUMNS.iter().chain(headers);
    let unnamed = all.filter(|(name, _)| !source.columns.iter().any(|c| c.name == *name));
    unnamed
        .map(|(name, ty)| StoredColumn {
            name: (*name).to_owned(),
            ty: (*ty).to_owned(),
            jsonpath: None,
            default: None,
            codec: None,
        })
        .collect()
}

fn is_of_stream(name: &str) -> bool {
    name == HEADERS.0 || STREAM_COLUMNS.iter().any(|(n, _)| *n == name)
}

impl<'a> Stream<'a> {
    /// As the data source's settings say.
    pub fn of(project: &Project, source: &'a Arc<DataSource>, topic: &'a str) -> Stream<'a> {
        let table = project.store.table(&source.name);
        let schema = table.map(|t| t.stored_schema());
        // Headers that are asked for later have no column.
        let is_there = |c: &StoredColumn| {
            schema
                .as_ref()
                .is_none_or(|s| s.index_of(&c.name).is_some())
        };
        let own = source.columns.iter().filter(|c| !is_of_stream(&c.name));
        let own: Vec<Column<'_>> = own.filter(|c| !c.is_computed()).map(column_of).collect();
        let time = source.columns.iter().find(|c| c.name == "__timestamp");
        let mut closing = b"\"__topic\":".to_vec();
        quote(topic.as_bytes(), &mut closing);
        Stream {
            topic,
            closing,
            times_are_texts: time.is_none_or(|c| c.ty.contains("DateTime")),
            implicit: implicit_columns(source)
                .into_iter()
                .filter(is_there)
                .collect(),
            keeps_value: own.is_empty()
                || source.flag("kafka_store_raw_value")
                || source.columns.iter().any(|c| c.name == "__value"),
            // Nothing is read from raw values: they need not be JSON.
            is_plain: !own.is_empty() && own.iter().all(Column::is_plain),
            columns: own,
            keeps_headers: source.flag("kafka_store_headers")
                || source.columns.iter().any(|c| c.name == HEADERS.0),
            binary_headers: source.setting("kafka_store_binary_headers").is_none()
                || source.flag("kafka_store_binary_headers"),
            source,
        }
    }

    /// Writes a batch, and moves the cursors with it.
    ///
    /// # Errors
    /// What the database says; nothing was written then.
    pub fn write(
        &self,
        project: &Project,
        messages: &[Message],
        cursors: &[CursorMove],
    ) -> Result<Ingested> {
        let target = self.target(project);
        let mut done = Ingested {
            import_id: new_uuid(),
            bytes: messages.iter().map(|m| m.size() as u64).sum(),
            ..Ingested::default()
        };
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        for message in messages {
            match self.line_quickly(message) {
                Ok(line) => good.push((message, line)),
                Err(why) => bad.push(self.unreadable(&target, message, why)),
            }
        }
        done.invalid = bad.len() as u64;
        let insert = |good: &[(&Message, Vec<u8>)], bad: &[BadRow]| {
            let write = self.writing(&target, bad, &done, cursors)?;
            let lines = joined(good.iter().map(|(_, line)| line.as_slice()));
            Ok::<_, crate::project::ProjectError>(target.insert_with(
                "JSONEachRow",
                lines,
                &[],
                write,
            ))
        };
        done.rows = match insert(&good, &bad)? {
            Ok(rows) => rows,
            Err(e) if is_fault_of_rows(&e) => {
                let checker = Checker::new(&target)?;
                let before = bad.len();
                good.retain_mut(|(message, line)| {
                    if self.is_plain
                        && let Ok(slowly) = self.line(message)
                    {
                        *line = slowly;
                    }
                    let fault = checker.fault_of_json(line);
                    if let Some(row) = fault {
                        bad.push(self.misfit(&target, message, row));
                        return false;
                    }
                    true
                });
                // An error that no row has alone is an error of the whole.
                if bad.len() == before && !self.is_plain {
                    return Err(e.into());
                }
                insert(&good, &bad)??
            }
            Err(e) => return Err(e.into()),
        };
        done.quarantined = bad.len() as u64;
        Ok(done)
    }

    /// Sets aside a message that fits the table and is refused all the same, by a view for example.
    ///
    /// # Errors
    /// What the database says.
    pub fn set_aside(
        &self,
        project: &Project,
        message: &Message,
        why: String,
        cursors: &[CursorMove],
    ) -> Result<Ingested> {
        let target = self.target(project);
        let bad = [self.unreadable(&target, message, why)];
        let done = Ingested {
            import_id: new_uuid(),
            quarantined: 1,
            bytes: message.size() as u64,
            ..Ingested::default()
        };
        let write = self.writing(&target, &bad, &done, cursors)?;
        target.insert_with("JSONEachRow", Bytes::new(), &[], write)?;
        Ok(done)
    }

    /// Where its rows go: the columns that the table has.
    pub(super) fn target<'t>(&'t self, project: &'t Project) -> Target<'t> {
        Target {
            implicit: &self.implicit,
            ..Target::of(project, self.source, &self.source.name)
        }
    }

    fn writing(
        &self,
        target: &Target<'_>,
        bad: &[BadRow],
        done: &Ingested,
        cursors: &[CursorMove],
    ) -> Result<WriteOptions> {
        Ok(WriteOptions {
            cursors: cursors.to_vec(),
            ..target.writing(bad, done)?
        })
    }

    /// The row of a message as a line of JSON; texts keep their bytes.
    pub(super) fn line(&self, message: &Message) -> std::result::Result<Vec<u8>, String> {
        if let Some(why) = &message.fault {
            return Err(why.clone());
        }
        let value = message.value.as_deref();
        let mut row = match self.columns.is_empty() {
            true => Map::new(),
            false => {
                let value = value.ok_or("the message has no value")?;
                let json: Json =
                    serde_json::from_slice(value).map_err(|e| format!("invalid JSON: {e}"))?;
                if !json.is_object() {
                    return Err("the message is not a JSON object".to_owned());
                }
                pick(&self.columns, &json)
            }
        };
        row.retain(|name, _| !is_of_stream(name));
        let mut line = Json::Object(row).to_string().into_bytes();
        line.pop();
        self.close(message, &mut line);
        Ok(line)
    }

    /// The same without taking the JSON apart, where that is the same.
    fn line_quickly(&self, message: &Message) -> std::result::Result<Vec<u8>, String> {
        let value = message.value.as_deref().unwrap_or_default().trim_ascii();
        if message.fault.is_some()
            || !self.is_plain
            || !value.starts_with(b"{")
            || may_name_of_stream(value)
        {
            return self.line(message);
        }
        // One object, and nothing behind it.
        let _: &RawValue =
            serde_json::from_slice(value).map_err(|e| format!("invalid JSON: {e}"))?;
        let mut line = Vec::with_capacity(value.len() + self.closing.len() + 160);
        line.extend_from_slice(value.strip_suffix(b"}").unwrap_or(value));
        self.close(message, &mut line);
        Ok(line)
    }

    /// Ends a row with what the stream knows.
    fn close(&self, message: &Message, line: &mut Vec<u8>) {
        if line.trim_ascii() != b"{" {
            line.push(b',');
        }
        let value = message.value.as_deref();
        line.extend_from_slice(&self.closing);
        let (partition, offset) = (message.partition, message.offset);
        // Producers may say nothing, which is -1, or anything at all.
        let millis = message.timestamp.clamp(0, i64::from(u32::MAX) * 1000);
        // Writing to memory does not fail.
        let _ = write!(
            line,
            ",\"__partition\":{partition},\"__offset\":{offset},\"__timestamp\":"
        );
        let _ = match self.times_are_texts {
            true => {
                let seconds = iso_seconds(millis * 1000, 'T');
                write!(line, "\"{seconds}.{:03}Z\",\"__key\":", millis % 1000)
            }
            false => write!(line, "{},\"__key\":", millis / 1000),
        };
        quote(message.key.as_deref().unwrap_or_default(), line);
        if self.keeps_value {
            line.extend_from_slice(b",\"__value\":");
            quote(value.unwrap_or_default(), line);
        }
        if self.keeps_headers {
            line.extend_from_slice(b",\"__headers\":{");
            for (at, (name, value)) in message.headers.iter().enumerate() {
                if at > 0 {
                    line.push(b',');
                }
                quote(name.as_bytes(), line);
                line.push(b':');
                match self.binary_headers {
                    true => quote(value, line),
                    false => quote(String::from_utf8_lossy(value).as_bytes(), line),
                }
            }
            line.push(b'}');
        }
        line.push(b'}');
    }

    /// A message whose row does not fit, for the quarantine: with its bytes, and its time in seconds.
    pub(super) fn misfit(&self, target: &Target<'_>, message: &Message, row: BadRow) -> BadRow {
        let mut row = row;
        row.exact = message.exact();
        for (column, value) in target.columns().zip(&mut row.values) {
            if column.name == "__timestamp" {
                *value = Some((message.timestamp / 1000).to_string());
            }
        }
        row
    }

    /// A message that is no row, for the quarantine.
    pub(super) fn unreadable(&self, target: &Target<'_>, message: &Message, why: String) -> BadRow {
        let known = |name: &str| match name {
            "__topic" => Some(self.topic.to_owned()),
            "__partition" => Some(message.partition.to_string()),
            "__offset" => Some(message.offset.to_string()),
            "__timestamp" if message.fault.is_none() => {
                Some((message.timestamp / 1000).to_string())
            }
            _ => None,
        };
        BadRow {
            values: target.columns().map(|c| known(&c.name)).collect(),
            errors: vec![(String::new(), why)],
            exact: message.exact(),
        }
    }
}

impl Message {
    /// What is kept of it byte for byte when it is set aside.
    fn exact(&self) -> Vec<(&'static str, Option<Vec<u8>>)> {
        vec![("__value", self.value.clone()), ("__key", self.key.clone())]
    }

    /// Bytes of key, value and headers.
    pub fn size(&self) -> usize {
        let headers = self.headers.iter().map(|(k, v)| k.len() + v.len());
        let bytes = |b: &Option<Vec<u8>>| b.as_ref().map_or(0, Vec::len);
        bytes(&self.key) + bytes(&self.value) + headers.sum::<usize>()
    }
}

/// Whether a key of the JSON may be that of a column of the stream.
fn may_name_of_stream(value: &[u8]) -> bool {
    let has = |text: &[u8]| memchr::memmem::find(value, text).is_some();
    has(b"\"__") || has(b"\\u005f") || has(b"\\u005F")
}

/// Bytes as a JSON text; those that are no UTF-8 stay as they are.
fn quote(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|b| matches!(b, b'"' | b'\\' | 0..=31)) {
        let (before, after) = rest.split_at(at);
        out.extend_from_slice(before);
        match after[0] {
            b @ (b'"' | b'\\') => out.extend_from_slice(&[b'\\', b]),
            b => {
                let _ = write!(out, "\\u{b:04x}");
            }
        }
        rest = &after[1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// The bytes of a row that was set aside, or that it had none, where they are known exactly.
pub(super) fn exact_of(field: &str, row: &BadRow) -> Option<Value> {
    let (_, bytes) = row.exact.iter().find(|(name, _)| *name == field)?;
    Some(bytes.clone().map_or(Value::Null, Value::string))
}
