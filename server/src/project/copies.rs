//! What copy and sink nodes say: where their rows go, how, and when.
//!
//! Invariant: the settings of such a node have one spelling, whoever sent them.

use std::collections::BTreeMap;
use std::sync::Arc;

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
}

impl CopyMode {
    /// Reads `append` or `replace`.
    pub fn parse(text: &str) -> Result<CopyMode> {
        match text.to_ascii_lowercase().as_str() {
            "append" => Ok(CopyMode::Append),
            "replace" => Ok(CopyMode::Replace),
            other => Err(ProjectError::Bad(format!(
                "unknown copy mode '{other}'; known are append and replace"
            ))),
        }
    }

    /// As the protocol writes it.
    pub fn name(self) -> &'static str {
        match self {
            CopyMode::Append => "append",
            CopyMode::Replace => "replace",
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

impl Project {
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
