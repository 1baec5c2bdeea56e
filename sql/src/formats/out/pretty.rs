//! Pretty, PrettyCompact and PrettySpace: tables for people.
//!
//! Invariant: at most `output_format_pretty_max_rows` rows are kept: the first half and the last.
//! Wide tables, and those with line breaks in them, become Vertical.

use std::collections::VecDeque;
use std::sync::Arc;

use roost_engine::block::{Block, Schema};
use roost_engine::column::BytesColumn;
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::cells::Cells;
use super::tip;
use super::vertical::{padded_names, write_rows};
use crate::formats::{BlockWriter, FormatSettings, ResultStats};

/// How the lines are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::formats) enum Frame {
    Full,
    Compact,
    Space,
}

const PAD_MAX: usize = 250;
const FOOTER_FROM_ROWS: u64 = 50;
const VERTICAL_FROM_COLUMNS: usize = 5;

pub(in crate::formats) struct PrettyWriter {
    frame: Frame,
    settings: FormatSettings,
    schema: Arc<Schema>,
    head: Vec<Block>,
    head_rows: usize,
    tail: VecDeque<Block>,
    tail_rows: usize,
    total: u64,
    totals: Option<Block>,
}

impl PrettyWriter {
    pub(in crate::formats) fn make(frame: Frame, s: &FormatSettings) -> Box<dyn BlockWriter> {
        Box::new(PrettyWriter {
            frame,
            settings: s.clone(),
            schema: Arc::default(),
            head: Vec::new(),
            head_rows: 0,
            tail: VecDeque::new(),
            tail_rows: 0,
            total: 0,
            totals: None,
        })
    }

    fn rows_max(&self) -> usize {
        (self.settings.pretty_max_rows as usize).max(1)
    }

    /// The rows to show, and how many of them stand before the gap.
    fn shown(&self) -> Result<(Block, usize)> {
        let head = Block::concat(Arc::clone(&self.schema), &self.head)?;
        if self.tail_rows == 0 {
            let rows = head.rows();
            return Ok((head, rows));
        }
        let first = self.rows_max().div_ceil(2);
        let last = self.rows_max() - first;
        let all: Vec<Block> = std::iter::once(head.clone())
            .chain(self.tail.iter().cloned())
            .collect();
        let all = Block::concat(Arc::clone(&self.schema), &all)?;
        let parts = [head.slice(0, first), all.slice(all.rows() - last, last)];
        Ok((Block::concat(Arc::clone(&self.schema), &parts)?, first))
    }
}

