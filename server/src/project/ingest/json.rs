//! JSON rows.
//!
//! Where every column is read from the key of its name, the body goes to the database as it is; rows
//! are taken apart here when paths lead elsewhere, or when that failed.
//!
//! Invariant: a row that is not an object, or not JSON, is set aside alone; reading goes on behind it.

use bytes::Bytes;
use serde_json::{Map, Value as Json};

use super::check::Checker;
use super::path::Path;
use super::{BadRow, Ingested, Target, is_fault_of_rows};
use crate::project::Result;
use crate::project::model::StoredColumn;

/// A column and where its values come from.
pub(super) struct Column<'a> {
    name: &'a str,
    path: Path,
    is_text: bool,
    is_nullable: bool,
}

impl Column<'_> {
    /// Whether it is read from the key of its name.
    pub(super) fn is_plain(&self) -> bool {
        self.path.is_key(self.name)
    }
}

/// Where the values of a column come from.
pub(super) fn column_of(c: &StoredColumn) -> Column<'_> {
    Column {
        name: &c.name,
        path: match &c.jsonpath {
            Some(path) => Path::parse(path),
            None => Path::parse(&format!("$.`{}`", c.name)),
        },
        is_text: is_text(&c.ty),
        is_nullable: c.ty.contains("Nullable("),
    }
}

/// The values of columns in a row.
pub(super) fn pick(columns: &[Column<'_>], row: &Json) -> Map<String, Json> {
    let mut out = Map::with_capacity(columns.len());
    for column in columns {
        match column.path.find(row) {
            None => {}
            // Into a column that knows no NULL it is as if the value was not there.
            Some(Json::Null) if !column.is_nullable => {}
            Some(value) => {
                let value = match value {
                    Json::String(_) | Json::Null => value,
                    other if column.is_text => Json::String(other.to_string()),
                    other => other,
                };
                out.insert(column.name.to_owned(), value);
            }
        }
    }
    out
}

/// Adds the rows of `body`.
pub(super) fn ingest(target: &Target<'_>, body: &Bytes, done: &mut Ingested) -> Result<()> {
    let columns: Vec<Column<'_>> = target.columns().map(column_of).collect();
    if columns.iter().all(|c| c.path.is_key(c.name)) {
        let write = target.writing(&[], done)?;
        match target.insert_with("JSONEachRow", body.clone(), &[], write) {
            Ok(rows) => {
                done.rows = rows;
                return Ok(());
            }
            Err(e) if is_fault_of_rows(&e) => {}
            Err(e) => return Err(e.into()),
        }
    }
    let mut rows = Rows::default();
    let mut reader = Reader { rest: body };
    while let Some(row) = reader.next() {
        match row {
            Ok(row) => rows.push(&columns, &row),
            Err((text, why)) => {
                done.invalid += 1;
                rows.bad.push(unreadable(&columns, &text, why));
            }
        }
    }
    rows.write(target, done)
}

fn unreadable(columns: &[Column<'_>], text: &str, why: String) -> BadRow {
    let mut values = vec![None; columns.len()];
    if let Some(first) = values.first_mut() {
        *first = Some(text.to_owned());
    }
    BadRow {
        values,
        errors: vec![(String::new(), why)],
        exact: Vec::new(),
    }
}

/// Whether values of the type are texts, so that other JSON is kept as its text.
pub(super) fn is_text(ty: &str) -> bool {
    let mut ty = ty.trim();
    for wrapper in ["LowCardinality(", "Nullable("] {
        if let Some(inner) = ty.strip_prefix(wrapper) {
            ty = inner.strip_suffix(')').unwrap_or(inner).trim();
        }
    }
    ty == "String" || ty.starts_with("FixedString")
}

/// Rows that wait for their INSERT.
#[derive(Default)]
struct Rows {
    /// Objects by the names of the columns, one a line.
    lines: Vec<u8>,
    bad: Vec<BadRow>,
}

impl Rows {
    fn push(&mut self, columns: &[Column<'_>], row: &Json) {
        let line = Json::Object(pick(columns, row)).to_string();
        self.lines.extend_from_slice(line.as_bytes());
        self.lines.push(b'\n');
    }

    fn write(mut self, target: &Target<'_>, done: &mut Ingested) -> Result<()> {
        let lines = Bytes::from(std::mem::take(&mut self.lines));
        done.quarantined = self.bad.len() as u64;
        if lines.is_empty() && self.bad.is_empty() {
            return Ok(());
        }
        let write = target.writing(&self.bad, done)?;
        match target.insert_with("JSONEachRow", lines.clone(), &[], write) {
            Ok(written) => {
                done.rows = written;
                return Ok(());
            }
            Err(e) if is_fault_of_rows(&e) => {
                let rows = lines.split(|b| *b == b'\n').filter(|l| !l.is_empty());
                let rows = rows.map(<[u8]>::to_vec).collect();
                let (good, more) = Checker::new(target)?.split_json(rows);
                // An error that no row has alone is an error of the whole.
                if more.is_empty() {
                    return Err(e.into());
                }
                self.bad.extend(more);
                done.quarantined = self.bad.len() as u64;
                let write = target.writing(&self.bad, done)?;
                done.rows = target.insert_with(
                    "JSONEachRow",
                    joined(good.iter().map(Vec::as_slice)),
                    &[],
                    write,
                )?;
            }
            Err(e) => return Err(e.into()),
        }
        Ok(())
    }
}

pub(super) fn joined<'a>(rows: impl Iterator<Item = &'a [u8]>) -> Bytes {
    let mut out = Vec::new();
    for row in rows {
        out.extend_from_slice(row);
        out.push(b'\n');
    }
    out.into()
}

/// Objects one after another, whatever stands between them; arrays of objects are their elements.
struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    /// The next value, or a text that is none and why. `None` at the end.
    fn next(&mut self) -> Option<std::result::Result<Json, (String, String)>> {
        self.rest = self.rest.trim_ascii_start();
        self.rest = self
            .rest
            .strip_prefix(b",")
            .unwrap_or(self.rest)
            .trim_ascii_start();
        // The brackets of an array of rows.
        while let Some(after) = self
            .rest
            .strip_prefix(b"[")
            .or(self.rest.strip_prefix(b"]"))
        {
            self.rest = after.trim_ascii_start();
        }
        if self.rest.is_empty() {
            return None;
        }
        let mut values = serde_json::Deserializer::from_slice(self.rest).into_iter::<Json>();
        match values.next()? {
            Ok(value @ Json::Object(_)) => {
                self.rest = self.rest.get(values.byte_offset()..).unwrap_or_default();
                Some(Ok(value))
            }
            Ok(other) => {
                self.rest = self.rest.get(values.byte_offset()..).unwrap_or_default();
                let why = "the row is not a JSON object".to_owned();
                Some(Err((other.to_string(), why)))
            }
            Err(e) => {
                let end = memchr::memchr(b'\n', self.rest).unwrap_or(self.rest.len());
                let (line, after) = self.rest.split_at(end);
                self.rest = after;
                let line = String::from_utf8_lossy(line).into_owned();
                Some(Err((line, format!("invalid JSON: {e}"))))
            }
        }
    }
}
