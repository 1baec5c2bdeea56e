//! Vertical: a cell a line, for people.
//!
//! Invariant: names are padded to the longest of them, in characters as a terminal shows them.

use std::sync::Arc;

use roost_engine::block::{Block, Schema};
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::cells::Cells;
use super::json::layout;
use super::pretty::width;
use super::tip;
use crate::formats::cells::{json, style};
use crate::formats::{BlockWriter, FormatSettings, ResultStats};
use crate::functions::text::TextWriter;

pub(in crate::formats) struct VerticalWriter {
    settings: FormatSettings,
    names: Vec<String>,
    rows: u64,
}

impl VerticalWriter {
    pub(in crate::formats) fn make(settings: &FormatSettings) -> Box<dyn BlockWriter> {
        Box::new(VerticalWriter {
            settings: settings.clone(),
            names: Vec::new(),
            rows: 0,
        })
    }
}

/// Names of a schema as `name: `, padded.
pub(super) fn padded_names(schema: &Schema) -> Vec<String> {
    let widest = schema
        .fields
        .iter()
        .map(|f| width(&f.name))
        .max()
        .unwrap_or(0);
    let pad = |name: &str| format!("{name}: {}", " ".repeat(widest - width(name)));
    schema.fields.iter().map(|f| pad(&f.name)).collect()
}

/// Writes the lines of a block's rows; the first is number `number`. In Pretty formats named tuples
/// are laid out as JSON.
pub(super) fn write_rows(
    block: &Block,
    names: &[String],
    number: u64,
    objects: bool,
    settings: &FormatSettings,
    out: &mut Vec<u8>,
) {
    let texts = Cells::Plain.block(block, settings);
    let fields = &block.schema().fields;
    let json = style(json(settings), settings);
    for row in 0..block.rows() {
        if number + row as u64 > 1 {
            out.push(b'\n');
        }
        let title = format!("Row {}:", number + row as u64);
        out.extend_from_slice(format!("{title}\n{}\n", "─".repeat(title.len())).as_bytes());
        for (i, (name, text)) in names.iter().zip(&texts).enumerate() {
            out.extend_from_slice(name.as_bytes());
            let (column, ty) = (block.column(i), &fields[i].ty);
            match ty {
                DataType::Tuple(t) if objects && !t.names.is_empty() => {
                    let (flat, at) = column.entry(row);
                    let mut compact = Vec::new();
                    TextWriter::new(ty, json).write(flat, at, &mut compact);
                    layout(&compact, ty, 0, b' ', 2, out);
                }
                _ => out.extend_from_slice(text.get(row)),
            }
            if let Some(tip) = tip::of_cell(column, row, ty) {
                out.extend_from_slice(format!(" -- {tip}").as_bytes());
            }
            out.push(b'\n');
        }
    }
}

impl BlockWriter for VerticalWriter {
    fn start(&mut self, schema: &Arc<Schema>, _: &mut Vec<u8>) -> Result<()> {
        self.names = padded_names(schema);
        Ok(())
    }

    fn block(&mut self, block: &Block, out: &mut Vec<u8>) -> Result<()> {
        write_rows(
            block,
            &self.names,
            self.rows + 1,
            false,
            &self.settings,
            out,
        );
        self.rows += block.rows() as u64;
        Ok(())
    }

    fn totals(&mut self, block: &Block, out: &mut Vec<u8>) -> Result<()> {
        out.extend_from_slice("\n\nTotals:\n───────\n".as_bytes());
        let mut one = Vec::new();
        write_rows(block, &self.names, 1, false, &self.settings, &mut one);
        let lines = one.split_inclusive(|b| *b == b'\n').skip(2);
        lines.for_each(|line| out.extend_from_slice(line));
        Ok(())
    }

    fn finish(&mut self, _: &ResultStats, _: &mut Vec<u8>) -> Result<()> {
        Ok(())
    }
}
