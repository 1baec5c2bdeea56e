//! ClickHouse's HTTP interface: what its drivers, Grafana and curl speak.
//!
//! Invariant: statuses, headers and texts of exceptions are ClickHouse's.

mod blocks;
mod error;
mod packer;
mod request;
mod rights;

use std::io::Cursor;
use std::sync::Arc;

use axum::http::Method;
use roost::exec::Aside;
use roost::formats::FormatInfo;
use roost::session::{CLICKHOUSE_VERSION, OutputSink, QueryRequest, QuerySummary};
use roost_engine::block::Schema;
use roost_engine::error::{Code, Error, Result};

use self::error::{body_of, status_of};
use self::packer::Packer;
use self::request::{NativeRequest, read, starts_with_insert};
use self::rights::Asks;
use super::app::App;
use super::call::Call;
use super::outlet::Outlet;
use super::reply::Reply;

/// Bytes of a body that are read in less time than it takes to hand them to another thread and back.
const SMALL_BYTES: usize = 256 << 10;

/// Whether the request brings few rows: it waits for the disk once, and does little else.
pub(super) fn is_small_insert(call: &Call) -> bool {
    let is_packed = || call.header("content-encoding").is_some() || call.query.flag("decompress");
    call.segments.is_empty()
        && (1..=SMALL_BYTES).contains(&call.body.len())
        && starts_with_insert(call.query.get("query").unwrap_or(""))
        && !is_packed()
}

/// Handles a request.
pub(super) fn handle(app: &Arc<App>, call: &Call, mut outlet: Outlet) {
    let path: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    match path[..] {
        ["ping" | "replicas_status"] => return outlet.reply(ok()),
        ["metrics"] => {
            let text = app.metrics.text();
            return outlet.reply(Reply::with(
                "text/plain; version=0.0.4; charset=UTF-8",
                text,
            ));
        }
        [] | ["query"] => {}
        _ => {
            let mut reply = Reply::with(
                "text/plain; charset=UTF-8",
                format!("There is no handle /{}\n", path.join("/")),
            );
            reply.status = 404;
            return outlet.reply(reply);
        }
    }
    let is_empty = call.query.get("query").is_none() && call.body.is_empty();
    if is_empty && call.method != Method::POST {
        return outlet.reply(ok());
    }
    outlet.header("X-ClickHouse-Server-Display-Name", "roost");
    outlet.header("X-ClickHouse-Timezone", "UTC");
    let asks = Asks::of(app, call);
    let outcome = asks.and_then(|asks| run(&asks, call, read(app, call)?, &mut outlet));
    match outcome {
        Ok(()) => outlet.finish(),
        Err(e) => fail(outlet, call, &e),
    }
}

fn ok() -> Reply {
    let mut reply = Reply::with("text/html; charset=UTF-8", "Ok.\n");
    reply
        .headers
        .push(("X-ClickHouse-Server-Display-Name", "roost".to_owned()));
    reply
}

/// Answers an exception; in the middle of a stream it is written behind what has left, and the
/// connection is broken.
fn fail(mut outlet: Outlet, call: &Call, e: &Error) {
    let text = body_of(e, CLICKHOUSE_VERSION);
    if outlet.has_left() {
        let marker = format!("\r\n__exception__\r\n{text}");
        let _ = outlet.write(marker.as_bytes());
    } else {
        outlet.clear();
    }
    let mut reply = Reply::with("text/plain; charset=UTF-8", text);
    reply.status = status_of(e);
    reply.headers.extend([
        ("X-ClickHouse-Exception-Code", (e.code() as u16).to_string()),
        ("X-ClickHouse-Server-Display-Name", "roost".to_owned()),
        ("X-ClickHouse-Timezone", "UTC".to_owned()),
        (
            "X-ClickHouse-Query-Id",
            call.query.said("query_id").unwrap_or(&call.id).to_owned(),
        ),
    ]);
    outlet.reply(reply);
}

struct NativeOut<'a> {
    outlet: &'a mut Outlet,
    packer: Packer,
}

impl NativeOut<'_> {
    fn send(&mut self) -> Result<()> {
        let packed = self.packer.take();
        let gone = |_| Error::new(Code::QUERY_WAS_CANCELLED, "the client has gone away");
        if packed.is_empty() {
            return Ok(());
        }
        self.outlet.write(&packed).map_err(gone)
    }
}

impl OutputSink for NativeOut<'_> {
    fn start(&mut self, format: &'static FormatInfo, _schema: &Schema) -> Result<()> {
        self.outlet.header("Content-Type", format.content_type);
        self.outlet.header("X-ClickHouse-Format", format.name);
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.packer.write(bytes)?;
        self.send()
    }
}

fn run(asks: &Asks, call: &Call, mut request: NativeRequest, outlet: &mut Outlet) -> Result<()> {
    let app = &asks.app;
    let resolver = asks.admit(&mut request)?;
    let query_id = request.query_id.clone().unwrap_or_else(|| call.id.clone());
    outlet.header("X-ClickHouse-Query-Id", query_id.clone());
    if let Some(encoding) = request.packing.header() {
        outlet.header("Content-Encoding", encoding);
    }
    let mut out = NativeOut {
        outlet,
        packer: Packer::new(request.packing)?,
    };
    let summary = app.store().database().run(
        QueryRequest {
            sql: request.sql,
            body: request.data.map(|d| Box::new(Cursor::new(d)) as _),
            default_format: Some(request.default_format),
            parameters: request.parameters,
            settings: request.settings,
            query_id: Some(query_id),
            database: request.database,
            cancel: call.cancel.clone(),
            resolver: resolver.map(|r| r as _),
            // The handler may be a task on a thread that serves connections.
            aside: Aside::new(|work| tokio::task::block_in_place(work)),
            ..QueryRequest::default()
        },
        &mut out,
    )?;
    out.packer.finish()?;
    out.send()?;
    app.metrics.read(summary.read_rows);
    out.outlet
        .header("X-ClickHouse-Summary", summary_json(&summary));
    Ok(())
}

fn summary_json(s: &QuerySummary) -> String {
    let pairs = [
        ("read_rows", s.read_rows),
        ("read_bytes", s.read_bytes),
        ("written_rows", s.written_rows),
        ("written_bytes", s.written_bytes),
        ("total_rows_to_read", s.read_rows),
        ("result_rows", s.result_rows),
        ("result_bytes", s.result_bytes),
        ("elapsed_ns", s.elapsed_ns),
        ("memory_usage", s.memory_peak),
    ];
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(k, v)| format!("\"{k}\":\"{v}\""))
        .collect();
    format!("{{{}}}", pairs.join(","))
}
