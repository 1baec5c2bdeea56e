//! The schema of data that has none: names from a header or the data's keys, types from the values
//! of its first rows.
//!
//! Invariant: every value looked at can be read under the type that was chosen; a column is Nullable
//! only where a value is missing.

use std::io::Read;
use std::sync::Arc;

use roost_engine::bail;
use roost_engine::block::{Field, Schema};
use roost_engine::err;
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::FormatSettings;
use crate::functions::text::escape::unescape;
use crate::functions::text::{Escaping, Style, TextParser};

/// How much of the data is looked at.
const SAMPLE_BYTES: u64 = 16 << 20;
const SAMPLE_ROWS: usize = 25_000;

/// The schema of the data, from its beginning.
///
/// # Errors
/// NOT_IMPLEMENTED for formats without inference, CANNOT_EXTRACT_TABLE_STRUCTURE where there is
/// nothing to infer from.
pub fn infer_schema(
    format: &str,
    input: Box<dyn Read + Send>,
    settings: &FormatSettings,
) -> Result<Arc<Schema>> {
    let name = super::format(format).map_or(format, |f| f.name);
    match name {
        #[cfg(feature = "parquet")]
        "Parquet" => super::parquet::infer(input),
        "JSONEachRow" => json_rows(&sample(input)?),
        "CSV" | "CSVWithNames" | "CSVWithNamesAndTypes" => {
            let rows = csv_rows(&sample(input)?, settings.csv_delimiter);
            table(rows, name != "CSV", name.ends_with("Types"), true)
        }
        "TabSeparated" | "TabSeparatedWithNames" | "TabSeparatedWithNamesAndTypes" => {
            let rows = tsv_rows(&sample(input)?);
            table(rows, name != "TabSeparated", name.ends_with("Types"), false)
        }
        other => Err(roost_engine::error::Error::not_implemented(format!(
            "inferring the schema of format {other}"
        ))),
    }
}

/// The beginning of the data; a row that is cut off is left out.
fn sample(input: Box<dyn Read + Send>) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = input.take(SAMPLE_BYTES).read_to_end(&mut bytes);
    read.map_err(|e| err!(CANNOT_READ_FROM_ISTREAM, "cannot read the data: {e}"))?;
    if bytes.len() as u64 == SAMPLE_BYTES
        && let Some(end) = memchr::memrchr(b'\n', &bytes)
    {
        bytes.truncate(end + 1);
    }
    Ok(bytes)
}

/// What the values of a column have in common.
#[derive(Debug, Clone, Default, PartialEq)]
struct Guess {
    ty: Option<DataType>,
    missing: bool,
}

impl Guess {
    fn add(&mut self, ty: Option<DataType>) {
        let Some(ty) = ty else {
            self.missing = true;
            return;
        };
        self.ty = Some(match self.ty.take() {
            None => ty,
            Some(old) => common(old, ty),
        });
    }

    fn finish(self) -> DataType {
        let ty = self.ty.unwrap_or(DataType::String);
        let composite = matches!(ty, DataType::Array(_));
        if self.missing && !composite {
            ty.nullable()
        } else {
            ty
        }
    }
}

fn common(a: DataType, b: DataType) -> DataType {
    use DataType as T;
    match (a, b) {
        (a, b) if a == b => a,
        (T::Int64 | T::UInt64, T::Float64) | (T::Float64, T::Int64 | T::UInt64) => T::Float64,
        (T::Int64, T::UInt64) | (T::UInt64, T::Int64) => T::Float64,
        (T::Date, T::DateTime(z)) | (T::DateTime(z), T::Date) => T::DateTime(z),
        (T::DateTime64(p, z), T::Date | T::DateTime(_))
        | (T::Date | T::DateTime(_), T::DateTime64(p, z)) => T::DateTime64(p, z),
        (T::Array(a), T::Array(b)) => match (a.as_ref(), b.as_ref()) {
            (T::Nothing, _) => T::Array(b),
            (_, T::Nothing) => T::Array(a),
            (a, b) => common(a.clone(), b.clone()).array(),
        },
        _ => T::String,
    }
}