/// Columns that a terminal gives to a text.
pub(super) fn width(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

fn char_width(c: char) -> usize {
    match c as u32 {
        0..0x20 | 0x7f => 0,
        0x300..=0x36f | 0x200b..=0x200f | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f
        | 0x2e80..=0x303e
        | 0x3041..=0x33ff
        | 0x3400..=0x4dbf
        | 0x4e00..=0x9fff
        | 0xa000..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

/// Numbers and dates stand to the right.
pub(super) fn is_right_aligned(ty: &DataType) -> bool {
    let ty = ty.value_type();
    ty.is_integer()
        || ty.is_float()
        || ty.is_date()
        || ty.is_date_time()
        || matches!(ty, DataType::Decimal(..) | DataType::Interval(_))
}

/// A table that is about to be drawn.
struct Table<'a> {
    frame: Frame,
    block: &'a Block,
    texts: Vec<BytesColumn>,
    widths: Vec<usize>,
    right: Vec<bool>,
    /// Characters of the largest row number.
    number_width: usize,
    /// Row numbers: of the first rows, of the rows behind the gap.
    gap: Option<(usize, u64)>,
}

impl Table<'_> {
    fn number(&self, row: usize) -> u64 {
        match self.gap {
            Some((first, skipped)) if row >= first => row as u64 + 1 + skipped,
            _ => row as u64 + 1,
        }
    }

    fn indent(&self, out: &mut Vec<u8>) {
        out.resize(out.len() + self.number_width + 2, b' ');
    }

    fn cell(&self, column: usize, text: &str, fill: &str, out: &mut Vec<u8>) {
        let pad = fill.repeat(self.widths[column].saturating_sub(width(text)));
        let (left, right) = if self.right[column] {
            (pad.as_str(), "")
        } else {
            ("", pad.as_str())
        };
        out.extend_from_slice(format!("{left}{text}{right}").as_bytes());
    }

    fn names(&self, ends: [&str; 3], fill: &str, space: &str, out: &mut Vec<u8>) {
        self.indent(out);
        for (i, field) in self.block.schema().fields.iter().enumerate() {
            out.extend_from_slice(if i == 0 { ends[0] } else { ends[1] }.as_bytes());
            out.extend_from_slice(space.as_bytes());
            self.cell(i, &field.name, fill, out);
            out.extend_from_slice(space.as_bytes());
        }
        out.extend_from_slice(format!("{}\n", ends[2]).as_bytes());
    }

    fn rule(&self, ends: [&str; 3], fill: &str, out: &mut Vec<u8>) {
        self.indent(out);
        for (i, width) in self.widths.iter().enumerate() {
            out.extend_from_slice(if i == 0 { ends[0] } else { ends[1] }.as_bytes());
            out.extend_from_slice(fill.repeat(width + 2).as_bytes());
        }
        out.extend_from_slice(format!("{}\n", ends[2]).as_bytes());
    }

    fn head(&self, out: &mut Vec<u8>) {
        match self.frame {
            Frame::Full => {
                self.rule(["┏", "┳", "┓"], "━", out);
                self.names(["┃", "┃", "┃"], " ", " ", out);
                self.rule(["┡", "╇", "┩"], "━", out);
            }
            Frame::Compact => self.names(["┌", "┬", "┐"], "─", "─", out),
            Frame::Space => {
                self.indent(out);
                for (i, field) in self.block.schema().fields.iter().enumerate() {
                    out.extend_from_slice(if i == 0 { b" " } else { b"   " });
                    self.cell(i, &field.name, " ", out);
                }
                out.extend_from_slice(b"\n\n");
            }
        }
    }

    fn row(&self, row: usize, out: &mut Vec<u8>) {
        let number = self.number(row);
        out.extend_from_slice(format!("{number:>0$}. ", self.number_width).as_bytes());
        let bar = if self.frame == Frame::Space {
            ""
        } else {
            "│"
        };
        for (i, text) in self.texts.iter().enumerate() {
            let start = match (self.frame, i) {
                (Frame::Space, 0) => " ",
                (Frame::Space, _) => "  ",
                _ => "│ ",
            };
            out.extend_from_slice(start.as_bytes());
            self.cell(i, &String::from_utf8_lossy(text.get(row)), " ", out);
            out.push(b' ');
        }
        out.extend_from_slice(bar.as_bytes());
        let last = self.block.columns().len() - 1;
        let ty = &self.block.schema().fields[last].ty;
        if let Some(tip) = tip::of_cell(self.block.column(last), row, ty) {
            out.extend_from_slice(format!(" -- {tip}").as_bytes());
        }
        out.push(b'\n');
    }

    fn gap_line(&self, out: &mut Vec<u8>) {
        let inner: usize = self.widths.iter().map(|w| w + 3).sum();
        self.indent(out);
        let line = match self.frame {
            Frame::Space => "─ ".repeat((inner - 1).div_ceil(2)).trim_end().to_string(),
            _ => "─ ".repeat((inner + 1).div_ceil(2)),
        };
        out.extend_from_slice(format!("{line}\n").as_bytes());
    }

    fn draw(&self, footer: bool, out: &mut Vec<u8>) {
        self.head(out);
        let middle = ["├", "┼", "┤"];
        for row in 0..self.block.rows() {
            let separated = self.frame == Frame::Full && row > 0;
            if separated {
                self.rule(middle, "─", out);
            }
            if self.gap.is_some_and(|(first, _)| first == row) {
                self.gap_line(out);
                if separated {
                    self.rule(middle, "─", out);
                }
            }
            self.row(row, out);
        }
        match (self.frame, footer) {
            (Frame::Space, false) => {}
            (Frame::Space, true) => {
                out.push(b'\n');
                self.indent(out);
                for (i, field) in self.block.schema().fields.iter().enumerate() {
                    out.extend_from_slice(if i == 0 { b" " } else { b"   " });
                    self.cell(i, &field.name, " ", out);
                }
                out.extend_from_slice(b"\n\n");
            }
            (Frame::Compact, true) => self.names(["└", "┴", "┘"], "─", "─", out),
            (Frame::Full, true) => {
                self.rule(["┢", "╈", "┪"], "━", out);
                self.names(["┃", "┃", "┃"], " ", " ", out);
                self.rule(["┗", "┻", "┛"], "━", out);
            }
            _ => self.rule(["└", "┴", "┘"], "─", out),
        }
    }
}

impl PrettyWriter {
    fn table<'a>(&self, block: &'a Block, gap: Option<(usize, u64)>, total: u64) -> Table<'a> {
        let texts = Cells::Plain.block(block, &self.settings);
        let fields = &block.schema().fields;
        let widths = texts.iter().zip(fields).map(|(texts, field)| {
            let cells = texts.iter().map(|t| width(&String::from_utf8_lossy(t)));
            cells
                .max()
                .unwrap_or(0)
                .max(width(&field.name))
                .min(PAD_MAX)
        });
        Table {
            frame: self.frame,
            block,
            widths: widths.collect(),
            right: fields.iter().map(|f| is_right_aligned(&f.ty)).collect(),
            texts,
            number_width: total.to_string().len(),
            gap,
        }
    }

    fn falls_back(&self, table: &Table<'_>) -> bool {
        let inner: usize = table.widths.iter().map(|w| w + 3).sum();
        let breaks = || {
            table
                .texts
                .iter()
                .any(|t| memchr::memchr(b'\n', t.data()).is_some())
        };
        let objects = || {
            let fields = table.block.schema().fields.iter();
            fields
                .into_iter()
                .any(|f| matches!(&f.ty, DataType::Tuple(t) if !t.names.is_empty()))
        };
        table.widths.len() >= VERTICAL_FROM_COLUMNS
            && (inner > PAD_MAX + 3 || breaks() || objects())
    }
}

