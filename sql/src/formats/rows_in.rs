//! Rows under construction: a builder and a mask of missing values per column.
//!
//! Invariant: a row is in all columns or in none; what a failed row left behind is cut off before
//! the block leaves.

use std::sync::Arc;

use roost_engine::block::{Block, Schema};
use roost_engine::column::{Column, ColumnBuilder};
use roost_engine::error::{Code, Error, Result};
use roost_engine::types::DataType;

use super::{FormatSettings, ReadBlock};
use crate::functions::text::{Style, TextParser};

/// Rows under construction.
pub(super) struct RowsIn {
    pub(super) schema: Arc<Schema>,
    pub(super) parsers: Vec<TextParser>,
    pub(super) settings: FormatSettings,
    builders: Vec<ColumnBuilder>,
    absent: Vec<Vec<u8>>,
    rows: usize,
    /// Rows read since the start, failed ones included.
    seen: u64,
    failed: u64,
}

impl RowsIn {
    pub(super) fn new(schema: &Arc<Schema>, style: Style, settings: &FormatSettings) -> Self {
        let parsers = schema
            .fields
            .iter()
            .map(|f| TextParser::new(&f.ty, style))
            .map(|parser| match settings.check_overflow {
                true => parser.checked(),
                false => parser,
            })
            .collect();
        let mut rows = RowsIn {
            schema: Arc::clone(schema),
            parsers,
            settings: settings.clone(),
            builders: Vec::new(),
            absent: Vec::new(),
            rows: 0,
            seen: 0,
            failed: 0,
        };
        rows.fresh();
        rows
    }

    fn fresh(&mut self) {
        self.builders = self
            .schema
            .fields
            .iter()
            .map(|f| ColumnBuilder::new(&f.ty, 0))
            .collect();
        self.absent = vec![Vec::new(); self.schema.len()];
        self.rows = 0;
    }

    pub(super) fn width(&self) -> usize {
        self.builders.len()
    }

    pub(super) fn ty(&self, column: usize) -> &DataType {
        &self.schema.fields[column].ty
    }

    pub(super) fn is_full(&self) -> bool {
        self.rows >= self.settings.max_block_rows
    }

    /// Whether the row under construction has a value for the column.
    pub(super) fn has(&self, column: usize) -> bool {
        self.builders[column].len() > self.rows
    }

    /// Reads the column's value with its parser.
    pub(super) fn parse(
        &mut self,
        column: usize,
        read: impl FnOnce(&TextParser, &mut ColumnBuilder) -> Result<usize>,
    ) -> Result<usize> {
        let taken = read(&self.parsers[column], &mut self.builders[column])
            .map_err(|e| e.context(format!("column {}", self.schema.fields[column].name)))?;
        Ok(taken)
    }

    /// The growing columns: whoever appends a value to one of them ends the row or takes it back.
    #[inline]
    pub(super) fn builders(&mut self) -> &mut [ColumnBuilder] {
        &mut self.builders
    }

    /// Appends a value.
    pub(super) fn push(&mut self, column: usize, value: &crate::Value) -> Result<()> {
        self.builders[column].push(value)
    }

    /// Marks the column's value as not given: its default applies.
    pub(super) fn missing(&mut self, column: usize) {
        self.builders[column].push_default();
        self.absent[column].resize(self.rows, 0);
        self.absent[column].push(1);
    }

    /// Whether a NULL for the column means its default.
    pub(super) fn null_is_default(&self, column: usize) -> bool {
        self.settings.null_as_default && !self.ty(column).is_nullable()
    }

    /// Ends the row: columns without a value miss it.
    pub(super) fn end_row(&mut self) {
        for column in 0..self.width() {
            if !self.has(column) {
                self.missing(column);
            }
        }
        self.rows += 1;
        self.seen += 1;
    }

    /// Ends a row that has a value for every column.
    pub(super) fn end_full_row(&mut self) {
        self.rows += 1;
        self.seen += 1;
    }

    /// A row that failed with `error`: an error for the whole read, or, where rows may fail, what
    /// was read before it (to be handed out before more is read).
    pub(super) fn fail(
        &mut self,
        bytes: &[u8],
        error: Error,
        column: Option<&str>,
    ) -> Result<Option<ReadBlock>> {
        self.seen += 1;
        self.failed += 1;
        if let Some(bad_row) = &self.settings.bad_row {
            bad_row(bytes, &error, column);
        } else if self.failed > self.settings.allow_errors {
            return Err(Error::new(
                error.code(),
                format!("{} (at row {})", error.message(), self.seen),
            ));
        }
        self.finish()
    }

    /// The complete rows so far, when there are any.
    pub(super) fn finish(&mut self) -> Result<Option<ReadBlock>> {
        let rows = self.rows;
        let builders = std::mem::take(&mut self.builders);
        let masks = std::mem::take(&mut self.absent);
        self.fresh();
        if rows == 0 {
            return Ok(None);
        }
        let columns = builders
            .into_iter()
            .map(|b| Column::Flat(b.finish().slice(0, rows)))
            .collect();
        let absent = masks.into_iter().map(|mut mask| {
            mask.truncate(rows);
            let any = !mask.is_empty();
            mask.resize(rows, 0);
            any.then_some(mask)
        });
        let absent = absent.collect();
        let block = Block::new(Arc::clone(&self.schema), columns, rows)?;
        Ok(Some(ReadBlock { block, absent }))
    }

    /// Places of named columns in the schema.
    pub(super) fn places(&self, names: &[Vec<u8>]) -> Result<Vec<Option<usize>>> {
        let place = |name: &Vec<u8>| {
            let text = String::from_utf8_lossy(name);
            let found = self.schema.index_of(&text);
            if found.is_none() && !self.settings.skip_unknown_fields {
                return Err(roost_engine::err!(
                    INCORRECT_DATA,
                    "Unknown field found in the header: '{text}'"
                ));
            }
            Ok(found)
        };
        names.iter().map(place).collect()
    }
}

/// The error of a text that is no value of its type, under the code that ClickHouse gives it in a
/// row of data.
pub(super) fn as_input_error(error: Error, code: Code) -> Error {
    match error.code() {
        Code::CANNOT_PARSE_TEXT => Error::new(code, error.message()),
        _ => error,
    }
}
