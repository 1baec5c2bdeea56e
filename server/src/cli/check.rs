//! `roost check`: the files of a data project, without a server.
//!
//! Data sources are made in memory, pipes are kept beside them, and each node is looked at as the server
//! looks at a pushed one.
//!
//! Invariant: every file is looked at, whatever is wrong with others; each problem names file and line.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Failed;
use super::project_files::{ProjectFile, files_of};
use crate::datafile::{
    DataSourceFile, NodeLines, PipeFile, column_text, key_line, node_places, nth_column_line,
    nth_key_line, parse_data_source, parse_pipe, parse_token,
};
use crate::project::{
    COPY, Finding, NewDataSource, NewNode, NewPipe, Project, ProjectError, SINK, check_name,
    is_no_schedule, normalize,
};
use crate::schedule::Cron;
use crate::store::Store;
use crate::tokens::Scope;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folder of the data project.
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Doubts count as errors.
    #[arg(long)]
    strict: bool,
}

/// Name of the data sources that are made to see whether they can be.
const TRIAL: &str = "roost_check_trial";

/// Something wrong or doubtful with a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file.
    pub file: String,
    /// Its line, from one.
    pub line: usize,
    /// It cannot work; else it is a doubt.
    pub is_error: bool,
    /// What was found and what was expected.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.is_error { "error" } else { "warning" };
        write!(f, "{}:{}: {kind}: {}", self.file, self.line, self.message)
    }
}

pub(super) fn run(args: Args) -> Result<(), Failed> {
    let problems = check(&args.folder)?;
    for problem in &problems {
        println!("{problem}");
    }
    let errors = problems.iter().filter(|p| p.is_error).count();
    let warnings = problems.len() - errors;
    if errors > 0 || (args.strict && warnings > 0) {
        return Err(format!("{errors} errors, {warnings} warnings").into());
    }
    println!("no errors, {warnings} warnings");
    Ok(())
}

/// Everything that is wrong or doubtful with the files of a folder, by file and line.
///
/// # Errors
/// The folder cannot be read, or has no files of a data project.
pub fn check(folder: &Path) -> Result<Vec<Problem>, Box<dyn std::error::Error + Send + Sync>> {
    let files = files_of(folder)?;
    let is_ours = |f: &ProjectFile| matches!(&*f.ending, "datasource" | "pipe" | "token" | "incl");
    if !files.iter().any(is_ours) {
        return Err(format!("{} has no files of a data project", folder.display()).into());
    }
    let store = Store::open(None)?;
    let mut check = Check {
        project: Arc::new(Project::open(store, "check")?),
        problems: Vec::new(),
        seen: BTreeMap::new(),
    };
    for file in files.iter().filter(|f| f.ending == "datasource") {
        check.data_source(file);
    }
    let pipes: Vec<Read<'_>> = files
        .iter()
        .filter(|f| f.ending == "pipe")
        .filter_map(|file| check.pipe(file))
        .collect();
    for read in &pipes {
        check.findings(read);
    }
    for file in files.iter().filter(|f| f.ending == "token") {
        check.token(file);
    }
    check.problems.sort();
    check.problems.dedup();
    Ok(check.problems)
}

/// A pipe that could be read and kept.
struct Read<'a> {
    file: &'a ProjectFile,
    text: String,
}

struct Check {
    project: Arc<Project>,
    problems: Vec<Problem>,
    /// Names of resources and the files that define them.
    seen: BTreeMap<String, String>,
}

impl Check {
    fn error(&mut self, file: &ProjectFile, line: usize, message: impl Into<String>) {
        self.problems.push(Problem {
            file: file.shown(),
            line: line.max(1),
            is_error: true,
            message: message.into(),
        });
    }

    /// The text, when its resource has no other file.
    fn text(&mut self, file: &ProjectFile) -> Option<String> {
        match file.read() {
            Ok(text) => Some(text),
            Err(e) => {
                let message = e.to_string();
                let message = message.strip_prefix(&format!("{}: ", file.shown()));
                self.error(file, 1, message.unwrap_or("cannot be read").to_owned());
                None
            }
        }
    }

