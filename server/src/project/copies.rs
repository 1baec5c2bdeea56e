//! What copy and sink nodes say: where their rows go, how, and when.
//!
//! Invariant: the settings of such a node have one spelling, whoever sent them.

use std::collections::BTreeMap;
use std::sync::Arc;

use roost::interpret::materialized::increment_of;
use roost::parse::ast::Query;
use roost_engine::catalog::{Since, Table};

use super::model::{DataSource, Node, Pipe};
use super::pipes::NewNode;
use super::state::Project;
use super::{ProjectError, Result};

/// The kind of nodes that write to a data source.
pub const COPY: &str = "copy";
/// The kind of nodes that write out of the workspace.
pub const SINK: &str = "sink";

/// Key of the cron expression in a node's settings.
pub const CRON: &str = "schedule_cron";
/// Key of the data source that a copy writes to.
pub const TARGET: &str = "target_datasource";
/// Key of how a copy writes.
pub const MODE: &str = "mode";
/// Key of a schedule that rests.
const STATUS: &str = "schedule_status";

/// How a copy writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CopyMode {
    /// Adds its rows.
    #[default]
    Append,
    /// Puts its rows in the place of all others.
    Replace,
    /// Adds what its query makes of the rows that came into its source since the last run.
    Incremental,
}

impl CopyMode {
    /// Reads `append`, `replace` or `incremental`.
    pub fn parse(text: &str) -> Result<CopyMode> {
        match text.to_ascii_lowercase().as_str() {
            "append" => Ok(CopyMode::Append),
            "replace" => Ok(CopyMode::Replace),
            "incremental" => Ok(CopyMode::Incremental),
            other => Err(ProjectError::Bad(format!(
                "unknown copy mode '{other}'; known are append, replace and incremental"
            ))),
        }
    }

    /// As the protocol writes it.
    pub fn name(self) -> &'static str {
        match self {
            CopyMode::Append => "append",
            CopyMode::Replace => "replace",
            CopyMode::Incremental => "incremental",
        }
    }
}

/// Whether a schedule's text means that there is none.
pub fn is_no_schedule(text: &str) -> bool {
    matches!(text.trim(), "" | "None" | "@on-demand" | "@once")
}

/// Gives the settings of a copy or sink node their spelling.
pub fn normalize(node: &mut NewNode) {
    if node.kind != COPY && node.kind != SINK {
        return;
    }
    let mut out = BTreeMap::new();
    for (key, value) in std::mem::take(&mut node.settings) {
        let key = match key.as_str() {
            "copy_schedule" | "export_schedule" => CRON,
            "copy_mode" => MODE,
            "export_connection_name" => "connection",
            "export_bucket_uri" => "path",
            key => key.strip_prefix("export_").unwrap_or(key),
        };
        if value.is_empty() || value == "None" || key == CRON && is_no_schedule(&value) {
            continue;
        }
        out.insert(key.to_owned(), value);
    }
    node.settings = out;
}

impl Node {
    /// A setting of the node.
    pub fn setting(&self, key: &str) -> Option<&str> {
        self.settings.get(key).map(String::as_str)
    }

    /// How a copy node writes.
    pub fn copy_mode(&self) -> CopyMode {
        let mode = self.setting(MODE).and_then(|m| CopyMode::parse(m).ok());
        mode.unwrap_or_default()
    }

    /// Lets the schedule rest, or run again.
    pub fn rest(&mut self, rests: bool) {
        match rests {
            true => self
                .settings
                .insert(STATUS.to_owned(), "shutdown".to_owned()),
            false => self.settings.remove(STATUS),
        };
    }
}

/// The rows that a run of a copy reads of its source, and the marks of runs that read others.
#[derive(Debug)]
pub struct Increment {
    /// The rows.
    pub since: Arc<Since>,
    /// Keys that are over once the run has written.
    pub over: Vec<String>,
}

impl Project {
    /// What names of readers begin with who are copies of a pipe, or of all pipes of the workspace.
    fn readers_of(&self, pipe: Option<&Pipe>) -> String {
        let all = format!("copy/{}/", self.store.data());
        pipe.map_or_else(|| all.clone(), |p| format!("{all}{}/", p.id))
    }

