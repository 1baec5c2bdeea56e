//! The name `main` in a text of a branch: the workspace that it is a branch of.
//!
//! Invariant: the name gives rows to read, of one snapshot, to whom they were promised; nothing is
//! written through it.

use std::sync::Arc;

use roost::bind::Relation;
use roost::interpret::source::SnapshotSource;
use roost_engine::catalog::Table;
use roost_engine::error::{Code, Error, Result};

use super::state::Project;

/// The database's name that means the main workspace.
pub(super) const MAIN: &str = "main";

/// What the name means to one request.
pub enum MainRows {
    /// The data sources of that workspace.
    Of(Arc<Project>),
    /// The token may not read them.
    Denied,
    /// There is no branch that it would be the main workspace of.
    NoBranch,
}

impl MainRows {
    /// The table of a data source of the main workspace, or of its quarantine.
    ///
    /// # Errors
    /// ACCESS_DENIED, BAD_ARGUMENTS without a branch, UNKNOWN_TABLE.
    pub(super) fn table(&self, name: &str) -> Result<Arc<Table>> {
        let project = match self {
            MainRows::Of(project) => project,
            MainRows::Denied => {
                return Err(Error::new(
                    Code::ACCESS_DENIED,
                    format!(
                        "Not enough permissions: of the tokens of a branch only the user's own may \
                         read '{MAIN}.{name}'"
                    ),
                ));
            }
            MainRows::NoBranch => {
                return Err(Error::new(
                    Code::BAD_ARGUMENTS,
                    format!(
                        "'{MAIN}.{name}' is a Data Source of the main workspace: it can be read so \
                         with a token of a branch only"
                    ),
                ));
            }
        };
        let state = project.snapshot();
        let owner = name.strip_suffix("_quarantine").unwrap_or(name);
        let known = [name, owner]
            .iter()
            .any(|n| state.data_sources.contains_key(*n));
        let table = project.store.table(name).filter(|_| known);
        table.ok_or_else(|| {
            Error::new(
                Code::UNKNOWN_TABLE,
                format!("Data Source '{name}' does not exist in the main workspace"),
            )
        })
    }

    /// Its rows now.
    pub(super) fn relation(&self, name: &str) -> Result<Relation> {
        let rows = SnapshotSource::new(self.table(name)?.snapshot())?;
        Ok(Relation::Table(Arc::new(rows)))
    }
}
