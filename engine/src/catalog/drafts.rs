//! Part files that no commit names yet.
//!
//! Invariant: a draft that is not published removes its file.

use std::sync::Arc;

use super::Inner;
use crate::block::Block;
use crate::column::Column;
use crate::error::Result;
use crate::part::{Compression, Part, PartInfo, PartSpec, PartWriter, PartitionValue};
use crate::storage::Storage;
use crate::table::Layout;
use crate::table::split::Run;

/// Folder of part files.
pub(super) const FOLDER: &str = "parts";

/// The path of part `id`.
pub(super) fn path(id: u64) -> String {
    format!("{FOLDER}/{id:08}.part")
}

/// The id in a part's file name.
pub(super) fn id_of(name: &str) -> Option<u64> {
    name.strip_suffix(".part")?.parse().ok()
}

/// A part file being written or waiting for its commit.
pub(super) struct Draft {
    storage: Arc<dyn Storage>,
    id: u64,
    writer: Option<PartWriter>,
    part: Option<Part>,
    published: bool,
}

impl Draft {
    /// Starts the file of the part that `info` describes.
    pub(super) fn create(
        inner: &Inner,
        layout: &Layout,
        values: Vec<PartitionValue>,
        info: PartInfo,
    ) -> Result<Draft> {
        let mut draft = Draft {
            storage: Arc::clone(&inner.storage),
            id: info.id,
            writer: None,
            part: None,
            published: false,
        };
        let spec = PartSpec {
            codecs: &layout.codecs,
            granule_rows: inner.options.granule_rows,
            compression: Compression::Lz4,
            partition: values,
            indexes: layout.indexes.clone(),
            ..PartSpec::new(&layout.schema, layout.key(), info)
        };
        draft.writer = Some(PartWriter::create(&inner.storage, &path(draft.id), spec)?);
        Ok(draft)
    }

    /// The finished file of one run.
    pub(super) fn of_run(
        inner: &Inner,
        layout: &Layout,
        run: Run,
        info: PartInfo,
    ) -> Result<Draft> {
        let mut draft = Draft::create(inner, layout, run.values, info)?;
        draft.write(&run.block, &run.key)?;
        draft.finish()?;
        Ok(draft)
    }

    /// Adds rows.
    pub(super) fn write(&mut self, block: &Block, key: &[Column]) -> Result<()> {
        match &mut self.writer {
            Some(writer) => writer.write(block, key),
            None => Ok(()),
        }
    }

    /// Ends and syncs the file and opens it as a part. Its name is durable after the folder's sync.
    pub(super) fn finish(&mut self) -> Result<()> {
        if let Some(writer) = self.writer.take() {
            let info = writer.finish()?;
            self.part = Some(Part::open(&self.storage, &path(self.id), info)?);
        }
        Ok(())
    }

    /// What is known of the finished part.
    pub(super) fn info(&self) -> PartInfo {
        let info = self.part.as_ref().map(|p| p.info().clone());
        info.unwrap_or_default()
    }

    /// The part, which a commit names now.
    pub(super) fn publish(mut self, commit: u64) -> Option<Arc<Part>> {
        let part = self.part.take()?;
        self.published = true;
        Some(Arc::new(part.at_commit(commit)))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.published {
            self.writer = None;
            self.part = None;
            // A file that stays is swept when the store is opened.
            let _ = self.storage.remove(&path(self.id));
        }
    }
}
