//! A simulated disk for crash tests: it remembers what was written and what was synced, counts
//! calls, can lose power or fail at any of them, and yields what a disk could hold afterwards.
//!
//! Invariant: an [`Image`] holds everything that was synced before the cut: contents by
//! [`WriteFile::sync`], names by [`Storage::sync_dir`], folders by [`Storage::create_dir`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

use super::{FileBytes, Storage, WriteFile, memory, path};
use crate::error::{Code, Error, Result};

mod cuts;
mod image;

pub use cuts::{Cuts, is_full};
pub use image::Image;

/// What a call does to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "named after the methods of Storage")]
pub enum CallKind {
    Create,
    Append,
    Map,
    Read,
    List,
    Remove,
    Rename,
    CreateDir,
    RemoveDir,
    SyncDir,
    Write,
    Sync,
}

impl CallKind {
    /// Whether the call changes the disk: cuts at other calls leave nothing new.
    pub fn changes(self) -> bool {
        !matches!(self, CallKind::Map | CallKind::Read | CallKind::List)
    }

    fn code(self) -> Code {
        match self {
            CallKind::Create | CallKind::Append | CallKind::CreateDir => Code::CANNOT_OPEN_FILE,
            CallKind::Map | CallKind::Read | CallKind::List => {
                Code::CANNOT_READ_FROM_FILE_DESCRIPTOR
            }
            CallKind::Sync | CallKind::SyncDir => Code::CANNOT_FSYNC,
            _ => Code::CANNOT_WRITE_TO_FILE_DESCRIPTOR,
        }
    }
}

/// One call that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Which method.
    pub kind: CallKind,
    /// File or folder.
    pub path: String,
}

/// What goes wrong at a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The power goes: the call may or may not reach the disk, every later one fails.
    PowerCut,
    /// The call fails with an input/output error and does nothing.
    Io,
    /// The disk is full: the call does nothing.
    NoSpace,
    /// Half of the bytes are written, then an error; other calls fail like [`Fault::Io`].
    ShortWrite,
}

/// A disk that can fail. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct FaultyStorage {
    disk: Arc<Mutex<Disk>>,
    lock: Arc<Mutex<bool>>,
}

#[derive(Debug, Default)]
struct Disk {
    files: Vec<Inode>,
    names: BTreeMap<String, Folder>,
    calls: Vec<Call>,
    faults: BTreeMap<u64, Fault>,
    off: bool,
}

/// A file's bytes, by state.
#[derive(Debug, Default, Clone)]
struct Inode {
    written: Arc<Vec<u8>>,
    synced: Arc<Vec<u8>>,
}

/// A folder's names, by state.
#[derive(Debug, Default, Clone)]
struct Folder {
    written: BTreeMap<String, usize>,
    synced: BTreeMap<String, usize>,
    /// What was done since the last sync, in order.
    pending: Vec<NameChange>,
}

#[derive(Debug, Clone)]
enum NameChange {
    Link(String, usize),
    Unlink(String),
    Rename(String, String),
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            NameChange::Link(name, inode) => {
                names.insert(name.clone(), *inode);
            }
            NameChange::Unlink(name) => {
                names.remove(name);
            }
            NameChange::Rename(from, to) => {
                if let Some(inode) = names.remove(from) {
                    names.insert(to.clone(), inode);
                }
            }
        }
    }
}

impl Folder {
    fn change(&mut self, change: NameChange) {
        change.apply(&mut self.written);
        self.pending.push(change);
    }
}

/// What a call may do, after the faults had their say.
#[derive(PartialEq)]
enum Verdict {
    Go,
    /// Do it without any promise, then fail: the power went during the call.
    GoThenFail,
    /// Write half, then fail.
    Half,
}

impl FaultyStorage {
    /// An empty, faultless disk.
    pub fn new() -> Self {
        Self::default()
    }

    /// Calls made so far; the next one has this number plus one.
    pub fn calls(&self) -> u64 {
        self.disk.lock().calls.len() as u64
    }

    /// The calls made so far, in order; call number `n` is at `n - 1`.
    pub fn trace(&self) -> Vec<Call> {
        self.disk.lock().calls.clone()
    }

    /// Lets call number `n` (counted from one since the disk was made) meet `fault`.
    pub fn fail_at(&self, n: u64, fault: Fault) {
        self.disk.lock().faults.insert(n, fault);
    }

