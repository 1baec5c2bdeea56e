//! Pipes in the place of tables: renders nodes on demand and puts them into the query as subqueries.
//!
//! A name in a node means, in this order: another node of the pipe, a pipe, a data source. Only what a
//! rendered text names is rendered in turn, so an `if` that is not taken costs and requires nothing.
//!
//! Invariant: what a token may not read is never bound; a data source's row filter applies wherever the
//! data source is read, also inside a pipe.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use roost::bind::Relation;
use roost::interpret::NameResolver;
use roost::parse::ast::{Expr, Query, TableExpr, TableName, TableSource};
use roost::parse::parse_query;
use roost::parse::walk::{Found, walk};
use roost_engine::error::{Code, Error, Result};

use super::kept_names::KeptNames;
use super::main_rows::{MAIN, MainRows};
use super::model::{Node, Pipe};
use super::places::Place;
use super::service::{service_view, visible_to_all};
use super::state::{Project, Snapshot};
use crate::store::{SERVICE_DATABASE, quoted};
use crate::template::{Inputs, Mode, Rendered, TemplateError, Variables};
use crate::tokens::{Access, Rows};

/// How deep pipes may read each other.
const DEPTH: usize = 64;

/// Whose text is being run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Root {
    /// The caller's: every name is checked against the token.
    Caller,
    /// A node's: names are those of its pipe, and the pipe's right covers them.
    Node {
        /// The pipe.
        pipe: String,
        /// The node.
        node: String,
    },
}

/// What a request brings.
#[derive(Debug, Clone)]
pub struct Request {
    /// Its rights.
    pub access: Access,
    /// Its parameters.
    pub variables: Variables,
    /// Whose text is run.
    pub root: Root,
    /// The pipe that `_` stands for.
    pub pipeline: Option<String>,
    /// The time of the request, `YYYY-MM-DD hh:mm:ss`.
    pub now: String,
}

/// The pipe whose fixed parameters hold, a pipe and its node.
type InlinedKey = (Option<String>, String, String);

/// Resolves the names of one request, from one snapshot of the workspace.
pub struct Resolver {
    project: Arc<Project>,
    state: Arc<Snapshot>,
    request: Request,
    /// What `main` means, where it does not mean a database of that name.
    main: Option<MainRows>,
    secrets: Vec<String>,
    /// Nodes by the pipe whose fixed parameters hold in them, pipe and name.
    inlined: Mutex<HashMap<InlinedKey, Arc<Query>>>,
    /// Why a template failed, with more than an [`Error`] can say.
    failure: Mutex<Option<TemplateError>>,
    /// Values of the secrets that rendered texts name.
    used_secrets: Mutex<HashMap<String, String>>,
}

impl Resolver {
    /// A resolver of one request.
    pub fn new(project: &Arc<Project>, request: Request) -> Resolver {
        Resolver::over(project, project.snapshot(), request)
    }

    /// The same over another snapshot than the newest: one with a pipe that is not stored yet.
    pub(super) fn over(project: &Arc<Project>, state: Arc<Snapshot>, request: Request) -> Resolver {
        Resolver {
            project: Arc::clone(project),
            secrets: state.secret_names(),
            state,
            request,
            main: None,
            inlined: Mutex::default(),
            failure: Mutex::default(),
            used_secrets: Mutex::default(),
        }
    }

    /// The same where `main` means the main workspace.
    pub fn with_main(self, main: MainRows) -> Resolver {
        Resolver {
            main: Some(main),
            ..self
        }
    }

    fn main(&self, database: &str) -> Option<&MainRows> {
        self.main.as_ref().filter(|_| database == MAIN)
    }

    /// The template's own error, if one made the query fail.
    pub fn take_failure(&self) -> Option<TemplateError> {
        self.failure.lock().take()
    }

    /// Values for `{name: String}` of the secrets that were named so far.
    pub fn secret_values(&self) -> HashMap<String, String> {
        self.used_secrets.lock().clone()
    }

