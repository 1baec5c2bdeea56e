//! What a request of ClickHouse's interface asks for.
//!
//! Invariant: a parameter is the interface's own, a query parameter (`param_…`), or a setting.

use std::collections::HashMap;

use axum::http::Method;
use bytes::Bytes;
use roost_engine::error::{Code, Error, Result};

use super::blocks;
use super::packer::Packing;
use crate::http::app::App;
use crate::http::call::Call;

/// A request, read.
pub(super) struct NativeRequest {
    pub(super) sql: String,
    /// Data of an INSERT.
    pub(super) data: Option<Bytes>,
    pub(super) default_format: String,
    pub(super) parameters: HashMap<String, String>,
    pub(super) settings: Vec<(String, String)>,
    pub(super) query_id: Option<String>,
    pub(super) database: Option<String>,
    pub(super) packing: Packing,
}

/// Parameters that are not settings.
const OWN: &[&str] = &[
    "query",
    "database",
    "default_format",
    "user",
    "password",
    "query_id",
    "quota_key",
    "session_id",
    "session_timeout",
    "session_check",
    "close_session",
    "compress",
    "decompress",
    "enable_http_compression",
    "http_zlib_compression_level",
    "wait_end_of_query",
    "buffer_size",
    "stacktrace",
    "role",
    "client_protocol_version",
    "send_progress_in_http_headers",
    "http_headers_progress_interval_ms",
    "http_response_buffer_size",
    "cancel_http_readonly_queries_on_client_close",
    "add_http_cors_header",
];

/// Reads a request.
pub(super) fn read(app: &App, call: &Call) -> Result<NativeRequest> {
    let body = match call.query.flag("decompress") {
        true => Bytes::from(blocks::unpack(
            &call.body,
            app.config.limits.unpacked_bytes,
        )?),
        false => call.body.clone(),
    };
    let mut fields = call.query.clone();
    let declared = call.header("content-type").unwrap_or("");
    let is_form = declared.starts_with("multipart/form-data");
    let body = if is_form {
        for (name, value) in parts(declared, &body) {
            fields.push(name, value);
        }
        Bytes::new()
    } else {
        body
    };
    let (sql, data) = split(fields.get("query"), body)?;
    let header = |name: &str| {
        call.header(name)
            .filter(|v| !v.is_empty())
            .map(str::to_owned)
    };
    let mut parameters = HashMap::new();
    let mut settings = Vec::new();
    if call.method == Method::GET {
        settings.push(("readonly".to_owned(), "2".to_owned()));
    }
    for (name, value) in fields.iter() {
        if let Some(name) = name.strip_prefix("param_") {
            parameters.insert(name.to_owned(), value.to_owned());
        } else if !OWN.contains(&name) {
            settings.push((name.to_owned(), value.to_owned()));
        }
    }
    let format = fields.said("default_format").map(str::to_owned);
    let database = fields.said("database").map(str::to_owned);
    Ok(NativeRequest {
        sql,
        data,
        default_format: format
            .or_else(|| header("x-clickhouse-format"))
            .unwrap_or_else(|| "TabSeparated".to_owned()),
        parameters,
        settings,
        query_id: fields.said("query_id").map(str::to_owned),
        database: database.or_else(|| header("x-clickhouse-database")),
        packing: Packing::of(call),
    })
}

/// The statement and the data behind it: `query` and body are one text, in this order.
fn split(query: Option<&str>, body: Bytes) -> Result<(String, Option<Bytes>)> {
    let query = query.unwrap_or("").trim_end();
    if !query.is_empty() {
        if body.is_empty() {
            return Ok((query.to_owned(), None));
        }
        if starts_with_insert(query) {
            return Ok((query.to_owned(), Some(body)));
        }
        let text = utf8(&body)?;
        return Ok((format!("{query}\n{text}"), None));
    }
    match std::str::from_utf8(&body) {
        Ok(text) if text.trim().is_empty() => Err(Error::new(Code::SYNTAX_ERROR, "Empty query")),
        Ok(text) => Ok((text.to_owned(), None)),
        // An INSERT in a binary format: its first line is the statement.
        Err(_) => {
            let end = memchr::memchr(b'\n', &body).unwrap_or(body.len());
            let head = utf8(&body.slice(..end))?;
            if !starts_with_insert(&head) {
                return utf8(&body).map(|text| (text, None));
            }
            let data = body.slice((end + 1).min(body.len())..);
            Ok((head, Some(data)))
        }
    }
}

/// Whether the statement brings rows.
pub(super) fn starts_with_insert(sql: &str) -> bool {
    let word: String = sql.trim_start().chars().take(6).collect();
    word.eq_ignore_ascii_case("insert")
}

fn utf8(bytes: &Bytes) -> Result<String> {
    String::from_utf8(bytes.to_vec()).map_err(|e| {
        Error::new(
            Code::SYNTAX_ERROR,
            format!("the query is not valid UTF-8: {e}"),
        )
    })
}

/// Text fields of a multipart form: `query` and `param_…`.
fn parts(content_type: &str, body: &Bytes) -> Vec<(String, String)> {
    let boundary = content_type
        .split("boundary=")
        .nth(1)
        .unwrap_or("")
        .trim_matches('"');
    let text = String::from_utf8_lossy(body);
    let mut out = Vec::new();
    for part in text.split(&format!("--{boundary}")) {
        let Some((head, value)) = part.split_once("\r\n\r\n") else {
            continue;
        };
        let name = head
            .split("name=\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next());
        if let Some(name) = name {
            let value = value.strip_suffix("\r\n").unwrap_or(value);
            out.push((name.to_owned(), value.to_owned()));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statement_and_data_come_apart() {
        let split = |q: Option<&str>, b: &'static [u8]| split(q, Bytes::from_static(b)).unwrap();
        assert_eq!(split(Some("SELECT 1"), b""), ("SELECT 1".to_owned(), None));
        assert_eq!(split(None, b"SELECT 2"), ("SELECT 2".to_owned(), None));
        assert_eq!(split(Some("SELECT"), b"3"), ("SELECT\n3".to_owned(), None));
        let (sql, data) = split(Some("insert into t format Native"), b"\xff\x00");
        assert_eq!(
            (sql.as_str(), data.as_deref()),
            ("insert into t format Native", Some(&b"\xff\x00"[..]))
        );
        let (sql, data) = split(None, b"INSERT INTO t FORMAT RowBinary\n\xff\x0a");
        assert_eq!(
            (sql.as_str(), data.as_deref()),
            ("INSERT INTO t FORMAT RowBinary", Some(&b"\xff\x0a"[..]))
        );
        let fields = parts(
            "multipart/form-data; boundary=B",
            &Bytes::from_static(
                b"--B\r\nContent-Disposition: form-data; name=\"param_x\"\r\n\r\n5\r\n--B--",
            ),
        );
        assert_eq!(fields, [("param_x".to_owned(), "5".to_owned())]);
    }
}
