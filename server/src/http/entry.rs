//! From the connection to a handler and back.
//!
//! Invariant: whatever happens to a handler, the caller gets an answer.

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{CONTENT_ENCODING, EXPECT, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use roost::exec::CancelToken;
use tokio::sync::oneshot;
use tokio_stream::wrappers::ReceiverStream;

use super::app::App;
use super::call::Call;
use super::outlet::{Head, HeadBody, Outlet};
use super::params::Params;
use super::reply::{Failure, Reply};
use super::unpack::unpack;
use super::{body, clickhouse, live, v0};
use crate::observe::RouteLabels;
use crate::tokens::request_id;

/// Stops the work when the caller goes away before the answer's head.
struct Guard(CancelToken, bool);

impl Drop for Guard {
    fn drop(&mut self) {
        if self.1 {
            self.0.cancel();
        }
    }
}

/// A request of the `/v0` API.
pub(super) async fn api(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let path = request.uri().path();
    let route = v0::label(&Call::split_path(path));
    let is_events = route == "events";
    let limits = &app.config.limits;
    let limit = if is_events {
        limits.event_bytes
    } else {
        limits.body_bytes
    };
    handle(app, peer, request, route, limit, v0::handle).await
}

/// A request of ClickHouse's interface.
pub(super) async fn native(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let limit = app.config.limits.body_bytes;
    handle(app, peer, request, "clickhouse", limit, clickhouse::handle).await
}

async fn handle(
    app: Arc<App>,
    peer: SocketAddr,
    request: Request,
    route: &'static str,
    limit: usize,
    work: fn(&Arc<App>, &Call, Outlet),
) -> Response {
    let started = Instant::now();
    app.metrics.begin();
    let head = answer(Arc::clone(&app), peer, request, limit, work).await;
    let status = u32::from(head.status);
    app.metrics
        .end(RouteLabels { route, status }, started.elapsed());
    into_response(head)
}

pub(super) fn refused(failure: Failure) -> Head {
    whole(failure.into_reply())
}

fn whole(reply: Reply) -> Head {
    Head {
        status: reply.status,
        headers: reply.headers,
        body: HeadBody::Whole(reply.body),
    }
}

async fn answer(
    app: Arc<App>,
    peer: SocketAddr,
    request: Request,
    limit: usize,
    work: fn(&Arc<App>, &Call, Outlet),
) -> Head {
    let (parts, body) = request.into_parts();
    if parts.method == Method::OPTIONS {
        return whole(Reply::empty(204));
    }
    let asks_first = parts.headers.contains_key(EXPECT);
    let reading = body::read(body, limit, asks_first);
    let body = match tokio::time::timeout(app.config.limits.body_time, reading).await {
        Ok(Ok(body)) => body,
        Ok(Err(failure)) => return refused(failure),
        Err(_) => return refused(Failure::new(408, "the body took too long to arrive")),
    };
    let target = parts
        .uri
        .path_and_query()
        .map_or("/", |t| t.as_str())
        .to_owned();
    let cancel = CancelToken::new();
    let mut call = Call {
        method: parts.method,
        segments: Call::split_path(parts.uri.path()),
        query: Params::parse(parts.uri.query().unwrap_or("")),
        target,
        headers: parts.headers,
        body,
        peer,
        id: request_id(),
        cancel: cancel.clone(),
    };
    if live::wants(&call) {
        return live::subscribe(app, call).await;
    }
    let (sender, receiver) = oneshot::channel();
    let mut guard = Guard(cancel, true);
    let unpacked_max = app.config.limits.unpacked_bytes;
    let at_once = clickhouse::is_small_insert(&call);
    let slot = match at_once || v0::is_query(&call.segments) {
        true => app.slots.take(),
        false => None,
    };
    let work = move || {
        let outlet = Outlet::new(sender);
        let encoding = call.header(CONTENT_ENCODING.as_str()).map(str::to_owned);
        match unpack(call.body.clone(), encoding.as_deref(), unpacked_max) {
            Ok(body) => {
                call.body = body;
                work(&app, &call, outlet);
            }
            Err(failure) => outlet.fail(failure),
        }
    };
    // Whoever panics drops its end of the channel.
    match slot {
        // The connection has nothing else to do, and another thread is there for the others.
        Some(_slot) if at_once => {
            let _ = std::panic::catch_unwind(AssertUnwindSafe(work));
        }
        Some(slot) => drop(tokio::spawn(async move {
            let _slot = slot;
            work();
        })),
        None => drop(tokio::task::spawn_blocking(work)),
    }
    let head = receiver.await;
    guard.1 = false;
    head.unwrap_or_else(|_| refused(Failure::new(500, "the request could not be completed")))
}

fn into_response(head: Head) -> Response {
    let body = match head.body {
        HeadBody::Whole(bytes) => Body::from(bytes),
        HeadBody::Pieces(pieces) => Body::from_stream(ReceiverStream::new(pieces)),
    };
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(head.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in head.headers {
        // A header's value is one line of visible text.
        let visible: String = value
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let name = HeaderName::from_bytes(name.as_bytes());
        let value = HeaderValue::from_str(&visible)
            .or_else(|_| HeaderValue::from_bytes(visible.as_bytes()));
        if let (Ok(name), Ok(value)) = (name, value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