    /// Renders the caller's own text, if it is a template.
    pub fn render_text(&self, sql: &str) -> std::result::Result<Rendered, TemplateError> {
        let sql = sql.trim_start();
        if let Some(body) = sql.strip_prefix('%') {
            return self.render_callers(body);
        }
        // The client wraps the text of a node, whose `%` comes with it.
        const WRAPPED: &str = "SELECT * FROM (";
        let wrapped = sql.strip_prefix(WRAPPED).map(str::trim_start);
        match wrapped.and_then(|inner| inner.strip_prefix('%')) {
            Some(body) => self.render_callers(&format!("{WRAPPED}{body}")),
            None => Ok(Rendered {
                sql: sql.to_owned(),
                ..Rendered::default()
            }),
        }
    }

    fn render_callers(&self, body: &str) -> std::result::Result<Rendered, TemplateError> {
        let rendered = self.render(body, &self.request.variables)?;
        if !rendered.secrets.is_empty() && !self.request.access.is_admin() {
            return Err(TemplateError::forbidden(
                "only an ADMIN token may read variables in a query of its own",
            ));
        }
        Ok(rendered)
    }

    /// Renders a node with the request's parameters.
    pub fn render_node(
        &self,
        pipe: &Pipe,
        node: &Node,
    ) -> std::result::Result<Rendered, TemplateError> {
        self.render_in(self.fixing(pipe, &[]), node)
    }

    /// The pipe whose fixed parameters hold in a node of `pipe` that the nodes on the `stack` read:
    /// those of the pipe that the caller asked for hold in all that it reads.
    fn fixing<'p>(&self, pipe: &'p Pipe, stack: &'p [(String, String)]) -> Option<&'p str> {
        let outside = stack.iter().map(|(pipe, _)| pipe.as_str());
        outside
            .chain([pipe.name.as_str()])
            .find(|pipe| self.request.access.fixed_parameters(pipe).is_some())
    }

    fn render_in(
        &self,
        fixing: Option<&str>,
        node: &Node,
    ) -> std::result::Result<Rendered, TemplateError> {
        let Some(body) = node.sql.trim_start().strip_prefix('%') else {
            return Ok(Rendered {
                sql: node.sql.clone(),
                ..Rendered::default()
            });
        };
        match fixing.and_then(|pipe| self.request.access.fixed_parameters(pipe)) {
            None => self.render(body, &self.request.variables),
            Some(fixed) => {
                let mut variables = self.request.variables.clone();
                variables.extend(fixed.iter().map(|(k, v)| (k.clone(), v.clone())));
                self.render(body, &variables)
            }
        }
    }

    fn render(
        &self,
        body: &str,
        variables: &Variables,
    ) -> std::result::Result<Rendered, TemplateError> {
        let rendered = self.project.template(body)?.render(&Inputs {
            variables,
            secrets: &self.secrets,
            mode: Mode::Run,
            now: &self.request.now,
        })?;
        for name in &rendered.secrets {
            if let Some(variable) = self.state.variables.get(name) {
                let mut used = self.used_secrets.lock();
                used.insert(name.clone(), variable.value.clone());
            }
        }
        Ok(rendered)
    }

    /// Checks every name of the caller's text, and gives the text back with row filters put in where the
    /// token has some.
    pub fn check(&self, sql: &str) -> Result<String> {
        let mut query = parse_query(sql)?;
        let mut changed = false;
        walk(&mut query, &mut |found| {
            match found {
                Found::Table(table) => changed |= self.check_table(table)?,
                Found::InName(expr) => {
                    if let Expr::Identifier(parts) = &mut *expr
                        && let [database, name] = &mut parts[..]
                    {
                        self.check_name(Some(database), name)?;
                        let filter = self.filter(Some(database), name);
                        changed |= self.settle_parts(database, name)?;
                        if let Some(filter) = filter {
                            *expr = filtered_set((database, name), &filter)?;
                            changed = true;
                        }
                    }
                }
                Found::Function(name) => self.check_function(name)?,
                Found::Select(_) => {}
            }
            Ok(())
        })?;
        Ok(if changed {
            query.to_string()
        } else {
            sql.to_owned()
        })
    }

    fn check_function(&self, name: &str) -> Result<()> {
        const FREE: [&str; 9] = [
            "numbers",
            "numbers_mt",
            "zeros",
            "zeros_mt",
            "values",
            "generateseries",
            "generate_series",
            "null",
            "view",
        ];
        if self.request.access.is_admin() || FREE.contains(&name.to_ascii_lowercase().as_str()) {
            return Ok(());
        }
        Err(denied(&format!("the table function {name}")))
    }

