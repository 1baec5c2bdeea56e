//! Running and finished queries.
//!
//! Invariant: a query is in `processes` from its start to its end, and in `query_log` after it.

use roost_engine::block::Block;
use roost_engine::error::{Error, Result};

use super::super::context::StatementContext;
use super::kit::{Rows, n, s};
use crate::Value;
use crate::parse::ast::{Expr, Literal};

/// `system.processes`.
pub(super) fn processes(context: &StatementContext) -> Result<Block> {
    let mut rows = Rows::new(&[
        ("query_id", "String"),
        ("user", "String"),
        ("elapsed", "Float64"),
        ("read_rows", "UInt64"),
        ("read_bytes", "UInt64"),
        ("memory_usage", "Int64"),
        ("query", "String"),
        ("current_database", "String"),
    ])?;
    let now = context.shared.clock.now_micros();
    for q in context.shared.queries.running() {
        rows.push(vec![
            s(&q.query_id),
            s("default"),
            Value::Float((now - q.started_micros).max(0) as f64 / 1e6),
            n(q.progress.rows()),
            n(q.progress.bytes()),
            Value::Int(q.memory.used() as i64),
            s(&q.text),
            s(&q.database),
        ])?;
    }
    rows.finish()
}

/// `system.query_log`.
pub(super) fn query_log(context: &StatementContext) -> Result<Block> {
    let mut rows = Rows::new(&[
        (
            "type",
            "Enum8('QueryStart' = 1, 'QueryFinish' = 2, 'ExceptionBeforeStart' = 3, 'ExceptionWhileProcessing' = 4)",
        ),
        ("event_date", "Date"),
        ("event_time", "DateTime"),
        ("event_time_microseconds", "DateTime64(6)"),
        ("query_start_time", "DateTime"),
        ("query_duration_ms", "UInt64"),
        ("read_rows", "UInt64"),
        ("read_bytes", "UInt64"),
        ("written_rows", "UInt64"),
        ("written_bytes", "UInt64"),
        ("result_rows", "UInt64"),
        ("result_bytes", "UInt64"),
        ("memory_usage", "UInt64"),
        ("current_database", "String"),
        ("query", "String"),
        ("query_kind", "LowCardinality(String)"),
        ("exception_code", "Int32"),
        ("exception", "String"),
        ("user", "String"),
        ("query_id", "String"),
        ("log_comment", "String"),
    ])?;
    for q in context.shared.queries.finished() {
        let end = q.started_micros + q.duration_micros;
        let seconds = |micros: i64| Value::UInt((micros / 1_000_000).max(0) as u64);
        let (code, text) = match &q.error {
            Some(e) => (i64::from(e.code() as u16), e.to_string()),
            None => (0, String::new()),
        };
        let kind = q.text.split_whitespace().next().unwrap_or("");
        let kind: String = kind.chars().take(16).collect::<String>();
        let mut letters = kind.chars();
        let kind = letters.next().map_or(String::new(), |c| {
            c.to_uppercase()
                .chain(letters.flat_map(char::to_lowercase))
                .collect()
        });
        rows.push(vec![
            Value::Int(if q.error.is_some() { 4 } else { 2 }),
            Value::UInt((end / 86_400_000_000).max(0) as u64),
            seconds(end),
            Value::Int(end),
            seconds(q.started_micros),
            n((q.duration_micros / 1000).max(0) as u64),
            n(q.read_rows),
            n(q.read_bytes),
            n(q.written_rows),
            n(q.written_bytes),
            n(q.result_rows),
            n(q.result_bytes),
            n(q.memory_peak),
            s(&q.database),
            s(&q.text),
            s(kind),
            Value::Int(code),
            s(text),
            s("default"),
            s(&q.query_id),
            s(&q.comment),
        ])?;
    }
    rows.finish()
}

/// KILL QUERY WHERE query_id = '...'.
pub fn kill(condition: &Expr, context: &StatementContext) -> Result<Block> {
    let wanted = wanted_id(condition).ok_or_else(|| {
        Error::not_implemented("KILL QUERY with a condition other than query_id = '...'")
    })?;
    let mut rows = Rows::new(&[
        ("kill_status", "String"),
        ("query_id", "String"),
        ("user", "String"),
        ("query", "String"),
    ])?;
    for q in context.shared.queries.running() {
        if q.query_id == wanted {
            q.cancel.cancel();
            rows.push(vec![s("waiting"), s(&q.query_id), s("default"), s(&q.text)])?;
        }
    }
    rows.finish()
}

fn wanted_id(condition: &Expr) -> Option<String> {
    let Expr::Function(f) = condition else {
        return None;
    };
    match (f.name.as_str(), f.args.as_slice()) {
        ("equals", [Expr::Identifier(parts), Expr::Literal(Literal::String(id))])
            if parts.last().is_some_and(|p| p == "query_id") =>
        {
            String::from_utf8(id.clone()).ok()
        }
        _ => None,
    }
}
