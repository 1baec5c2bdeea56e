//! JSONEachRow in: objects one after the other, between commas or in an array, or without anything
//! between them; and JSONCompactEachRow, lists instead of objects.
//!
//! Invariant: a row ends where its JSON value ends, whatever is wrong inside it.

use std::io::Read;
use std::sync::Arc;

use roost_engine::block::Schema;
use roost_engine::err;
use roost_engine::error::{Code, Error, Result};

use super::cells::{json, style};
use super::input::Input;
use super::json_plain::{Cell, PlainRows};
use super::rows_in::{RowsIn, as_input_error};
use super::{BlockReader, FormatSettings, ReadBlock};
use crate::functions::text::escape::unquote_json;
use crate::functions::text::parse::json_value_end;

struct JsonRowsIn {
    input: Input,
    rows: RowsIn,
    plain: PlainRows,
    /// Lists, with header lines still to be read.
    lists: Option<usize>,
    /// Columns of a list's elements.
    places: Vec<Option<usize>>,
    started: bool,
    named: bool,
    done: bool,
}

fn make(
    stream: Box<dyn Read + Send>,
    schema: &Arc<Schema>,
    settings: &FormatSettings,
    lists: Option<usize>,
) -> Box<dyn BlockReader> {
    Box::new(JsonRowsIn {
        input: Input::new(stream),
        rows: RowsIn::new(schema, style(json(settings), settings), settings),
        plain: PlainRows::new(schema, settings.null_as_default),
        lists,
        places: (0..schema.len()).map(Some).collect(),
        started: false,
        named: false,
        done: false,
    })
}

pub(super) fn objects(
    stream: Box<dyn Read + Send>,
    schema: &Arc<Schema>,
    settings: &FormatSettings,
) -> Result<Box<dyn BlockReader>> {
    Ok(make(stream, schema, settings, None))
}

pub(super) fn lists(
    stream: Box<dyn Read + Send>,
    schema: &Arc<Schema>,
    settings: &FormatSettings,
) -> Result<Box<dyn BlockReader>> {
    Ok(make(stream, schema, settings, Some(0)))
}

pub(super) fn lists_names(
    stream: Box<dyn Read + Send>,
    schema: &Arc<Schema>,
    settings: &FormatSettings,
) -> Result<Box<dyn BlockReader>> {
    Ok(make(stream, schema, settings, Some(1)))
}

pub(super) fn lists_types(
    stream: Box<dyn Read + Send>,
    schema: &Arc<Schema>,
    settings: &FormatSettings,
) -> Result<Box<dyn BlockReader>> {
    Ok(make(stream, schema, settings, Some(2)))
}

impl BlockReader for JsonRowsIn {
    fn next(&mut self) -> Result<Option<ReadBlock>> {
        while !self.done && !self.rows.is_full() {
            if let Some(block) = self.plain_rows()? {
                return Ok(Some(block));
            }
            if self.rows.is_full() {
                break;
            }
            let Some(end) = self.next_value()? else {
                self.done = true;
                break;
            };
            let (bytes, at) = self.input.lend();
            let outcome = self.row(&bytes[at..at + end]);
            self.input.give_back(bytes);
            self.input.take(end);
            if let Some(block) = outcome? {
                return Ok(Some(block));
            }
        }
        self.rows.finish()
    }
}

/// A row's error and the column it belongs to.
type RowError = (Error, Option<String>);

fn broken(message: &str) -> RowError {
    (
        err!(
            CANNOT_PARSE_INPUT_ASSERTION_FAILED,
            "Cannot parse JSON: {message}"
        ),
        None,
    )
}

impl JsonRowsIn {
    /// Reads the objects at the front of the input for as long as they are plain; gives what was
    /// read before one that failed and may.
    fn plain_rows(&mut self) -> Result<Option<ReadBlock>> {
        if self.lists.is_some() {
            return Ok(None);
        }
        let (bytes, from) = self.input.lend();
        let (mut at, mut outcome) = (from, Ok(None));
        while !self.rows.is_full()
            && let Some(start) = PlainRows::next(&bytes, at)
            && let Some(end) = self.plain.row(&bytes, start, self.rows.builders())
        {
            (at, self.started) = (end, true);
            if let Err((error, column)) = self.plain_row(&bytes[..end]) {
                let row = &bytes[start..end];
                outcome = self.rows.fail(row, error, column.as_deref());
                break;
            }
        }
        self.input.give_back(bytes);
        self.input.take(at - from);
        outcome
    }

