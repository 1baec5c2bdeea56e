//! The difference between files and the workspace, carried out.
//!
//! Invariant: a resource's text is noted after the resource is as the text says, so that what failed is
//! tried again by the next build.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::files::{data_source, pipe};
use super::{Built, Changes, Fault, Files, Kind};
use crate::datafile::{DataSourceFile, PipeFile, TokenLine};
use crate::project::model::Connector;
use crate::project::state::Project;
use crate::project::{ProjectError, Result};
use crate::store::timestamp;
use crate::tokens::{Scope, Token, new_uuid};

impl Project {
    /// Makes the workspace what the files say; what was changed.
    ///
    /// # Errors
    /// The first file that could not be carried out; those before it were.
    pub fn build(self: &Arc<Self>, files: &Files) -> std::result::Result<Changes, Fault> {
        let changes = self.changes(files);
        let fault = |filename: &str, e: ProjectError| Fault {
            filename: filename.to_owned(),
            error: e.to_string(),
        };
        for name in changes
            .new
            .connectors
            .iter()
            .chain(&changes.changed.connectors)
        {
            if let Some(read) = files.connections.get(name) {
                self.build_connection(name, &read.file)
                    .map_err(|e| fault(&read.path, e))?;
                self.note_built(Kind::Connection, name, Some(&read.text))
                    .map_err(|e| fault(&read.path, e))?;
            }
        }
        self.remove_pipes(&changes.deleted.pipes)
            .map_err(|e| fault("", e))?;
        for name in changes
            .new
            .datasources
            .iter()
            .chain(&changes.changed.datasources)
        {
            if let Some(read) = files.sources.get(name) {
                let done = self.build_source(name, &read.file);
                let done =
                    done.and_then(|()| self.note_built(Kind::DataSource, name, Some(&read.text)));
                done.map_err(|e| fault(&read.path, e))?;
            }
        }
        let pipes = changes.new.pipes.iter().chain(&changes.changed.pipes);
        self.build_pipes(files, pipes.cloned().collect())?;
        for name in &changes.deleted.datasources {
            self.drop_data_source(name)
                .and_then(|()| self.note_built(Kind::DataSource, name, None))
                .map_err(|e| fault(name, e))?;
        }
        for name in &changes.deleted.connectors {
            self.drop_connector(name)
                .and_then(|()| self.note_built(Kind::Connection, name, None))
                .map_err(|e| fault(name, e))?;
        }
        Ok(changes)
    }

    fn note_built(&self, kind: Kind, name: &str, text: Option<&str>) -> Result<()> {
        let built = text.map(|text| Built {
            kind,
            name: name.to_owned(),
            text: text.to_owned(),
        });
        Ok(self
            .store
            .save("built", &format!("{kind:?}/{name}"), built.as_ref())?)
    }

    fn build_connection(&self, name: &str, lines: &BTreeMap<String, String>) -> Result<()> {
        let state = self.snapshot();
        let old = state.connectors.values().find(|c| c.name == name);
        let settings = lines.iter().filter(|(k, _)| *k != "type");
        let service = lines.get("type").cloned().unwrap_or_default();
        if service.is_empty() {
            return Err(ProjectError::Bad("a connection needs a TYPE".to_owned()));
        }
        self.put_connector(Connector {
            id: old.map_or_else(new_uuid, |c| c.id.clone()),
            name: name.to_owned(),
            service,
            settings: settings
                .map(|(k, v)| (k.clone(), v.clone().into()))
                .collect(),
            created_at: old.map_or_else(timestamp, |c| c.created_at.clone()),
        })?;
        Ok(())
    }

    /// Makes a data source, or changes it: in place where that is possible, else by moving its rows
    /// through the file's FORWARD_QUERY, or by the names of the columns.
    fn build_source(self: &Arc<Self>, name: &str, file: &DataSourceFile) -> Result<()> {
        let new = data_source(name, file);
        let state = self.snapshot();
        let Some(old) = state.data_source(name) else {
            self.create_data_source(new)?;
            return self.build_tokens(name, "DATASOURCES", &file.tokens);
        };
        let wanted = new.clone().build()?;
        let same_table = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
        let keys = |args: &[(String, String)]| -> Vec<(String, String)> {
            let kept = args.iter().filter(|(k, v)| k != "ttl" && !v.is_empty());
            kept.cloned().collect()
        };
        let in_place = same_table(&old.engine, &wanted.engine)
            && keys(&old.engine_args) == keys(&wanted.engine_args);
        let forward = file.settings.iter().find(|(k, _)| k == "forward_query");
        let altered = match in_place && forward.is_none() {
            true => self.alter_to(name, &new),
            false => Err(ProjectError::NotImplemented("keys change".to_owned())),
        };
        if altered.is_err() {
            self.move_rows(name, wanted.clone(), forward.map(|(_, q)| q.as_str()))?;
        }
        self.update_data_source(name, |source| {
            source.description.clone_from(&wanted.description);
            source.settings.clone_from(&wanted.settings);
            source.kind.clone_from(&wanted.kind);
        })?;
        self.build_tokens(name, "DATASOURCES", &file.tokens)
    }

