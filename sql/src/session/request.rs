//! A session: settings, current database, and one statement at a time.
//!
//! Invariant: every statement is registered while it runs and logged when it ends.

use std::collections::HashMap;
use std::io::{Cursor, Read};
use std::sync::Arc;
use std::time::Instant;

use roost_engine::block::Block;
use roost_engine::error::{Code, Error, Result};

use super::database::Shared;
use super::log::{FinishedQuery, RunningQuery, kept_text};
use super::output::{Formatter, OutputSink};
use crate::exec::{Aside, CancelToken, Totals};
use crate::formats::FormatSettings;
use crate::interpret::{self, Effect, NameResolver, RowSink, StatementContext, WriteOptions};
use crate::parse::ast::Statement;
use crate::parse::{self};
use crate::settings::Settings;

/// What a session is asked to run.
#[derive(Default)]
pub struct QueryRequest {
    /// One statement. An INSERT's data may follow its header.
    pub sql: String,
    /// More of an INSERT's data.
    pub body: Option<Box<dyn Read + Send>>,
    /// Format of the answer when the statement names none.
    pub default_format: Option<String>,
    /// Values of `{name:Type}`.
    pub parameters: HashMap<String, String>,
    /// Settings of this statement.
    pub settings: Vec<(String, String)>,
    /// Id; one is made when there is none.
    pub query_id: Option<String>,
    /// Database of this statement.
    pub database: Option<String>,
    /// Stops the statement from another thread.
    pub cancel: CancelToken,
    /// Relations in front of the tables.
    pub resolver: Option<Arc<dyn NameResolver>>,
    /// How an INSERT writes, beyond its text.
    pub write: WriteOptions,
    /// How the calling thread does what is not over at once.
    pub aside: Aside,
}

impl QueryRequest {
    /// A request of nothing but a statement.
    pub fn new(sql: impl Into<String>) -> Self {
        QueryRequest {
            sql: sql.into(),
            ..Self::default()
        }
    }
}

/// What a statement did.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs, reason = "ClickHouse's own words")]
pub struct QuerySummary {
    pub query_id: String,
    pub read_rows: u64,
    pub read_bytes: u64,
    pub result_rows: u64,
    pub result_bytes: u64,
    pub written_rows: u64,
    pub written_bytes: u64,
    pub elapsed_ns: u64,
    pub memory_peak: u64,
    /// The format of the answer.
    pub format: &'static str,
    /// Whether an INSERT's token was seen before.
    pub duplicate: bool,
}

/// Options of a typed insert.
#[derive(Debug, Clone, Default)]
pub struct InsertOptions {
    /// Deduplication token: the same token lands once.
    pub token: Option<String>,
}

/// A session. Not shared between threads.
pub struct Session {
    shared: Arc<Shared>,
    /// Current database.
    pub database: String,
    /// Settings of the session.
    pub settings: Settings,
}

/// Takes a query out of the running ones on every way out.
struct Registered<'a>(&'a Shared, &'a str);

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        self.0.queries.end(self.1);
    }
}