    /// Whether the table was replaced.
    fn check_table(&self, table: &mut TableExpr) -> Result<bool> {
        let TableSource::Name(name) = &mut table.source else {
            return Ok(false);
        };
        let written = name.database.clone();
        self.check_name(written.as_deref(), &name.name)?;
        let moved = self.settle(name)?;
        let (database, name) = (name.database.clone(), name.name.clone());
        match self.filter(written.as_deref(), &name) {
            None => Ok(moved),
            Some(filter) => {
                let database = database.unwrap_or_else(|| self.data().to_owned());
                filtered(table, (&database, &name), &filter)?;
                Ok(true)
            }
        }
    }

    /// The condition on the rows of a data source or a quarantine that a text names.
    fn filter(&self, database: Option<&str>, name: &str) -> Option<String> {
        if database.is_some_and(|d| self.main(d).is_some()) {
            return None;
        }
        let place = database.map_or(Place::Own, |d| self.project.place(&self.state, d, name));
        match place {
            Place::Own if self.is_source(name) => self.request.access.filter_of(name),
            Place::Shared { full, .. } => self.request.access.filter_of(&full),
            _ => None,
        }
    }

    /// Writes the database's own name where a text uses another for it; whether that was so.
    fn settle(&self, name: &mut TableName) -> Result<bool> {
        let Some(written) = &name.database else {
            return Ok(false);
        };
        if self.main(written).is_some() {
            return Ok(false);
        }
        let store = &self.project.store;
        let real = match self.project.place(&self.state, written, &name.name) {
            Place::Own => store.data().to_owned(),
            Place::Service => store.service().to_owned(),
            Place::Shared { database, .. } => database,
            Place::Free => return Ok(false),
            Place::Foreign => return Err(self.unknown(&format!("{written}.{}", name.name))),
        };
        if real == *written {
            return Ok(false);
        }
        name.database = Some(real);
        Ok(true)
    }

    /// The same for a name on the right of IN.
    fn settle_parts(&self, database: &mut String, name: &str) -> Result<bool> {
        let mut table = TableName {
            database: Some(database.clone()),
            name: name.to_owned(),
        };
        let changed = self.settle(&mut table)?;
        *database = table.database.unwrap_or_default();
        Ok(changed)
    }

    fn data(&self) -> &str {
        self.project.store.data()
    }

    pub(super) fn check_name(&self, database: Option<&str>, name: &str) -> Result<()> {
        if let Some(main) = database.and_then(|d| self.main(d)) {
            return main.table(name).map(|_| ());
        }
        let access = &self.request.access;
        if access.is_admin() {
            return Ok(());
        }
        let readable =
            |full: &str| access.may_read_all() || access.rows_of_data_source(full) != Rows::Denied;
        let place = database.map(|d| self.project.place(&self.state, d, name));
        let allowed = match place {
            Some(Place::Service) => readable(&format!("{SERVICE_DATABASE}.{name}")),
            Some(Place::Shared { full, .. }) => readable(&full),
            Some(Place::Free) => database == Some("system") && visible_to_all(name),
            Some(Place::Foreign) => false,
            _ if name == "_" => self
                .request
                .pipeline
                .as_deref()
                .is_some_and(|p| access.rows_of_pipe(p) != Rows::Denied),
            _ if self.sibling(name).is_some() => true,
            _ => {
                access.rows_of_data_source(name) != Rows::Denied
                    || access.rows_of_pipe(name) != Rows::Denied
            }
        };
        if allowed {
            return Ok(());
        }
        let known =
            self.state.pipes.contains_key(name) || self.state.data_sources.contains_key(name);
        match known || database.is_some() {
            true => Err(denied(&format!("'{name}'"))),
            false => Err(self.unknown(name)),
        }
    }

    fn unknown(&self, name: &str) -> Error {
        Error::new(Code::UNKNOWN_TABLE, format!("Resource '{name}' not found"))
    }

