//! Formats of one text per row: TabSeparated, CSV, Values, JSONEachRow and their kin.
//!
//! Invariant: a row is its cells between fixed pieces of text; the pieces are made once.

use std::sync::Arc;

use roost_engine::block::{Block, Schema};
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::cells::Cells;
use crate::formats::{BlockWriter, FormatSettings, ResultStats};
use crate::functions::text::escape::{escape_backslash, quote_csv, quote_json};

/// Lines before the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::formats) enum Header {
    None,
    Names,
    NamesAndTypes,
}

/// What stands around and between cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Tsv,
    Tskv,
    Csv,
    Values,
    JsonRows,
    JsonArrays,
    /// JSON objects as the members of one.
    JsonMembers,
    Markdown,
}

pub(in crate::formats) struct RowsWriter {
    shape: Shape,
    cells: Cells,
    header: Header,
    settings: FormatSettings,
    /// Text before each column's cell.
    before: Vec<Vec<u8>>,
    row_end: &'static [u8],
    rows: u64,
}

impl RowsWriter {
    fn new(shape: Shape, cells: Cells, header: Header, settings: &FormatSettings) -> Box<Self> {
        let row_end: &[u8] = match shape {
            Shape::Tsv | Shape::Tskv => b"\n",
            Shape::Csv if settings.csv_crlf => b"\r\n",
            Shape::Csv => b"\n",
            Shape::Values => b")",
            Shape::JsonRows if settings.json_array_of_rows => b"}",
            Shape::JsonRows => b"}\n",
            Shape::JsonArrays => b"]\n",
            Shape::JsonMembers => b"}",
            Shape::Markdown => b" |\n",
        };
        let settings = settings.clone();
        Box::new(RowsWriter {
            shape,
            cells,
            header,
            settings,
            before: Vec::new(),
            row_end,
            rows: 0,
        })
    }

    pub(in crate::formats) fn tsv(header: Header, s: &FormatSettings) -> Box<dyn BlockWriter> {
        Self::new(Shape::Tsv, Cells::Escaped, header, s)
    }

    pub(in crate::formats) fn tsv_raw(header: Header, s: &FormatSettings) -> Box<dyn BlockWriter> {
        Self::new(Shape::Tsv, Cells::Raw, header, s)
    }

    pub(in crate::formats) fn tskv(s: &FormatSettings) -> Box<dyn BlockWriter> {
        Self::new(Shape::Tskv, Cells::Escaped, Header::None, s)
    }

    pub(in crate::formats) fn csv(header: Header, s: &FormatSettings) -> Box<dyn BlockWriter> {
        Self::new(Shape::Csv, Cells::Csv, header, s)
    }

    pub(in crate::formats) fn values(s: &FormatSettings) -> Box<dyn BlockWriter> {
        Self::new(Shape::Values, Cells::Quoted, Header::None, s)
    }

    pub(in crate::formats) fn json(cells: Cells, s: &FormatSettings) -> Box<dyn BlockWriter> {
        Self::new(Shape::JsonRows, cells, Header::None, s)
    }

    pub(in crate::formats) fn json_arrays(
        cells: Cells,
        header: Header,
        s: &FormatSettings,
    ) -> Box<dyn BlockWriter> {
        Self::new(Shape::JsonArrays, cells, header, s)
    }

    pub(in crate::formats) fn json_members(s: &FormatSettings) -> Box<dyn BlockWriter> {
        Self::new(Shape::JsonMembers, Cells::Json, Header::None, s)
    }

    pub(in crate::formats) fn markdown(s: &FormatSettings) -> Box<dyn BlockWriter> {
        Self::new(Shape::Markdown, Cells::Escaped, Header::None, s)
    }

    fn separator(&self) -> &[u8] {
        match self.shape {
            Shape::Tsv | Shape::Tskv => b"\t",
            Shape::Csv => std::slice::from_ref(&self.settings.csv_delimiter),
            Shape::Values | Shape::JsonRows | Shape::JsonMembers => b",",
            Shape::JsonArrays => b", ",
            Shape::Markdown => b" | ",
        }
    }

    fn row_start(&self, out: &mut Vec<u8>) {
        match self.shape {
            Shape::Tsv | Shape::Tskv | Shape::Csv => {}
            Shape::Values => out.extend_from_slice(if self.rows > 0 { b",(" } else { b"(" }),
            Shape::JsonRows if self.settings.json_array_of_rows => {
                out.extend_from_slice(if self.rows > 0 { b",\n{" } else { b"{" });
            }
            Shape::JsonRows => out.push(b'{'),
            Shape::JsonArrays => out.push(b'['),
            Shape::JsonMembers => {
                out.extend_from_slice(if self.rows > 0 { b",\n\t" } else { b"\n\t" });
                out.extend_from_slice(format!("\"row_{}\": {{", self.rows + 1).as_bytes());
            }
            Shape::Markdown => out.extend_from_slice(b"| "),
        }
    }

