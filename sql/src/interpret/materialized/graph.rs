//! Which views follow which table.
//!
//! Invariant: a graph belongs to one version of the catalog; what a view compiled to is kept with it
//! and goes with it.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use roost_engine::catalog::Engine;
use roost_engine::error::Result;

use super::compiled::Compiled;
use super::definition::{self, MaterializedView};
use super::gate::{Gates, Name};

/// A view in the graph.
pub(super) struct Node {
    pub(super) view: MaterializedView,
    /// What it compiled to, when that may be used again.
    pub(super) kept: Mutex<Option<Arc<Compiled>>>,
}

/// All views by the table that they follow.
#[derive(Default)]
pub(crate) struct Graph {
    version: u64,
    by_source: HashMap<Name, Vec<Arc<Node>>>,
}

impl Graph {
    fn build(engine: &Engine, version: u64) -> Result<Graph> {
        let all = definition::all(engine)?;
        let targets: HashMap<Name, Name> = all
            .iter()
            .map(|v| ((v.database.clone(), v.name.clone()), v.target.clone()))
            .collect();
        let mut by_source: HashMap<Name, Vec<Arc<Node>>> = HashMap::new();
        for view in all {
            let Some(source) = view.source.clone() else {
                continue;
            };
            // Rows of a view are those of its target.
            let table = targets.get(&source).cloned().unwrap_or(source);
            let node = Arc::new(Node {
                view,
                kept: Mutex::default(),
            });
            by_source.entry(table).or_default().push(node);
        }
        Ok(Graph { version, by_source })
    }

    /// The views over a table.
    pub(super) fn over(&self, table: &Name) -> &[Arc<Node>] {
        self.by_source.get(table).map_or(&[], Vec::as_slice)
    }

    /// A table and all that its rows reach, each once.
    pub(super) fn reach(&self, table: &Name) -> Vec<Name> {
        let mut found = vec![table.clone()];
        let mut at = 0;
        while let Some(name) = found.get(at).cloned() {
            for node in self.over(&name) {
                if !found.contains(&node.view.target) {
                    found.push(node.view.target.clone());
                }
            }
            at += 1;
        }
        found
    }
}

/// What sessions share of views: the graph, and the gates of tables.
#[derive(Default)]
pub(crate) struct Views {
    graph: Mutex<Arc<Graph>>,
    pub(super) gates: Arc<Gates>,
}

impl Views {
    /// The graph as it is now.
    pub(super) fn graph(&self, engine: &Engine) -> Result<Arc<Graph>> {
        let version = engine.catalog_version();
        let mut graph = self.graph.lock();
        if graph.version != version {
            *graph = Arc::new(Graph::build(engine, version)?);
        }
        Ok(Arc::clone(&graph))
    }
}