    /// Appends the cells that were found in `text`, but for those that are appended already.
    fn plain_row(&mut self, text: &[u8]) -> std::result::Result<(), RowError> {
        for i in 0..self.plain.cells.len() {
            let Cell { column, start, end } = self.plain.cells[i];
            let cell = &text[start..end];
            let plain = &self.plain;
            if plain.push(column, cell, &mut self.rows.builders()[column]) {
                continue;
            }
            let behind = self.value(text, start, column)?;
            if behind != end {
                return Err(broken("expected ',' or '}' behind a field"));
            }
        }
        match self.plain.width == self.rows.width() {
            true => self.rows.end_full_row(),
            false => self.rows.end_row(),
        }
        Ok(())
    }

    /// Reads one row; gives what was read before it when it failed and may.
    fn row(&mut self, value: &[u8]) -> Result<Option<ReadBlock>> {
        let outcome = match self.lists {
            None => self.object(value),
            Some(_) => self.list(value),
        };
        match outcome {
            Ok(true) => self.rows.end_row(),
            Ok(false) => {}
            Err((error, column)) => return self.rows.fail(value, error, column.as_deref()),
        }
        Ok(None)
    }

    /// Brings the next value to the front of the input; its length.
    fn next_value(&mut self) -> Result<Option<usize>> {
        loop {
            if !self.input.skip_space()? {
                return Ok(None);
            }
            match self.input.rest()[0] {
                b',' | b';' => self.input.take(1),
                // An array around all rows.
                b'[' if self.lists.is_none() && !self.started => self.input.take(1),
                b']' if self.lists.is_none() => self.input.take(1),
                _ => break,
            }
            self.started = true;
        }
        self.started = true;
        loop {
            let rest = self.input.rest();
            let start = rest[0];
            if start != b'{' && start != b'[' {
                // Not a row: everything up to the end of the line is one bad row.
                match memchr::memchr(b'\n', rest) {
                    Some(end) => return Ok(Some(end)),
                    None if !self.input.more()? => return Ok(Some(self.input.rest().len())),
                    None => continue,
                }
            }
            match json_value_end(rest, 0) {
                Ok(end) if end < rest.len() || self.input.is_ended() => return Ok(Some(end)),
                _ if self.input.more()? => {}
                Ok(end) => return Ok(Some(end)),
                Err(_) => {
                    let rest = self.input.rest();
                    let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
                    return Ok(Some(end));
                }
            }
        }
    }

    /// Reads one object; `false` for an empty line.
    fn object(&mut self, text: &[u8]) -> std::result::Result<bool, RowError> {
        let mut at = space(text, 0);
        if text.get(at) != Some(&b'{') {
            return Err(broken(&format!(
                "expected '{{', found '{}'",
                clip(&text[at.min(text.len())..])
            )));
        }
        at = space(text, at + 1);
        let mut guess = 0;
        while text.get(at) != Some(&b'}') {
            let (key, taken) = unquote_json(&text[at..]).map_err(|e| (e, None))?;
            at = space(text, at + taken);
            if text.get(at) != Some(&b':') {
                return Err(broken("expected ':' behind a field's name"));
            }
            at = space(text, at + 1);
            // Fields mostly come in the schema's order.
            let fields = &self.rows.schema.fields;
            let found = match fields.get(guess) {
                Some(field) if field.name.as_bytes() == key.as_ref() => Some(guess),
                _ => fields
                    .iter()
                    .position(|f| f.name.as_bytes() == key.as_ref()),
            };
            match found {
                Some(column) => {
                    guess = column + 1;
                    at = self.value(text, at, column)?;
                }
                None if self.rows.settings.skip_unknown_fields => {
                    at = json_value_end(text, at).map_err(|e| (e, None))?;
                }
                None => {
                    let name = String::from_utf8_lossy(&key).into_owned();
                    let error = err!(
                        INCORRECT_DATA,
                        "Unknown field found while parsing JSONEachRow format: {name}"
                    );
                    return Err((error, Some(name)));
                }
            }
            at = space(text, at);
            match text.get(at) {
                Some(b',') => at = space(text, at + 1),
                Some(b'}') => {}
                _ => return Err(broken("expected ',' or '}' behind a field")),
            }
        }
        match space(text, at + 1) == text.len() {
            true => Ok(true),
            false => Err(broken("unexpected text behind an object")),
        }
    }