    fn piece(&self, column: usize, name: &str) -> Vec<u8> {
        let mut piece = Vec::new();
        if column > 0 {
            piece.extend_from_slice(self.separator());
        }
        match self.shape {
            Shape::JsonRows | Shape::JsonMembers => {
                quote_json(
                    name.as_bytes(),
                    self.settings.escape_forward_slashes,
                    &mut piece,
                );
                piece.push(b':');
            }
            Shape::Tskv => {
                let mut escaped = Vec::new();
                escape_backslash(name.as_bytes(), &mut escaped);
                for byte in escaped {
                    if byte == b'=' {
                        piece.push(b'\\');
                    }
                    piece.push(byte);
                }
                piece.push(b'=');
            }
            _ => {}
        }
        piece
    }

    fn header_line<'a>(&self, names: impl Iterator<Item = &'a str>, out: &mut Vec<u8>) {
        self.row_start(out);
        for (i, name) in names.enumerate() {
            if i > 0 {
                out.extend_from_slice(self.separator());
            }
            match self.cells {
                Cells::Csv => quote_csv(name.as_bytes(), out),
                Cells::Escaped => escape_backslash(name.as_bytes(), out),
                Cells::Json | Cells::JsonStrings => {
                    quote_json(name.as_bytes(), self.settings.escape_forward_slashes, out);
                }
                _ => out.extend_from_slice(name.as_bytes()),
            }
        }
        out.extend_from_slice(self.row_end);
    }

    fn write_rows(&mut self, block: &Block, out: &mut Vec<u8>) {
        let texts = self.cells.block(block, &self.settings);
        let bytes: usize = texts.iter().map(|t| t.value_bytes()).sum();
        let pieces: usize = self.before.iter().map(Vec::len).sum();
        out.reserve(bytes + block.rows() * (pieces + 8));
        for row in 0..block.rows() {
            self.row_start(out);
            for (piece, text) in self.before.iter().zip(&texts) {
                out.extend_from_slice(piece);
                out.extend_from_slice(text.get(row));
            }
            out.extend_from_slice(self.row_end);
            self.rows += 1;
        }
    }
}

/// Columns as CSV flattens them: an element of a tuple is a column of its own.
fn flattened(schema: &Schema) -> Vec<(String, String)> {
    fn add(name: &str, ty: &DataType, out: &mut Vec<(String, String)>) {
        let DataType::Tuple(tuple) = ty else {
            out.push((name.to_string(), ty.to_string()));
            return;
        };
        for (i, element) in tuple.types.iter().enumerate() {
            let own = tuple
                .names
                .get(i)
                .cloned()
                .unwrap_or_else(|| (i + 1).to_string());
            add(&format!("{name}.{own}"), element, out);
        }
    }
    let mut out = Vec::new();
    schema
        .fields
        .iter()
        .for_each(|f| add(&f.name, &f.ty, &mut out));
    out
}

impl BlockWriter for RowsWriter {
    fn start(&mut self, schema: &Arc<Schema>, out: &mut Vec<u8>) -> Result<()> {
        let names = schema.fields.iter().enumerate();
        self.before = names.map(|(i, f)| self.piece(i, &f.name)).collect();
        let columns: Vec<(String, String)> = match self.shape {
            Shape::Csv => flattened(schema),
            _ => schema
                .fields
                .iter()
                .map(|f| (f.name.clone(), f.ty.to_string()))
                .collect(),
        };
        match self.header {
            Header::None => {}
            Header::Names => self.header_line(columns.iter().map(|c| c.0.as_str()), out),
            Header::NamesAndTypes => {
                self.header_line(columns.iter().map(|c| c.0.as_str()), out);
                self.header_line(columns.iter().map(|c| c.1.as_str()), out);
            }
        }
        match self.shape {
            Shape::JsonRows if self.settings.json_array_of_rows => out.extend_from_slice(b"[\n"),
            Shape::JsonMembers => out.push(b'{'),
            Shape::Markdown => {
                self.header_line(columns.iter().map(|c| c.0.as_str()), out);
                for field in &schema.fields {
                    let right = super::pretty::is_right_aligned(&field.ty);
                    out.extend_from_slice(if right { b"|-:" } else { b"|:-" });
                }
                out.extend_from_slice(b"|\n");
            }
            _ => {}
        }
        Ok(())
    }

    fn block(&mut self, block: &Block, out: &mut Vec<u8>) -> Result<()> {
        self.write_rows(block, out);
        Ok(())
    }

    fn totals(&mut self, block: &Block, out: &mut Vec<u8>) -> Result<()> {
        if matches!(self.shape, Shape::Tsv | Shape::Csv) {
            out.extend_from_slice(self.row_end);
            self.write_rows(block, out);
        }
        Ok(())
    }

    fn finish(&mut self, _: &ResultStats, out: &mut Vec<u8>) -> Result<()> {
        match self.shape {
            Shape::JsonRows if self.settings.json_array_of_rows => out.extend_from_slice(b"\n]\n"),
            Shape::JsonMembers => out.extend_from_slice(b"\n}\n"),
            _ => {}
        }
        Ok(())
    }
}
