//! A request, read completely.
//!
//! Invariant: paths are decoded, slashes at the end do not count.

use std::net::SocketAddr;

use axum::http::{HeaderMap, Method};
use bytes::Bytes;
use roost::exec::CancelToken;
use serde_json::Value as Json;

use super::params::{Params, decode_path};
use super::reply::{Failure, Handled};

/// A request.
pub(super) struct Call {
    /// Method.
    pub(super) method: Method,
    /// The path's parts, decoded.
    pub(super) segments: Vec<String>,
    /// Path and query as they came.
    pub(super) target: String,
    /// Parameters of the query string.
    pub(super) query: Params,
    /// Headers.
    pub(super) headers: HeaderMap,
    /// Body, unpacked.
    pub(super) body: Bytes,
    /// Who asks.
    pub(super) peer: SocketAddr,
    /// Id of the request.
    pub(super) id: String,
    /// Stops its work when the caller goes away.
    pub(super) cancel: CancelToken,
}

impl Call {
    /// Parts of a path.
    pub(super) fn split_path(path: &str) -> Vec<String> {
        path.split('/')
            .filter(|s| !s.is_empty())
            .map(decode_path)
            .collect()
    }

    /// A header as text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|v| v.to_str().ok())
    }

    /// The token: `Authorization: Bearer`, or `?token=`.
    pub(super) fn token(&self) -> &str {
        let bearer = self.header("authorization").and_then(|h| {
            let (scheme, rest) = h.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then_some(rest.trim())
        });
        bearer
            .or_else(|| self.query.get("token"))
            .unwrap_or("")
            .trim()
    }

    /// The address by which the caller reaches the server.
    pub(super) fn base_url(&self) -> String {
        format!("http://{}", self.header("host").unwrap_or("localhost"))
    }

    /// The body as text.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    fn is_json(&self) -> bool {
        let declared = self.header("content-type").unwrap_or("").contains("json");
        declared || self.body.trim_ascii_start().starts_with(b"{")
    }

    /// The body as JSON.
    pub(super) fn json(&self) -> Handled<Json> {
        serde_json::from_slice(&self.body)
            .map_err(|e| Failure::bad(format!("the body is not valid JSON: {e}")))
    }

    /// Query parameters, then those of a form (or the top level of a JSON object) in the body.
    pub(super) fn form(&self) -> Params {
        let mut out = self.query.clone();
        if self.body.is_empty() {
            return out;
        }
        if self.is_json() {
            if let Ok(Json::Object(map)) = serde_json::from_slice(&self.body) {
                for (key, value) in map {
                    match value {
                        Json::String(text) => out.push(key, text),
                        Json::Null => {}
                        other => out.push(key, other.to_string()),
                    }
                }
            }
            return out;
        }
        if let Ok(text) = std::str::from_utf8(&self.body) {
            out.extend(Params::parse(text.trim()));
        }
        out
    }
}
