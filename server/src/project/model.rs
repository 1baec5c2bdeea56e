//! The resources of a workspace as they are stored.
//!
//! Invariant: names of data sources and pipes share one namespace; ids never change.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::datafile::SchemaColumn;

/// A workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workspace {
    /// Id, a UUID.
    pub id: String,
    /// Name.
    pub name: String,
    /// Id of who made it.
    pub user_id: String,
    /// Mail address of who made it.
    pub user_email: String,
    /// When it was made.
    pub created_at: String,
    /// Who else works in it.
    #[serde(default)]
    pub members: Vec<Member>,
    /// The workspace that it is a branch of.
    #[serde(default)]
    pub main: Option<String>,
    /// What it was last deployed from with git.
    #[serde(default)]
    pub release: Option<Release>,
    /// Its name: texts of pipes may have it in front of a table.
    #[serde(default)]
    pub main_name: Option<String>,
}

/// What a workspace was last deployed from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Version.
    pub semver: String,
    /// Git commit.
    pub commit: String,
    /// When it was deployed.
    pub created_at: String,
}

/// Somebody who works in a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Id.
    pub id: String,
    /// Mail address.
    pub email: String,
    /// `admin`, `guest` or `viewer`.
    pub role: String,
}

/// A data source of another workspace that it shares with this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shared {
    /// Id of the data source.
    pub id: String,
    /// Its name there.
    pub name: String,
    /// Name of the workspace.
    pub workspace: String,
    /// Id of the workspace.
    pub workspace_id: String,
    /// The database it is in.
    pub database: String,
}

impl Shared {
    /// The name here: `workspace.name`.
    pub fn full_name(&self) -> String {
        format!("{}.{}", self.workspace, self.name)
    }
}

/// A column of a data source, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredColumn {
    /// Name.
    pub name: String,
    /// Type text.
    pub ty: String,
    /// Path into the JSON, without `json:`.
    #[serde(default)]
    pub jsonpath: Option<String>,
    /// `DEFAULT expr` and so on.
    #[serde(default)]
    pub default: Option<String>,
    /// `CODEC(…)`.
    #[serde(default)]
    pub codec: Option<String>,
}

impl StoredColumn {
    /// Whether rows never bring it.
    pub fn is_computed(&self) -> bool {
        let default = self.default.as_deref().unwrap_or("").to_ascii_uppercase();
        default.starts_with("MATERIALIZED") || default.starts_with("ALIAS")
    }
}

impl From<SchemaColumn> for StoredColumn {
    fn from(c: SchemaColumn) -> Self {
        StoredColumn {
            name: c.name,
            ty: c.ty,
            jsonpath: c.jsonpath,
            default: c.default,
            codec: c.codec,
        }
    }
}

impl From<&StoredColumn> for SchemaColumn {
    fn from(c: &StoredColumn) -> Self {
        SchemaColumn {
            name: c.name.clone(),
            ty: c.ty.clone(),
            jsonpath: c.jsonpath.clone(),
            default: c.default.clone(),
            codec: c.codec.clone(),
        }
    }
}

/// A data source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataSource {
    /// Id.
    pub id: String,
    /// Name, also of its table.
    pub name: String,
    /// For people.
    pub description: String,
    /// `csv`, `ndjson`, `kafka`, …
    pub kind: String,
    /// The schema's text as the client sent it.
    pub sql_schema: String,
    /// The same, read.
    pub columns: Vec<StoredColumn>,
    /// The engine's name.
    pub engine: String,
    /// `partition_key`, `sorting_key`, … in order.
    pub engine_args: Vec<(String, String)>,
    /// `INDEX …` lines.
    pub indexes: Vec<String>,
    /// Connector settings and others that are only kept.
    pub settings: BTreeMap<String, String>,
    /// When it was made.
    pub created_at: String,
    /// When it was changed.
    pub updated_at: String,
    /// Ids of the workspaces it is shared with.
    #[serde(default)]
    pub shared_with: Vec<String>,
}

