//! Reading and writing the small things: fixed numbers, varints, texts.
//!
//! Invariant: a cursor never passes the end of its bytes; what is missing is an error that names
//! the place.

use super::kept::Origin;
use crate::column::Native;
use crate::error::{Error, Result};

/// A place in bytes that are being read.
#[derive(Debug, Clone)]
pub struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    origin: Option<Origin>,
}

impl<'a> Cursor<'a> {
    /// At the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Cursor {
            bytes,
            at: 0,
            origin: None,
        }
    }

    /// At the start of `bytes`, which are those of an open file from `origin` on: what is
    /// decompressed of them is kept for the next reader.
    pub fn keeping(bytes: &'a [u8], origin: Origin) -> Self {
        Cursor {
            origin: Some(origin),
            ..Cursor::new(bytes)
        }
    }

    /// The place in the file, when what is decompressed is to be kept.
    pub(super) fn origin(&self) -> Option<Origin> {
        let origin = self.origin?;
        Some(Origin {
            offset: origin.offset + self.at as u64,
            ..origin
        })
    }

    /// Bytes read so far.
    pub fn position(&self) -> usize {
        self.at
    }

    /// Bytes not yet read.
    pub fn remaining(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// An error at this place.
    pub fn broken(&self, what: impl std::fmt::Display) -> Error {
        Error::corrupt(format!("{what} at byte {}", self.at))
    }

    /// The next `len` bytes.
    pub fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        if len > self.remaining() {
            return Err(self.broken(format!(
                "expected {len} more bytes, found {}",
                self.remaining()
            )));
        }
        let taken = &self.bytes[self.at..self.at + len];
        self.at += len;
        Ok(taken)
    }

    /// One byte.
    pub fn u8(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    /// A number of fixed width.
    pub fn number<T: Native>(&mut self) -> Result<T> {
        Ok(T::read_le(self.take(T::WIDTH)?))
    }

    /// A varint.
    pub fn varint(&mut self) -> Result<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            let bits = u64::from(byte & 0x7F);
            if shift == 63 && bits > 1 {
                break;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(self.broken("expected a varint of at most 64 bits"))
    }

    /// A varint that is at most `max`: a count or length of `what`.
    pub fn count(&mut self, max: usize, what: &str) -> Result<usize> {
        let value = self.varint()?;
        match usize::try_from(value) {
            Ok(n) if n <= max => Ok(n),
            _ => Err(self.broken(format!("found {value} {what}, expected at most {max}"))),
        }
    }

    /// Length-prefixed bytes.
    pub fn prefixed(&mut self) -> Result<&'a [u8]> {
        let len = self.count(self.remaining(), "bytes")?;
        self.take(len)
    }

    /// A length-prefixed text.
    pub fn text(&mut self) -> Result<&'a str> {
        let bytes = self.prefixed()?;
        std::str::from_utf8(bytes).map_err(|_| self.broken("expected UTF-8 text"))
    }

    /// Fails unless everything was read.
    pub fn end(&self) -> Result<()> {
        match self.remaining() {
            0 => Ok(()),
            n => Err(self.broken(format!("expected the end, found {n} more bytes"))),
        }
    }
}

/// Appends a varint.
pub fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends length-prefixed bytes.
pub fn put_prefixed(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_come_back_and_long_ones_are_refused() {
        for value in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, value);
            let mut cursor = Cursor::new(&bytes);
            assert_eq!(cursor.varint().unwrap(), value);
            cursor.end().unwrap();
        }
        assert!(Cursor::new(&[0xFF; 11]).varint().is_err());
        assert!(Cursor::new(&[0x80]).varint().is_err());
        assert!(
            Cursor::new(&[0xFF, 0xFF, 0xFF, 0xFF, 0x0F])
                .prefixed()
                .is_err()
        );
    }
}
