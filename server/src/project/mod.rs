//! The workspace: its data sources, pipes, tokens, tags and variables.
//!
//! - [`branches`]: the workspace once more, with tokens of its own;
//! - [`model`]: what is stored;
//! - [`state`]: the resources in memory, written through to the store;
//! - [`ddl`]: data sources as tables; [`pipes`]: pipes and their nodes;
//! - [`materialize`]: materialized nodes as views of the database;
//! - [`places`]: what databases' names mean; what other workspaces share;
//! - [`build`]: whole projects of files;
//! - [`checks`]: whether what a pipe names is there;
//! - [`copies`]: what copy and sink nodes say;
//! - [`references`], [`resolve`]: which tables a text reads, pipes in the place of tables;
//! - [`ingest`]: rows that come in;
//! - [`show`], [`files`]: resources as JSON and as datafiles.
//!
//! Invariant: a change is durable before it is visible.

mod branches;
pub mod build;
mod checks;
mod condition;
mod copies;
mod ddl;
mod files;
mod findings;
pub mod guess;
pub mod ingest;
mod kept_names;
mod main_rows;
mod materialize;
mod model;
mod pipes;
mod places;
mod references;
mod resolve;
mod service;
mod sharing;
mod show;
mod state;

#[cfg(test)]
mod tests;

pub use branches::{Brought, DataMode};
pub use checks::Check;
pub use copies::{COPY, CRON, CopyMode, Increment, MODE, SINK, TARGET, is_no_schedule, normalize};
pub use ddl::{NewDataSource, Operations, create_table_sql};
pub use files::{data_source_text, pipe_text};
pub use findings::Finding;
pub use main_rows::MainRows;
pub use materialize::{Analysis, MATERIALIZED, Made, view_name};
pub use model::{
    Connector, DataSource, Member, Node, Pipe, Reading, Release, Shared, StoredColumn, Tag,
    TagResource, Variable, Workspace,
};
pub use pipes::{CreatedPipe, NewNode, NewPipe};
pub use references::{TableRef, replace_tables, tables_of};
pub use resolve::{Request, Resolver, Root};
pub use service::{ServiceLog, service_tables};
pub use show::{column_json, data_source_json, node_json, pipe_json};
pub use state::{Project, Snapshot};

use roost_engine::error::{Code, Error};

/// Why a change of the workspace is refused.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ProjectError {
    /// The request makes no sense.
    #[error("{0}")]
    Bad(String),
    /// What is named is not there.
    #[error("{0}")]
    NotFound(String),
    /// It is there already, or is in use.
    #[error("{0}")]
    Conflict(String),
    /// The token's scopes do not allow it.
    #[error("{0}")]
    Forbidden(String),
    /// Known and not built.
    #[error("NOT_IMPLEMENTED: {0}")]
    NotImplemented(String),
    /// The database refused.
    #[error("{0}")]
    Database(#[from] Error),
}

/// Result of a change of the workspace.
pub type Result<T> = std::result::Result<T, ProjectError>;

impl ProjectError {
    /// The status to answer.
    pub fn status(&self) -> u16 {
        match self {
            ProjectError::Bad(_) => 400,
            ProjectError::NotFound(_) => 404,
            ProjectError::Conflict(_) => 409,
            ProjectError::Forbidden(_) => 403,
            ProjectError::NotImplemented(_) => 400,
            ProjectError::Database(e) => match e.code() {
                Code::UNKNOWN_TABLE | Code::UNKNOWN_DATABASE => 404,
                Code::TABLE_ALREADY_EXISTS => 409,
                Code::ACCESS_DENIED => 403,
                Code::TIMEOUT_EXCEEDED => 408,
                _ => 400,
            },
        }
    }
}

/// Checks the name of a resource: letters, digits and underscores, no digit first.
pub fn check_name(name: &str, what: &str) -> Result<()> {
    let first = name
        .chars()
        .next()
        .is_some_and(|c| c == '_' || c.is_ascii_alphabetic());
    let rest = name.chars().all(|c| c == '_' || c.is_ascii_alphanumeric());
    let reserved = matches!(
        name.to_ascii_lowercase().as_str(),
        "select" | "from" | "where" | "and" | "or" | "order" | "group" | "limit" | "_"
    );
    if first && rest && !reserved && name.len() <= 128 {
        return Ok(());
    }
    Err(ProjectError::Bad(format!(
        "Invalid {what} name '{name}'. Use only letters, digits and underscores, and do not start \
         with a digit"
    )))
}
