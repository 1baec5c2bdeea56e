//! Writes a part file from sorted blocks.
//!
//! Invariant: a file without its footer is no part; `finish` syncs the file before it returns.

use std::sync::Arc;

use super::info::PartInfo;
use super::spec::PartSpec;
use crate::block::Block;
use crate::column::Column;
use crate::error::{Error, Result};
use crate::storage::Storage;

/// A part file being written.
pub struct PartWriter;

impl PartWriter {
    /// Starts a file; the folder must be there. The caller syncs the folder after `finish`.
    pub fn create(_storage: &Arc<dyn Storage>, _path: &str, _spec: PartSpec<'_>) -> Result<Self> {
        Err(Error::not_implemented("a part file"))
    }

    /// Adds rows that follow all earlier ones in the order of the key; `key_columns` are the key's
    /// elements for these rows.
    pub fn write(&mut self, _block: &Block, _key_columns: &[Column]) -> Result<()> {
        Err(Error::not_implemented("a part file"))
    }

    /// Writes the footer, syncs the file and returns the info with rows and sizes filled in.
    pub fn finish(self) -> Result<PartInfo> {
        Err(Error::not_implemented("a part file"))
    }
}
