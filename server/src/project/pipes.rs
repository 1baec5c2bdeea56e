//! Pipes and their nodes.
//!
//! Invariant: node names are unique in a pipe; a published node belongs to its pipe.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::checks::Check;
use super::copies::{COPY, SINK};
use super::materialize::{MATERIALIZED, Made, drop_views, rename_views};
use super::model::{Node, Pipe};
use super::references::tables_of;
use super::state::{Project, Snapshot, TEXTS_MAX, put};
use super::{ProjectError, Result, check_name};
use crate::store::{Store, timestamp};
use crate::template::{Inputs, Mode, Variables};
use crate::tokens::{Token, new_id};

/// A node as a request describes it.
#[derive(Debug, Clone, Default)]
pub struct NewNode {
    /// Name; empty: `name_<n>` of the pipe.
    pub name: String,
    /// SQL.
    pub sql: String,
    /// For people.
    pub description: String,
    /// `standard`, …; empty is `standard`.
    pub kind: String,
    /// Everything else.
    pub settings: BTreeMap<String, String>,
}

/// A pipe as a request describes it.
#[derive(Debug, Clone, Default)]
pub struct NewPipe {
    /// Name.
    pub name: String,
    /// For people.
    pub description: String,
    /// Nodes.
    pub nodes: Vec<NewNode>,
    /// Replace a pipe of that name.
    pub force: bool,
    /// Which names must be there.
    pub check: Check,
}

/// A pipe that was made.
#[derive(Debug)]
pub struct CreatedPipe {
    /// The pipe.
    pub pipe: Arc<Pipe>,
    /// Its views.
    pub made: Vec<Made>,
    /// Data sources that were made for them.
    pub made_sources: Vec<String>,
}

impl NewPipe {
    /// The pipe before it has a place in the workspace.
    fn draft(&self) -> Result<Pipe> {
        build_pipe(&Snapshot::default(), self.clone())
    }
}

impl Project {
    /// Makes a pipe, or replaces one with `force`: a published node of the same name stays published.
    pub fn create_pipe(self: &Arc<Self>, new: NewPipe) -> Result<CreatedPipe> {
        check_name(&new.name, "Pipe")?;
        for node in &new.nodes {
            self.check_node(&new.name, node)?;
        }
        let draft = new.draft()?;
        self.check_names(&draft, new.check)?;
        let made_sources = self.make_targets(&draft)?;
        let mut made = Vec::new();
        let pipe = self.change(|state, store| {
            let pipe = build_pipe(state, new)?;
            let old = state.pipes.get(&pipe.name).cloned();
            made = self.make_views(store, &pipe, old.as_deref())?;
            keep(state, store, pipe)
        })?;
        Ok(CreatedPipe {
            pipe,
            made,
            made_sources,
        })
    }

    /// Keeps a pipe as it is, without its views and whatever it reads: to look at.
    pub fn keep_draft(&self, new: NewPipe) -> Result<Arc<Pipe>> {
        check_name(&new.name, "Pipe")?;
        self.change(|state, store| {
            let pipe = build_pipe(state, new)?;
            keep(state, store, pipe)
        })
    }

    /// Refuses what could never run.
    fn check_node(&self, pipe: &str, node: &NewNode) -> Result<()> {
        if !node.name.is_empty() {
            check_name(&node.name, "node")?;
        }
        if node.sql.trim().is_empty() {
            return Err(ProjectError::Bad(format!(
                "node {} of pipe {pipe} has no SQL",
                node.name
            )));
        }
        match node.kind.as_str() {
            "" | "standard" | "endpoint" | MATERIALIZED | COPY | SINK => {}
            "stream" => {
                return Err(ProjectError::NotImplemented(format!(
                    "{} nodes are not supported yet (node {} of pipe {pipe})",
                    node.kind, node.name
                )));
            }
            other => {
                return Err(ProjectError::Bad(format!("unknown type of node '{other}'")));
            }
        }
        match node.sql.trim_start().strip_prefix('%') {
            Some(body) => self.template(body).map(|_| ()).map_err(|e| {
                let line = e.line.map_or_else(String::new, |l| format!(", line {l}"));
                ProjectError::Bad(format!("node {}{line}: {e}", node.name))
            }),
            None => roost::parse::parse_query(&node.sql)
                .map(|_| ())
                .map_err(|e| ProjectError::Database(e.context(format!("node {}", node.name)))),
        }
    }

    /// Changes a pipe.
    pub fn update_pipe(
        self: &Arc<Self>,
        key: &str,
        update: impl FnOnce(&mut Pipe) -> Result<()>,
    ) -> Result<Arc<Pipe>> {
        self.change(|state, store| {
            let pipe = state.pipe(key).ok_or_else(|| missing(key))?;
            let mut next = Pipe::clone(pipe);
            update(&mut next)?;
            next.updated_at = timestamp();
            if next.name != pipe.name {
                check_name(&next.name, "Pipe")?;
                if state.pipes.contains_key(&next.name)
                    || state.data_sources.contains_key(&next.name)
                {
                    return Err(ProjectError::Conflict(format!(
                        "\"{}\" already exists",
                        next.name
                    )));
                }
                rename_views(store, pipe, &next.name)?;
                let old = pipe.name.clone();
                state.pipes.remove(&old);
            } else if pipe.nodes.iter().any(|n| n.view_target().is_some())
                && pipe.nodes != next.nodes
            {
                self.make_views(store, &next, Some(pipe))?;
            }
            keep(state, store, next)
        })
    }

