//! TabSeparated, CSV and Values out: cells with something between them.
//!
//! Invariant: one row, one line (but for Values, where all rows are one list).

use std::sync::Arc;

use roost_engine::block::{Block, Schema};
use roost_engine::error::Result;

use super::cells::{Cells, protect, style, texts};
use super::{BlockWriter, FormatSettings, ResultStats};
use crate::functions::text::Escaping;

/// What stands around cells and rows.
struct Layout {
    escaping: Escaping,
    open: &'static [u8],
    between: Vec<u8>,
    close: &'static [u8],
    /// Between rows, where `close` does not end them.
    between_rows: &'static [u8],
    names: bool,
    types: bool,
}

struct Delimited {
    layout: Layout,
    settings: FormatSettings,
    schema: Arc<Schema>,
    cells: Cells,
    rows: u64,
}

fn make(layout: Layout, settings: &FormatSettings) -> Box<dyn BlockWriter> {
    Box::new(Delimited {
        layout,
        settings: settings.clone(),
        schema: Arc::default(),
        cells: Cells::default(),
        rows: 0,
    })
}

fn tabs(
    settings: &FormatSettings,
    escaping: Escaping,
    names: bool,
    types: bool,
) -> Box<dyn BlockWriter> {
    let layout = Layout {
        escaping,
        open: b"",
        between: b"\t".to_vec(),
        close: b"\n",
        between_rows: b"",
        names,
        types,
    };
    make(layout, settings)
}

fn commas(settings: &FormatSettings, names: bool, types: bool) -> Box<dyn BlockWriter> {
    let layout = Layout {
        escaping: Escaping::Csv,
        open: b"",
        between: vec![settings.csv_delimiter],
        close: if settings.csv_crlf { b"\r\n" } else { b"\n" },
        between_rows: b"",
        names,
        types,
    };
    make(layout, settings)
}

pub(super) fn tsv(s: &FormatSettings) -> Box<dyn BlockWriter> {
    tabs(s, Escaping::Escaped, false, false)
}

pub(super) fn tsv_names(s: &FormatSettings) -> Box<dyn BlockWriter> {
    tabs(s, Escaping::Escaped, true, false)
}

pub(super) fn tsv_types(s: &FormatSettings) -> Box<dyn BlockWriter> {
    tabs(s, Escaping::Escaped, true, true)
}

pub(super) fn tsv_raw(s: &FormatSettings) -> Box<dyn BlockWriter> {
    tabs(s, Escaping::Plain, false, false)
}

pub(super) fn tsv_raw_names(s: &FormatSettings) -> Box<dyn BlockWriter> {
    tabs(s, Escaping::Plain, true, false)
}

pub(super) fn tsv_raw_types(s: &FormatSettings) -> Box<dyn BlockWriter> {
    tabs(s, Escaping::Plain, true, true)
}

pub(super) fn csv(s: &FormatSettings) -> Box<dyn BlockWriter> {
    commas(s, false, false)
}

pub(super) fn csv_names(s: &FormatSettings) -> Box<dyn BlockWriter> {
    commas(s, true, false)
}

pub(super) fn csv_types(s: &FormatSettings) -> Box<dyn BlockWriter> {
    commas(s, true, true)
}

pub(super) fn values(s: &FormatSettings) -> Box<dyn BlockWriter> {
    let layout = Layout {
        escaping: Escaping::Quoted,
        open: b"(",
        between: b",".to_vec(),
        close: b")",
        between_rows: b",",
        names: false,
        types: false,
    };
    make(layout, s)
}

impl BlockWriter for Delimited {
    fn start(&mut self, schema: &Arc<Schema>, out: &mut Vec<u8>) -> Result<()> {
        self.schema = Arc::clone(schema);
        self.cells = Cells::new(schema, style(self.layout.escaping, &self.settings));
        for (wanted, types) in [(self.layout.names, false), (self.layout.types, true)] {
            if wanted {
                // Types in CSV and names everywhere are protected; TSV leaves types as they are.
                let escaping = match (self.layout.escaping, types) {
                    (Escaping::Escaped, true) => Escaping::Escaped,
                    (other, _) => other,
                };
                texts(
                    schema,
                    types,
                    &self.layout.between,
                    |t, out| protect(t, escaping, out),
                    out,
                );
                out.extend_from_slice(self.layout.close);
            }
        }
        Ok(())
    }

    fn block(&mut self, block: &Block, out: &mut Vec<u8>) -> Result<()> {
        let columns = block.columns().len();
        for row in 0..block.rows() {
            if self.rows > 0 {
                out.extend_from_slice(self.layout.between_rows);
            }
            self.rows += 1;
            out.extend_from_slice(self.layout.open);
            for column in 0..columns {
                if column > 0 {
                    out.extend_from_slice(&self.layout.between);
                }
                self.cells.write(block, row, column, out);
            }
            out.extend_from_slice(self.layout.close);
        }
        Ok(())
    }

    fn totals(&mut self, block: &Block, out: &mut Vec<u8>) -> Result<()> {
        if self.layout.between_rows.is_empty() {
            out.extend_from_slice(self.layout.close);
            self.block(block, out)?;
        }
        Ok(())
    }

    fn finish(&mut self, _stats: &ResultStats, _out: &mut Vec<u8>) -> Result<()> {
        Ok(())
    }
}

/// `Null`: nothing at all.
struct Nothing;

pub(super) fn null(_: &FormatSettings) -> Box<dyn BlockWriter> {
    Box::new(Nothing)
}

impl BlockWriter for Nothing {
    fn start(&mut self, _schema: &Arc<Schema>, _out: &mut Vec<u8>) -> Result<()> {
        Ok(())
    }

    fn block(&mut self, _block: &Block, _out: &mut Vec<u8>) -> Result<()> {
        Ok(())
    }

    fn finish(&mut self, _stats: &ResultStats, _out: &mut Vec<u8>) -> Result<()> {
        Ok(())
    }
}
