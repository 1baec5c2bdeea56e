//! A store in a directory of the operating system.
//!
//! Invariant: only files that do not change any more are mapped, and their length is read first.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::appended::Appended;
use super::{FileBytes, Storage, WriteFile, path};
use crate::error::{Code, Error, Result};

const LOCK_NAME: &str = "lock";

/// Files at least this long are mapped, shorter ones read.
const MAP_BYTES_MIN: u64 = 16 * 1024;

/// A directory as a store.
#[derive(Debug)]
pub struct LocalStorage {
    root: PathBuf,
}

impl LocalStorage {
    /// The store in `root`, which is created, durably, when it is not there.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self> {
        let root = root.into();
        let new: Vec<&Path> = root.ancestors().take_while(|p| !p.exists()).collect();
        std::fs::create_dir_all(&root)
            .map_err(|e| failed(Code::CANNOT_OPEN_FILE, "create directory", &root, &e))?;
        for folder in new.iter().filter_map(|p| p.parent()) {
            let here = folder.as_os_str().is_empty();
            sync_folder(if here { Path::new(".") } else { folder })?;
        }
        Ok(LocalStorage { root })
    }

    /// The directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn file(&self, path: &str) -> Result<PathBuf> {
        path::check_file(path)?;
        Ok(self.root.join(path))
    }

    fn folder(&self, folder: &str) -> Result<PathBuf> {
        path::check_folder(folder)?;
        Ok(self.root.join(folder))
    }

    fn open_file(&self, path: &str) -> Result<(File, u64, PathBuf)> {
        let full = self.file(path)?;
        let opened = File::open(&full).and_then(|f| f.metadata().map(|m| (m.len(), f)));
        let (len, file) =
            opened.map_err(|e| failed(Code::CANNOT_OPEN_FILE, "open file", &full, &e))?;
        Ok((file, len, full))
    }
}

impl Storage for LocalStorage {
    fn create(&self, path: &str) -> Result<Box<dyn WriteFile>> {
        let path = self.file(path)?;
        let opened = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(&path);
        let file = opened.map_err(|e| failed(Code::CANNOT_OPEN_FILE, "create file", &path, &e))?;
        Ok(Box::new(LocalFile { file, path }))
    }

    fn append(&self, path: &str, len: u64) -> Result<Box<dyn WriteFile>> {
        Ok(Box::new(Appended::open(self.file(path)?, path, len)?))
    }

    fn map(&self, path: &str) -> Result<Arc<dyn FileBytes>> {
        let (file, len, full) = self.open_file(path)?;
        if len < MAP_BYTES_MIN {
            return Ok(Arc::new(read_all(file, len, &full)?));
        }
        // SAFETY: the file is complete and synced, nothing of ours writes or truncates it, and its
        // name may go while the mapping lives on; that nobody else changes files inside the store
        // is what holding the store's lock means.
        let map = unsafe { memmap2::MmapOptions::new().map(&file) };
        let map =
            map.map_err(|e| failed(Code::CANNOT_READ_FROM_FILE_DESCRIPTOR, "map", &full, &e))?;
        Ok(Arc::new(Mapped(map)))
    }

    fn read(&self, path: &str) -> Result<Vec<u8>> {
        let (file, len, full) = self.open_file(path)?;
        read_all(file, len, &full)
    }

