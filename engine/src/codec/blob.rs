//! Byte runs, compressed when that pays. Their length is always known from outside.
//!
//! Invariant: reading gives exactly the length that was asked for, or an error; the memory taken
//! is bounded by what the stored bytes can honestly become.

use std::ops::Deref;
use std::sync::Arc;

use super::Cursor;
use super::cursor::put_varint;
use super::kept::kept;
use crate::error::Result;

/// General compression of byte runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// Bytes as they are.
    None,
    /// Fast.
    #[default]
    Lz4,
    /// Small, by level 1 to 22.
    Zstd(i32),
}

const RAW: u8 = 0;
const LZ4: u8 = 1;
const ZSTD: u8 = 2;

/// Shorter runs are never compressed.
const COMPRESS_BYTES_MIN: usize = 64;

/// What one stored byte can become at most: LZ4 by its format, ZSTD by its block size.
const LZ4_RATIO_MAX: usize = 255;
const ZSTD_RATIO_MAX: usize = 128 * 1024;

/// Appends a blob of `raw`.
pub fn put(out: &mut Vec<u8>, raw: &[u8], compression: Compression) {
    let start = out.len();
    if raw.len() >= COMPRESS_BYTES_MIN && put_compressed(out, raw, compression) {
        return;
    }
    out.truncate(start);
    out.push(RAW);
    out.extend_from_slice(raw);
}

/// Long runs are judged by a piece from their middle first.
const SAMPLE_BYTES: usize = 4096;

fn looks_compressible(raw: &[u8]) -> bool {
    if raw.len() < 4 * SAMPLE_BYTES {
        return true;
    }
    let middle = raw.len() / 2;
    let sample = &raw[middle..middle + SAMPLE_BYTES];
    lz4_flex::block::compress(sample).len() < SAMPLE_BYTES - SAMPLE_BYTES / 32
}

/// Whether the compressed bytes were appended and save an eighth.
fn put_compressed(out: &mut Vec<u8>, raw: &[u8], compression: Compression) -> bool {
    let (tag, packed) = match compression {
        Compression::None => return false,
        Compression::Lz4 if !looks_compressible(raw) => return false,
        Compression::Lz4 => (LZ4, lz4_flex::block::compress(raw)),
        Compression::Zstd(level) => match zstd::bulk::compress(raw, level.clamp(1, 22)) {
            Ok(packed) => (ZSTD, packed),
            Err(_) => return false,
        },
    };
    if packed.len() + raw.len() / 8 >= raw.len() {
        return false;
    }
    out.push(tag);
    put_varint(out, packed.len() as u64);
    out.extend_from_slice(&packed);
    true
}

/// The bytes of a blob.
#[derive(Debug)]
pub enum Blob<'a> {
    /// As they are stored.
    Stored(&'a [u8]),
    /// Decompressed.
    Made(Vec<u8>),
    /// Decompressed, and kept for others.
    Kept(Arc<[u8]>),
}

impl Deref for Blob<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Blob::Stored(bytes) => bytes,
            Blob::Made(bytes) => bytes,
            Blob::Kept(bytes) => bytes,
        }
    }
}

/// The `len` bytes of a blob, shared when they are stored as they are.
pub fn read<'a>(cursor: &mut Cursor<'a>, len: usize) -> Result<Blob<'a>> {
    let origin = cursor.origin();
    match cursor.u8()? {
        RAW => Ok(Blob::Stored(cursor.take(len)?)),
        tag => {
            let stored = cursor.prefixed()?;
            let make = || decompress(cursor, tag, stored, len);
            match origin {
                None => make().map(Blob::Made),
                Some(origin) => kept(origin, len, make).map(Blob::Kept),
            }
        }
    }
}

/// The `len` bytes of a blob as a vector.
pub fn read_vec(cursor: &mut Cursor<'_>, len: usize) -> Result<Vec<u8>> {
    match cursor.u8()? {
        RAW => Ok(cursor.take(len)?.to_vec()),
        tag => {
            let stored = cursor.prefixed()?;
            decompress(cursor, tag, stored, len)
        }
    }
}

fn decompress(cursor: &Cursor<'_>, tag: u8, stored: &[u8], len: usize) -> Result<Vec<u8>> {
    let ratio = match tag {
        LZ4 => LZ4_RATIO_MAX,
        ZSTD => ZSTD_RATIO_MAX,
        other => return Err(cursor.broken(format!("found blob method {other}"))),
    };
    if len / ratio > stored.len() {
        return Err(cursor.broken(format!("{} bytes cannot become {len}", stored.len())));
    }
    let mut raw = vec![0; len];
    let found = match tag {
        LZ4 => lz4_flex::block::decompress_into(stored, &mut raw).map_err(|e| e.to_string()),
        _ => zstd::bulk::decompress_to_buffer(stored, &mut raw[..]).map_err(|e| e.to_string()),
    };
    match found {
        Ok(n) if n == len => Ok(raw),
        Ok(n) => Err(cursor.broken(format!("a blob became {n} bytes, expected {len}"))),
        Err(e) => Err(cursor.broken(format!("a blob does not decompress: {e}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blobs_come_back_and_lies_are_refused() {
        let text = b"to be or not to be, that is the question; ".repeat(20);
        let noise: Vec<u8> = (0..999u32)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8)
            .collect();
        for raw in [&text[..], &noise, b"", b"short"] {
            for compression in [Compression::None, Compression::Lz4, Compression::Zstd(3)] {
                let mut bytes = Vec::new();
                put(&mut bytes, raw, compression);
                assert!(bytes.len() <= raw.len() + 1);
                let mut cursor = Cursor::new(&bytes);
                assert_eq!(&read(&mut cursor, raw.len()).unwrap()[..], raw);
                cursor.end().unwrap();
                assert_eq!(read_vec(&mut Cursor::new(&bytes), raw.len()).unwrap(), raw);
                for wrong in [raw.len() + 1, usize::MAX / 2] {
                    assert!(read(&mut Cursor::new(&bytes), wrong).is_err());
                }
                for cut in 0..bytes.len() {
                    assert!(read(&mut Cursor::new(&bytes[..cut]), raw.len()).is_err());
                }
            }
        }
        assert!(read(&mut Cursor::new(&[9, 1, 0]), 1).is_err());
    }
}