    /// The table whose new rows an incremental copy reads: the leftmost one of its query.
    pub(super) fn increment_source(
        &self,
        query: &Query,
        target: &DataSource,
    ) -> Result<Arc<Table>> {
        let (database, name) = increment_of(query, self.store.data())?;
        if database == self.store.data() && name == target.name {
            return Err(ProjectError::Bad(format!(
                "an incremental copy reads other rows than it writes, and {name} is its source and its \
                 target"
            )));
        }
        let engine = self.store.database().engine();
        let table = engine.table(&database, &name);
        table.ok_or_else(|| {
            ProjectError::NotFound(format!("Data Source \"{name}\" has no table to read"))
        })
    }

    /// What a run of a copy reads of its source, when it reads bit by bit; with `all` it begins anew.
    ///
    /// # Errors
    /// When the query has no such source, and when the source is not the one of the last run.
    pub fn increment(
        &self,
        (pipe, target): (&Pipe, &DataSource),
        query: &Query,
        all: bool,
    ) -> Result<Increment> {
        let source = self.increment_source(query, target)?;
        let engine = self.store.database().engine();
        let reader = format!("{}{}", self.readers_of(Some(pipe)), target.id);
        let own = engine.readers(|r| r == reader);
        let is_new = !own.iter().any(|(_, table)| *table == source.uid());
        if is_new && !own.is_empty() && !all {
            return Err(ProjectError::Bad(format!(
                "the copy has read another table than {} until now: the data source was made anew, is \
                 one of a branch, or the query begins with another; run it once with _mode=replace to \
                 begin again",
                source.full_name()
            )));
        }
        let since = match all {
            true => engine.since_ever(&source, &reader)?,
            false => engine.since(&source, &reader)?,
        };
        let prefix = self.readers_of(Some(pipe));
        let readers = engine.readers(|r| r.starts_with(&prefix));
        let is_other = |(key, _): &(String, u64)| key != since.key();
        let over = readers.into_iter().filter(is_other);
        Ok(Increment {
            over: over.map(|(key, _)| key).collect(),
            since: Arc::new(since),
        })
    }

    /// Whether a copy of a pipe reads bit by bit.
    pub fn reads_on(&self, pipe: &Pipe) -> bool {
        let prefix = self.readers_of(Some(pipe));
        let engine = self.store.database().engine();
        !engine.readers(|r| r.starts_with(&prefix)).is_empty()
    }

    /// Forgets how far copies have read whose pipes are gone: their sources need not keep old and new
    /// rows apart for them.
    pub(super) fn forget_readers(&self) -> Result<()> {
        let state = self.snapshot();
        let engine = self.store.database().engine();
        let prefix = self.readers_of(None);
        let is_gone = |reader: &str| {
            let pipe = reader.strip_prefix(&prefix).and_then(|r| r.split_once('/'));
            pipe.is_some_and(|(id, _)| !state.pipes.values().any(|p| p.id == id))
        };
        let gone = engine.readers(is_gone);
        match gone.is_empty() {
            true => Ok(()),
            false => Ok(self
                .store
                .save_all(gone.into_iter().map(|(key, _)| (key, None)).collect())?),
        }
    }

    /// The pipes that copy into a data source.
    pub fn copied_by(&self, source: &DataSource) -> Vec<Arc<Pipe>> {
        let is_target = |key: &str| key == source.name || key == source.id;
        let state = self.snapshot();
        let pipes = state.pipes.values().filter(|p| {
            let target = p.job_node().and_then(|n| n.setting(TARGET));
            target.is_some_and(is_target)
        });
        pipes.cloned().collect()
    }
}

impl Pipe {
    /// The node whose rows are written by jobs: a copy's or a sink's.
    pub fn job_node(&self) -> Option<&Node> {
        let writes = |n: &&Node| n.kind == COPY || n.kind == SINK;
        self.nodes.iter().find(writes)
    }

    /// The cron expression, and whether it rests.
    pub fn schedule(&self) -> Option<(&str, bool)> {
        let node = self.job_node()?;
        Some((node.setting(CRON)?, node.setting(STATUS).is_some()))
    }
}