    /// Adds a node at the end.
    pub fn add_node(self: &Arc<Self>, key: &str, node: NewNode) -> Result<Node> {
        self.check_node(key, &node)?;
        let mut made = None;
        self.update_pipe(key, |pipe| {
            let node = build_node(node, &pipe.name, pipe.nodes.len(), None, &timestamp());
            if pipe.nodes.iter().any(|n| n.name == node.name) {
                return Err(ProjectError::Conflict(format!(
                    "Node \"{}\" already exists in pipe \"{}\"",
                    node.name, pipe.name
                )));
            }
            made = Some(node.clone());
            pipe.nodes.push(node);
            Ok(())
        })?;
        made.ok_or_else(|| missing(key))
    }

    /// Changes a node.
    pub fn update_node(self: &Arc<Self>, key: &str, node: &str, new: NewNode) -> Result<Node> {
        let mut out = None;
        if !new.sql.is_empty() {
            self.check_node(key, &new)?;
        }
        self.update_pipe(key, |pipe| {
            let place = pipe
                .nodes
                .iter()
                .position(|n| n.id == node || n.name == node);
            let found = place.and_then(|at| pipe.nodes.get_mut(at));
            let found = found.ok_or_else(|| missing_node(key, node))?;
            if !new.sql.is_empty() {
                found.sql = new.sql;
            }
            if !new.description.is_empty() {
                found.description = new.description;
            }
            if !new.name.is_empty() {
                found.name = new.name;
            }
            found.updated_at = timestamp();
            out = Some(found.clone());
            Ok(())
        })?;
        out.ok_or_else(|| missing_node(key, node))
    }

    /// Removes a node.
    pub fn drop_node(self: &Arc<Self>, key: &str, node: &str) -> Result<()> {
        self.update_pipe(key, |pipe| {
            let id = pipe.node(node).map(|n| n.id.clone());
            let id = id.ok_or_else(|| missing_node(&pipe.name, node))?;
            pipe.nodes.retain(|n| n.id != id);
            if pipe.endpoint.as_ref() == Some(&id) {
                pipe.endpoint = None;
            }
            Ok(())
        })
        .map(|_| ())
    }

    /// Publishes a node, or takes the endpoint back.
    pub fn publish(self: &Arc<Self>, key: &str, node: Option<&str>) -> Result<Arc<Pipe>> {
        self.update_pipe(key, |pipe| {
            pipe.endpoint = match node {
                None => None,
                Some(node) => {
                    let id = pipe.node(node).map(|n| n.id.clone());
                    Some(id.ok_or_else(|| missing_node(&pipe.name, node))?)
                }
            };
            let endpoint = pipe.endpoint.clone();
            for n in &mut pipe.nodes {
                if n.kind == "standard" || n.kind == "endpoint" {
                    let is_it = endpoint.as_ref() == Some(&n.id);
                    n.kind = if is_it { "endpoint" } else { "standard" }.to_owned();
                }
            }
            Ok(())
        })
    }

    /// Removes a pipe and the scopes that speak of it.
    pub fn drop_pipe(&self, key: &str) -> Result<()> {
        self.change(|state, store| {
            let pipe = state.pipe(key).cloned().ok_or_else(|| missing(key))?;
            store.save::<Pipe>("pipe", &pipe.id, None)?;
            drop_views(store, &pipe);
            state.pipes.remove(&pipe.name);
            forget_scopes(state, store, "PIPES:", &pipe.name)
        })?;
        self.forget_readers()
    }

    /// Tables a node may read, whatever branch its template takes.
    pub fn dependencies(&self, node: &Node) -> Arc<Vec<String>> {
        if let Some(known) = self.dependencies.lock().get(&node.sql) {
            return Arc::clone(known);
        }
        let found = Arc::new(self.find_dependencies(node));
        let mut all = self.dependencies.lock();
        if all.len() >= TEXTS_MAX {
            all.clear();
        }
        all.insert(node.sql.clone(), Arc::clone(&found));
        found
    }

