//! What a database's name in a text of the workspace means.
//!
//! Invariant: the databases of other workspaces are reached through what they share, and not otherwise.

use super::state::{Project, Snapshot};
use crate::store::{DATABASE, SERVICE_DATABASE, is_of_workspace};

/// Where a table is that a text names with a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// In the workspace.
    Own,
    /// Among its service data sources.
    Service,
    /// In another workspace, which shares it.
    Shared {
        /// `workspace.name`, as tokens name it.
        full: String,
        /// The database it is in.
        database: String,
    },
    /// In a database of no workspace: `system`, or one made by hand.
    Free,
    /// In another workspace.
    Foreign,
}

impl Project {
    /// Where `database.name` is.
    pub(super) fn place(&self, state: &Snapshot, database: &str, name: &str) -> Place {
        if self.is_own_database(database) {
            return Place::Own;
        }
        if self.is_service_database(database) {
            return Place::Service;
        }
        let shared = state
            .shared
            .values()
            .find(|s| s.name == name && (s.workspace == database || s.database == database));
        match shared {
            Some(shared) => Place::Shared {
                full: shared.full_name(),
                database: shared.database.clone(),
            },
            None if is_of_workspace(database) => Place::Foreign,
            None => Place::Free,
        }
    }

    /// Whether a database's name means the workspace itself.
    pub fn is_own_database(&self, name: &str) -> bool {
        let workspace = self.workspace();
        let is_main = || workspace.main_name.as_deref() == Some(name);
        name == self.store.data() || name == DATABASE || name == workspace.name || is_main()
    }

    /// Whether a database's name is that of the service data sources.
    pub fn is_service_database(&self, name: &str) -> bool {
        name == self.store.service() || name == SERVICE_DATABASE
    }
}