    fn is_first(&mut self, file: &ProjectFile) -> bool {
        match self.seen.insert(file.stem.clone(), file.shown()) {
            None => true,
            Some(other) => {
                self.error(
                    file,
                    1,
                    format!("{} is defined in {other} already", file.stem),
                );
                false
            }
        }
    }

    fn data_source(&mut self, file: &ProjectFile) {
        let Some(text) = self.text(file) else { return };
        let read = match parse_data_source(&file.shown(), &text) {
            Ok(read) => read,
            Err(e) => return self.error(file, e.line, e.message),
        };
        if !self.is_first(file) {
            return;
        }
        for token in &read.tokens {
            if !matches!(token.permission.as_str(), "READ" | "APPEND") {
                let message = format!("TOKEN takes READ or APPEND, found {}", token.permission);
                self.error(file, key_line(&text, "token"), message);
            }
        }
        let columns: Vec<String> = read.columns.iter().map(column_text).collect();
        let new = new_data_source(&file.stem, read);
        if let Err(e) = self.project.create_data_source(new.clone()) {
            let line = self.place_of(&text, &new, &columns);
            self.error(file, line, message_of(&e));
        }
    }

    /// Whether such a data source can be made.
    fn can_be(&self, new: NewDataSource) -> bool {
        let made = self.project.create_data_source(NewDataSource {
            name: TRIAL.to_owned(),
            ..new
        });
        made.is_ok() && self.project.drop_data_source(TRIAL).is_ok()
    }

    /// The line without which a data source could be made: columns, engine, its settings and indexes are
    /// added one after another.
    fn place_of(&self, text: &str, new: &NewDataSource, columns: &[String]) -> usize {
        let plain = NewDataSource {
            schema: columns.join(", "),
            kind: new.kind.clone(),
            ..NewDataSource::default()
        };
        if !self.can_be(plain.clone()) {
            let first = |n: &usize| NewDataSource {
                schema: columns[..*n].join(", "),
                ..plain.clone()
            };
            let bad = (1..=columns.len()).find(|n| !self.can_be(first(n)));
            return match bad {
                Some(n) => nth_column_line(text, n - 1),
                None => key_line(text, "schema"),
            };
        }
        let mut trial = NewDataSource {
            engine: new.engine.clone(),
            ..plain
        };
        // A collapsing engine cannot be without its sign.
        if !new.engine.contains("Collapsing") && !self.can_be(trial.clone()) {
            return key_line(text, "engine");
        }
        for (key, value) in new.engine_args.clone() {
            trial.engine_args.push((key.clone(), value));
            if !self.can_be(trial.clone()) {
                return key_line(text, &format!("engine_{key}"));
            }
        }
        let indexes = key_line(text, "indexes").max(key_line(text, "indices"));
        let mut at = 0;
        for index in &new.indexes {
            at += 1;
            trial.indexes.push(index.clone());
            if !self.can_be(trial.clone()) {
                return indexes + at;
            }
        }
        key_line(text, "engine")
    }