/// The type of a value that stands as plain text.
fn of_text(text: &[u8]) -> DataType {
    use DataType as T;
    let candidates = [T::Int64, T::UInt64, T::Float64, T::Date, T::DateTime(None)];
    match text {
        b"true" | b"false" | b"True" | b"False" | b"TRUE" | b"FALSE" => return T::Bool,
        [] => return T::String,
        _ => {}
    }
    let looks_numeric = matches!(text[0], b'0'..=b'9' | b'-' | b'+' | b'.')
        || text.eq_ignore_ascii_case(b"nan")
        || text.eq_ignore_ascii_case(b"inf");
    if !looks_numeric || (text.len() > 1 && text[0] == b'0' && text[1].is_ascii_digit()) {
        return T::String;
    }
    // A number of seconds is no time: those need their separators.
    let separated = text.len() >= 8 && text[1..].iter().any(|b| matches!(b, b'-' | b':' | b'/'));
    let clock = text.contains(&b':');
    for ty in candidates {
        let time = matches!(ty, T::Date | T::DateTime(_));
        let fits = time == separated && (ty != T::Date || !clock);
        if fits && reads(&ty, text) {
            return ty;
        }
    }
    let fraction = T::DateTime64(9, None);
    if separated && reads(&fraction, text) {
        fraction
    } else {
        T::String
    }
}

fn reads(ty: &DataType, text: &[u8]) -> bool {
    let mut style = Style::from(Escaping::Plain);
    style.best_effort_times = false;
    let mut builder = roost_engine::column::ColumnBuilder::new(ty, 1);
    TextParser::new(ty, style).parse(text, &mut builder).is_ok()
}

fn of_json(value: &serde_json::Value) -> Option<DataType> {
    use serde_json::Value as J;
    Some(match value {
        J::Null => return None,
        J::Bool(_) => DataType::Bool,
        J::Number(n) if n.is_i64() => DataType::Int64,
        J::Number(n) if n.is_u64() => DataType::UInt64,
        J::Number(_) => DataType::Float64,
        J::String(s) => match of_text(s.as_bytes()) {
            time if time.is_date() || time.is_date_time() => time,
            _ => DataType::String,
        },
        J::Array(elements) => {
            let mut guess = Guess::default();
            elements.iter().for_each(|e| guess.add(of_json(e)));
            match (guess.ty.is_none(), guess.missing) {
                (true, false) => DataType::Nothing.array(),
                _ => guess.finish().array(),
            }
        }
        // Objects are kept as their text.
        J::Object(_) => DataType::String,
    })
}

fn nothing() -> roost_engine::error::Error {
    err!(
        CANNOT_EXTRACT_TABLE_STRUCTURE,
        "Cannot extract table structure: the data has no rows"
    )
}

fn json_rows(bytes: &[u8]) -> Result<Arc<Schema>> {
    let mut names: Vec<String> = Vec::new();
    let mut guesses: Vec<Guess> = Vec::new();
    let mut rows = 0;
    let stream = serde_json::Deserializer::from_slice(bytes).into_iter::<serde_json::Value>();
    let mut objects = Vec::new();
    for value in stream.take(SAMPLE_ROWS) {
        match value {
            Ok(serde_json::Value::Array(values)) => objects.extend(values),
            Ok(value) => objects.push(value),
            Err(e) => bail!(
                CANNOT_EXTRACT_TABLE_STRUCTURE,
                "Cannot extract table structure: row {} is no JSON: {e}",
                objects.len() + 1
            ),
        }
    }
    for object in &objects {
        let serde_json::Value::Object(fields) = object else {
            bail!(
                CANNOT_EXTRACT_TABLE_STRUCTURE,
                "Cannot extract table structure: row {} is no object",
                rows + 1
            );
        };
        for (name, value) in fields {
            let at = names.iter().position(|n| n == name).unwrap_or_else(|| {
                names.push(name.clone());
                guesses.push(Guess {
                    ty: None,
                    missing: rows > 0,
                });
                names.len() - 1
            });
            guesses[at].add(of_json(value));
        }
        for (name, guess) in names.iter().zip(&mut guesses) {
            guess.missing |= !fields.contains_key(name);
        }
        rows += 1;
    }
    schema(names, guesses)
}

