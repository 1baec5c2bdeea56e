//! Resources as datafiles, for `tb pull` and `tb diff`.
//!
//! Invariant: what was pushed comes back: tokens and tags included, SQL unchanged.

use super::copies::{COPY, CRON, MODE, SINK, TARGET};
use super::model::{DataSource, Node, Pipe};
use super::state::Snapshot;
use crate::datafile::{
    DataSourceFile, EngineLines, NodeLines, PipeFile, TokenLine, print_data_source, print_pipe,
};

/// The `.datasource` text.
pub fn data_source_text(state: &Snapshot, source: &DataSource) -> String {
    let settings = source
        .settings
        .iter()
        .filter(|(key, _)| key.starts_with("kafka_") || key.starts_with("import_"));
    print_data_source(&DataSourceFile {
        version: None,
        description: source.description.clone(),
        tokens: token_lines(
            state,
            &source.name,
            &[
                ("DATASOURCES:READ", "READ"),
                ("DATASOURCES:APPEND", "APPEND"),
            ],
        ),
        tags: tags(state, &source.id),
        columns: source.columns.iter().map(Into::into).collect(),
        indexes: source.indexes.clone(),
        engine: Some(EngineLines {
            name: source.engine.clone(),
            args: source.engine_args.clone(),
        }),
        shared_with: Vec::new(),
        settings: settings.map(|(k, v)| (k.clone(), v.clone())).collect(),
    })
}

/// The `.pipe` text.
pub fn pipe_text(state: &Snapshot, pipe: &Pipe) -> String {
    let node = |n: &Node| NodeLines {
        name: n.name.clone(),
        description: n.description.clone(),
        sql: n.sql.clone(),
        kind: match n.kind.as_str() {
            "standard" => String::new(),
            kind => kind.to_owned(),
        },
        settings: node_settings(n),
        engine: engine_lines(n),
    };
    print_pipe(&PipeFile {
        version: None,
        description: pipe.description.clone(),
        tokens: token_lines(state, &pipe.name, &[("PIPES:READ", "READ")]),
        tags: tags(state, &pipe.id),
        nodes: pipe.nodes.iter().map(node).collect(),
    })
}

/// DATASOURCE of a materialized node, or the lines of a copy or sink node.
fn node_settings(node: &Node) -> Vec<(String, String)> {
    match node.view_target() {
        Some(target) => vec![("datasource".to_owned(), target.to_owned())],
        None => copy_settings(node),
    }
}

/// ENGINE of a materialized node, when it was given.
fn engine_lines(node: &Node) -> Option<EngineLines> {
    node.view_target()?;
    let name = node.settings.get("engine").filter(|e| !e.is_empty())?;
    let args = node.settings.iter();
    let args = args.filter_map(|(k, v)| Some((k.strip_prefix("engine_")?.to_owned(), v.clone())));
    Some(EngineLines {
        name: name.clone(),
        args: args.collect(),
    })
}

/// The lines of a copy or sink node.
fn copy_settings(node: &Node) -> Vec<(String, String)> {
    let is_copy = node.kind == COPY;
    let mut out = Vec::new();
    for (key, value) in &node.settings {
        let key = match key.as_str() {
            CRON if is_copy => "copy_schedule".to_owned(),
            MODE if is_copy => "copy_mode".to_owned(),
            TARGET if is_copy => TARGET.to_owned(),
            _ if is_copy || node.kind != SINK => continue,
            CRON => "export_schedule".to_owned(),
            "connection" => "export_connection_name".to_owned(),
            "path" => "export_bucket_uri".to_owned(),
            key => format!("export_{key}"),
        };
        out.push((key, value.clone()));
    }
    out
}

/// A line for every token with a scope on the resource.
fn token_lines(state: &Snapshot, resource: &str, kinds: &[(&str, &str)]) -> Vec<TokenLine> {
    let mut out = Vec::new();
    for token in state.tokens.values() {
        for scope in token
            .scopes
            .iter()
            .filter(|s| s.resource.as_deref() == Some(resource))
        {
            let permission = kinds.iter().find(|(kind, _)| *kind == scope.kind);
            if let Some((_, permission)) = permission {
                out.push(TokenLine {
                    name: token.name.clone(),
                    permission: (*permission).to_owned(),
                });
            }
        }
    }
    out.sort_by(|a, b| (&a.name, &a.permission).cmp(&(&b.name, &b.permission)));
    out
}

fn tags(state: &Snapshot, id: &str) -> Vec<String> {
    let has = |resources: &[super::model::TagResource]| resources.iter().any(|r| r.id == id);
    let tags = state.tags.values().filter(|t| has(&t.resources));
    tags.map(|t| t.name.clone()).collect()
}
