//! LineAsString and RawBLOB in.
//!
//! Invariant: exactly one column of type String is wanted.

use std::io::Read;
use std::sync::Arc;

use roost_engine::bail;
use roost_engine::block::{Block, Schema};
use roost_engine::column::{BytesBuilder, Column, Flat};
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::conform::Wanted;
use super::input::Input;
use super::{BlockReader, FormatSettings, ReadBlock};

struct PlainIn {
    input: Input,
    schema: Arc<Schema>,
    wanted: Wanted,
    lines: bool,
    rows_max: usize,
    done: bool,
}

fn make(
    stream: Box<dyn Read + Send>,
    schema: &Arc<Schema>,
    settings: &FormatSettings,
    lines: bool,
) -> Result<Box<dyn BlockReader>> {
    let [field] = &schema.fields[..] else {
        bail!(
            INCORRECT_QUERY,
            "This input format is only suitable for tables with a single column of type String, found {} columns",
            schema.len()
        );
    };
    let own = Schema::new(vec![roost_engine::block::Field::new(
        &*field.name,
        DataType::String,
    )]);
    Ok(Box::new(PlainIn {
        input: Input::new(stream),
        schema: own,
        wanted: Wanted::new(schema, settings),
        lines,
        rows_max: settings.max_block_rows,
        done: false,
    }))
}

pub(super) fn lines(
    stream: Box<dyn Read + Send>,
    schema: &Arc<Schema>,
    settings: &FormatSettings,
) -> Result<Box<dyn BlockReader>> {
    make(stream, schema, settings, true)
}

pub(super) fn blob(
    stream: Box<dyn Read + Send>,
    schema: &Arc<Schema>,
    settings: &FormatSettings,
) -> Result<Box<dyn BlockReader>> {
    make(stream, schema, settings, false)
}

impl PlainIn {
    /// Length of the next line and of the line with its end.
    fn line(&mut self) -> Result<Option<(usize, usize)>> {
        loop {
            let rest = self.input.rest();
            if let Some(end) = memchr::memchr(b'\n', rest) {
                return Ok(Some((end, end + 1)));
            }
            if !self.input.more()? {
                let n = self.input.rest().len();
                return Ok((n > 0).then_some((n, n)));
            }
        }
    }
}

impl BlockReader for PlainIn {
    fn next(&mut self) -> Result<Option<ReadBlock>> {
        let mut texts = BytesBuilder::default();
        if !self.lines && !self.done {
            texts.push(&self.input.read_all()?);
            self.done = true;
        }
        while self.lines && !self.done && texts.len() < self.rows_max {
            match self.line()? {
                Some((end, behind)) => {
                    texts.push(&self.input.rest()[..end]);
                    self.input.take(behind);
                }
                None => self.done = true,
            }
        }
        if texts.is_empty() {
            return Ok(None);
        }
        let rows = texts.len();
        let column = Column::Flat(Flat::Bytes(texts.finish()));
        self.wanted
            .take(&Block::new(Arc::clone(&self.schema), vec![column], rows)?)
            .map(Some)
    }
}