fn schema(names: Vec<String>, guesses: Vec<Guess>) -> Result<Arc<Schema>> {
    if names.is_empty() {
        return Err(nothing());
    }
    let fields = names.into_iter().zip(guesses);
    Ok(Schema::new(
        fields
            .map(|(name, guess)| Field::new(name, settled(guess.finish())))
            .collect(),
    ))
}

/// Arrays that were always empty hold texts.
fn settled(ty: DataType) -> DataType {
    match ty {
        DataType::Array(e) => settled(e.as_ref().clone()).array(),
        DataType::Nothing => DataType::String,
        other => other,
    }
}

/// A cell, and whether it stood in quotes.
type Cell = (Vec<u8>, bool);

fn csv_rows(bytes: &[u8], delimiter: u8) -> Vec<Vec<Cell>> {
    let mut reader = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
    let (mut rows, mut row) = (Vec::new(), Vec::new());
    let (mut rest, mut cell) = (bytes, Vec::new());
    let mut out = [0u8; 4096];
    let mut quoted = rest.first() == Some(&b'"');
    loop {
        let (result, read, written) = reader.read_field(rest, &mut out);
        rest = &rest[read..];
        cell.extend_from_slice(&out[..written]);
        match result {
            csv_core::ReadFieldResult::Field { record_end } => {
                row.push((std::mem::take(&mut cell), quoted));
                quoted = rest.first() == Some(&b'"');
                if record_end {
                    rows.push(std::mem::take(&mut row));
                    if rows.len() >= SAMPLE_ROWS {
                        return rows;
                    }
                }
            }
            csv_core::ReadFieldResult::OutputFull => {}
            // No more input: an empty one tells the reader so.
            csv_core::ReadFieldResult::InputEmpty => rest = &[],
            csv_core::ReadFieldResult::End => return rows,
        }
    }
}

fn tsv_rows(bytes: &[u8]) -> Vec<Vec<Cell>> {
    let lines = bytes
        .split(|b| *b == b'\n')
        .filter(|line| !line.is_empty())
        .take(SAMPLE_ROWS);
    let cell = |cell: &[u8]| match cell {
        b"\\N" => (cell.to_vec(), false),
        cell => (
            unescape(cell).map_or_else(|_| cell.to_vec(), |c| c.into_owned()),
            false,
        ),
    };
    lines
        .map(|line| line.split(|b| *b == b'\t').map(cell).collect())
        .collect()
}

fn is_missing(cell: &Cell, csv: bool) -> bool {
    cell.0 == b"\\N" || (csv && cell.0.is_empty() && !cell.1)
}

fn table(rows: Vec<Vec<Cell>>, named: bool, typed: bool, csv: bool) -> Result<Arc<Schema>> {
    let text = |cell: &Cell| String::from_utf8_lossy(&cell.0).trim().to_string();
    let first = rows.first().ok_or_else(nothing)?;
    let width = first.len();
    if typed && let Some(types) = rows.get(1) {
        let fields = first.iter().zip(types);
        let fields = fields.map(|(n, t)| Ok(Field::new(text(n), text(t).parse()?)));
        return Ok(Schema::new(fields.collect::<Result<_>>()?));
    }
    let guess = |rows: &[Vec<Cell>]| {
        let mut guesses = vec![Guess::default(); width];
        for row in rows {
            for (i, guess) in guesses.iter_mut().enumerate() {
                let cell = row.get(i).filter(|c| !is_missing(c, csv));
                guess.add(cell.map(|c| of_text(&c.0)));
            }
        }
        guesses
    };
    // A first row of texts above something else is a header.
    let header = named || {
        let texts = first
            .iter()
            .all(|c| !c.0.is_empty() && of_text(&c.0) == DataType::String);
        let below = guess(rows.get(1..).unwrap_or_default());
        texts
            && below
                .iter()
                .any(|g| g.ty.as_ref().is_some_and(|t| *t != DataType::String))
    };
    let names = match header {
        true => first.iter().map(text).collect(),
        false => (1..=width).map(|i| format!("c{i}")).collect(),
    };
    schema(
        names,
        guess(rows.get(usize::from(header)..).unwrap_or_default()),
    )
}
