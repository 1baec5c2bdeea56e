//! Native: blocks of columns as ClickHouse's own clients exchange them, uncompressed.
//!
//! Invariant: bytes are ClickHouse's, but for aggregate states, which are strings of our own bytes.
//! With a client revision of 1 or more each block starts with its info, as in ClickHouse.

mod read;
mod write;

use std::sync::Arc;

use roost_engine::block::{Block, Schema};
use roost_engine::error::Result;
use roost_engine::types::DataType;

pub(super) use read::reader;

use super::binary::{put_string, put_varint};
use super::{BlockWriter, FormatSettings, ResultStats};

/// From this revision on clients know `DateTime('zone')`.
const REVISION_OF_ZONES: u64 = 54337;

/// What stands before a block: not overflown, no bucket.
const BLOCK_INFO: [u8; 8] = [1, 0, 2, 0xff, 0xff, 0xff, 0xff, 0];

struct NativeWriter {
    revision: u64,
}

pub(super) fn writer(settings: &FormatSettings) -> Box<dyn BlockWriter> {
    Box::new(NativeWriter {
        revision: settings.client_protocol_version,
    })
}

impl BlockWriter for NativeWriter {
    fn start(&mut self, _: &Arc<Schema>, _: &mut Vec<u8>) -> Result<()> {
        Ok(())
    }

    fn block(&mut self, block: &Block, out: &mut Vec<u8>) -> Result<()> {
        if block.rows() == 0 {
            return Ok(());
        }
        if self.revision > 0 {
            out.extend_from_slice(&BLOCK_INFO);
        }
        put_varint(out, block.columns().len() as u64);
        put_varint(out, block.rows() as u64);
        for (field, column) in block.schema().fields.iter().zip(block.columns()) {
            put_string(out, field.name.as_bytes());
            match &field.ty {
                DataType::DateTime(_) if self.revision < REVISION_OF_ZONES => {
                    put_string(out, b"DateTime");
                }
                ty => put_string(out, ty.to_string().as_bytes()),
            }
            write::prefix(&field.ty, out);
            write::column(column, &field.ty, out)?;
        }
        Ok(())
    }

    fn totals(&mut self, block: &Block, out: &mut Vec<u8>) -> Result<()> {
        self.block(block, out)
    }

    fn finish(&mut self, _: &ResultStats, _: &mut Vec<u8>) -> Result<()> {
        Ok(())
    }
}
