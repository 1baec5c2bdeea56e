//! Runs SQL for a request and writes the answer to its outlet.
//!
//! Invariant: the resolver of a request sees one snapshot of the workspace.

use std::collections::HashMap;
use std::sync::Arc;

use roost::exec::Aside;
use roost::formats::FormatInfo;
use roost::interpret::NameResolver;
use roost::session::{OutputSink, QueryRequest, QuerySummary};
use roost_engine::block::Schema;
use roost_engine::error::{Code, Error, Result};

use super::app::App;
use super::call::Call;
use super::outlet::Outlet;
use super::reply::Failure;
use crate::project::Resolver;

/// Formatted bytes into an outlet.
pub(super) struct SqlOut<'a> {
    pub(super) outlet: &'a mut Outlet,
}

impl OutputSink for SqlOut<'_> {
    fn start(&mut self, format: &'static FormatInfo, _schema: &Schema) -> Result<()> {
        self.outlet.header("Content-Type", format.content_type);
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let gone = |_| Error::new(Code::QUERY_WAS_CANCELLED, "the client has gone away");
        self.outlet.write(bytes).map_err(gone)
    }
}

/// One statement of a request.
pub(super) struct Statement {
    /// Rendered and checked SQL.
    pub(super) sql: String,
    /// Format when the SQL names none.
    pub(super) default_format: Option<String>,
    /// Settings.
    pub(super) settings: Vec<(String, String)>,
    /// Names.
    pub(super) resolver: Arc<Resolver>,
}

/// Settings that `/v0` takes from the query string.
const SETTINGS: [&str; 3] = [
    "output_format_json_quote_64bit_integers",
    "output_format_json_quote_denormals",
    "output_format_parquet_string_as_string",
];

/// The settings of a `/v0` query.
pub(super) fn settings(app: &App, call: &Call) -> Vec<(String, String)> {
    let limit = app.config.limits.query_time.as_secs_f64();
    let mut out = vec![
        ("max_execution_time".to_owned(), limit.to_string()),
        (SETTINGS[0].to_owned(), "0".to_owned()),
    ];
    for name in SETTINGS {
        if let Some(value) = call.query.said(name) {
            out.retain(|(n, _)| n != name);
            out.push((name.to_owned(), value.to_owned()));
        }
    }
    out
}

/// Runs the statement into `outlet`.
pub(super) fn run(
    app: &App,
    call: &Call,
    statement: Statement,
    outlet: &mut Outlet,
) -> std::result::Result<QuerySummary, Failure> {
    let resolver: Arc<dyn NameResolver> = Arc::clone(&statement.resolver) as _;
    let parameters: HashMap<String, String> = statement.resolver.secret_values();
    let request = QueryRequest {
        sql: statement.sql,
        default_format: statement.default_format,
        parameters,
        settings: statement.settings,
        query_id: call.query.said("query_id").map(str::to_owned),
        cancel: call.cancel.clone(),
        resolver: Some(resolver),
        // The handler may be a task on a thread that serves connections.
        aside: Aside::new(|work| tokio::task::block_in_place(work)),
        ..QueryRequest::default()
    };
    let mut out = SqlOut { outlet };
    match app.store().run_into(request, &mut out) {
        Ok(summary) => {
            app.metrics.read(summary.read_rows);
            Ok(summary)
        }
        Err(e) => Err(match statement.resolver.take_failure() {
            Some(template) => Failure::new(template.status, e.message()),
            None => e.into(),
        }),
    }
}
