//! Compressed bodies.
//!
//! Invariant: what a body unpacks to is bounded.

use std::io::Read;

use bytes::Bytes;

use super::reply::{Failure, Handled};

/// What any packed body may unpack to.
const SMALL: usize = 64 << 20;
/// How many times its size a body may unpack to beyond that: data packs ten to fifty times, bombs a
/// thousand.
const TIMES: usize = 100;

/// Unpacks `body` as `encoding` says; at most `limit` bytes, and no bomb.
pub(super) fn unpack(body: Bytes, encoding: Option<&str>, limit: usize) -> Handled<Bytes> {
    let encoding = encoding.unwrap_or("identity").trim().to_ascii_lowercase();
    let bytes: &[u8] = &body;
    let limit = limit.min(SMALL.max(bytes.len().saturating_mul(TIMES)));
    match encoding.as_str() {
        "" | "identity" => Ok(body),
        "gzip" | "x-gzip" => read(flate2::read::MultiGzDecoder::new(bytes), limit, "gzip"),
        "deflate" => read(flate2::read::ZlibDecoder::new(bytes), limit, "deflate"),
        "zstd" => {
            let decoder = zstd::stream::read::Decoder::new(bytes)
                .map_err(|e| Failure::bad(format!("the body is not zstd: {e}")))?;
            read(decoder, limit, "zstd")
        }
        "lz4" => read(lz4_flex::frame::FrameDecoder::new(bytes), limit, "lz4"),
        other => Err(Failure::new(
            415,
            format!("unknown Content-Encoding '{other}'; known are gzip, deflate, zstd, lz4"),
        )),
    }
}

fn read(reader: impl Read, limit: usize, what: &str) -> Handled<Bytes> {
    let mut out = Vec::new();
    reader
        .take(limit as u64 + 1)
        .read_to_end(&mut out)
        .map_err(|e| Failure::bad(format!("the body is not valid {what}: {e}")))?;
    if out.len() > limit {
        return Err(Failure::new(
            413,
            format!("the body unpacks to more than {limit} bytes"),
        ));
    }
    Ok(out.into())
}
