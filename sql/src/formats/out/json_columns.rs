//! JSONColumns and JSONCompactColumns: the whole answer column by column.
//!
//! Invariant: all rows are kept as text until the end.

use std::sync::Arc;

use roost_engine::block::{Block, Schema};
use roost_engine::error::Result;

use super::cells::Cells;
use super::json::{write_meta, write_tail};
use crate::formats::{BlockWriter, FormatSettings, ResultStats};
use crate::functions::text::escape::quote_json;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::formats) enum Frame {
    Named,
    Compact,
    WithMetadata,
}

pub(in crate::formats) struct JsonColumnsWriter {
    frame: Frame,
    settings: FormatSettings,
    schema: Arc<Schema>,
    columns: Vec<Vec<u8>>,
    rows: u64,
}

impl JsonColumnsWriter {
    pub(in crate::formats) fn make(
        frame: Frame,
        settings: &FormatSettings,
    ) -> Box<dyn BlockWriter> {
        Box::new(JsonColumnsWriter {
            frame,
            settings: settings.clone(),
            schema: Arc::default(),
            columns: Vec::new(),
            rows: 0,
        })
    }
}

impl BlockWriter for JsonColumnsWriter {
    fn start(&mut self, schema: &Arc<Schema>, _: &mut Vec<u8>) -> Result<()> {
        self.schema = Arc::clone(schema);
        self.columns = vec![Vec::new(); schema.len()];
        Ok(())
    }

    fn block(&mut self, block: &Block, _: &mut Vec<u8>) -> Result<()> {
        for (column, texts) in self
            .columns
            .iter_mut()
            .zip(Cells::Json.block(block, &self.settings))
        {
            for text in texts.iter() {
                if !column.is_empty() {
                    column.extend_from_slice(b", ");
                }
                column.extend_from_slice(text);
            }
        }
        self.rows += block.rows() as u64;
        Ok(())
    }

    fn finish(&mut self, stats: &ResultStats, out: &mut Vec<u8>) -> Result<()> {
        let slashes = self.settings.escape_forward_slashes;
        let indent: &[u8] = match self.frame {
            Frame::Named => {
                out.extend_from_slice(b"{\n");
                b"\t"
            }
            Frame::Compact => {
                out.extend_from_slice(b"[\n");
                b"\t"
            }
            Frame::WithMetadata => {
                out.extend_from_slice(b"{\n");
                write_meta(&self.schema, slashes, out);
                out.extend_from_slice(b"\t\"data\":\n\t{\n");
                b"\t\t"
            }
        };
        for (i, (field, column)) in self.schema.fields.iter().zip(&self.columns).enumerate() {
            if i > 0 {
                out.extend_from_slice(b",\n");
            }
            out.extend_from_slice(indent);
            if self.frame != Frame::Compact {
                quote_json(field.name.as_bytes(), slashes, out);
                out.extend_from_slice(b": ");
            }
            out.push(b'[');
            out.extend_from_slice(column);
            out.push(b']');
        }
        match self.frame {
            Frame::Named => out.extend_from_slice(b"\n}\n"),
            Frame::Compact => out.extend_from_slice(b"\n]\n"),
            Frame::WithMetadata => {
                out.extend_from_slice(b"\n\t},\n\n");
                write_tail(self.rows, stats, &self.settings, out);
            }
        }
        Ok(())
    }
}
