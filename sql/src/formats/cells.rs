//! What text formats share: a writer per column, names in a format's own escaping.
//!
//! Invariant: a block's columns are written through writers made once for the result's types.

use std::sync::Arc;

use roost_engine::block::{Block, Schema};

use super::FormatSettings;
use crate::functions::text::escape::{escape_backslash, quote_csv, quote_json};
use crate::functions::text::{Escaping, JsonOptions, Style, TextWriter, TimeText};

/// The style of an escaping under the settings.
pub(super) fn style(escaping: Escaping, settings: &FormatSettings) -> Style {
    let mut style = Style::new(escaping, settings.time_zone);
    style.time_text = match settings.date_time_output.as_str() {
        "iso" => TimeText::Iso,
        "unix_timestamp" => TimeText::Unix,
        _ => TimeText::Simple,
    };
    style.best_effort_times = settings.best_effort_times;
    style
}

/// JSON under the settings.
pub(super) fn json(settings: &FormatSettings) -> Escaping {
    Escaping::Json(JsonOptions {
        quote_64bit_integers: settings.quote_64bit_integers,
        quote_64bit_floats: settings.quote_64bit_floats,
        quote_denormals: settings.quote_denormals,
        quote_decimals: settings.quote_decimals,
        escape_forward_slashes: settings.escape_forward_slashes,
        named_tuples_as_objects: settings.named_tuples_as_objects,
    })
}

/// One writer per column.
#[derive(Default)]
pub(super) struct Cells {
    writers: Vec<TextWriter>,
}

impl Cells {
    pub(super) fn new(schema: &Schema, style: Style) -> Self {
        let writers = schema
            .fields
            .iter()
            .map(|f| TextWriter::new(&f.ty, style))
            .collect();
        Cells { writers }
    }

    /// Writes cell (`row`, `column`).
    #[inline]
    pub(super) fn write(&self, block: &Block, row: usize, column: usize, out: &mut Vec<u8>) {
        let (flat, at) = block.column(column).entry(row);
        self.writers[column].write(flat, at, out);
    }
}

/// Names (or types) of a schema, each through `escape`.
pub(super) fn texts(
    schema: &Arc<Schema>,
    types: bool,
    separator: &[u8],
    escape: impl Fn(&[u8], &mut Vec<u8>),
    out: &mut Vec<u8>,
) {
    for (i, field) in schema.fields.iter().enumerate() {
        if i > 0 {
            out.extend_from_slice(separator);
        }
        match types {
            true => escape(field.ty.to_string().as_bytes(), out),
            false => escape(field.name.as_bytes(), out),
        }
    }
}

/// A text in CSV, TSV or JSON.
pub(super) fn protect(text: &[u8], escaping: Escaping, out: &mut Vec<u8>) {
    match escaping {
        Escaping::Csv => quote_csv(text, out),
        Escaping::Json(_) => quote_json(text, false, out),
        Escaping::Escaped => escape_backslash(text, out),
        _ => out.extend_from_slice(text),
    }
}