    fn value(
        &mut self,
        text: &[u8],
        at: usize,
        column: usize,
    ) -> std::result::Result<usize, RowError> {
        if self.rows.has(column) {
            let error = err!(
                INCORRECT_DATA,
                "Duplicate field found while parsing JSONEachRow format"
            );
            return Err((error, Some(self.rows.schema.fields[column].name.clone())));
        }
        if text[at..].starts_with(b"null") && self.rows.null_is_default(column) {
            self.rows.missing(column);
            return Ok(at + 4);
        }
        let taken = self.rows.parse(column, |parser, builder| {
            parser.parse_prefix(&text[at..], builder)
        });
        let code = Code::CANNOT_PARSE_INPUT_ASSERTION_FAILED;
        taken.map(|n| at + n).map_err(|e| {
            let name = self.rows.schema.fields[column].name.clone();
            (as_input_error(e, code), Some(name))
        })
    }

    /// Reads one list; `false` for a header line.
    fn list(&mut self, text: &[u8]) -> std::result::Result<bool, RowError> {
        if let Some(left @ 1..) = self.lists {
            self.lists = Some(left - 1);
            // The first header line has the names; types are not needed.
            if !std::mem::replace(&mut self.named, true) {
                let names = strings(text)?;
                self.places = self.rows.places(&names).map_err(|e| (e, None))?;
            }
            return Ok(false);
        }
        let mut at = space(text, 0);
        if text.get(at) != Some(&b'[') {
            return Err(broken("expected '['"));
        }
        at = space(text, at + 1);
        for i in 0..self.places.len() {
            if i > 0 {
                if text.get(at) != Some(&b',') {
                    return Err(broken("too few values in a row"));
                }
                at = space(text, at + 1);
            }
            at = match self.places[i] {
                Some(column) => self.value(text, at, column)?,
                None => json_value_end(text, at).map_err(|e| (e, None))?,
            };
            at = space(text, at);
        }
        match text.get(at) {
            Some(b']') => Ok(true),
            _ => Err(broken("too many values in a row")),
        }
    }
}

/// The strings of a JSON list.
fn strings(text: &[u8]) -> std::result::Result<Vec<Vec<u8>>, RowError> {
    let mut at = space(text, 0);
    if text.get(at) != Some(&b'[') {
        return Err(broken("expected a list of names"));
    }
    at = space(text, at + 1);
    let mut all = Vec::new();
    while text.get(at) != Some(&b']') {
        let (name, taken) = unquote_json(&text[at..]).map_err(|e| (e, None))?;
        all.push(name.into_owned());
        at = space(text, at + taken);
        if text.get(at) == Some(&b',') {
            at = space(text, at + 1);
        } else if text.get(at) != Some(&b']') {
            return Err(broken("expected ',' or ']' in a list of names"));
        }
    }
    Ok(all)
}

fn space(text: &[u8], at: usize) -> usize {
    at + text[at.min(text.len())..]
        .iter()
        .take_while(|b| b.is_ascii_whitespace())
        .count()
}