    /// The whole query of a node, with every node and pipe it reads inside it.
    pub fn inline(&self, pipe: &Pipe, node: &Node) -> Result<Arc<Query>> {
        self.inline_at(pipe, node, &mut Vec::new())
    }

    fn inline_at(
        &self,
        pipe: &Pipe,
        node: &Node,
        stack: &mut Vec<(String, String)>,
    ) -> Result<Arc<Query>> {
        let key = (pipe.name.clone(), node.name.clone());
        let fixing = self.fixing(pipe, stack).map(str::to_owned);
        let known = (fixing.clone(), pipe.name.clone(), node.name.clone());
        if let Some(known) = self.inlined.lock().get(&known) {
            return Ok(Arc::clone(known));
        }
        if stack.contains(&key) || stack.len() >= DEPTH {
            let chain: Vec<String> = stack.iter().map(|(p, n)| format!("{p}.{n}")).collect();
            return Err(Error::new(
                Code::TOO_DEEP_SUBQUERIES,
                format!(
                    "pipes read each other in a circle: {} -> {}.{}",
                    chain.join(" -> "),
                    key.0,
                    key.1
                ),
            ));
        }
        let rendered = self
            .render_in(fixing.as_deref(), node)
            .map_err(|e| self.note(pipe, node, e))?;
        let place = format!("node {} of pipe {}", node.name, pipe.name);
        let mut query = parse_query(&rendered.sql).map_err(|e| e.context(&place))?;
        query.format = None;
        stack.push(key.clone());
        let mut kept = KeptNames::of(&rendered.sql);
        let walked = walk(&mut query, &mut |found| {
            self.put_in(pipe, node, found, stack, &mut kept)
        });
        stack.pop();
        walked.map_err(|e| e.context(&place))?;
        let query = Arc::new(query);
        self.inlined.lock().insert(known, Arc::clone(&query));
        Ok(query)
    }

    fn note(&self, pipe: &Pipe, node: &Node, e: TemplateError) -> Error {
        let error = Error::new(
            Code::BAD_ARGUMENTS,
            format!("{} (node {} of pipe {})", e.message, node.name, pipe.name),
        );
        self.failure.lock().get_or_insert(e);
        error
    }

    /// Replaces what a node's text names.
    fn put_in(
        &self,
        pipe: &Pipe,
        node: &Node,
        found: Found<'_>,
        stack: &mut Vec<(String, String)>,
        kept: &mut KeptNames<'_>,
    ) -> Result<()> {
        match found {
            Found::Function(_) => Ok(()),
            Found::Select(select) => {
                kept.define(select);
                Ok(())
            }
            Found::InName(expr) => {
                let Expr::Identifier(parts) = expr else {
                    return Ok(());
                };
                let name = match &mut parts[..] {
                    [database, name] => {
                        let is_own = self.project.is_own_database(database);
                        let filter = self.filter(Some(database), name);
                        self.settle_parts(database, name)?;
                        if let Some(filter) = filter {
                            *expr = filtered_set((database, name), &filter)?;
                            return Ok(());
                        }
                        match is_own && self.state.pipes.contains_key(name) {
                            true => name.clone(),
                            false => return Ok(()),
                        }
                    }
                    [name] => name.clone(),
                    _ => return Ok(()),
                };
                if let Some(query) = self.meaning(pipe, node, &name, stack)? {
                    *expr = Expr::Subquery(Box::new(Query::clone(&query)));
                } else if let Some(filter) = self.filter(None, &name) {
                    *expr = filtered_set((self.data(), &name), &filter)?;
                } else if !self.reads_all() && self.is_source(&name) {
                    // The pipe's own name: the right to the pipe covers it.
                    *expr = Expr::Identifier(vec![self.data().to_owned(), name]);
                }
                Ok(())
            }
            Found::Table(table) => {
                let TableSource::Name(name) = &mut table.source else {
                    return Ok(());
                };
                if let Some(database) = &name.database {
                    if self.project.is_service_database(database)
                        && let Some(view) = service_view(&name.name, &self.project)?
                    {
                        let old = name.name.clone();
                        replace(table, &old, view);
                        return Ok(());
                    }
                    let is_own = self.project.is_own_database(database);
                    let filter = self.filter(Some(database), &name.name);
                    self.settle(name)?;
                    if !is_own {
                        return match (filter, name.clone()) {
                            (
                                Some(filter),
                                TableName {
                                    database: Some(d),
                                    name,
                                },
                            ) => filtered(table, (&d, &name), &filter),
                            _ => Ok(()),
                        };
                    }
                }
                let name_text = name.name.clone();
                if let Some(query) = self.meaning(pipe, node, &name_text, stack)? {
                    if !kept.keep(table, &query) {
                        replace(table, &name_text, Query::clone(&query));
                    }
                    return Ok(());
                }
                if let Some(filter) = self.request.access.filter_of(&name_text) {
                    return filtered(table, (self.data(), &name_text), &filter);
                }
                name.database = Some(self.data().to_owned());
                Ok(())
            }
        }
    }