    fn list(&self, folder: &str) -> Result<Vec<String>> {
        let path = self.folder(folder)?;
        let context =
            |e: io::Error| failed(Code::CANNOT_READ_FROM_FILE_DESCRIPTOR, "list", &path, &e);
        let entries = match std::fs::read_dir(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(context)?,
        };
        let mut names = Vec::new();
        for entry in entries {
            if let Ok(name) = entry.map_err(context)?.file_name().into_string()
                && !(folder.is_empty() && name == LOCK_NAME)
            {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    fn remove(&self, path: &str) -> Result<()> {
        let path = self.file(path)?;
        match std::fs::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(failed(
                Code::CANNOT_WRITE_TO_FILE_DESCRIPTOR,
                "remove",
                &path,
                &e,
            )),
            _ => Ok(()),
        }
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        path::check_rename(from, to)?;
        let from = self.root.join(from);
        std::fs::rename(&from, self.root.join(to)).map_err(|e| {
            failed(
                Code::CANNOT_WRITE_TO_FILE_DESCRIPTOR,
                &format!("rename to {to}"),
                &from,
                &e,
            )
        })
    }

    fn create_dir(&self, folder: &str) -> Result<()> {
        path::check_folder(folder)?;
        for step in path::folders_to(folder) {
            let path = self.root.join(step);
            match std::fs::create_dir(&path) {
                Ok(()) => self.sync_dir(path::split(step).0)?,
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) => {
                    return Err(failed(
                        Code::CANNOT_OPEN_FILE,
                        "create directory",
                        &path,
                        &e,
                    ));
                }
            }
        }
        Ok(())
    }

    fn remove_dir(&self, folder: &str) -> Result<()> {
        let path = self.folder(folder)?;
        match std::fs::remove_dir(&path) {
            Ok(()) => Ok(()),
            Err(e)
                if matches!(
                    e.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty
                ) =>
            {
                Ok(())
            }
            Err(e) => Err(failed(
                Code::CANNOT_WRITE_TO_FILE_DESCRIPTOR,
                "remove directory",
                &path,
                &e,
            )),
        }
    }

    fn sync_dir(&self, folder: &str) -> Result<()> {
        sync_folder(&self.folder(folder)?)
    }

    fn lock(&self) -> Result<Box<dyn Send + Sync>> {
        let path = self.root.join(LOCK_NAME);
        let opened = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path);
        let file =
            opened.map_err(|e| failed(Code::CANNOT_OPEN_FILE, "open lock file", &path, &e))?;
        match file.try_lock() {
            Ok(()) => Ok(Box::new(file)),
            Err(TryLockError::WouldBlock) => Err(Error::new(
                Code::CANNOT_OPEN_FILE,
                format!(
                    "{} is locked: another process has this directory open",
                    path.display()
                ),
            )),
            Err(TryLockError::Error(e)) => Err(failed(Code::CANNOT_OPEN_FILE, "lock", &path, &e)),
        }
    }
}

fn sync_folder(path: &Path) -> Result<()> {
    let synced = File::open(path).and_then(|d| d.sync_all());
    synced.map_err(|e| failed(Code::CANNOT_FSYNC, "sync directory", path, &e))
}

fn read_all(mut file: File, len: u64, path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(usize::try_from(len).unwrap_or(0));
    file.read_to_end(&mut bytes)
        .map_err(|e| failed(Code::CANNOT_READ_FROM_FILE_DESCRIPTOR, "read", path, &e))?;
    Ok(bytes)
}

pub(super) fn failed(code: Code, verb: &str, path: &Path, e: &io::Error) -> Error {
    let code = match e.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Code::NOT_ENOUGH_SPACE,
        _ => code,
    };
    Error::new(code, format!("cannot {verb} {}: {e}", path.display()))
}

struct Mapped(memmap2::Mmap);

impl FileBytes for Mapped {
    fn bytes(&self) -> &[u8] {
        &self.0
    }
}

struct LocalFile {
    file: File,
    path: PathBuf,
}

impl WriteFile for LocalFile {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(|e| {
            failed(
                Code::CANNOT_WRITE_TO_FILE_DESCRIPTOR,
                "write",
                &self.path,
                &e,
            )
        })
    }

    fn sync(&mut self) -> Result<()> {
        // A failed sync is never retried: the kernel may have dropped the dirty pages (D1).
        self.file
            .sync_data()
            .map_err(|e| failed(Code::CANNOT_FSYNC, "sync", &self.path, &e))
    }
}
