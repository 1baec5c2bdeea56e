//! Materialized nodes: each is a materialized view of the database, into a data source.
//!
//! Invariant: a stored node of type `materialized` has its view, named after its pipe and itself.

use std::sync::Arc;

use roost::interpret::materialized::Stored;
use roost_engine::error::Code;

use super::ddl::NewDataSource;
use super::files::{data_source_text, pipe_text};
use super::model::{DataSource, Node, Pipe};
use super::resolve::{Request, Resolver, Root};
use super::state::Project;
use super::{ProjectError, Result};
use crate::store::{Store, quoted, timestamp};
use crate::template::Variables;
use crate::tokens::Access;

/// Type of a node that is a materialized view.
pub const MATERIALIZED: &str = "materialized";

/// A view that was made with a pipe, and what its source held at that instant.
#[derive(Debug)]
pub struct Made {
    /// The node's name.
    pub node: String,
    /// The data source that the view fills.
    pub target: Arc<DataSource>,
    /// What it can be filled with.
    pub stored: Option<Stored>,
}

/// What a node would be as a materialized view.
#[derive(Debug, Clone, Default)]
pub struct Analysis {
    /// The data source's file.
    pub data_source: String,
    /// The pipe's file.
    pub pipe: String,
}

/// Name of a node's view in the database.
pub fn view_name(pipe: &str, node: &str) -> String {
    format!("{pipe}__{node}")
}

impl Node {
    /// Name of the data source that a materialized node fills.
    pub fn view_target(&self) -> Option<&str> {
        let target = self.settings.get("datasource").map(String::as_str);
        target.filter(|t| self.kind == MATERIALIZED && !t.is_empty())
    }
}

impl Project {
    /// A node's whole query, with every node and pipe it reads inside it.
    pub fn node_sql(self: &Arc<Self>, pipe: &Pipe, node: &Node) -> Result<String> {
        let resolver = Resolver::new(
            self,
            Request {
                access: Access::admin(),
                variables: Variables::new(),
                root: Root::Caller,
                pipeline: None,
                now: timestamp(),
            },
        );
        Ok(resolver.inline(pipe, node)?.to_string())
    }

    fn view_sql(self: &Arc<Self>, pipe: &Pipe, node: &Node, target: &str) -> Result<String> {
        Ok(format!(
            "CREATE OR REPLACE MATERIALIZED VIEW {} TO {} AS {}",
            self.store.at(&view_name(&pipe.name, &node.name)),
            self.store.at(target),
            self.node_sql(pipe, node)?
        ))
    }

    /// Makes the data sources that materialized nodes name and that are not there; their names.
    pub(super) fn make_targets(self: &Arc<Self>, pipe: &Pipe) -> Result<Vec<String>> {
        let mut made = Vec::new();
        for node in pipe.nodes.iter().filter(|n| n.kind == MATERIALIZED) {
            let Some(name) = node.view_target() else {
                return Err(ProjectError::Bad(format!(
                    "node {} of pipe {} is materialized and names no DATASOURCE",
                    node.name, pipe.name
                )));
            };
            if self.snapshot().data_source(name).is_none() {
                let new = self.target_of(pipe, node, name)?;
                made.push(self.create_data_source(new)?.name.clone());
            }
        }
        Ok(made)
    }

    /// A data source for the rows of a node.
    fn target_of(self: &Arc<Self>, pipe: &Pipe, node: &Node, name: &str) -> Result<NewDataSource> {
        let sql = self.node_sql(pipe, node)?;
        let described = self.store.query(&format!("DESCRIBE TABLE ({sql})"))?;
        let text = |v: Option<&roost::Value>| {
            let bytes = v.and_then(|v| v.as_bytes()).unwrap_or_default();
            String::from_utf8_lossy(bytes).into_owned()
        };
        let rows = described.rows();
        let columns: Vec<(String, String)> = rows
            .iter()
            .map(|row| (text(row.first()), text(row.get(1))))
            .collect();
        let is_state = |ty: &str| ty.contains("AggregateFunction(");
        let has_states = columns.iter().any(|(_, ty)| is_state(ty));
        let schema: Vec<String> = columns
            .iter()
            .map(|(name, ty)| format!("{} {ty}", quoted(name)))
            .collect();
        let mut engine_args: Vec<(String, String)> = node
            .settings
            .iter()
            .filter_map(|(k, v)| Some((k.strip_prefix("engine_")?.to_owned(), v.clone())))
            .collect();
        if !engine_args.iter().any(|(k, _)| k == "sorting_key") {
            let keys = columns
                .iter()
                .filter(|(_, ty)| has_states && !is_state(ty) && !ty.starts_with("Nullable("));
            let keys: Vec<String> = keys.map(|(name, _)| quoted(name)).collect();
            let key = match keys.is_empty() {
                true => "tuple()".to_owned(),
                false => keys.join(", "),
            };
            engine_args.push(("sorting_key".to_owned(), key));
        }
        let usual = if has_states {
            "AggregatingMergeTree"
        } else {
            "MergeTree"
        };
        let engine = node.settings.get("engine").filter(|e| !e.is_empty());
        Ok(NewDataSource {
            name: name.to_owned(),
            schema: schema.join(", "),
            engine: engine.map_or(usual, String::as_str).to_owned(),
            engine_args,
            ..NewDataSource::default()
        })
    }

