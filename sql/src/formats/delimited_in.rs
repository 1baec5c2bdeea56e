//! TabSeparated and CSV in.
//!
//! Invariant: a row is cut off before its cells are read: a bad cell costs its row, no more.

use std::io::Read;
use std::sync::Arc;

use roost_engine::block::Schema;
use roost_engine::err;
use roost_engine::error::{Code, Error, Result};

use super::cells::style;
use super::input::Input;
use super::rows_in::{RowsIn, as_input_error};
use super::{BlockReader, FormatSettings, ReadBlock};
use crate::functions::text::Escaping;

struct DelimitedIn {
    input: Input,
    rows: RowsIn,
    csv: bool,
    delimiter: u8,
    quotes: [Option<u8>; 2],
    /// Header lines to read; the first has the names.
    headers: usize,
    /// Whether a first row that has only names of columns is a header.
    detect: bool,
    places: Vec<Option<usize>>,
    named: bool,
    done: bool,
}

fn make(
    stream: Box<dyn Read + Send>,
    schema: &Arc<Schema>,
    settings: &FormatSettings,
    escaping: Escaping,
    headers: usize,
) -> Result<Box<dyn BlockReader>> {
    let csv = escaping == Escaping::Csv;
    Ok(Box::new(DelimitedIn {
        input: Input::new(stream),
        rows: RowsIn::new(schema, style(escaping, settings), settings),
        csv,
        delimiter: if csv { settings.csv_delimiter } else { b'\t' },
        quotes: [
            csv.then_some(b'"'),
            (csv && settings.csv_single_quotes).then_some(b'\''),
        ],
        headers,
        detect: headers == 0,
        places: (0..schema.len()).map(Some).collect(),
        named: false,
        done: false,
    }))
}

macro_rules! readers {
    ($($name:ident $escaping:ident $headers:literal),* $(,)?) => { $(
        pub(super) fn $name(
            stream: Box<dyn Read + Send>,
            schema: &Arc<Schema>,
            settings: &FormatSettings,
        ) -> Result<Box<dyn BlockReader>> {
            make(stream, schema, settings, Escaping::$escaping, $headers)
        }
    )* };
}

readers!(tsv Escaped 0, tsv_names Escaped 1, tsv_types Escaped 2, csv Csv 0, csv_names Csv 1,
         csv_types Csv 2, tsv_raw Plain 0, tsv_raw_names Plain 1, tsv_raw_types Plain 2);

impl BlockReader for DelimitedIn {
    fn next(&mut self) -> Result<Option<ReadBlock>> {
        while !self.done && !self.rows.is_full() {
            let Some((end, behind)) = self.next_row()? else {
                self.done = true;
                break;
            };
            let (bytes, at) = self.input.lend();
            let outcome = self.line(&bytes[at..at + end]);
            self.input.give_back(bytes);
            self.input.take(behind);
            if let Some(block) = outcome? {
                return Ok(Some(block));
            }
        }
        self.rows.finish()
    }
}

impl DelimitedIn {
    /// Reads one line; gives what was read before it when it failed and may.
    fn line(&mut self, row: &[u8]) -> Result<Option<ReadBlock>> {
        if row.is_empty() && (self.csv || self.rows.width() != 1) {
            return Ok(None);
        }
        match self.row(row) {
            Ok(true) => self.rows.end_row(),
            Ok(false) => {}
            Err((error, column)) => return self.rows.fail(row, error, column.as_deref()),
        }
        Ok(None)
    }

    /// End of the next row in the input's rest, and where the one behind it starts.
    fn next_row(&mut self) -> Result<Option<(usize, usize)>> {
        loop {
            let rest = self.input.rest();
            if let Some(end) = self.row_end(rest) {
                let cut = usize::from(end > 0 && rest[end - 1] == b'\r');
                return Ok(Some((end - cut, end + 1)));
            }
            if !self.input.more()? {
                let rest = self.input.rest();
                let n = rest.len();
                let cut = usize::from(rest.last() == Some(&b'\r'));
                return Ok((n > 0).then_some((n - cut, n)));
            }
        }
    }

    /// The line end that ends a row: not one inside quotes.
    fn row_end(&self, rest: &[u8]) -> Option<usize> {
        if !self.csv {
            return memchr::memchr(b'\n', rest);
        }
        let mut at = 0;
        let mut fresh = true;
        while at < rest.len() {
            match rest[at] {
                b'\n' => return Some(at),
                quote if fresh && self.quotes.contains(&Some(quote)) => {
                    at = quoted_end(rest, at)?;
                    fresh = false;
                    continue;
                }
                b if b == self.delimiter => fresh = true,
                b' ' | b'\t' => {}
                _ => fresh = false,
            }
            at += 1;
        }
        None
    }

