//! Values as text, byte for byte as ClickHouse writes and reads them.
//!
//! Invariant: for every type and escaping, what [`write_text`] writes [`parse_text`] reads back to
//! the same value.

pub mod address;
pub mod best_effort;
pub mod escape;
pub mod number;
pub mod parse;
pub mod parse_number;
pub mod parse_time;
mod places;
pub mod time;
pub mod write;

use roost_engine::column::{BytesColumn, Column, ColumnBuilder, Flat};
use roost_engine::error::Result;
use roost_engine::types::{DataType, Tz};

/// How strings are protected and NULL is spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escaping {
    /// As `toString` and CAST see it: no protection outside nested types.
    Plain,
    /// TabSeparated: backslashes, NULL is `\N`.
    Escaped,
    /// SQL literals: single quotes, NULL is `NULL`.
    Quoted,
    /// CSV: double quotes, NULL is `\N`.
    Csv,
    /// JSON values.
    Json(JsonOptions),
}

/// What the settings `output_format_json_*` change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JsonOptions {
    /// 64-bit and wider integers in quotes.
    pub quote_64bit_integers: bool,
    /// Doubles in quotes.
    pub quote_64bit_floats: bool,
    /// `nan` and `inf` in quotes instead of `null`.
    pub quote_denormals: bool,
    /// Decimals in quotes.
    pub quote_decimals: bool,
    /// `\/` for `/`.
    pub escape_forward_slashes: bool,
    /// Named tuples as objects instead of arrays.
    pub named_tuples_as_objects: bool,
}

impl Default for JsonOptions {
    fn default() -> Self {
        JsonOptions {
            quote_64bit_integers: false,
            quote_64bit_floats: false,
            quote_denormals: false,
            quote_decimals: false,
            escape_forward_slashes: true,
            named_tuples_as_objects: true,
        }
    }
}

/// How points in time are spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TimeText {
    /// `2024-01-31 10:00:00`.
    #[default]
    Simple,
    /// `2024-01-31T10:00:00Z`.
    Iso,
    /// Seconds since the epoch.
    Unix,
}

/// An escaping with the settings that go with it. An [`Escaping`] alone turns into one in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Protection of strings.
    pub escaping: Escaping,
    /// Zone of `DateTime` without one.
    pub time_zone: Tz,
    /// `date_time_output_format`.
    pub time_text: TimeText,
    /// `date_time_input_format = 'best_effort'`, ClickHouse's default.
    pub best_effort_times: bool,
}

impl From<Escaping> for Style {
    fn from(escaping: Escaping) -> Self {
        Style {
            escaping,
            time_zone: Tz::UTC,
            time_text: TimeText::Simple,
            best_effort_times: true,
        }
    }
}

impl Style {
    /// The escaping with times in `time_zone`.
    pub fn new(escaping: Escaping, time_zone: Tz) -> Self {
        Style {
            time_zone,
            ..Style::from(escaping)
        }
    }
}

pub use parse::TextParser;
pub use write::TextWriter;

/// Appends the text of row `row` of `flat`, a column of type `ty`. For many rows keep a
/// [`TextWriter`] instead.
pub fn write_text(
    flat: &Flat,
    row: usize,
    ty: &DataType,
    out: &mut Vec<u8>,
    style: impl Into<Style>,
) {
    TextWriter::new(ty, style).write(flat, row, out);
}

/// The text of every row.
pub fn write_column(column: &Column, ty: &DataType, style: impl Into<Style>) -> BytesColumn {
    TextWriter::new(ty, style).column(column)
}

/// Reads one value from the whole of `input` and appends it to `builder`, a column of type `ty`.
/// For many rows keep a [`TextParser`] instead.
///
/// # Errors
/// CANNOT_PARSE_* of the type; `builder` may then have lost its shape and must be dropped.
pub fn parse_text(
    ty: &DataType,
    input: &[u8],
    builder: &mut ColumnBuilder,
    style: impl Into<Style>,
) -> Result<()> {
    TextParser::new(ty, style).parse(input, builder)
}

/// Reads one value from the start of `input`; returns the bytes read. Only for the escapings that
/// mark where a value ends: Quoted and Json.
pub fn parse_text_prefix(
    ty: &DataType,
    input: &[u8],
    builder: &mut ColumnBuilder,
    style: impl Into<Style>,
) -> Result<usize> {
    TextParser::new(ty, style).parse_prefix(input, builder)
}