    fn reads_all(&self) -> bool {
        self.request.access.may_read_all()
    }

    fn is_source(&self, name: &str) -> bool {
        let owner = name.strip_suffix("_quarantine").unwrap_or(name);
        [name, owner]
            .iter()
            .any(|n| self.state.data_sources.contains_key(*n))
    }

    /// The query that `name` stands for in a node; `None` when it is a table.
    fn meaning(
        &self,
        pipe: &Pipe,
        node: &Node,
        name: &str,
        stack: &mut Vec<(String, String)>,
    ) -> Result<Option<Arc<Query>>> {
        let sibling = pipe
            .nodes
            .iter()
            .find(|n| n.name == name && n.name != node.name);
        if let Some(sibling) = sibling {
            return self.inline_at(pipe, sibling, stack).map(Some);
        }
        let Some(other) = self.state.pipes.get(name) else {
            return Ok(None);
        };
        match other.output_node() {
            Some(output) => self.inline_at(other, output, stack).map(Some),
            None => Ok(None),
        }
    }

    /// The query of a pipe as the caller reads it: with the filter of its scope.
    fn pipe_relation(&self, name: &str) -> Result<Option<Relation>> {
        let Some(pipe) = self.state.pipes.get(name) else {
            return Ok(None);
        };
        let node = pipe.output_node().ok_or_else(|| self.unknown(name))?;
        let query = self.inline(pipe, node)?;
        match self.request.access.rows_of_pipe(name) {
            Rows::Denied => Err(denied(&format!("'{name}'"))),
            Rows::All => Ok(Some(Relation::View(query))),
            Rows::Where(filter) => {
                let mut outer = parse_query(&format!("SELECT * FROM _ WHERE {filter}"))?;
                walk(&mut outer, &mut |found| {
                    if let Found::Table(table) = found {
                        replace(table, "_", Query::clone(&query));
                    }
                    Ok(())
                })?;
                Ok(Some(Relation::View(Arc::new(outer))))
            }
        }
    }

    /// The node of that name in the pipe that the request names, for those who may read the pipe.
    fn sibling(&self, name: &str) -> Option<(&Pipe, &Node)> {
        let pipe = self.state.pipes.get(self.request.pipeline.as_deref()?)?;
        let is_taken =
            self.state.pipes.contains_key(name) || self.state.data_sources.contains_key(name);
        let may_read = self.request.access.rows_of_pipe(&pipe.name) == Rows::All;
        let node = pipe.nodes.iter().find(|n| n.name == name)?;
        (may_read && !is_taken).then_some((pipe, node))
    }

    fn caller_relation(&self, name: &str) -> Result<Option<Relation>> {
        if let Some((pipe, node)) = self.sibling(name) {
            return Ok(Some(Relation::View(self.inline(pipe, node)?)));
        }
        if name == "_"
            && let Some(pipeline) = &self.request.pipeline
        {
            return match self.pipe_relation(pipeline)? {
                Some(relation) => Ok(Some(relation)),
                None => Err(self.unknown(pipeline)),
            };
        }
        if self.state.pipes.contains_key(name) {
            return self.pipe_relation(name);
        }
        match self.request.access.rows_of_data_source(name) {
            Rows::Denied => Err(denied(&format!("'{name}'"))),
            // Its filter was put in by `check`; a name that came another way is not shown.
            Rows::Where(filter) => {
                let table = self.project.store.at(name);
                let sql = format!("SELECT * FROM {table} WHERE {filter}");
                Ok(Some(Relation::View(Arc::new(parse_query(&sql)?))))
            }
            Rows::All => Ok(None),
        }
    }
}

