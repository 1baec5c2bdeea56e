//! JSON, JSONCompact and their variants of strings: metadata, rows, totals, statistics.
//!
//! Invariant: layout is ClickHouse's to the byte; in JSON nested objects and tuples are laid out one
//! member a line, arrays of plain values on one line.

use std::sync::Arc;

use roost_engine::block::{Block, Schema};
use roost_engine::column::BytesColumn;
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::cells::Cells;
use crate::formats::{BlockWriter, FormatSettings, ResultStats};
use crate::functions::text::escape::quote_json;
use crate::functions::text::number::write_f64;
use crate::functions::text::parse::json_value_end;

pub(in crate::formats) struct JsonWriter {
    cells: Cells,
    compact: bool,
    settings: FormatSettings,
    schema: Arc<Schema>,
    /// `"name": ` per column.
    keys: Vec<Vec<u8>>,
    rows: u64,
    totals: Vec<u8>,
}

impl JsonWriter {
    pub(in crate::formats) fn make(
        cells: Cells,
        compact: bool,
        settings: &FormatSettings,
    ) -> Box<dyn BlockWriter> {
        Box::new(JsonWriter {
            cells,
            compact,
            settings: settings.clone(),
            schema: Arc::default(),
            keys: Vec::new(),
            rows: 0,
            totals: Vec::new(),
        })
    }

    /// What stands in front of each member (the end of the line before, tabs, the name), one behind
    /// the other, and where each ends.
    fn leads(&self, indent: usize) -> (Vec<u8>, Vec<usize>) {
        let length = |key: &Vec<u8>| key.len() + indent + 3;
        let mut leads = Vec::with_capacity(self.keys.iter().map(length).sum());
        let mut ends = Vec::with_capacity(self.keys.len());
        for (i, key) in self.keys.iter().enumerate() {
            leads.extend_from_slice(if i > 0 { b",\n" } else { b"{\n" });
            leads.resize(leads.len() + indent + 1, b'\t');
            leads.extend_from_slice(key);
            ends.push(leads.len());
        }
        (leads, ends)
    }

    /// The members of row after row, each inside of its brackets at `indent`.
    fn write_rows(&self, block: &Block, indent: usize, first: bool, out: &mut Vec<u8>) {
        let texts = self.cells.block(block, &self.settings);
        let nested: Vec<bool> = self
            .schema
            .fields
            .iter()
            .map(|f| self.cells == Cells::Json && is_nested(&f.ty))
            .collect();
        let (leads, ends) = self.leads(indent);
        let around = leads.len() + 2 * self.keys.len() + 2 * indent + 4;
        let values = texts.iter().map(BytesColumn::value_bytes).sum::<usize>();
        out.reserve(values + around * block.rows());
        for row in 0..block.rows() {
            if row > 0 || !first {
                out.extend_from_slice(b",\n");
            }
            if self.compact {
                out.resize(out.len() + indent, b'\t');
                out.push(b'[');
                for (i, text) in texts.iter().enumerate() {
                    if i > 0 {
                        out.extend_from_slice(b", ");
                    }
                    out.extend_from_slice(text.get(row));
                }
                out.push(b']');
                continue;
            }
            out.resize(out.len() + indent, b'\t');
            if texts.is_empty() {
                out.extend_from_slice(b"{\n");
            }
            let mut from = 0;
            for (i, text) in texts.iter().enumerate() {
                out.extend_from_slice(&leads[from..ends[i]]);
                from = ends[i];
                match nested[i] {
                    true => layout(
                        text.get(row),
                        &self.schema.fields[i].ty,
                        indent + 1,
                        b'\t',
                        1,
                        out,
                    ),
                    false => out.extend_from_slice(text.get(row)),
                }
            }
            out.push(b'\n');
            out.resize(out.len() + indent, b'\t');
            out.push(b'}');
        }
    }
}

fn is_nested(ty: &DataType) -> bool {
    matches!(
        ty.value_type(),
        DataType::Array(_) | DataType::Tuple(_) | DataType::Map(..)
    )
}

/// Copies the compact JSON of a value of type `ty`, one member a line where it has members;
/// `width` times `unit` is one step to the right.
pub(in crate::formats) fn layout(
    text: &[u8],
    ty: &DataType,
    indent: usize,
    unit: u8,
    width: usize,
    out: &mut Vec<u8>,
) {
    let mut inside = Layout {
        text,
        at: 0,
        unit,
        width,
    };
    inside.value(ty, indent, out);
}

struct Layout<'a> {
    text: &'a [u8],
    at: usize,
    unit: u8,
    width: usize,
}

