//! A store in memory: for databases without a directory, and for tests.
//!
//! Invariant: clones of one `MemoryStorage` are the same store; a mapped file keeps its bytes
//! whatever happens to its name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parking_lot::Mutex;

use super::{FileBytes, Storage, WriteFile, path};
use crate::error::{Code, Error, Result};

type Content = Arc<Mutex<Arc<Vec<u8>>>>;

/// Files in memory. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct MemoryStorage {
    state: Arc<Mutex<State>>,
    lock: Arc<Mutex<bool>>,
}

#[derive(Debug, Default)]
struct State {
    files: BTreeMap<String, Content>,
    folders: BTreeSet<String>,
}

impl MemoryStorage {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes of all files together.
    pub fn total_bytes(&self) -> u64 {
        let state = self.state.lock();
        state.files.values().map(|f| f.lock().len() as u64).sum()
    }

    fn file(&self, path: &str) -> Result<Content> {
        path::check_file(path)?;
        let state = self.state.lock();
        state
            .files
            .get(path)
            .map(Arc::clone)
            .ok_or_else(|| path::missing(path))
    }
}

impl Storage for MemoryStorage {
    fn create(&self, path: &str) -> Result<Box<dyn WriteFile>> {
        path::check_file(path)?;
        let folder = path::split(path).0;
        let mut state = self.state.lock();
        if !folder.is_empty() && !state.folders.contains(folder) {
            return Err(path::missing(folder));
        }
        let content = Content::default();
        state.files.insert(path.to_string(), Arc::clone(&content));
        Ok(Box::new(MemoryFile { content }))
    }

    fn append(&self, path: &str, len: u64) -> Result<Box<dyn WriteFile>> {
        let content = self.file(path)?;
        let mut bytes = content.lock();
        if len > bytes.len() as u64 {
            return Err(too_short(path, bytes.len(), len));
        }
        Arc::make_mut(&mut bytes).truncate(len as usize);
        drop(bytes);
        Ok(Box::new(MemoryFile { content }))
    }

    fn map(&self, path: &str) -> Result<Arc<dyn FileBytes>> {
        let bytes = Arc::clone(&self.file(path)?.lock());
        Ok(bytes)
    }

    fn read(&self, path: &str) -> Result<Vec<u8>> {
        Ok(self.file(path)?.lock().to_vec())
    }

    fn list(&self, folder: &str) -> Result<Vec<String>> {
        path::check_folder(folder)?;
        let state = self.state.lock();
        let all = state.files.keys().chain(&state.folders);
        let names: BTreeSet<&str> = all
            .map(|p| path::split(p))
            .filter(|(f, _)| *f == folder)
            .map(|(_, n)| n)
            .collect();
        Ok(names.into_iter().map(String::from).collect())
    }

    fn remove(&self, path: &str) -> Result<()> {
        path::check_file(path)?;
        self.state.lock().files.remove(path);
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        path::check_rename(from, to)?;
        let mut state = self.state.lock();
        let content = state
            .files
            .remove(from)
            .ok_or_else(|| path::missing(from))?;
        state.files.insert(to.to_string(), content);
        Ok(())
    }

    fn create_dir(&self, folder: &str) -> Result<()> {
        path::check_folder(folder)?;
        let mut state = self.state.lock();
        state
            .folders
            .extend(path::folders_to(folder).map(String::from));
        Ok(())
    }

    fn remove_dir(&self, folder: &str) -> Result<()> {
        if self.list(folder)?.is_empty() {
            self.state.lock().folders.remove(folder);
        }
        Ok(())
    }

    fn sync_dir(&self, folder: &str) -> Result<()> {
        path::check_folder(folder)
    }

    fn lock(&self) -> Result<Box<dyn Send + Sync>> {
        take_flag(&self.lock)
    }
}

/// The error of a file that should be longer.
pub(super) fn too_short(path: &str, found: usize, expected: u64) -> Error {
    Error::corrupt(format!(
        "file '{path}' has {found} bytes, expected at least {expected}"
    ))
}

/// Takes a store's lock flag, or says that it is taken.
pub(super) fn take_flag(flag: &Arc<Mutex<bool>>) -> Result<Box<dyn Send + Sync>> {
    let mut taken = flag.lock();
    if *taken {
        return Err(Error::new(
            Code::CANNOT_OPEN_FILE,
            "the store is locked: another instance has it open",
        ));
    }
    *taken = true;
    Ok(Box::new(FlagGuard(Arc::clone(flag))))
}

struct FlagGuard(Arc<Mutex<bool>>);

impl Drop for FlagGuard {
    fn drop(&mut self) {
        *self.0.lock() = false;
    }
}

struct MemoryFile {
    content: Content,
}

impl WriteFile for MemoryFile {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        Arc::make_mut(&mut self.content.lock()).extend_from_slice(bytes);
        Ok(())
    }

    fn sync(&mut self) -> Result<()> {
        Ok(())
    }
}
