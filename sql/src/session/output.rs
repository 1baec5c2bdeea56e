//! Rows to bytes: the sink that formats what a statement answers.
//!
//! Invariant: `start` of the output is called before the first byte; an error after the first byte
//! leaves as the format's own exception, where it has one, and as the call's error.

use std::sync::Arc;
use std::time::Instant;

use roost_engine::block::{Block, Schema};
use roost_engine::error::Result;

use crate::exec::{Progress, Totals};
use crate::formats::{self, BlockWriter, FormatInfo, FormatSettings, ResultStats};
use crate::interpret::RowSink;

/// Where formatted bytes go.
pub trait OutputSink {
    /// The format that was decided and the columns, before the first byte.
    fn start(&mut self, format: &'static FormatInfo, schema: &Schema) -> Result<()>;
    /// Some bytes, in order.
    fn write(&mut self, bytes: &[u8]) -> Result<()>;
}

/// A sink that keeps everything.
impl OutputSink for Vec<u8> {
    fn start(&mut self, _format: &'static FormatInfo, _schema: &Schema) -> Result<()> {
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.extend_from_slice(bytes);
        Ok(())
    }
}

/// Bytes that are collected before they are handed on.
const CHUNK_BYTES: usize = 64 << 10;

/// A [`RowSink`] that formats.
pub(super) struct Formatter<'a> {
    out: &'a mut dyn OutputSink,
    info: &'static FormatInfo,
    writer: Box<dyn BlockWriter>,
    buffer: Vec<u8>,
    started: Instant,
    progress: Arc<Progress>,
    /// Rows and bytes that left.
    pub(super) rows: u64,
    pub(super) bytes: u64,
    pub(super) has_started: bool,
}

impl<'a> Formatter<'a> {
    pub(super) fn new(
        format: &str,
        settings: &FormatSettings,
        progress: Arc<Progress>,
        out: &'a mut dyn OutputSink,
    ) -> Result<Self> {
        let writer = formats::writer(format, settings)?;
        let info = formats::format(format)
            .ok_or_else(|| roost_engine::err!(UNKNOWN_FORMAT, "Unknown format {format}"))?;
        Ok(Formatter {
            out,
            info,
            writer,
            buffer: Vec::with_capacity(CHUNK_BYTES),
            started: Instant::now(),
            progress,
            rows: 0,
            bytes: 0,
            has_started: false,
        })
    }

    pub(super) fn info(&self) -> &'static FormatInfo {
        self.info
    }

    fn flush(&mut self, at_least: usize) -> Result<()> {
        if !self.buffer.is_empty() && self.buffer.len() >= at_least {
            self.bytes += self.buffer.len() as u64;
            self.out.write(&self.buffer)?;
            self.buffer.clear();
        }
        Ok(())
    }
}

impl RowSink for Formatter<'_> {
    fn start(&mut self, schema: &Arc<Schema>) -> Result<()> {
        self.has_started = true;
        self.out.start(self.info, schema)?;
        self.writer.start(schema, &mut self.buffer)
    }

    fn block(&mut self, block: Block) -> Result<()> {
        self.rows += block.rows() as u64;
        self.writer.block(&block, &mut self.buffer)?;
        self.flush(CHUNK_BYTES)
    }

    fn end(&mut self, totals: &Totals) -> Result<()> {
        if let Some(block) = &totals.totals {
            self.writer.totals(block, &mut self.buffer)?;
        }
        let stats = ResultStats {
            rows_read: self.progress.rows(),
            bytes_read: self.progress.bytes(),
            elapsed_seconds: self.started.elapsed().as_secs_f64(),
            rows_before_limit: totals.rows_before_limit,
        };
        self.writer.finish(&stats, &mut self.buffer)?;
        self.flush(0)
    }

    fn tells_rows_before_limit(&self) -> bool {
        self.info.name.starts_with("JSON") && !self.info.name.ends_with("EachRow")
    }
}
