//! The texts of a block's cells.
//!
//! Invariant: one text per row and column, complete with quotes and escapes.

use roost_engine::block::Block;
use roost_engine::column::{BytesBuilder, BytesColumn, Column};
use roost_engine::types::DataType;

use crate::formats::FormatSettings;
use crate::formats::cells::{json, style};
use crate::functions::text::escape::quote_json;
use crate::functions::text::{Escaping, TextWriter};

/// NULL where no format has a word for it.
pub(in crate::formats) const NULL: &str = "ᴺᵁᴸᴸ";

/// How cells become text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::formats) enum Cells {
    Plain,
    Escaped,
    Quoted,
    Csv,
    Json,
    /// The plain text as a JSON string.
    JsonStrings,
    /// As [`Cells::Escaped`] without the escapes.
    Raw,
}

impl Cells {
    fn escaping(self, settings: &FormatSettings) -> Escaping {
        match self {
            Cells::Plain | Cells::JsonStrings | Cells::Raw => Escaping::Plain,
            Cells::Escaped => Escaping::Escaped,
            Cells::Quoted => Escaping::Quoted,
            Cells::Csv => Escaping::Csv,
            Cells::Json => json(settings),
        }
    }

    /// The texts of one column.
    pub(in crate::formats) fn column(
        self,
        column: &Column,
        ty: &DataType,
        settings: &FormatSettings,
    ) -> BytesColumn {
        let texts = TextWriter::new(ty, style(self.escaping(settings), settings)).column(column);
        match self {
            Cells::JsonStrings => {
                let slashes = settings.escape_forward_slashes;
                replace(&texts, column, |text, null, out| match null {
                    true => quote_json(NULL.as_bytes(), slashes, out),
                    false => quote_json(text, slashes, out),
                })
            }
            Cells::Plain if ty.is_nullable() => replace(&texts, column, |text, null, out| {
                out.extend_from_slice(if null { NULL.as_bytes() } else { text });
            }),
            Cells::Raw if ty.is_nullable() => replace(&texts, column, |text, null, out| {
                out.extend_from_slice(if null { b"\\N" } else { text });
            }),
            _ => texts,
        }
    }

    /// The texts of all columns.
    pub(in crate::formats) fn block(
        self,
        block: &Block,
        settings: &FormatSettings,
    ) -> Vec<BytesColumn> {
        let fields = &block.schema().fields;
        let columns = block.columns().iter().zip(fields);
        columns
            .map(|(c, f)| self.column(c, &f.ty, settings))
            .collect()
    }
}

fn replace(
    texts: &BytesColumn,
    column: &Column,
    write: impl Fn(&[u8], bool, &mut Vec<u8>),
) -> BytesColumn {
    let mut out = BytesBuilder::with_capacity(texts.len(), texts.value_bytes());
    for (row, text) in texts.iter().enumerate() {
        write(text, column.is_null(row), out.tail());
        out.end();
    }
    out.finish()
}
