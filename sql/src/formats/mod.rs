//! Formats in and out, by ClickHouse's names.
//!
//! Invariant: a format is one row of the registry; its writer gives ClickHouse's bytes for the same
//! rows, its reader accepts them back.

#[cfg(feature = "parquet")]
mod arrow;
mod binary;
mod cells;
mod conform;
mod delimited_in;
pub mod infer;
mod input;
mod json_plain;
mod json_rows_in;
mod native;
mod out;
#[cfg(feature = "parquet")]
mod parquet;
mod plain_in;
mod registry;
mod row_binary;
mod rows_in;
pub mod settings;
mod values_in;

use std::io::Read;
use std::sync::Arc;

use roost_engine::block::{Block, Schema};
use roost_engine::err;
use roost_engine::error::{Error, Result};

pub use infer::infer_schema;
pub use settings::FormatSettings;

/// A format.
pub struct FormatInfo {
    /// ClickHouse's name.
    pub name: &'static str,
    /// Other names.
    pub aliases: &'static [&'static str],
    /// MIME type of an answer.
    pub content_type: &'static str,
    /// One sentence for the manual.
    pub doc: &'static str,
    /// Makes a writer.
    pub writer: Option<MakeWriter>,
    /// Makes a reader.
    pub reader: Option<MakeReader>,
}

/// Makes a writer of a format.
pub type MakeWriter = fn(&FormatSettings) -> Box<dyn BlockWriter>;

/// Makes a reader of a format.
pub type MakeReader =
    fn(Box<dyn Read + Send>, &Arc<Schema>, &FormatSettings) -> Result<Box<dyn BlockReader>>;

impl FormatInfo {
    /// Whether rows can be read in the format.
    pub fn is_input(&self) -> bool {
        self.reader.is_some()
    }

    /// Whether rows can be written in the format.
    pub fn is_output(&self) -> bool {
        self.writer.is_some()
    }
}

/// What a writer may say at the end of an answer.
#[derive(Debug, Clone, Default)]
pub struct ResultStats {
    /// Rows read by the query.
    pub rows_read: u64,
    /// Bytes read by the query.
    pub bytes_read: u64,
    /// Time since the query started.
    pub elapsed_seconds: f64,
    /// Rows there would be without LIMIT, at least; none when there was no LIMIT.
    pub rows_before_limit: Option<u64>,
}

/// Blocks to bytes.
pub trait BlockWriter: Send {
    /// What stands in front of the rows.
    fn start(&mut self, schema: &Arc<Schema>, out: &mut Vec<u8>) -> Result<()>;
    /// Rows.
    fn block(&mut self, block: &Block, out: &mut Vec<u8>) -> Result<()>;
    /// The row of WITH TOTALS; formats without a place for it leave it out.
    fn totals(&mut self, _block: &Block, _out: &mut Vec<u8>) -> Result<()> {
        Ok(())
    }
    /// What stands behind the rows.
    fn finish(&mut self, stats: &ResultStats, out: &mut Vec<u8>) -> Result<()>;
}

/// Rows that were read.
#[derive(Debug, Clone)]
pub struct ReadBlock {
    /// The rows under the schema that was asked for.
    pub block: Block,
    /// Per column: 1 where no value was given (a field is missing, or NULL for a column that is not
    /// Nullable), so that the default applies; none when every row has one.
    pub absent: Vec<Option<Vec<u8>>>,
}

impl ReadBlock {
    /// Rows of which every column is given.
    pub fn complete(block: Block) -> Self {
        let absent = vec![None; block.columns().len()];
        ReadBlock { block, absent }
    }
}

/// Bytes to blocks.
pub trait BlockReader: Send {
    /// More rows; `None` at the end.
    ///
    /// # Errors
    /// ClickHouse's code for what does not parse; the message names row and column.
    fn next(&mut self) -> Result<Option<ReadBlock>>;
}

/// All formats.
pub fn all() -> &'static [FormatInfo] {
    registry::FORMATS
}

/// The format of that name.
pub fn format(name: &str) -> Option<&'static FormatInfo> {
    let named = |f: &&FormatInfo| {
        f.name.eq_ignore_ascii_case(name) || f.aliases.iter().any(|a| a.eq_ignore_ascii_case(name))
    };
    all().iter().find(named)
}

fn expect(name: &str) -> Result<&'static FormatInfo> {
    format(name).ok_or_else(|| err!(UNKNOWN_FORMAT, "Unknown format {name}"))
}

/// A writer of the format of that name.
///
/// # Errors
/// UNKNOWN_FORMAT, NOT_IMPLEMENTED for a format that is only read.
pub fn writer(name: &str, settings: &FormatSettings) -> Result<Box<dyn BlockWriter>> {
    let info = expect(name)?;
    let make = info
        .writer
        .ok_or_else(|| Error::not_implemented(format!("{name} for output")))?;
    Ok(make(settings))
}

/// A reader of the format of that name. `schema` is what is wanted: by name for formats that have
/// names, by position for others.
///
/// # Errors
/// UNKNOWN_FORMAT, NOT_IMPLEMENTED for a format that is only written.
pub fn reader(
    name: &str,
    input: Box<dyn Read + Send>,
    schema: &Arc<Schema>,
    settings: &FormatSettings,
) -> Result<Box<dyn BlockReader>> {
    let info = expect(name)?;
    let make = info
        .reader
        .ok_or_else(|| Error::not_implemented(format!("{name} for input")))?;
    make(input, schema, settings)
}

#[cfg(test)]
mod tests;