    /// [`Fault::PowerCut`] at call number `n`.
    pub fn cut_at(&self, n: u64) {
        self.fail_at(n, Fault::PowerCut);
    }

    /// Turns the power off now: every later call fails.
    pub fn cut(&self) {
        self.disk.lock().off = true;
    }

    /// Whether the power is off.
    pub fn is_off(&self) -> bool {
        self.disk.lock().off
    }

    /// A disk as it could be found after the power comes back.
    #[must_use]
    pub fn image(&self, image: Image) -> FaultyStorage {
        let disk = image.of(&self.disk.lock());
        FaultyStorage {
            disk: Arc::new(Mutex::new(disk)),
            lock: Arc::default(),
        }
    }

    fn call(&self, kind: CallKind, path: &str) -> Result<(MutexGuard<'_, Disk>, Verdict)> {
        let mut disk = self.disk.lock();
        let verdict = disk.call(kind, path)?;
        Ok((disk, verdict))
    }

    fn change(
        &self,
        kind: CallKind,
        path: &str,
        act: impl FnOnce(&mut Disk) -> Result<()>,
    ) -> Result<()> {
        let (mut disk, verdict) = self.call(kind, path)?;
        act(&mut disk)?;
        if verdict == Verdict::Go {
            Ok(())
        } else {
            Err(power(kind, path))
        }
    }

    fn content(&self, kind: CallKind, path: &str) -> Result<Arc<Vec<u8>>> {
        path::check_file(path)?;
        let (disk, _) = self.call(kind, path)?;
        let inode = disk.find(path)?;
        Ok(Arc::clone(&disk.files[inode].written))
    }
}

impl Disk {
    fn call(&mut self, kind: CallKind, path: &str) -> Result<Verdict> {
        if self.off {
            return Err(power(kind, path));
        }
        self.calls.push(Call {
            kind,
            path: path.to_string(),
        });
        match self.faults.remove(&(self.calls.len() as u64)) {
            None => Ok(Verdict::Go),
            Some(Fault::PowerCut) => {
                self.off = true;
                if kind.changes() {
                    Ok(Verdict::GoThenFail)
                } else {
                    Err(power(kind, path))
                }
            }
            Some(Fault::ShortWrite) if kind == CallKind::Write => Ok(Verdict::Half),
            Some(Fault::NoSpace) => Err(Error::new(
                Code::NOT_ENOUGH_SPACE,
                format!("no space left for '{path}'"),
            )),
            Some(_) => Err(Error::new(
                kind.code(),
                format!("{kind:?} of '{path}' failed: input/output error"),
            )),
        }
    }

    fn find(&self, path: &str) -> Result<usize> {
        let (folder, name) = path::split(path);
        let found = self.names.get(folder).and_then(|f| f.written.get(name));
        found.copied().ok_or_else(|| path::missing(path))
    }

    fn folder(&mut self, folder: &str) -> Result<&mut Folder> {
        if folder.is_empty() {
            return Ok(self.names.entry(String::new()).or_default());
        }
        self.names
            .get_mut(folder)
            .ok_or_else(|| path::missing(folder))
    }
}

fn power(kind: CallKind, path: &str) -> Error {
    Error::new(
        kind.code(),
        format!("{kind:?} of '{path}' failed: the power is off"),
    )
}

impl Storage for FaultyStorage {
    fn create(&self, path: &str) -> Result<Box<dyn WriteFile>> {
        path::check_file(path)?;
        let (folder, name) = path::split(path);
        let mut inode = 0;
        self.change(CallKind::Create, path, |disk| {
            inode = match disk.find(path) {
                Ok(old) => {
                    disk.files[old].written = Arc::default();
                    old
                }
                Err(_) => {
                    let new = disk.files.len();
                    disk.folder(folder)?
                        .change(NameChange::Link(name.to_string(), new));
                    disk.files.push(Inode::default());
                    new
                }
            };
            Ok(())
        })?;
        Ok(Box::new(FaultyFile {
            store: self.clone(),
            inode,
            path: path.to_string(),
        }))
    }

