//! Pieces of the binary formats: variable-length numbers, strings, byte orders, and a source of
//! bytes that trusts no length.
//!
//! Invariant: a [`Source`] allocates what arrives, not what is announced.

use std::io::{BufRead, BufReader, Read};

use roost_engine::bail;
use roost_engine::error::{Code, Error, Result};

pub(super) use crate::functions::aggregates::bytes::{put_bytes as put_string, put_varint};

/// Longest string that is read.
const STRING_MAX: u64 = 1 << 30;

/// A UUID as two little-endian halves, the high one first.
pub(super) fn uuid_bytes(value: u128) -> [u8; 16] {
    let mut out = [0; 16];
    out[..8].copy_from_slice(&((value >> 64) as u64).to_le_bytes());
    out[8..].copy_from_slice(&(value as u64).to_le_bytes());
    out
}

/// What [`uuid_bytes`] wrote.
pub(super) fn uuid_of(bytes: [u8; 16]) -> u128 {
    let low_first = u128::from_le_bytes(bytes);
    low_first.rotate_left(64)
}

/// A buffered stream of bytes.
pub(super) struct Source {
    stream: BufReader<Box<dyn Read + Send>>,
    format: &'static str,
}

impl Source {
    pub(super) fn new(stream: Box<dyn Read + Send>, format: &'static str) -> Self {
        Source {
            stream: BufReader::with_capacity(256 << 10, stream),
            format,
        }
    }

    /// Whether nothing is left.
    pub(super) fn is_at_end(&mut self) -> Result<bool> {
        Ok(self.peek()?.is_empty())
    }

    /// The bytes at hand.
    pub(super) fn peek(&mut self) -> Result<&[u8]> {
        self.stream.fill_buf().map_err(|e| {
            Error::new(
                Code::CANNOT_READ_FROM_ISTREAM,
                format!("cannot read the data: {e}"),
            )
        })
    }

    pub(super) fn skip(&mut self, n: usize) {
        self.stream.consume(n);
    }

    fn short(&self) -> Error {
        Error::new(
            Code::CANNOT_READ_ALL_DATA,
            format!(
                "Cannot read all data of format {}: the bytes end too early",
                self.format
            ),
        )
    }

    pub(super) fn fixed<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut out = [0; N];
        self.stream.read_exact(&mut out).map_err(|_| self.short())?;
        Ok(out)
    }

    pub(super) fn byte(&mut self) -> Result<u8> {
        self.fixed::<1>().map(|b| b[0])
    }

    pub(super) fn u64(&mut self) -> Result<u64> {
        self.fixed().map(u64::from_le_bytes)
    }

    pub(super) fn varint(&mut self) -> Result<u64> {
        let mut n = 0u64;
        for shift in (0..64).step_by(7) {
            let b = self.byte()?;
            n |= u64::from(b & 0x7f) << shift;
            if b < 0x80 {
                return Ok(n);
            }
        }
        bail!(INCORRECT_DATA, "overlong number in format {}", self.format)
    }

    /// Appends `n` bytes to `out`.
    pub(super) fn append(&mut self, n: u64, out: &mut Vec<u8>) -> Result<()> {
        let got = (&mut self.stream)
            .take(n)
            .read_to_end(out)
            .map_err(|e| Error::new(Code::CANNOT_READ_FROM_ISTREAM, e.to_string()))?;
        if (got as u64) < n {
            return Err(self.short());
        }
        Ok(())
    }

    /// `n` things of `width` bytes.
    pub(super) fn bytes(&mut self, n: usize, width: usize) -> Result<Vec<u8>> {
        let Some(total) = n.checked_mul(width) else {
            bail!(
                INCORRECT_DATA,
                "too many rows in format {}: {n}",
                self.format
            );
        };
        let mut out = Vec::new();
        self.append(total as u64, &mut out)?;
        Ok(out)
    }

    /// Appends a string that stands behind its length.
    pub(super) fn string_into(&mut self, out: &mut Vec<u8>) -> Result<()> {
        let n = self.varint()?;
        if n > STRING_MAX {
            bail!(
                TOO_LARGE_STRING_SIZE,
                "Too large string size in format {}: {n}",
                self.format
            );
        }
        self.append(n, out)
    }

    pub(super) fn text(&mut self) -> Result<String> {
        let mut out = Vec::new();
        self.string_into(&mut out)?;
        Ok(String::from_utf8_lossy(&out).into_owned())
    }
}
