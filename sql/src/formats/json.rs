//! JSON and JSONCompact out: one document with names, rows and counts.
//!
//! Invariant: the document is valid JSON whatever the data; a String that is not UTF-8 is written
//! with replacement characters.

use std::sync::Arc;

use roost_engine::block::{Block, Schema};
use roost_engine::error::Result;

use super::cells::{Cells, json as json_escaping, style};
use super::{BlockWriter, FormatSettings, ResultStats};
use crate::functions::text::escape::quote_json;
use crate::functions::text::number::{write_f64, write_integer};

struct Json {
    compact: bool,
    settings: FormatSettings,
    names: Vec<Vec<u8>>,
    cells: Cells,
    rows: u64,
    data_closed: bool,
}

pub(super) fn full(settings: &FormatSettings) -> Box<dyn BlockWriter> {
    make(settings, false)
}

pub(super) fn compact(settings: &FormatSettings) -> Box<dyn BlockWriter> {
    make(settings, true)
}

fn make(settings: &FormatSettings, compact: bool) -> Box<dyn BlockWriter> {
    Box::new(Json {
        compact,
        settings: settings.clone(),
        names: Vec::new(),
        cells: Cells::default(),
        rows: 0,
        data_closed: false,
    })
}

fn quoted(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 2);
    quote_json(text.as_bytes(), false, &mut out);
    out
}

impl Json {
    /// A row as an object (indented by `tabs`) or, compact, as a list.
    fn row(&self, block: &Block, row: usize, tabs: &str, out: &mut Vec<u8>) {
        let columns = block.columns().len();
        if self.compact {
            out.push(b'[');
            for column in 0..columns {
                if column > 0 {
                    out.extend_from_slice(b", ");
                }
                self.cells.write(block, row, column, out);
            }
            out.push(b']');
            return;
        }
        out.extend_from_slice(b"{\n");
        for column in 0..columns {
            if column > 0 {
                out.extend_from_slice(b",\n");
            }
            out.extend_from_slice(tabs.as_bytes());
            out.push(b'\t');
            out.extend_from_slice(&self.names[column]);
            out.extend_from_slice(b": ");
            self.cells.write(block, row, column, out);
        }
        out.push(b'\n');
        out.extend_from_slice(tabs.as_bytes());
        out.push(b'}');
    }

    fn close_data(&mut self, out: &mut Vec<u8>) {
        if !self.data_closed {
            self.data_closed = true;
            out.extend_from_slice(b"\n\t]");
        }
    }
}

impl BlockWriter for Json {
    fn start(&mut self, schema: &Arc<Schema>, out: &mut Vec<u8>) -> Result<()> {
        self.cells = Cells::new(schema, style(json_escaping(&self.settings), &self.settings));
        self.names = schema.fields.iter().map(|f| quoted(&f.name)).collect();
        out.extend_from_slice(b"{\n\t\"meta\":\n\t[");
        for (i, field) in schema.fields.iter().enumerate() {
            out.extend_from_slice(if i > 0 {
                b",\n\t\t{\n\t\t\t\"name\": "
            } else {
                b"\n\t\t{\n\t\t\t\"name\": "
            });
            out.extend_from_slice(&self.names[i]);
            out.extend_from_slice(b",\n\t\t\t\"type\": ");
            out.extend_from_slice(&quoted(&field.ty.to_string()));
            out.extend_from_slice(b"\n\t\t}");
        }
        out.extend_from_slice(b"\n\t],\n\n\t\"data\":\n\t[\n");
        Ok(())
    }

    fn block(&mut self, block: &Block, out: &mut Vec<u8>) -> Result<()> {
        for row in 0..block.rows() {
            out.extend_from_slice(if self.rows > 0 { b",\n\t\t" } else { b"\t\t" });
            self.rows += 1;
            self.row(block, row, "\t\t", out);
        }
        Ok(())
    }

    fn totals(&mut self, block: &Block, out: &mut Vec<u8>) -> Result<()> {
        self.close_data(out);
        out.extend_from_slice(if self.compact {
            b",\n\n\t\"totals\": "
        } else {
            b",\n\n\t\"totals\":\n\t"
        });
        if block.rows() > 0 {
            self.row(block, 0, "\t", out);
        } else {
            out.extend_from_slice(b"null");
        }
        Ok(())
    }

    fn finish(&mut self, stats: &ResultStats, out: &mut Vec<u8>) -> Result<()> {
        self.close_data(out);
        let mut number = |name: &str, value: u64| {
            out.extend_from_slice(format!(",\n\n\t\"{name}\": {value}").as_bytes());
        };
        number("rows", self.rows);
        if let Some(rows) = stats.rows_before_limit {
            number("rows_before_limit_at_least", rows);
        }
        if self.settings.write_statistics {
            out.extend_from_slice(b",\n\n\t\"statistics\":\n\t{\n\t\t\"elapsed\": ");
            write_f64(stats.elapsed_seconds, out);
            out.extend_from_slice(b",\n\t\t\"rows_read\": ");
            write_integer(stats.rows_read, out);
            out.extend_from_slice(b",\n\t\t\"bytes_read\": ");
            write_integer(stats.bytes_read, out);
            out.extend_from_slice(b"\n\t}");
        }
        out.extend_from_slice(b"\n}\n");
        Ok(())
    }
}
