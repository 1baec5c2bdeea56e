//! Formats with little to them: Null, LineAsString, RawBLOB.
//!
//! Invariant: cells pass as they are.

use std::sync::Arc;

use roost_engine::bail;
use roost_engine::block::{Block, Schema};
use roost_engine::error::Result;

use super::cells::Cells;
use crate::formats::{BlockWriter, FormatSettings, ResultStats};

/// What stands behind a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::formats) enum Plain {
    /// Nothing is written at all.
    Null,
    /// A line a row.
    Lines,
    /// The bytes of the only column, back to back.
    Blob,
}

pub(in crate::formats) struct PlainWriter {
    plain: Plain,
    settings: FormatSettings,
}

impl PlainWriter {
    pub(in crate::formats) fn make(
        plain: Plain,
        settings: &FormatSettings,
    ) -> Box<dyn BlockWriter> {
        Box::new(PlainWriter {
            plain,
            settings: settings.clone(),
        })
    }
}

impl BlockWriter for PlainWriter {
    fn start(&mut self, schema: &Arc<Schema>, _: &mut Vec<u8>) -> Result<()> {
        if self.plain == Plain::Blob && schema.len() != 1 {
            bail!(
                BAD_ARGUMENTS,
                "output format RawBLOB is only suitable for single column, found {}",
                schema.len()
            );
        }
        Ok(())
    }

    fn block(&mut self, block: &Block, out: &mut Vec<u8>) -> Result<()> {
        if self.plain == Plain::Null {
            return Ok(());
        }
        let texts = Cells::Raw.block(block, &self.settings);
        for row in 0..block.rows() {
            for (i, text) in texts.iter().enumerate() {
                if i > 0 {
                    out.push(b'\t');
                }
                out.extend_from_slice(text.get(row));
            }
            if self.plain == Plain::Lines {
                out.push(b'\n');
            }
        }
        Ok(())
    }

    fn finish(&mut self, _: &ResultStats, _: &mut Vec<u8>) -> Result<()> {
        Ok(())
    }
}