    fn append(&self, path: &str, len: u64) -> Result<Box<dyn WriteFile>> {
        path::check_file(path)?;
        let mut inode = 0;
        self.change(CallKind::Append, path, |disk| {
            inode = disk.find(path)?;
            let bytes = &mut disk.files[inode].written;
            if len > bytes.len() as u64 {
                return Err(memory::too_short(path, bytes.len(), len));
            }
            Arc::make_mut(bytes).truncate(len as usize);
            Ok(())
        })?;
        Ok(Box::new(FaultyFile {
            store: self.clone(),
            inode,
            path: path.to_string(),
        }))
    }

    fn map(&self, path: &str) -> Result<Arc<dyn FileBytes>> {
        let bytes = self.content(CallKind::Map, path)?;
        Ok(bytes)
    }

    fn read(&self, path: &str) -> Result<Vec<u8>> {
        Ok(self.content(CallKind::Read, path)?.to_vec())
    }

    fn list(&self, folder: &str) -> Result<Vec<String>> {
        path::check_folder(folder)?;
        let (disk, _) = self.call(CallKind::List, folder)?;
        let files = disk
            .names
            .get(folder)
            .into_iter()
            .flat_map(|f| f.written.keys());
        let mut names: BTreeSet<String> = files.cloned().collect();
        let inner = disk
            .names
            .keys()
            .filter(|p| !p.is_empty())
            .map(|p| path::split(p));
        names.extend(
            inner
                .filter(|(f, _)| *f == folder)
                .map(|(_, name)| name.to_string()),
        );
        Ok(names.into_iter().collect())
    }

    fn remove(&self, path: &str) -> Result<()> {
        path::check_file(path)?;
        let (folder, name) = path::split(path);
        self.change(CallKind::Remove, path, |disk| {
            if disk.find(path).is_ok() {
                disk.folder(folder)?
                    .change(NameChange::Unlink(name.to_string()));
            }
            Ok(())
        })
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        path::check_rename(from, to)?;
        let (folder, name) = path::split(from);
        let target = path::split(to).1;
        self.change(CallKind::Rename, from, |disk| {
            disk.find(from)?;
            let change = NameChange::Rename(name.to_string(), target.to_string());
            disk.folder(folder)?.change(change);
            Ok(())
        })
    }

    fn create_dir(&self, folder: &str) -> Result<()> {
        path::check_folder(folder)?;
        self.change(CallKind::CreateDir, folder, |disk| {
            for step in path::folders_to(folder) {
                disk.names.entry(step.to_string()).or_default();
            }
            Ok(())
        })
    }

    fn remove_dir(&self, folder: &str) -> Result<()> {
        path::check_folder(folder)?;
        self.change(CallKind::RemoveDir, folder, |disk| {
            let inside = format!("{folder}/");
            let holds = disk
                .names
                .get(folder)
                .is_some_and(|f| !f.written.is_empty())
                || disk.names.keys().any(|p| p.starts_with(&inside));
            if !holds {
                disk.names.remove(folder);
            }
            Ok(())
        })
    }

    fn sync_dir(&self, folder: &str) -> Result<()> {
        path::check_folder(folder)?;
        let (mut disk, verdict) = self.call(CallKind::SyncDir, folder)?;
        if verdict != Verdict::Go {
            return Err(power(CallKind::SyncDir, folder));
        }
        let folder = disk.folder(folder)?;
        folder.synced = folder.written.clone();
        folder.pending.clear();
        Ok(())
    }

    fn lock(&self) -> Result<Box<dyn Send + Sync>> {
        memory::take_flag(&self.lock)
    }
}

struct FaultyFile {
    store: FaultyStorage,
    inode: usize,
    path: String,
}

impl WriteFile for FaultyFile {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let (mut disk, verdict) = self.store.call(CallKind::Write, &self.path)?;
        let bytes = if verdict == Verdict::Half {
            &bytes[..bytes.len() / 2]
        } else {
            bytes
        };
        Arc::make_mut(&mut disk.files[self.inode].written).extend_from_slice(bytes);
        match verdict {
            Verdict::Go => Ok(()),
            Verdict::GoThenFail => Err(power(CallKind::Write, &self.path)),
            Verdict::Half => Err(Error::new(
                CallKind::Write.code(),
                format!("short write to '{}'", self.path),
            )),
        }
    }

    fn sync(&mut self) -> Result<()> {
        let (mut disk, verdict) = self.store.call(CallKind::Sync, &self.path)?;
        if verdict != Verdict::Go {
            return Err(power(CallKind::Sync, &self.path));
        }
        let file = &mut disk.files[self.inode];
        file.synced = Arc::clone(&file.written);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