impl Resolver {
    /// What a name without a database means to whose text is run.
    fn root_relation(&self, name: &str) -> Result<Option<Relation>> {
        match &self.request.root {
            Root::Caller => self.caller_relation(name),
            Root::Node { pipe, node } => {
                let Some(pipe) = self.state.pipes.get(pipe) else {
                    return Ok(None);
                };
                let Some(node) = pipe.node(node) else {
                    return Ok(None);
                };
                let mut stack = vec![(pipe.name.clone(), node.name.clone())];
                let meaning = self.meaning(pipe, node, name, &mut stack)?;
                Ok(meaning.map(Relation::View))
            }
        }
    }
}

impl NameResolver for Resolver {
    fn relation(&self, database: Option<&str>, name: &str) -> Result<Option<Relation>> {
        let Some(database) = database else {
            return self.root_relation(name);
        };
        if let Some(main) = self.main(database) {
            return main.relation(name).map(Some);
        }
        let store = &self.project.store;
        // Written out for a data source of another workspace: `default` is the first one's database, and
        // in texts a name for the own.
        let mut shared = self.state.shared.values();
        if database != store.data() && shared.any(|s| s.database == database && s.name == name) {
            return Ok(None);
        }
        match self.project.place(&self.state, database, name) {
            Place::Service => match service_view(name, &self.project)? {
                Some(query) => Ok(Some(Relation::View(Arc::new(query)))),
                None if database == store.service() => Ok(None),
                None => all_of(&format!("{}.{}", store.service(), quoted(name))),
            },
            // Written out by ourselves, or checked before.
            Place::Own if database == store.data() && !self.state.pipes.contains_key(name) => {
                Ok(None)
            }
            Place::Own => match self.root_relation(name)? {
                None if database != store.data() => all_of(&store.at(name)),
                relation => Ok(relation),
            },
            Place::Shared { database: real, .. } if database != real => {
                all_of(&format!("{real}.{}", quoted(name)))
            }
            Place::Shared { .. } | Place::Free => Ok(None),
            Place::Foreign => Err(self.unknown(&format!("{database}.{name}"))),
        }
    }
}

/// The rows of a table that is named in full.
fn all_of(table: &str) -> Result<Option<Relation>> {
    let query = parse_query(&format!("SELECT * FROM {table}"))?;
    Ok(Some(Relation::View(Arc::new(query))))
}

fn denied(what: &str) -> Error {
    Error::new(
        Code::ACCESS_DENIED,
        format!("Not enough permissions: the token may not read {what}"),
    )
}

/// Puts a query where a table stood; its columns can still be written with the old name in front.
fn replace(table: &mut TableExpr, name: &str, query: Query) {
    table.alias.get_or_insert_with(|| name.to_owned());
    table.is_final = false;
    table.source = TableSource::Query(Box::new(query));
}

/// The rows of a data source for which `filter` holds, as the right side of IN.
fn filtered_set((database, name): (&str, &str), filter: &str) -> Result<Expr> {
    let table = format!("{}.{}", quoted(database), quoted(name));
    let sql = format!("SELECT * FROM {table} WHERE {filter}");
    Ok(Expr::Subquery(Box::new(parse_query(&sql)?)))
}

/// Puts the rows of a data source for which `filter` holds where the data source stood.
fn filtered(table: &mut TableExpr, (database, name): (&str, &str), filter: &str) -> Result<()> {
    let mut query = parse_query(&format!("SELECT * FROM _ WHERE {filter}"))?;
    let (is_final, sample) = (table.is_final, table.sample.take());
    let mut done = false;
    walk(&mut query, &mut |found| {
        if let (Found::Table(inner), false) = (found, done) {
            inner.source = TableSource::Name(TableName {
                database: Some(database.to_owned()),
                name: name.to_owned(),
            });
            inner.is_final = is_final;
            inner.sample.clone_from(&sample);
            done = true;
        }
        Ok(())
    })?;
    replace(table, name, query);
    Ok(())
}