impl Session {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Session {
            shared,
            database: "default".into(),
            settings: Settings::default(),
        }
    }

    /// Runs one statement and writes its answer to `out` in the statement's format (or the
    /// request's default, or TabSeparated).
    ///
    /// # Errors
    /// Whatever the statement meets, under ClickHouse's code. Bytes may have left before.
    pub fn run(&mut self, request: QueryRequest, out: &mut dyn OutputSink) -> Result<QuerySummary> {
        let default_format = request.default_format.clone();
        self.run_with(request, |statement, context, data| {
            let named = match statement {
                Statement::Query(query) => query.format.clone(),
                Statement::Formatted(_, format) => Some(format.clone()),
                _ => None,
            };
            let format = named
                .or(default_format)
                .unwrap_or_else(|| "TabSeparated".into());
            let settings = match statement {
                Statement::Query(query) => {
                    let mut own = context.settings.clone();
                    for setting in &query.settings {
                        own.set_value(&setting.name, &setting.value)?;
                    }
                    own
                }
                _ => context.settings.clone(),
            };
            let settings = FormatSettings::from_settings(&settings, context.bind.time_zone);
            let progress = Arc::clone(&context.exec.progress);
            let mut formatter = Formatter::new(&format, &settings, progress, out)?;
            let effect = interpret::run(statement, data, context, &mut formatter)?;
            let name = formatter.info().name;
            Ok((effect, formatter.rows, formatter.bytes, name))
        })
    }

    /// Runs one statement into a sink of blocks.
    pub fn run_rows(
        &mut self,
        request: QueryRequest,
        sink: &mut dyn RowSink,
    ) -> Result<QuerySummary> {
        self.run_with(request, |statement, context, data| {
            let mut counting = Counting { sink, rows: 0 };
            let effect = interpret::run(statement, data, context, &mut counting)?;
            Ok((effect, counting.rows, 0, ""))
        })
    }

    pub(super) fn run_collecting(
        &mut self,
        sql: &str,
        sink: &mut dyn RowSink,
    ) -> Result<QuerySummary> {
        self.run_rows(QueryRequest::new(sql), sink)
    }

    fn run_with(
        &mut self,
        request: QueryRequest,
        work: impl FnOnce(
            &Statement,
            &StatementContext,
            Box<dyn Read + Send>,
        ) -> Result<(Effect, u64, u64, &'static str)>,
    ) -> Result<QuerySummary> {
        let started = Instant::now();
        let started_micros = self.shared.clock.now_micros();
        let query_id = request
            .query_id
            .clone()
            .unwrap_or_else(|| self.shared.new_query_id());
        let mut settings = self.settings.clone();
        for (name, value) in &request.settings {
            settings.set(name, value)?;
        }
        let database = request
            .database
            .clone()
            .unwrap_or_else(|| self.database.clone());
        let comment = settings.text("log_comment").to_string();
        let logged = settings.bool("log_queries");
        let query_size_max = settings.uint("max_query_size") as usize;
        let mut context = StatementContext::new(
            Arc::clone(&self.shared),
            database.clone(),
            settings,
            request.parameters,
            request.resolver,
            &request.cancel,
        )?;
        context.write = request.write;
        context.exec.aside = request.aside;
        let (progress, memory) = (
            Arc::clone(&context.exec.progress),
            Arc::clone(&context.exec.memory),
        );
        let sql = identifiers_put_in(request.sql, &context.parameters)?;
        let (known, beforehand) = self.shared.plans.find(&sql, &context);
        let parsed = match known {
            Some(statement) => Ok(statement),
            None => parse::parse_statement(&sql).map(Arc::new),
        };
        let data_at = match parsed.as_deref() {
            Ok(Statement::Insert(insert)) => insert.data_at,
            _ => None,
        };
        context.beforehand = beforehand.into();
        let text = kept_text(&sql[..data_at.unwrap_or(sql.len())]);
        let running = RunningQuery {
            query_id: query_id.clone(),
            text: text.clone(),
            database: database.clone(),
            started_micros,
            progress: Arc::clone(&progress),
            memory: Arc::clone(&memory),
            cancel: request.cancel.clone(),
        };
        if !self.shared.queries.start(running) {
            let message = format!("Query with id = {query_id} is already running");
            return Err(Error::new(
                Code::QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING,
                message,
            ));
        }
        let shared = Arc::clone(&self.shared);
        let registered = Registered(&shared, &query_id);
        let outcome = parsed.and_then(|statement| {
            check_size(&sql, data_at, query_size_max)?;
            let data = data_of(&sql, data_at, request.body);
            work(&statement, &context, data)
        });
        drop(registered);
        let mut summary = QuerySummary {
            query_id,
            read_rows: progress.rows(),
            read_bytes: progress.bytes(),
            elapsed_ns: started.elapsed().as_nanos() as u64,
            memory_peak: memory.peak() as u64,
            ..QuerySummary::default()
        };
        let error = match outcome {
            Ok((effect, rows, bytes, format)) => {
                summary.result_rows = rows;
                summary.result_bytes = bytes;
                summary.format = format;
                summary.written_rows = effect.written.rows;
                summary.written_bytes = effect.written.bytes;
                summary.duplicate = effect.written.duplicate;
                self.keep(effect)?;
                None
            }
            Err(e) => Some(e),
        };
        if logged {
            shared.queries.keep(FinishedQuery {
                query_id: summary.query_id.clone(),
                text,
                database,
                started_micros,
                duration_micros: started.elapsed().as_micros() as i64,
                read_rows: summary.read_rows,
                read_bytes: summary.read_bytes,
                written_rows: summary.written_rows,
                written_bytes: summary.written_bytes,
                result_rows: summary.result_rows,
                result_bytes: summary.result_bytes,
                memory_peak: summary.memory_peak,
                comment,
                error: error.clone(),
            });
        }
        match error {
            None => Ok(summary),
            Some(e) => Err(e),
        }
    }

    /// What SET and USE change.
    fn keep(&mut self, effect: Effect) -> Result<()> {
        if let Some(database) = effect.database {
            self.database = database;
        }
        for (name, value) in effect.settings {
            self.settings.set_value(&name, &value)?;
        }
        Ok(())
    }

    /// Typed bulk insert: see [`super::Database::insert`].
    pub fn insert(&mut self, table: &str, block: Block, options: InsertOptions) -> Result<u64> {
        let mut settings = self.settings.clone();
        if let Some(token) = options.token {
            settings.set("insert_deduplication_token", &token)?;
        }
        let context = StatementContext::new(
            Arc::clone(&self.shared),
            self.database.clone(),
            settings,
            HashMap::new(),
            None,
            &CancelToken::new(),
        )?;
        let (database, name) = table.split_once('.').unwrap_or((&self.database, table));
        let found = self.shared.engine.table(database, name).ok_or_else(|| {
            Error::new(
                Code::UNKNOWN_TABLE,
                format!("Table {database}.{name} does not exist"),
            )
        })?;
        let written = interpret::insert::insert_block(&found, block, &context)?;
        Ok(if written.duplicate { 0 } else { written.rows })
    }
}