    fn alter_to(&self, name: &str, new: &crate::project::NewDataSource) -> Result<()> {
        let ttl = new
            .engine_args
            .iter()
            .find(|(k, v)| k == "ttl" && !v.is_empty());
        let indexes = match new.indexes.is_empty() {
            true => "0".to_owned(),
            false => new.indexes.join("\n"),
        };
        let changes = BTreeMap::from([
            ("schema".to_owned(), new.schema.clone()),
            ("ttl".to_owned(), ttl.map_or("false", |(_, v)| v).to_owned()),
            ("indexes".to_owned(), indexes),
        ]);
        match self.alter_data_source(name, &changes) {
            Err(ProjectError::Bad(e)) if e.contains("no operations to perform") => Ok(()),
            other => other.map(|_| ()),
        }
    }

    /// Removes pipes, those that others read after those others.
    fn remove_pipes(self: &Arc<Self>, names: &[String]) -> Result<()> {
        let mut left: Vec<&String> = names.iter().collect();
        while !left.is_empty() {
            let before = left.len();
            let mut last = Ok(());
            left.retain(|name| match self.drop_pipe(name) {
                Ok(()) | Err(ProjectError::NotFound(_)) => false,
                Err(e) => {
                    last = Err(e);
                    true
                }
            });
            if left.len() == before {
                return last;
            }
        }
        names
            .iter()
            .try_for_each(|name| self.note_built(Kind::Pipe, name, None))
    }

    /// Makes pipes, those that others read before those others.
    fn build_pipes(
        self: &Arc<Self>,
        files: &Files,
        names: Vec<String>,
    ) -> std::result::Result<(), Fault> {
        let mut left = names;
        while !left.is_empty() {
            let before = left.len();
            let mut fault = None;
            left.retain(|name| {
                let Some(read) = files.pipes.get(name) else {
                    return false;
                };
                let done = self.build_pipe(name, &read.file);
                let done = done.and_then(|()| self.note_built(Kind::Pipe, name, Some(&read.text)));
                if let Err(e) = &done {
                    fault.get_or_insert(Fault {
                        filename: read.path.clone(),
                        error: e.to_string(),
                    });
                }
                done.is_err()
            });
            if let (true, Some(fault)) = (left.len() == before, fault) {
                return Err(fault);
            }
        }
        Ok(())
    }

    fn build_pipe(self: &Arc<Self>, name: &str, file: &PipeFile) -> Result<()> {
        let new = pipe(name, file);
        let target = |n: &&crate::project::NewNode| n.kind == crate::project::COPY;
        if let Some(node) = new.nodes.iter().find(target) {
            let target = node
                .settings
                .get(crate::project::TARGET)
                .cloned()
                .unwrap_or_default();
            if self.snapshot().data_source(&target).is_none() {
                return Err(ProjectError::Bad(format!(
                    "node {}: Data Source \"{target}\" does not exist",
                    node.name
                )));
            }
        }
        self.create_pipe(new)?;
        let endpoint = file.nodes.iter().find(|n| n.kind == "endpoint");
        let published = self
            .snapshot()
            .pipe(name)
            .is_some_and(|p| p.endpoint.is_some());
        if endpoint.is_some() || published {
            self.publish(name, endpoint.map(|n| n.name.as_str()))?;
        }
        self.build_tokens(name, "PIPES", &file.tokens)
    }

    /// Gives the scopes of TOKEN lines to their tokens.
    fn build_tokens(&self, resource: &str, family: &str, lines: &[TokenLine]) -> Result<()> {
        for line in lines {
            let scope = Scope::parse(&format!("{family}:{}:{resource}", line.permission))
                .map_err(ProjectError::Bad)?;
            let known = self.snapshot().token(&line.name).map(|t| Token::clone(t));
            let token = match known {
                Some(mut token) => {
                    let mut scopes = token.scopes.clone();
                    scopes.push(scope);
                    token.set_scopes(scopes);
                    token
                }
                None => Token::new(&line.name, vec![scope], timestamp()),
            };
            self.put_token(token)?;
        }
        Ok(())
    }
}
