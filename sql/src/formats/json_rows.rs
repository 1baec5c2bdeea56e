//! JSONEachRow and JSONCompactEachRow out: a JSON value a line.
//!
//! Invariant: each line stands alone.

use std::sync::Arc;

use roost_engine::block::{Block, Schema};
use roost_engine::error::Result;

use super::cells::{Cells, json, style, texts};
use super::{BlockWriter, FormatSettings, ResultStats};
use crate::functions::text::escape::quote_json;

struct JsonRows {
    /// Lists instead of objects, with names and types on lines of their own.
    lists: Option<(bool, bool)>,
    settings: FormatSettings,
    names: Vec<Vec<u8>>,
    cells: Cells,
    rows: u64,
}

fn make(settings: &FormatSettings, lists: Option<(bool, bool)>) -> Box<dyn BlockWriter> {
    Box::new(JsonRows {
        lists,
        settings: settings.clone(),
        names: Vec::new(),
        cells: Cells::default(),
        rows: 0,
    })
}

pub(super) fn objects(s: &FormatSettings) -> Box<dyn BlockWriter> {
    make(s, None)
}

pub(super) fn lists(s: &FormatSettings) -> Box<dyn BlockWriter> {
    make(s, Some((false, false)))
}

pub(super) fn lists_names(s: &FormatSettings) -> Box<dyn BlockWriter> {
    make(s, Some((true, false)))
}

pub(super) fn lists_types(s: &FormatSettings) -> Box<dyn BlockWriter> {
    make(s, Some((true, true)))
}

impl BlockWriter for JsonRows {
    fn start(&mut self, schema: &Arc<Schema>, out: &mut Vec<u8>) -> Result<()> {
        self.cells = Cells::new(schema, style(json(&self.settings), &self.settings));
        let name = |f: &roost_engine::block::Field| {
            let mut name = Vec::new();
            quote_json(f.name.as_bytes(), false, &mut name);
            name.push(b':');
            name
        };
        self.names = schema.fields.iter().map(name).collect();
        if let Some((names, types)) = self.lists {
            for (wanted, types) in [(names, false), (types, true)] {
                if wanted {
                    out.push(b'[');
                    texts(
                        schema,
                        types,
                        b", ",
                        |t, out| quote_json(t, false, out),
                        out,
                    );
                    out.extend_from_slice(b"]\n");
                }
            }
        }
        if self.settings.json_array_of_rows && self.lists.is_none() {
            out.extend_from_slice(b"[\n");
        }
        Ok(())
    }

    fn block(&mut self, block: &Block, out: &mut Vec<u8>) -> Result<()> {
        let array = self.settings.json_array_of_rows && self.lists.is_none();
        for row in 0..block.rows() {
            if array && self.rows > 0 {
                out.extend_from_slice(b",\n");
            }
            self.rows += 1;
            match self.lists {
                None => {
                    for (column, name) in self.names.iter().enumerate() {
                        out.push(if column == 0 { b'{' } else { b',' });
                        out.extend_from_slice(name);
                        self.cells.write(block, row, column, out);
                    }
                    out.extend_from_slice(if self.names.is_empty() { b"{}" } else { b"}" });
                }
                Some(_) => {
                    out.push(b'[');
                    for column in 0..self.names.len() {
                        if column > 0 {
                            out.extend_from_slice(b", ");
                        }
                        self.cells.write(block, row, column, out);
                    }
                    out.push(b']');
                }
            }
            if !array {
                out.push(b'\n');
            }
        }
        Ok(())
    }

    fn finish(&mut self, _stats: &ResultStats, out: &mut Vec<u8>) -> Result<()> {
        if self.settings.json_array_of_rows && self.lists.is_none() {
            out.extend_from_slice(if self.rows > 0 { b"\n]\n" } else { b"]\n" });
        }
        Ok(())
    }
}
