//! A whole data project at once: what its files say against what the workspace has.
//!
//! - [`files`]: the files, read; [`apply`]: their difference, carried out;
//! - [`deployments`]: builds that are kept.
//!
//! Invariant: only what an earlier build of files made is ever removed because its file is gone.

mod apply;
mod deployments;
mod files;
mod moving;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use deployments::Deployment;
pub use files::Files;
pub(super) use moving::sweep;

use super::state::Project;

/// A file of a project: its path in the project and its text.
pub type File = (String, String);

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The file's path.
    pub filename: String,
    /// What was found and what was expected.
    pub error: String,
}

/// Names of resources that differ.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names {
    /// Data sources.
    pub datasources: Vec<String>,
    /// Pipes.
    pub pipes: Vec<String>,
    /// Connections.
    pub connectors: Vec<String>,
}

impl Names {
    fn list(&mut self, kind: Kind) -> &mut Vec<String> {
        match kind {
            Kind::DataSource => &mut self.datasources,
            Kind::Pipe => &mut self.pipes,
            Kind::Connection => &mut self.connectors,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.datasources.is_empty() && self.pipes.is_empty() && self.connectors.is_empty()
    }
}

/// What a build changes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// What comes.
    pub new: Names,
    /// What becomes different.
    pub changed: Names,
    /// What goes.
    pub deleted: Names,
}

impl Changes {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.new.is_empty() && self.changed.is_empty() && self.deleted.is_empty()
    }
}

/// What a file defines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Kind {
    DataSource,
    Pipe,
    Connection,
}

/// The text from which a resource was last built.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Built {
    kind: Kind,
    name: String,
    text: String,
}

impl Project {
    fn built(&self) -> BTreeMap<(Kind, String), String> {
        let all = self.store.load::<Built>("built").into_iter();
        all.map(|b| ((b.kind, b.name), b.text)).collect()
    }

    /// What a build of `files` would change.
    pub fn changes(&self, files: &Files) -> Changes {
        let (built, state) = (self.built(), self.snapshot());
        let exists = |kind: Kind, name: &str| match kind {
            Kind::DataSource => state.data_sources.contains_key(name),
            Kind::Pipe => state.pipes.contains_key(name),
            Kind::Connection => state.connectors.values().any(|c| c.name == name),
        };
        let mut out = Changes::default();
        for ((kind, name), text) in files.texts() {
            if !exists(kind, &name) {
                out.new.list(kind).push(name);
            } else if built.get(&(kind, name.clone())) != Some(&text) {
                out.changed.list(kind).push(name);
            }
        }
        for (kind, name) in built.into_keys() {
            if !files.has(kind, &name) && exists(kind, &name) {
                out.deleted.list(kind).push(name);
            }
        }
        out
    }
}