    fn pipe<'a>(&mut self, file: &'a ProjectFile) -> Option<Read<'a>> {
        let text = self.text(file)?;
        let read = match parse_pipe(&file.shown(), &text) {
            Ok(read) => read,
            Err(e) => {
                self.error(file, e.line, e.message);
                return None;
            }
        };
        if !self.is_first(file) {
            return None;
        }
        self.nodes(file, &text, &read);
        match self.project.keep_draft(new_pipe(&file.stem, read)) {
            Ok(_) => Some(Read { file, text }),
            Err(e) => {
                self.error(file, 1, message_of(&e));
                None
            }
        }
    }

    /// What the lines of nodes say besides their SQL.
    fn nodes(&mut self, file: &ProjectFile, text: &str, read: &PipeFile) {
        let places = node_places(text);
        for (at, (node, place)) in read.nodes.iter().zip(&places).enumerate() {
            if read.nodes[..at].iter().any(|n| n.name == node.name) {
                self.error(
                    file,
                    place.line,
                    format!("there is a node {} already", node.name),
                );
            }
            if let Err(e) = check_name(&node.name, "node") {
                self.error(file, place.line, e.to_string());
            }
            let kind = node.kind.as_str();
            if !matches!(
                kind,
                "" | "standard" | "endpoint" | "materialized" | "copy" | "sink"
            ) {
                let message = format!(
                    "unknown TYPE {kind}; known are endpoint, materialized, copy, sink, standard"
                );
                self.error(file, place.key("type"), message);
            }
            for key in ["copy_schedule", "export_schedule"] {
                let cron = node.get(key).filter(|c| !is_no_schedule(c));
                if let Some(Err(e)) = cron.map(Cron::parse) {
                    self.error(file, place.key(key), e.to_string());
                }
            }
        }
        for token in read.tokens.iter().filter(|t| t.permission != "READ") {
            let message = format!("TOKEN of a pipe takes READ, found {}", token.permission);
            self.error(file, key_line(text, "token"), message);
        }
    }

    fn findings(&mut self, read: &Read<'_>) {
        let state = self.project.snapshot();
        let Some(pipe) = state.pipes.get(&read.file.stem) else {
            return;
        };
        let places = node_places(&read.text);
        for found in self.project.findings(pipe) {
            let place = places.iter().find(|p| p.name == found.node);
            let place = place.cloned().unwrap_or_default();
            let Finding { line, key, .. } = found;
            let line = match (line, key) {
                (Some(line), _) => place.sql + line - 1,
                (None, Some(key)) => place.key(key),
                (None, None) => place.line,
            };
            self.problems.push(Problem {
                file: read.file.shown(),
                line: line.max(1),
                is_error: found.is_error,
                message: format!("node {}: {}", found.node, found.message),
            });
        }
    }

    fn token(&mut self, file: &ProjectFile) {
        let Some(text) = self.text(file) else { return };
        match parse_token(&file.shown(), &text) {
            Err(e) => self.error(file, e.line, e.message),
            Ok(read) => {
                for (at, (kind, resource, filter)) in read.scopes.into_iter().enumerate() {
                    let line = nth_key_line(&text, "scope", at);
                    if kind.is_empty() || (resource.is_none() && filter.is_some()) {
                        let what = if kind.is_empty() {
                            "a right"
                        } else {
                            "a RESOURCE"
                        };
                        self.error(file, line, format!("SCOPE {kind} needs {what}"));
                        continue;
                    }
                    let parts = [Some(kind), resource, filter];
                    let parts: Vec<String> = parts.into_iter().flatten().collect();
                    if let Err(e) = Scope::parse(&parts.join(":")) {
                        self.error(file, line, e);
                    }
                }
            }
        }
    }
}

fn message_of(e: &ProjectError) -> String {
    match e {
        ProjectError::Database(e) => format!("{} ({})", e.message(), e.code().name()),
        other => other.to_string(),
    }
}

fn new_data_source(name: &str, file: DataSourceFile) -> NewDataSource {
    let schema: Vec<String> = file.columns.iter().map(column_text).collect();
    let is_kafka = file.settings.iter().any(|(k, _)| k.starts_with("kafka_"));
    let engine = file.engine.unwrap_or_default();
    NewDataSource {
        name: name.to_owned(),
        description: file.description,
        kind: if is_kafka { "kafka" } else { "csv" }.to_owned(),
        schema: match schema.is_empty() {
            true => "`__value` String".to_owned(),
            false => schema.join(", "),
        },
        engine: engine.name,
        engine_args: engine.args,
        indexes: file.indexes,
        settings: file.settings.into_iter().collect(),
    }
}

fn new_pipe(name: &str, file: PipeFile) -> NewPipe {
    NewPipe {
        name: name.to_owned(),
        description: file.description,
        nodes: file.nodes.into_iter().map(new_node).collect(),
        ..NewPipe::default()
    }
}

fn new_node(lines: NodeLines) -> NewNode {
    let mut settings: BTreeMap<String, String> = lines.settings.into_iter().collect();
    if let Some(engine) = lines.engine {
        settings.insert("engine".to_owned(), engine.name);
        let args = engine.args.into_iter();
        settings.extend(args.map(|(k, v)| (format!("engine_{k}"), v)));
    }
    let mut node = NewNode {
        name: lines.name,
        sql: lines.sql,
        description: lines.description,
        kind: lines.kind,
        settings,
    };
    if node.kind == COPY || node.kind == SINK {
        normalize(&mut node);
    }
    node
}