    /// The cells of a row.
    fn cells<'a>(&self, row: &'a [u8]) -> Vec<&'a [u8]> {
        let (mut cells, mut at) = (Vec::with_capacity(self.places.len()), 0);
        loop {
            let rest = &row[at..];
            let lead = rest
                .iter()
                .take_while(|b| self.csv && matches!(b, b' '))
                .count();
            let quoted = rest
                .get(lead)
                .is_some_and(|b| self.quotes.contains(&Some(*b)));
            let end = match quoted {
                true => {
                    let end = quoted_end(rest, lead).unwrap_or(rest.len());
                    end + memchr::memchr(self.delimiter, &rest[end..]).unwrap_or(rest.len() - end)
                }
                false => memchr::memchr(self.delimiter, rest).unwrap_or(rest.len()),
            };
            let cell = &rest[..end];
            cells.push(if self.csv { cell.trim_ascii() } else { cell });
            at += end;
            if at >= row.len() {
                return cells;
            }
            at += 1;
        }
    }

    /// Reads a row; `false` for a header.
    fn row(&mut self, row: &[u8]) -> std::result::Result<bool, (Error, Option<String>)> {
        let cells = self.cells(row);
        if self.headers > 0 {
            self.headers -= 1;
            if !std::mem::replace(&mut self.named, true) && self.rows.settings.with_names_use_header
            {
                self.places = self
                    .rows
                    .places(&self.names(&cells))
                    .map_err(|e| (e, None))?;
            }
            return Ok(false);
        }
        if std::mem::take(&mut self.detect) {
            let names = self.names(&cells);
            let known = |n: &Vec<u8>| {
                self.rows
                    .schema
                    .fields
                    .iter()
                    .any(|f| f.name.as_bytes() == &n[..])
            };
            if names.iter().all(known) {
                self.places = self.rows.places(&names).map_err(|e| (e, None))?;
                return Ok(false);
            }
        }
        if cells.len() != self.places.len() {
            let message = format!(
                "a row has {} values, expected {}",
                cells.len(),
                self.places.len()
            );
            let error = match self.csv && cells.len() > self.places.len() {
                true => err!(INCORRECT_DATA, "Cannot parse CSV: {message}"),
                false => err!(
                    CANNOT_PARSE_INPUT_ASSERTION_FAILED,
                    "Cannot parse input: {message}"
                ),
            };
            return Err((error, None));
        }
        for (i, cell) in cells.iter().enumerate() {
            let Some(column) = self.places[i] else {
                continue;
            };
            let null = *cell == b"\\N" && self.rows.null_is_default(column);
            let empty = self.csv
                && cell.is_empty()
                && self.rows.settings.csv_empty_as_default
                && !self.rows.ty(column).is_nullable();
            if null || empty {
                self.rows.missing(column);
                continue;
            }
            let read = self.rows.parse(column, |parser, builder| {
                if self.csv && cell.is_empty() && builder_takes_null(builder) {
                    builder.push_default();
                    return Ok(0);
                }
                parser.parse(cell, builder).map(|()| cell.len())
            });
            if let Err(error) = read {
                let code = match self.csv {
                    true => Code::INCORRECT_DATA,
                    false => Code::CANNOT_PARSE_INPUT_ASSERTION_FAILED,
                };
                let error = as_input_error(error, code);
                return Err((error, Some(self.rows.schema.fields[column].name.clone())));
            }
        }
        Ok(true)
    }

    fn names(&self, cells: &[&[u8]]) -> Vec<Vec<u8>> {
        let name = |cell: &&[u8]| match self.csv {
            true => crate::functions::text::parse::unquote_csv(cell).into_owned(),
            false => crate::functions::text::escape::unescape(cell)
                .map_or_else(|_| cell.to_vec(), std::borrow::Cow::into_owned),
        };
        cells.iter().map(name).collect()
    }
}

/// An empty field of a Nullable column is NULL.
fn builder_takes_null(builder: &mut roost_engine::column::ColumnBuilder) -> bool {
    matches!(
        builder.grow(),
        roost_engine::column::builder::Grow::Nullable(..)
    )
}

/// The place behind the closing quote of the text whose opening quote stands at `at`.
fn quoted_end(text: &[u8], at: usize) -> Option<usize> {
    let quote = *text.get(at)?;
    let mut at = at + 1;
    loop {
        at += memchr::memchr(quote, text.get(at..)?)?;
        if text.get(at + 1) == Some(&quote) {
            at += 2;
            continue;
        }
        return Some(at + 1);
    }
}
