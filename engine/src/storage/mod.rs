//! All file access of the engine, as one narrow trait.
//!
//! Paths are relative to the store's root, with `/` between elements, and never leave it.
//! A file is written once from start to end (parts) or appended to (the log); it is durable after
//! `sync`, its name after `sync_dir` of its folder.
//!
//! Invariant: the engine touches no file other than through here.

mod appended;
pub mod faulty;
pub mod local;
pub mod memory;
mod path;

pub use faulty::FaultyStorage;
pub use local::LocalStorage;
pub use memory::MemoryStorage;

use std::fmt::Debug;
use std::sync::Arc;

use crate::error::Result;

/// A store of files.
pub trait Storage: Send + Sync + Debug {
    /// Creates a file for appending; an old file of that name is emptied.
    fn create(&self, path: &str) -> Result<Box<dyn WriteFile>>;
    /// Opens an existing file for appending behind its `len`-th byte; what lies behind is cut off.
    /// While it is open, and after a crash, zeros may stand behind what was appended.
    fn append(&self, path: &str, len: u64) -> Result<Box<dyn WriteFile>>;
    /// The whole file as bytes (mapped where the store can); the file must not change any more.
    fn map(&self, path: &str) -> Result<Arc<dyn FileBytes>>;
    /// Reads the whole file into memory.
    fn read(&self, path: &str) -> Result<Vec<u8>>;
    /// Names (not paths) of files and folders in a folder, sorted; empty when there is no such
    /// folder. The store's own lock file is not among them.
    fn list(&self, folder: &str) -> Result<Vec<String>>;
    /// Removes a file; it is no error when there is none.
    fn remove(&self, path: &str) -> Result<()>;
    /// Renames a file within its folder, over an old file of the new name.
    fn rename(&self, from: &str, to: &str) -> Result<()>;
    /// Creates a folder and those above it, durably.
    fn create_dir(&self, folder: &str) -> Result<()>;
    /// Removes an empty folder; it is no error when there is none or it is not empty.
    fn remove_dir(&self, folder: &str) -> Result<()>;
    /// Makes names created, renamed and removed in `folder` durable.
    fn sync_dir(&self, folder: &str) -> Result<()>;
    /// Takes the store for this process; the lock lives as long as what is returned.
    fn lock(&self) -> Result<Box<dyn Send + Sync>>;
}

/// A file being written.
pub trait WriteFile: Send {
    /// Appends bytes.
    fn write(&mut self, bytes: &[u8]) -> Result<()>;
    /// Makes everything written so far durable.
    fn sync(&mut self) -> Result<()>;
}

/// The bytes of an immutable file.
pub trait FileBytes: Send + Sync {
    /// All of them.
    fn bytes(&self) -> &[u8];
}

impl FileBytes for Vec<u8> {
    fn bytes(&self) -> &[u8] {
        self
    }
}

#[cfg(test)]
mod tests;
