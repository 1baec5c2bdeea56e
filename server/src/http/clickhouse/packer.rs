//! Compressed answers.
//!
//! Invariant: what was written comes out in order; `finish` completes the last frame.

use std::io::Write;

use roost_engine::error::{Error, Result};

use super::blocks;
use crate::http::call::Call;

/// How an answer is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    Plain,
    Gzip,
    Deflate,
    Zstd,
    Lz4,
    /// ClickHouse's own LZ4 blocks (`compress=1`): not an encoding of HTTP.
    Blocks,
}

impl Packing {
    /// What the request asks for. HTTP's encodings only with `enable_http_compression`.
    pub(super) fn of(call: &Call) -> Packing {
        if call.query.flag("compress") {
            return Packing::Blocks;
        }
        if !call.query.flag("enable_http_compression") {
            return Packing::Plain;
        }
        let accepted = call.header("accept-encoding").unwrap_or("");
        let known = [
            ("zstd", Packing::Zstd),
            ("lz4", Packing::Lz4),
            ("gzip", Packing::Gzip),
            ("deflate", Packing::Deflate),
        ];
        let offered = |name: &str| {
            accepted.split(',').any(|part| {
                let mut words = part.split(';');
                words.next().is_some_and(|w| w.trim() == name) && !words.any(|q| q.trim() == "q=0")
            })
        };
        known
            .into_iter()
            .find(|(name, _)| offered(name))
            .map_or(Packing::Plain, |(_, packing)| packing)
    }

    /// The header that names it.
    pub(super) fn header(self) -> Option<&'static str> {
        match self {
            Packing::Plain | Packing::Blocks => None,
            Packing::Gzip => Some("gzip"),
            Packing::Deflate => Some("deflate"),
            Packing::Zstd => Some("zstd"),
            Packing::Lz4 => Some("lz4"),
        }
    }
}

/// Packs an answer piece by piece.
pub(super) enum Packer {
    Plain(Vec<u8>),
    Gzip(flate2::write::GzEncoder<Vec<u8>>),
    Deflate(flate2::write::ZlibEncoder<Vec<u8>>),
    Zstd(Box<zstd::stream::write::Encoder<'static, Vec<u8>>>),
    Lz4(Box<lz4_flex::frame::FrameEncoder<Vec<u8>>>),
    Blocks { waiting: Vec<u8>, packed: Vec<u8> },
}

fn failed(e: impl std::fmt::Display) -> Error {
    Error::bug(format!("cannot compress the answer: {e}"))
}

impl Packer {
    pub(super) fn new(packing: Packing) -> Result<Packer> {
        let fast = flate2::Compression::fast();
        Ok(match packing {
            Packing::Plain => Packer::Plain(Vec::new()),
            Packing::Gzip => Packer::Gzip(flate2::write::GzEncoder::new(Vec::new(), fast)),
            Packing::Deflate => Packer::Deflate(flate2::write::ZlibEncoder::new(Vec::new(), fast)),
            Packing::Zstd => {
                let encoder = zstd::stream::write::Encoder::new(Vec::new(), 1);
                Packer::Zstd(Box::new(encoder.map_err(failed)?))
            }
            Packing::Lz4 => Packer::Lz4(Box::new(lz4_flex::frame::FrameEncoder::new(Vec::new()))),
            Packing::Blocks => Packer::Blocks {
                waiting: Vec::new(),
                packed: Vec::new(),
            },
        })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        match self {
            Packer::Plain(out) => out.write_all(bytes),
            Packer::Gzip(e) => e.write_all(bytes),
            Packer::Deflate(e) => e.write_all(bytes),
            Packer::Zstd(e) => e.write_all(bytes),
            Packer::Lz4(e) => e.write_all(bytes),
            Packer::Blocks { waiting, packed } => {
                waiting.extend_from_slice(bytes);
                if waiting.len() >= blocks::BLOCK_BYTES {
                    blocks::pack(waiting, packed);
                    waiting.clear();
                }
                Ok(())
            }
        }
        .map_err(failed)
    }

    /// Completes the packed bytes; nothing is written afterwards.
    pub(super) fn finish(&mut self) -> Result<()> {
        match self {
            Packer::Plain(_) => Ok(()),
            Packer::Gzip(e) => e.try_finish(),
            Packer::Deflate(e) => e.try_finish(),
            Packer::Zstd(e) => e.do_finish(),
            Packer::Lz4(e) => e.try_finish().map_err(std::io::Error::other),
            Packer::Blocks { waiting, packed } => {
                if !waiting.is_empty() {
                    blocks::pack(waiting, packed);
                    waiting.clear();
                }
                Ok(())
            }
        }
        .map_err(failed)
    }

    /// The packed bytes that are ready.
    pub(super) fn take(&mut self) -> Vec<u8> {
        match self {
            Packer::Plain(out) | Packer::Blocks { packed: out, .. } => std::mem::take(out),
            Packer::Gzip(e) => std::mem::take(e.get_mut()),
            Packer::Deflate(e) => std::mem::take(e.get_mut()),
            Packer::Zstd(e) => std::mem::take(e.get_mut()),
            Packer::Lz4(e) => std::mem::take(e.get_mut()),
        }
    }
}