fn clip(text: &[u8]) -> String {
    String::from_utf8_lossy(&text[..text.len().min(40)]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use roost_engine::block::Field;
    use roost_engine::types::text::parse as parse_type;

    /// Blocks, masks and the error of a text, read in the quick way or not.
    fn outcome(text: &str, quick: bool, errors: u64) -> String {
        let columns = [
            ("u", "UInt64"),
            ("b", "UInt8"),
            ("i", "Int64"),
            ("f", "Float64"),
            ("s", "String"),
            ("l", "LowCardinality(String)"),
            ("n", "Nullable(Int32)"),
            ("a", "Array(UInt8)"),
            ("d", "DateTime"),
        ];
        let fields = columns.map(|(name, ty)| Field::new(name, parse_type(ty).unwrap()));
        let schema = Schema::new(fields.to_vec());
        let settings = FormatSettings {
            allow_errors: errors,
            ..FormatSettings::default()
        };
        let input = Box::new(std::io::Cursor::new(text.as_bytes().to_vec()));
        let rows = RowsIn::new(&schema, style(json(&settings), &settings), &settings);
        let mut plain = PlainRows::new(&schema, settings.null_as_default);
        if !quick {
            plain.leave_all();
        }
        let mut reader = JsonRowsIn {
            input: Input::new(input),
            rows,
            plain,
            lists: None,
            places: Vec::new(),
            started: false,
            named: false,
            done: false,
        };
        let mut all = String::new();
        loop {
            match reader.next() {
                Ok(Some(read)) => {
                    for row in 0..read.block.rows() {
                        let cells = read.block.columns().iter().map(|c| c.value(row));
                        all += &format!("{:?}\n", cells.collect::<Vec<_>>());
                    }
                    all += &format!("{:?}\n", read.absent);
                }
                Ok(None) => return all,
                Err(e) => return all + &format!("{e:?}"),
            }
        }
    }

    #[test]
    fn the_quick_way_reads_what_the_careful_one_reads() {
        let rows = [
            r#"{"u":1,"b":2,"i":-3,"f":0.5,"s":"x","l":"y","n":4,"a":[1,2],"d":"2026-01-02 03:04:05"}"#,
            r#"{ "f" : 1e3 , "u" : 18446744073709551615, "s" : "" }"#,
            r#"{"b":256,"i":9223372036854775807}"#,
            r#"{"b":-1}"#,
            r#"{"u":"12","f":"1.5","i":"-7","d":1700000000}"#,
            r#"{"u":null,"n":null,"s":null}"#,
            r#"{"s":"a\"b\u00e9","l":"\\"}"#,
            r#"{"s":12,"l":true,"b":true}"#,
            r#"{"s":{"x":[1,"}"]},"a":[]}"#,
            r#"{"u":1,"u":2}"#,
            r#"{"x":1}"#,
            r#"{"u":1.5}"#,
            r#"{"f":1.5x}"#,
            r#"{"f":nan,"u":7}"#,
            r#"{"f":-,"u":7}"#,
            r#"{"i":+5,"f":+5,"u":007}"#,
            r#"{"u":}"#,
            r#"{"u" 1}"#,
            r#"{"u":1 "b":2}"#,
            r#"{"u":1,}"#,
            r#"{"a":[1,"x"]}"#,
            r#"{"d":"nonsense"}"#,
            "{}",
            "5",
        ];
        let first = rows[0];
        for errors in [0, 10] {
            for row in rows {
                for text in [
                    format!("{first}\n{first}\n{row}\n{first}\n{first}"),
                    format!("[{first},\n{row},{first}]\n"),
                    format!("{first}{row}{first}"),
                    format!("{first}\n{row}"),
                    format!("{first}\n{}", &row[..row.len() - 1]),
                ] {
                    let (quick, careful) =
                        (outcome(&text, true, errors), outcome(&text, false, errors));
                    assert_eq!(quick, careful, "{text}");
                }
            }
        }
    }

    /// Bodies longer than what is read at once: rows are cut at any place.
    #[test]
    fn rows_that_a_chunk_cuts_are_read_whole() {
        for between in ["\n", ",\n", ""] {
            let row = |i: usize| {
                let text = "x".repeat(i * 7 % 90);
                format!(
                    "{{\"u\": {i}, \"s\": \"{text}\\\"\", \"a\": [1, {}]}}",
                    i % 9
                )
            };
            let rows: Vec<String> = (0..9000).map(row).collect();
            let text = rows.join(between);
            let quick = outcome(&text, true, 0);
            assert_eq!(quick.matches("UInt(8999)").count(), 1, "{between:?}");
            assert_eq!(quick, outcome(&text, false, 0), "{between:?}");
        }
    }
}