    /// Makes the views of a pipe; those with the names of older ones take their place.
    pub(super) fn make_views(
        self: &Arc<Self>,
        store: &Store,
        pipe: &Pipe,
        old: Option<&Pipe>,
    ) -> Result<Vec<Made>> {
        let state = self.snapshot();
        let mut made: Vec<Made> = Vec::new();
        for node in &pipe.nodes {
            let Some(target) = node.view_target() else {
                continue;
            };
            let target = state.data_source(target).cloned().ok_or_else(|| {
                ProjectError::NotFound(format!("Data Source \"{target}\" does not exist"))
            })?;
            let outcome = self
                .view_sql(pipe, node, &target.name)
                .and_then(|sql| Ok(store.database().create_view(&sql)?));
            match outcome {
                Ok(stored) => made.push(Made {
                    node: node.name.clone(),
                    target,
                    stored,
                }),
                Err(e) => {
                    let was = |name: &str| old.is_some_and(|p| has_view(p, name));
                    for view in made.iter().filter(|m| !was(&m.node)) {
                        drop_view(store, &view_name(&pipe.name, &view.node));
                    }
                    return Err(match e {
                        ProjectError::Database(e) => {
                            ProjectError::Database(e.context(format!("node {}", node.name)))
                        }
                        other => other,
                    });
                }
            }
        }
        if let Some(old) = old {
            let gone = old.nodes.iter().filter(|n| n.view_target().is_some());
            for node in gone.filter(|n| !has_view(pipe, &n.name)) {
                drop_view(store, &view_name(&old.name, &node.name));
            }
        }
        Ok(made)
    }

    /// Makes a node an ordinary one again: its data source keeps its rows and gets no more.
    pub fn unlink_view(self: &Arc<Self>, key: &str, node: &str) -> Result<Arc<Pipe>> {
        self.update_pipe(key, |pipe| {
            let mut nodes = pipe.nodes.iter_mut();
            let found = nodes.find(|n| n.id == node || n.name == node);
            match found.filter(|n| n.kind == MATERIALIZED) {
                None => Err(ProjectError::NotFound(format!(
                    "Node \"{node}\" of pipe \"{}\" is not materialized",
                    pipe.name
                ))),
                Some(found) => {
                    found.kind = "standard".to_owned();
                    found.settings.remove("datasource");
                    Ok(())
                }
            }
        })
    }

    /// Pipes with a node that fills a data source.
    pub fn fed_by(&self, data_source: &str) -> Vec<(Arc<Pipe>, String)> {
        let state = self.snapshot();
        let mut out = Vec::new();
        for pipe in state.pipes.values() {
            for node in &pipe.nodes {
                if node.view_target() == Some(data_source) {
                    out.push((Arc::clone(pipe), node.name.clone()));
                }
            }
        }
        out
    }

    /// What a node would be as a materialized view; an error says why it cannot be one.
    pub fn analyze_view(self: &Arc<Self>, pipe: &Pipe, node: &Node) -> Result<Analysis> {
        let state = self.snapshot();
        let mut shown = pipe.clone();
        for n in &mut shown.nodes {
            if n.id == node.id {
                *n = node.clone();
            }
        }
        let named = node.settings.get("datasource").map(String::as_str);
        let name = named.filter(|n| !n.is_empty() && *n != "None");
        let data_source = match name.and_then(|n| state.data_source(n)) {
            Some(source) => {
                let sql = self.view_sql(&shown, node, &source.name)?;
                self.store.database().check_view(&sql)?;
                data_source_text(&state, source)
            }
            None => {
                let name = name.map_or_else(|| format!("{}_mv", pipe.name), str::to_owned);
                let new = self.target_of(&shown, node, &name)?;
                data_source_text(&state, &new.build()?)
            }
        };
        Ok(Analysis {
            data_source,
            pipe: pipe_text(&state, &shown),
        })
    }

    /// Holds what the source of a materialized node has now, to fill its data source with.
    pub fn view_source(&self, pipe: &Pipe, node: &Node, truncate: bool) -> Result<Stored> {
        if node.view_target().is_none() {
            return Err(ProjectError::Bad(format!(
                "Node \"{}\" of pipe \"{}\" is not materialized",
                node.name, pipe.name
            )));
        }
        let name = view_name(&pipe.name, &node.name);
        let database = self.store.database();
        Ok(database.view_source(self.store.data(), &name, truncate)?)
    }
}

fn has_view(pipe: &Pipe, node: &str) -> bool {
    let mut nodes = pipe.nodes.iter();
    nodes.any(|n| n.name == node && n.view_target().is_some())
}

/// Gives the views of a pipe that is renamed their new names.
pub(super) fn rename_views(store: &Store, pipe: &Pipe, name: &str) -> Result<()> {
    for node in pipe.nodes.iter().filter(|n| n.view_target().is_some()) {
        store.execute(&format!(
            "RENAME TABLE {} TO {}",
            store.at(&view_name(&pipe.name, &node.name)),
            store.at(&view_name(name, &node.name))
        ))?;
    }
    Ok(())
}

/// Removes the views of a pipe.
pub(super) fn drop_views(store: &Store, pipe: &Pipe) {
    for node in pipe.nodes.iter().filter(|n| n.view_target().is_some()) {
        drop_view(store, &view_name(&pipe.name, &node.name));
    }
}

fn drop_view(store: &Store, name: &str) {
    let sql = format!("DROP VIEW IF EXISTS {}", store.at(name));
    if let Err(e) = store.execute(&sql)
        && e.code() != Code::UNKNOWN_TABLE
    {
        tracing::error!("cannot drop view {name}: {e}");
    }
}
