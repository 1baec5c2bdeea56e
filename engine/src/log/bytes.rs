//! Small binary encoding of the log: varints, and runs of bytes behind their length.
//!
//! Invariant: reading never passes the end and never believes a length without checking it.

use crate::error::{Error, Result};

/// Appends a varint.
pub fn put_u64(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends bytes behind their length.
pub fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_u64(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Appends a text behind its length.
pub fn put_str(out: &mut Vec<u8>, text: &str) {
    put_bytes(out, text.as_bytes());
}

/// Appends whether there is a value, and the value.
pub fn put_option<T>(out: &mut Vec<u8>, value: Option<T>, put: impl FnOnce(&mut Vec<u8>, T)) {
    out.push(u8::from(value.is_some()));
    if let Some(value) = value {
        put(out, value);
    }
}

/// Reads what the `put` functions wrote.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Reads from the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Reader { bytes, at: 0 }
    }

    /// Bytes read so far.
    pub fn position(&self) -> usize {
        self.at
    }

    /// Bytes left.
    pub fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// The next `n` bytes.
    pub fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let end = self.at.checked_add(n).filter(|e| *e <= self.bytes.len());
        match end {
            Some(end) => {
                let found = &self.bytes[self.at..end];
                self.at = end;
                Ok(found)
            }
            None => Err(Error::corrupt(format!(
                "{n} bytes are expected at offset {}, {} are there",
                self.at,
                self.left()
            ))),
        }
    }

    /// One byte.
    pub fn u8(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    /// A varint.
    pub fn u64(&mut self) -> Result<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            let bits = u64::from(byte & 0x7F);
            if shift == 63 && bits > 1 {
                break;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Error::corrupt(format!(
            "a number at offset {} does not fit 64 bits",
            self.at
        )))
    }

    /// A varint that counts things in memory, each taking at least `each` bytes of what is left.
    pub fn count(&mut self, each: usize) -> Result<usize> {
        let n = self.u64()?;
        let most = self.left() / each.max(1);
        usize::try_from(n)
            .ok()
            .filter(|n| *n <= most)
            .ok_or_else(|| {
                Error::corrupt(format!(
                    "a count of {n} at offset {} when at most {most} fit",
                    self.at
                ))
            })
    }

    /// Bytes behind their length.
    pub fn bytes(&mut self) -> Result<&'a [u8]> {
        let n = self.count(1)?;
        self.take(n)
    }

    /// A text behind its length.
    pub fn string(&mut self) -> Result<String> {
        let at = self.at;
        let bytes = self.bytes()?.to_vec();
        String::from_utf8(bytes)
            .map_err(|_| Error::corrupt(format!("a text at offset {at} is not UTF-8")))
    }

    /// A value that may be missing.
    pub fn option<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<Option<T>> {
        match self.u8()? {
            0 => Ok(None),
            1 => read(self).map(Some),
            other => Err(Error::corrupt(format!(
                "0 or 1 is expected at offset {}, found {other}",
                self.at - 1
            ))),
        }
    }

    /// Errors when something is left.
    pub fn end(&self) -> Result<()> {
        match self.left() {
            0 => Ok(()),
            n => Err(Error::corrupt(format!(
                "{n} bytes too many at offset {}",
                self.at
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_is_read() {
        let mut out = Vec::new();
        for n in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            put_u64(&mut out, n);
        }
        put_str(&mut out, "größe");
        put_option(&mut out, Some(7), put_u64);
        put_option(&mut out, None, put_u64);
        let mut reader = Reader::new(&out);
        for n in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            assert_eq!(reader.u64().ok(), Some(n));
        }
        assert_eq!(reader.string().ok().as_deref(), Some("größe"));
        assert_eq!(reader.option(Reader::u64).ok(), Some(Some(7)));
        assert_eq!(reader.option(Reader::u64).ok(), Some(None));
        assert!(reader.end().is_ok());
        assert!(reader.u8().is_err());
    }

    #[test]
    fn lies_are_found() {
        let huge = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F];
        assert!(Reader::new(&huge).u64().is_err());
        assert!(Reader::new(&[200, 1, 0]).bytes().is_err());
        assert!(Reader::new(&[2]).option(Reader::u64).is_err());
        assert!(Reader::new(&[0xFF]).u64().is_err());
    }
}