    fn find_dependencies(&self, node: &Node) -> Vec<String> {
        let mut out: Vec<String> = Vec::new();
        let mut add = |sql: &str| {
            for table in tables_of(sql).unwrap_or_default() {
                let name = match table.database {
                    Some(database) if !self.is_own_database(&database) => {
                        format!("{database}.{}", table.name)
                    }
                    _ => table.name,
                };
                if !out.contains(&name) {
                    out.push(name);
                }
            }
        };
        let Some(body) = node.sql.trim_start().strip_prefix('%') else {
            add(&node.sql);
            return out;
        };
        let Ok(template) = self.template(body) else {
            return out;
        };
        let variables = Variables::new();
        let arms = (0..template.arms().min(32)).map(Mode::Arm);
        for mode in std::iter::once(Mode::Check).chain(arms) {
            let rendered = template.render(&Inputs {
                variables: &variables,
                secrets: &[],
                mode,
                now: "2019-01-01 00:00:00",
            });
            if let Ok(rendered) = rendered {
                add(&rendered.sql);
            }
        }
        out
    }

    /// Pipes whose nodes read the resource `name`.
    pub fn used_by(&self, name: &str) -> Vec<Arc<Pipe>> {
        let state = self.snapshot();
        let reads = |p: &&Arc<Pipe>| {
            p.nodes.iter().any(|n| {
                // Nodes shadow resources, and the search of the text is cheaper than the parse.
                n.sql.contains(name)
                    && !p
                        .nodes
                        .iter()
                        .any(|other| other.name == name && other.id != n.id)
                    && self.dependencies(n).iter().any(|d| d == name)
            })
        };
        state
            .pipes
            .values()
            .filter(|p| p.name != name)
            .filter(reads)
            .cloned()
            .collect()
    }
}

fn missing(key: &str) -> ProjectError {
    ProjectError::NotFound(format!("Pipe \"{key}\" does not exist"))
}

fn missing_node(pipe: &str, node: &str) -> ProjectError {
    ProjectError::NotFound(format!("Node \"{node}\" of pipe \"{pipe}\" does not exist"))
}

/// The pipe as it will be stored.
fn build_pipe(state: &Snapshot, new: NewPipe) -> Result<Pipe> {
    if state.data_sources.contains_key(&new.name) {
        return Err(ProjectError::Conflict(format!(
            "There is already a Data Source with name \"{}\"",
            new.name
        )));
    }
    let old = state.pipes.get(&new.name).cloned();
    if old.is_some() && !new.force {
        return Err(ProjectError::Conflict(format!(
            "Pipe \"{}\" already exists",
            new.name
        )));
    }
    let now = timestamp();
    let mut nodes: Vec<Node> = Vec::with_capacity(new.nodes.len());
    for node in new.nodes {
        let known = old.as_ref().and_then(|p| p.node(&node.name));
        let node = build_node(node, &new.name, nodes.len(), known, &now);
        if nodes.iter().any(|n| n.name == node.name) {
            return Err(ProjectError::Bad(format!(
                "Pipe \"{}\" has two nodes with name \"{}\"",
                new.name, node.name
            )));
        }
        nodes.push(node);
    }
    let published = old.as_ref().and_then(|p| p.endpoint.clone());
    Ok(Pipe {
        id: old.as_ref().map_or_else(new_id, |p| p.id.clone()),
        name: new.name,
        description: new.description,
        endpoint: published.filter(|id| nodes.iter().any(|n| n.id == *id)),
        nodes,
        created_at: old.map_or_else(|| now.clone(), |p| p.created_at.clone()),
        updated_at: now,
    })
}

fn keep(state: &mut Snapshot, store: &Store, pipe: Pipe) -> Result<Arc<Pipe>> {
    put(store, "pipe", &pipe.id, &pipe)?;
    let pipe = Arc::new(pipe);
    state.pipes.insert(pipe.name.clone(), Arc::clone(&pipe));
    Ok(pipe)
}

fn build_node(new: NewNode, pipe: &str, at: usize, known: Option<&Node>, now: &str) -> Node {
    Node {
        id: known.map_or_else(new_id, |n| n.id.clone()),
        name: if new.name.is_empty() {
            format!("{pipe}_{at}")
        } else {
            new.name
        },
        sql: new.sql,
        description: new.description,
        // Publishing is a step of its own.
        kind: match new.kind.as_str() {
            "" | "endpoint" => "standard".to_owned(),
            _ => new.kind,
        },
        settings: new.settings,
        created_at: known.map_or(now, |n| &n.created_at).to_owned(),
        updated_at: now.to_owned(),
    }
}

/// Takes the scopes on a resource that is gone out of all tokens.
pub(super) fn forget_scopes(
    state: &mut Snapshot,
    store: &Store,
    family: &str,
    resource: &str,
) -> Result<()> {
    let speaks = |t: &Token| {
        t.scopes
            .iter()
            .any(|s| s.kind.starts_with(family) && s.resource.as_deref() == Some(resource))
    };
    let changed: Vec<Arc<Token>> = state
        .tokens
        .values()
        .filter(|t| speaks(t))
        .cloned()
        .collect();
    for token in changed {
        let mut next = Token::clone(&token);
        next.scopes
            .retain(|s| !(s.kind.starts_with(family) && s.resource.as_deref() == Some(resource)));
        put(store, "token", &next.id, &next)?;
        state.tokens.insert(next.id.clone(), Arc::new(next));
    }
    Ok(())
}