impl BlockWriter for PrettyWriter {
    fn start(&mut self, schema: &Arc<Schema>, _: &mut Vec<u8>) -> Result<()> {
        self.schema = Arc::clone(schema);
        Ok(())
    }

    fn block(&mut self, block: &Block, _: &mut Vec<u8>) -> Result<()> {
        self.total += block.rows() as u64;
        let room = self
            .rows_max()
            .saturating_sub(self.head_rows)
            .min(block.rows());
        if room > 0 {
            self.head.push(block.slice(0, room));
            self.head_rows += room;
        }
        let rest = block.rows() - room;
        if rest > 0 {
            self.tail.push_back(block.slice(room, rest));
            self.tail_rows += rest;
            let wanted = self.rows_max() / 2;
            while let Some(front) = self.tail.front() {
                if self.tail_rows - front.rows() < wanted.max(1) {
                    break;
                }
                self.tail_rows -= front.rows();
                self.tail.pop_front();
            }
        }
        Ok(())
    }

    fn totals(&mut self, block: &Block, _: &mut Vec<u8>) -> Result<()> {
        self.totals = Some(block.clone());
        Ok(())
    }

    fn finish(&mut self, _: &ResultStats, out: &mut Vec<u8>) -> Result<()> {
        if self.total > 0 && !self.schema.is_empty() {
            let (block, first) = self.shown()?;
            let rows = block.rows() as u64;
            let gap = (rows < self.total).then(|| (first, self.total - rows));
            let table = self.table(&block, gap, self.total);
            if self.falls_back(&table) {
                write_rows(
                    &block,
                    &padded_names(&self.schema),
                    1,
                    true,
                    &self.settings,
                    out,
                );
            } else {
                table.draw(rows >= FOOTER_FROM_ROWS, out);
            }
            if gap.is_some() {
                if self.frame == Frame::Space {
                    out.push(b'\n');
                }
                let line = format!("Showed {rows} out of {} rows.\n", self.total);
                out.extend_from_slice(line.as_bytes());
            }
        }
        if let Some(totals) = &self.totals {
            out.extend_from_slice(b"\nTotals:\n");
            self.table(totals, None, 1).draw(false, out);
        }
        Ok(())
    }
}
