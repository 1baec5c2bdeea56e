//! The files of a project, read.
//!
//! Invariant: files that cannot be read, and two that define one thing, are all reported at once.

use std::collections::BTreeMap;

use super::{Fault, File, Kind};
use crate::datafile::{DataSourceFile, PipeFile, column_text, parse_data_source, parse_pipe};
use crate::project::ddl::NewDataSource;
use crate::project::pipes::{NewNode, NewPipe};
use crate::project::{Check, check_name, normalize};

/// A file and what it says.
#[derive(Debug, Clone)]
pub(super) struct Read<T> {
    pub(super) path: String,
    pub(super) text: String,
    pub(super) file: T,
}

/// The files of a project by the names of what they define.
#[derive(Debug, Clone, Default)]
pub struct Files {
    pub(super) sources: BTreeMap<String, Read<DataSourceFile>>,
    pub(super) pipes: BTreeMap<String, Read<PipeFile>>,
    pub(super) connections: BTreeMap<String, Read<BTreeMap<String, String>>>,
}

impl Files {
    /// Reads all of them.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn read(files: &[File]) -> Result<Files, Vec<Fault>> {
        let mut out = Files::default();
        let mut faults = Vec::new();
        for (path, text) in files {
            if let Err(error) = out.add(path, text) {
                faults.push(Fault {
                    filename: path.clone(),
                    error,
                });
            }
        }
        match faults.is_empty() {
            true => Ok(out),
            false => Err(faults),
        }
    }

    fn add(&mut self, path: &str, text: &str) -> Result<(), String> {
        let file = path.rsplit('/').next().unwrap_or(path);
        let Some((name, ending)) = file.rsplit_once('.') else {
            return Ok(());
        };
        let said = |e: &dyn std::fmt::Display| e.to_string();
        let twice = || format!("{name} is defined by another file as well");
        let is_known = match ending {
            "datasource" => {
                let file = parse_data_source(path, text).map_err(|e| said(&e))?;
                self.sources
                    .insert(name.to_owned(), read(path, text, file))
                    .is_some()
            }
            "pipe" => {
                let file = parse_pipe(path, text).map_err(|e| said(&e))?;
                self.pipes
                    .insert(name.to_owned(), read(path, text, file))
                    .is_some()
            }
            "connection" => {
                let file = connection(text);
                self.connections
                    .insert(name.to_owned(), read(path, text, file))
                    .is_some()
            }
            _ => return Ok(()),
        };
        check_name(name, "resource").map_err(|e| said(&e))?;
        let is_both = self.sources.contains_key(name) && self.pipes.contains_key(name);
        match is_known || is_both {
            true => Err(twice()),
            false => Ok(()),
        }
    }

    /// Kind, name and text of each.
    pub(super) fn texts(&self) -> BTreeMap<(Kind, String), String> {
        let mut out = BTreeMap::new();
        let of = |kind: Kind, name: &String, text: &String| ((kind, name.clone()), text.clone());
        out.extend(
            self.connections
                .iter()
                .map(|(n, r)| of(Kind::Connection, n, &r.text)),
        );
        out.extend(
            self.sources
                .iter()
                .map(|(n, r)| of(Kind::DataSource, n, &r.text)),
        );
        out.extend(self.pipes.iter().map(|(n, r)| of(Kind::Pipe, n, &r.text)));
        out
    }

    pub(super) fn has(&self, kind: Kind, name: &str) -> bool {
        match kind {
            Kind::DataSource => self.sources.contains_key(name),
            Kind::Pipe => self.pipes.contains_key(name),
            Kind::Connection => self.connections.contains_key(name),
        }
    }
}

fn read<T>(path: &str, text: &str, file: T) -> Read<T> {
    Read {
        path: path.to_owned(),
        text: text.to_owned(),
        file,
    }
}

/// `KEY value` lines; `TYPE kafka` is the service.
fn connection(text: &str) -> BTreeMap<String, String> {
    let lines = text
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty() && !l.starts_with('#'));
    let pairs = lines.filter_map(|l| l.split_once(char::is_whitespace));
    pairs
        .map(|(k, v)| {
            (
                k.to_ascii_lowercase(),
                v.trim().trim_matches('"').to_owned(),
            )
        })
        .collect()
}

/// The data source that a file defines.
pub(super) fn data_source(name: &str, file: &DataSourceFile) -> NewDataSource {
    let columns: Vec<String> = file.columns.iter().map(column_text).collect();
    let is_kafka = file.settings.iter().any(|(k, _)| k == "kafka_topic");
    let has_paths = file.columns.iter().any(|c| c.jsonpath.is_some());
    let engine = file.engine.clone().unwrap_or_default();
    NewDataSource {
        name: name.to_owned(),
        description: file.description.clone(),
        kind: match (is_kafka, has_paths) {
            (true, _) => "kafka",
            (_, true) => "ndjson",
            _ => "csv",
        }
        .to_owned(),
        schema: match columns.is_empty() {
            true => "`__value` String".to_owned(),
            false => columns.join(","),
        },
        engine: engine.name,
        engine_args: engine.args,
        indexes: file.indexes.clone(),
        settings: file
            .settings
            .iter()
            .filter(|(k, _)| k != "forward_query")
            .cloned()
            .collect(),
    }
}

/// The pipe that a file defines.
pub(super) fn pipe(name: &str, file: &PipeFile) -> NewPipe {
    let node = |n: &crate::datafile::NodeLines| {
        let mut settings: BTreeMap<String, String> = n.settings.iter().cloned().collect();
        if let Some(engine) = &n.engine {
            settings.insert("engine".to_owned(), engine.name.clone());
            let args = engine.args.iter();
            settings.extend(args.map(|(k, v)| (format!("engine_{k}"), v.clone())));
        }
        let mut node = NewNode {
            name: n.name.clone(),
            sql: n.sql.clone(),
            description: n.description.clone(),
            kind: n.kind.clone(),
            settings,
        };
        normalize(&mut node);
        node
    };
    NewPipe {
        name: name.to_owned(),
        description: file.description.clone(),
        nodes: file.nodes.iter().map(node).collect(),
        force: true,
        check: Check::Everything,
    }
}
