//! The folder that the files of sinks lie in.
//!
//! Invariant: what is written lies inside of it, whatever the names say.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use roost_engine::error::Result;
use roost_engine::storage::{LocalStorage, Storage};

use crate::config::Config;
use crate::store::Store;

/// Where sinks lie in the database's directory.
const INSIDE: &str = "sinks";
/// How deep files are looked for.
const DEPTH_MAX: usize = 16;

/// A folder of files.
#[derive(Debug, Clone)]
pub struct Folder {
    storage: Arc<dyn Storage>,
    /// Where it is in the storage; nothing for all of it.
    inside: String,
    /// Where the storage is.
    root: PathBuf,
}

impl Folder {
    /// As the server was started; none when everything is in memory.
    ///
    /// # Errors
    /// When the folder that was given cannot be made.
    pub fn of(config: &Config, store: &Store) -> Result<Option<Folder>> {
        if let Some(root) = &config.sinks {
            return Ok(Some(Folder {
                storage: Arc::new(LocalStorage::open(root)?),
                inside: String::new(),
                root: root.clone(),
            }));
        }
        Ok(config.data.as_ref().map(|root| Folder {
            storage: Arc::clone(store.files()),
            inside: INSIDE.to_owned(),
            root: root.clone(),
        }))
    }

    /// A folder of this one.
    #[must_use]
    pub fn join(&self, path: &str) -> Folder {
        Folder {
            inside: self.path(path),
            ..self.clone()
        }
    }

    /// Where its files are.
    pub(super) fn storage(&self) -> &Arc<dyn Storage> {
        &self.storage
    }

    /// A file or folder of it, as the storage names it.
    pub(super) fn path(&self, name: &str) -> String {
        let parts = [self.inside.as_str(), name.trim_matches('/')];
        let parts = parts.into_iter().filter(|p| !p.is_empty());
        parts.collect::<Vec<_>>().join("/")
    }

    /// A path of the storage, as others name it.
    pub(super) fn shown(&self, path: &str) -> String {
        self.root.join(Path::new(path)).display().to_string()
    }

    /// Removes all files whose names are `goes`.
    ///
    /// # Errors
    /// What the storage says.
    pub(super) fn sweep(&self, goes: &dyn Fn(&str) -> bool) -> Result<()> {
        self.sweep_in(&self.inside, goes, DEPTH_MAX)
    }

    fn sweep_in(&self, folder: &str, goes: &dyn Fn(&str) -> bool, depth: usize) -> Result<()> {
        if depth == 0 {
            return Ok(());
        }
        // A file holds nothing: it cannot be listed.
        for name in self.storage.list(folder).unwrap_or_default() {
            let path = match folder.is_empty() {
                true => name.clone(),
                false => format!("{folder}/{name}"),
            };
            match goes(&name) {
                true => self.storage.remove(&path)?,
                false => self.sweep_in(&path, goes, depth - 1)?,
            }
        }
        Ok(())
    }
}