impl Layout<'_> {
    fn peek(&self) -> u8 {
        self.text.get(self.at).copied().unwrap_or(0)
    }

    fn copy_value(&mut self, out: &mut Vec<u8>) {
        let end = json_value_end(self.text, self.at).unwrap_or(self.text.len());
        out.extend_from_slice(&self.text[self.at..end.max(self.at)]);
        self.at = end;
    }

    fn value(&mut self, ty: &DataType, indent: usize, out: &mut Vec<u8>) {
        let ty = ty.value_type();
        let opens = matches!(self.peek(), b'[' | b'{');
        match ty {
            DataType::Array(e) if opens && is_nested(e) => {
                self.members(indent, out, |this, _, out| this.value(e, indent + 1, out));
            }
            DataType::Tuple(t) if opens => {
                self.members(indent, out, |this, i, out| match t.types.get(i) {
                    Some(element) => this.value(element, indent + 1, out),
                    None => this.copy_value(out),
                })
            }
            DataType::Map(_, v) if opens => {
                self.members(indent, out, |this, _, out| this.value(v, indent + 1, out));
            }
            _ => self.copy_value(out),
        }
    }

    fn members(
        &mut self,
        indent: usize,
        out: &mut Vec<u8>,
        mut value: impl FnMut(&mut Self, usize, &mut Vec<u8>),
    ) {
        let open = self.peek();
        let close = if open == b'[' { b']' } else { b'}' };
        out.push(open);
        self.at += 1;
        if self.peek() == close {
            out.push(close);
            self.at += 1;
            return;
        }
        let mut index = 0;
        while self.at < self.text.len() && self.peek() != close {
            if self.peek() == b',' {
                self.at += 1;
                out.push(b',');
            }
            out.push(b'\n');
            out.resize(out.len() + (indent + 1) * self.width, self.unit);
            if open == b'{' {
                self.copy_value(out);
                self.at += 1;
                out.extend_from_slice(b": ");
            }
            value(self, index, out);
            index += 1;
        }
        self.at += 1;
        out.push(b'\n');
        out.resize(out.len() + indent * self.width, self.unit);
        out.push(close);
    }
}

/// `"meta"` of the JSON formats.
pub(in crate::formats) fn write_meta(schema: &Schema, slashes: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\t\"meta\":\n\t[\n");
    for (i, field) in schema.fields.iter().enumerate() {
        out.extend_from_slice(if i > 0 { b",\n\t\t{\n" } else { b"\t\t{\n" });
        out.extend_from_slice(b"\t\t\t\"name\": ");
        quote_json(field.name.as_bytes(), slashes, out);
        out.extend_from_slice(b",\n\t\t\t\"type\": ");
        quote_json(field.ty.to_string().as_bytes(), slashes, out);
        out.extend_from_slice(b"\n\t\t}");
    }
    out.extend_from_slice(b"\n\t],\n\n");
}

/// Rows, limit and statistics at the end of the JSON formats.
pub(in crate::formats) fn write_tail(
    rows: u64,
    stats: &ResultStats,
    settings: &FormatSettings,
    out: &mut Vec<u8>,
) {
    out.extend_from_slice(format!("\t\"rows\": {rows}").as_bytes());
    if let Some(before) = stats.rows_before_limit {
        let line = format!(",\n\n\t\"rows_before_limit_at_least\": {before}");
        out.extend_from_slice(line.as_bytes());
    }
    if settings.write_statistics {
        out.extend_from_slice(b",\n\n\t\"statistics\":\n\t{\n\t\t\"elapsed\": ");
        write_f64(stats.elapsed_seconds, out);
        let rest = format!(
            ",\n\t\t\"rows_read\": {},\n\t\t\"bytes_read\": {}\n\t}}",
            stats.rows_read, stats.bytes_read
        );
        out.extend_from_slice(rest.as_bytes());
    }
    out.extend_from_slice(b"\n}\n");
}

impl BlockWriter for JsonWriter {
    fn start(&mut self, schema: &Arc<Schema>, out: &mut Vec<u8>) -> Result<()> {
        let slashes = self.settings.escape_forward_slashes;
        self.schema = Arc::clone(schema);
        for field in &schema.fields {
            let mut key = Vec::with_capacity(field.name.len() + 4);
            quote_json(field.name.as_bytes(), slashes, &mut key);
            key.extend_from_slice(b": ");
            self.keys.push(key);
        }
        out.extend_from_slice(b"{\n");
        write_meta(schema, slashes, out);
        out.extend_from_slice(b"\t\"data\":\n\t[\n");
        Ok(())
    }

    fn block(&mut self, block: &Block, out: &mut Vec<u8>) -> Result<()> {
        self.write_rows(block, 2, self.rows == 0, out);
        self.rows += block.rows() as u64;
        Ok(())
    }

    fn totals(&mut self, block: &Block, _: &mut Vec<u8>) -> Result<()> {
        let mut totals = Vec::new();
        self.write_rows(block, if self.compact { 0 } else { 1 }, true, &mut totals);
        self.totals.extend_from_slice(if self.compact {
            b"\t\"totals\": "
        } else {
            b"\t\"totals\":\n"
        });
        self.totals.extend_from_slice(&totals);
        self.totals.extend_from_slice(b",\n\n");
        Ok(())
    }

    fn finish(&mut self, stats: &ResultStats, out: &mut Vec<u8>) -> Result<()> {
        out.extend_from_slice(b"\n\t],\n\n");
        out.append(&mut self.totals);
        write_tail(self.rows, stats, &self.settings, out);
        Ok(())
    }
}
