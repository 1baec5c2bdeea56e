//! A request to the API without a connection: for programs that hold the server inside, and tests.
//!
//! Invariant: what is asked here goes the way of a request from the network, from its parsed head on.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use bytes::Bytes;
use roost::exec::CancelToken;
use tokio::sync::oneshot;

use super::app::App;
use super::call::Call;
use super::outlet::{Head, HeadBody, Outlet};
use super::params::Params;
use super::v0;
use crate::tokens::request_id;

/// A request.
#[derive(Debug, Clone, Default)]
pub struct Asked<'a> {
    /// `GET`, `POST`, …
    pub method: &'a str,
    /// Path and query.
    pub target: &'a str,
    /// Token, or nothing.
    pub token: &'a str,
    /// `Content-Type`, or nothing.
    pub content_type: &'a str,
    /// Body.
    pub body: &'a [u8],
}

/// Answers a request to the server's first workspace, and gives status and body. It comes from this
/// machine.
pub fn ask(app: &Arc<App>, asked: &Asked<'_>) -> (u16, Vec<u8>) {
    app.workspaces.know(app);
    let (path, query) = asked.target.split_once('?').unwrap_or((asked.target, ""));
    let mut headers = HeaderMap::new();
    let bearer = format!("Bearer {}", asked.token);
    for (name, value) in [
        ("authorization", &*bearer),
        ("content-type", asked.content_type),
    ] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    let call = Call {
        method: Method::from_bytes(asked.method.as_bytes()).unwrap_or_default(),
        segments: Call::split_path(path),
        target: asked.target.to_owned(),
        query: Params::parse(query),
        headers,
        body: Bytes::copy_from_slice(asked.body),
        peer: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        id: request_id(),
        cancel: CancelToken::new(),
    };
    let (sender, receiver) = oneshot::channel();
    v0::handle(app, &call, Outlet::held(sender));
    match receiver.blocking_recv() {
        Ok(Head {
            status,
            body: HeadBody::Whole(body),
            ..
        }) => (status, body),
        _ => (500, Vec::new()),
    }
}
