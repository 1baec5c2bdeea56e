//! Datafiles: the text of data sources, pipes and tokens as projects keep it in files.
//!
//! Invariant: what [`print`](print_data_source) writes parses to the same parts again, and errors name
//! file and line.

mod lines;
mod parse;
mod places;
mod print;
mod schema;

#[cfg(test)]
mod tests;

use std::fmt;

pub use parse::{parse_data_source, parse_pipe, parse_token};
pub use places::{NodePlace, key_line, node_places, nth_column_line, nth_key_line};
pub use print::{print_data_source, print_pipe};
pub use schema::{SchemaColumn, column_text, parse_schema};

/// A datafile that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatafileError {
    /// The file, as it was named.
    pub file: String,
    /// The line, from one.
    pub line: usize,
    /// What was found and what was expected.
    pub message: String,
}

impl fmt::Display for DatafileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.message)
    }
}

impl std::error::Error for DatafileError {}

/// `TOKEN "name" PERMISSION`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenLine {
    /// The token's name.
    pub name: String,
    /// `READ` or `APPEND`.
    pub permission: String,
}

/// An engine and its `ENGINE_…` lines, by lower-case key without `engine_`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EngineLines {
    /// `MergeTree`, …
    pub name: String,
    /// `partition_key`, `sorting_key`, `ttl`, `ver`, … in the order of the file.
    pub args: Vec<(String, String)>,
}

impl EngineLines {
    /// The value of an `ENGINE_…` line, if there is one that says something.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.args
            .iter()
            .find(|(k, _)| k == key)
            .map(|(_, v)| v.as_str())
            .filter(|v| !v.is_empty())
    }
}

/// A `.datasource` file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DataSourceFile {
    /// `VERSION`.
    pub version: Option<u64>,
    /// `DESCRIPTION`.
    pub description: String,
    /// `TOKEN` lines.
    pub tokens: Vec<TokenLine>,
    /// `TAGS`.
    pub tags: Vec<String>,
    /// `SCHEMA`, one entry a column.
    pub columns: Vec<SchemaColumn>,
    /// `INDEXES`, one entry a line.
    pub indexes: Vec<String>,
    /// `ENGINE`.
    pub engine: Option<EngineLines>,
    /// `SHARED_WITH`, one workspace an entry.
    pub shared_with: Vec<String>,
    /// `KAFKA_…`, `IMPORT_…`, `FORWARD_QUERY`, …: lower-case key and text.
    pub settings: Vec<(String, String)>,
}

/// A node of a `.pipe` file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeLines {
    /// `NODE`.
    pub name: String,
    /// `DESCRIPTION`.
    pub description: String,
    /// `SQL`, without its indentation.
    pub sql: String,
    /// `TYPE` in lower case; empty when absent.
    pub kind: String,
    /// `DATASOURCE`, `TARGET_DATASOURCE`, `COPY_…`, `EXPORT_…`: lower-case key and text.
    pub settings: Vec<(String, String)>,
    /// `ENGINE` of a materialized node.
    pub engine: Option<EngineLines>,
}

impl NodeLines {
    /// The value of a line of the node.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.settings
            .iter()
            .find(|(k, _)| k == key)
            .map(|(_, v)| v.as_str())
    }
}

/// A `.pipe` file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PipeFile {
    /// `VERSION`.
    pub version: Option<u64>,
    /// `DESCRIPTION` before the first node.
    pub description: String,
    /// `TOKEN` lines.
    pub tokens: Vec<TokenLine>,
    /// `TAGS`.
    pub tags: Vec<String>,
    /// The nodes.
    pub nodes: Vec<NodeLines>,
}

/// A `.token` file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokenFile {
    /// `DESCRIPTION`.
    pub description: String,
    /// Scopes: type, resource, filter.
    pub scopes: Vec<(String, Option<String>, Option<String>)>,
}