impl Shared {
    fn new_query_id(&self) -> String {
        let (a, b) = (self.next_seed(), self.next_seed());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            a >> 32,
            a >> 16 & 0xffff,
            a & 0xfff,
            0x8000 | b >> 48 & 0x3fff,
            b & 0xffff_ffff_ffff
        )
    }
}

fn check_size(sql: &str, data_at: Option<usize>, max: usize) -> Result<()> {
    let size = data_at.unwrap_or(sql.len());
    match max > 0 && size > max {
        true => Err(Error::new(
            Code::SYNTAX_ERROR,
            format!(
                "Max query size exceeded (can be increased with the `max_query_size` setting): {size} bytes, limit {max}"
            ),
        )),
        false => Ok(()),
    }
}

/// Inline data, then the body.
fn data_of(
    sql: &str,
    data_at: Option<usize>,
    body: Option<Box<dyn Read + Send>>,
) -> Box<dyn Read + Send> {
    let inline = data_at
        .map(|at| sql.as_bytes()[at..].to_vec())
        .unwrap_or_default();
    match body {
        None => Box::new(Cursor::new(inline)),
        Some(body) if inline.iter().all(u8::is_ascii_whitespace) => body,
        Some(body) => Box::new(Cursor::new(inline).chain(body)),
    }
}

/// `{name:Identifier}` in the text, quoted and put in before parsing.
fn identifiers_put_in(sql: String, parameters: &HashMap<String, String>) -> Result<String> {
    if !sql.contains(":Identifier}") {
        return Ok(sql);
    }
    let mut out = String::with_capacity(sql.len());
    let mut rest = sql.as_str();
    while let Some(end) = rest.find(":Identifier}") {
        let open = rest[..end].rfind('{').ok_or_else(|| {
            Error::new(
                Code::SYNTAX_ERROR,
                "Syntax error: `:Identifier}` without `{name`",
            )
        })?;
        let name = rest[open + 1..end].trim();
        let value = parameters.get(name).ok_or_else(|| {
            Error::new(
                Code::UNKNOWN_QUERY_PARAMETER,
                format!("Substitution `{name}` is not set"),
            )
        })?;
        out.push_str(&rest[..open]);
        out.push('`');
        out.push_str(&value.replace('\\', "\\\\").replace('`', "\\`"));
        out.push('`');
        rest = &rest[end + ":Identifier}".len()..];
    }
    out.push_str(rest);
    Ok(out)
}

struct Counting<'a> {
    sink: &'a mut dyn RowSink,
    rows: u64,
}

impl RowSink for Counting<'_> {
    fn start(&mut self, schema: &Arc<roost_engine::block::Schema>) -> Result<()> {
        self.sink.start(schema)
    }

    fn block(&mut self, block: Block) -> Result<()> {
        self.rows += block.rows() as u64;
        self.sink.block(block)
    }

    fn end(&mut self, totals: &Totals) -> Result<()> {
        self.sink.end(totals)
    }

    fn tells_rows_before_limit(&self) -> bool {
        self.sink.tells_rows_before_limit()
    }
}
