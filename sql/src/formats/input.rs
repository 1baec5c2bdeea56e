//! A buffer over a stream that row formats cut rows from.
//!
//! Invariant: memory is bounded by the longest row (at most [`ROW_BYTES_MAX`]) and a chunk.

use std::io::Read;

use roost_engine::error::{Code, Error, Result};

/// Longest row that is read.
const ROW_BYTES_MAX: usize = 256 << 20;

const CHUNK: usize = 256 << 10;

/// Bytes of a stream, some of them in memory.
pub(super) struct Input {
    stream: Box<dyn Read + Send>,
    bytes: Vec<u8>,
    at: usize,
    ended: bool,
}

impl Input {
    pub(super) fn new(stream: Box<dyn Read + Send>) -> Self {
        Input {
            stream,
            bytes: Vec::new(),
            at: 0,
            ended: false,
        }
    }

    /// The bytes at hand that were not taken yet.
    pub(super) fn rest(&self) -> &[u8] {
        &self.bytes[self.at..]
    }

    /// Whether nothing comes behind [`Input::rest`].
    pub(super) fn is_ended(&self) -> bool {
        self.ended
    }

    /// Lends the bytes, so that rows in them can be read while the input is held; the first byte of
    /// the rest stands at the returned place. Give them back with [`Input::give_back`].
    pub(super) fn lend(&mut self) -> (Vec<u8>, usize) {
        (std::mem::take(&mut self.bytes), self.at)
    }

    /// Takes back what [`Input::lend`] lent.
    pub(super) fn give_back(&mut self, bytes: Vec<u8>) {
        self.bytes = bytes;
    }

    /// Takes `n` bytes of the rest.
    pub(super) fn take(&mut self, n: usize) {
        self.at = (self.at + n).min(self.bytes.len());
    }

    /// Reads more; whether there was any.
    pub(super) fn more(&mut self) -> Result<bool> {
        if self.ended {
            return Ok(false);
        }
        self.bytes.drain(..self.at);
        self.at = 0;
        let before = self.bytes.len();
        if before > ROW_BYTES_MAX {
            let message = format!("a row of more than {ROW_BYTES_MAX} bytes");
            return Err(Error::new(Code::TOO_LARGE_STRING_SIZE, message));
        }
        // The longer a row, the more is read at once: the work stays linear.
        let chunk = CHUNK.max(before);
        // Into memory that is not cleared first: most inserts are much smaller than a chunk.
        self.bytes.reserve(chunk);
        let mut some = self.stream.by_ref().take(chunk as u64);
        let read = some.read_to_end(&mut self.bytes).map_err(|e| {
            let message = format!("cannot read the data: {e}");
            Error::new(Code::CANNOT_READ_FROM_ISTREAM, message)
        })?;
        self.ended = read < chunk;
        Ok(read > 0)
    }

    /// Reads until the rest has a byte that is not white space; whether it has.
    pub(super) fn skip_space(&mut self) -> Result<bool> {
        loop {
            let space = self
                .rest()
                .iter()
                .take_while(|b| b.is_ascii_whitespace())
                .count();
            self.take(space);
            if !self.rest().is_empty() {
                return Ok(true);
            }
            if !self.more()? {
                return Ok(false);
            }
        }
    }

    /// Everything that is left.
    pub(super) fn read_all(&mut self) -> Result<Vec<u8>> {
        while self.more()? {}
        let all = self.rest().to_vec();
        self.at = self.bytes.len();
        Ok(all)
    }
}