impl DataSource {
    /// The value of an engine argument, if it says something.
    pub fn engine_arg(&self, key: &str) -> Option<&str> {
        self.engine_args
            .iter()
            .find(|(k, _)| k == key)
            .map(|(_, v)| v.as_str())
            .filter(|v| !v.is_empty())
    }

    /// A setting, if it says something.
    pub fn setting(&self, key: &str) -> Option<&str> {
        let value = self.settings.get(key).map(|v| v.trim());
        value.filter(|v| !v.is_empty() && *v != "None")
    }

    /// Whether a setting says yes.
    pub fn flag(&self, key: &str) -> bool {
        let yes = |v: &str| matches!(v.to_ascii_lowercase().as_str(), "true" | "1" | "yes");
        self.setting(key).is_some_and(yes)
    }

    /// Name of the table of rows that did not fit.
    pub fn quarantine(&self) -> String {
        format!("{}_quarantine", self.name)
    }
}

/// How the reading of a stream goes; not stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// Why it does not go on.
    pub error: Option<String>,
    /// When that was found, or when it last went well.
    pub at: String,
    /// Messages that were not yet read when it was last looked, by partition.
    pub lag: BTreeMap<i32, i64>,
}

/// A node of a pipe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Id.
    pub id: String,
    /// Name, unique in the pipe.
    pub name: String,
    /// SQL, a template when it starts with `%`.
    pub sql: String,
    /// For people.
    pub description: String,
    /// `standard`, `endpoint`, `materialized`, `copy`, `sink`.
    pub kind: String,
    /// What else the client sent: `datasource`, `target_datasource`, `engine…`, `copy_schedule`, …
    pub settings: BTreeMap<String, String>,
    /// When it was made.
    pub created_at: String,
    /// When it was changed.
    pub updated_at: String,
}

/// A pipe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pipe {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// For people.
    pub description: String,
    /// Its nodes; the last is what the pipe means where it is read.
    pub nodes: Vec<Node>,
    /// Id of the published node.
    pub endpoint: Option<String>,
    /// When it was made.
    pub created_at: String,
    /// When it was changed.
    pub updated_at: String,
}

impl Pipe {
    /// The node of that id or name.
    pub fn node(&self, key: &str) -> Option<&Node> {
        self.nodes.iter().find(|n| n.id == key || n.name == key)
    }

    /// The published node.
    pub fn endpoint_node(&self) -> Option<&Node> {
        self.endpoint.as_deref().and_then(|id| self.node(id))
    }

    /// The node that the pipe stands for in SQL: the published one, else the last.
    pub fn output_node(&self) -> Option<&Node> {
        self.endpoint_node().or_else(|| self.nodes.last())
    }

    /// `default`, `endpoint`, `materialized`, `copy` or `sink`.
    pub fn kind(&self) -> &str {
        if self.endpoint.is_some() {
            return "endpoint";
        }
        let special = |n: &&Node| matches!(n.kind.as_str(), "materialized" | "copy" | "sink");
        self.nodes
            .iter()
            .find(special)
            .map_or("default", |n| n.kind.as_str())
    }
}

/// A tag: a name on resources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tag {
    /// Name.
    pub name: String,
    /// Resources: id, name, type.
    pub resources: Vec<TagResource>,
    /// When it was made.
    #[serde(default)]
    pub created_at: String,
    /// When it was changed.
    #[serde(default)]
    pub updated_at: String,
}

/// A resource of a tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagResource {
    /// Id.
    #[serde(default)]
    pub id: String,
    /// Name.
    #[serde(default)]
    pub name: String,
    /// `datasource` or `pipe`.
    #[serde(rename = "type", default)]
    pub kind: String,
}

/// A variable: a secret that templates read with `tb_secret`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variable {
    /// Name.
    pub name: String,
    /// The secret.
    pub value: String,
    /// `secret`.
    pub kind: String,
    /// When it was made.
    pub created_at: String,
    /// When it was changed.
    pub updated_at: String,
}

/// A connection to another system: kept, not used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Connector {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// `kafka`, `s3`, …
    pub service: String,
    /// The client's settings, secrets included.
    pub settings: serde_json::Map<String, serde_json::Value>,
    /// When it was made.
    pub created_at: String,
}
