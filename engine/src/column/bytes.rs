//! Byte strings of any length: offsets over one run of bytes.
//!
//! Invariant: there is one more offset than rows, they ascend, and the last is inside the bytes.
//! A slice keeps the whole byte run, so the first offset need not be zero.

use std::ops::Range;

use super::Buffer;
use crate::error::{Error, Result};

/// Strings of one column.
#[derive(Debug, Clone)]
pub struct BytesColumn {
    offsets: Buffer<u64>,
    data: Buffer<u8>,
}

impl BytesColumn {
    /// From offsets (rows + 1 of them) and bytes that came from outside: everything is checked.
    pub fn new(offsets: Buffer<u64>, data: Buffer<u8>) -> Result<Self> {
        let ascending = offsets.windows(2).all(|w| w[0] <= w[1]);
        match offsets.last() {
            Some(&last) if ascending && last <= data.len() as u64 => {
                Ok(BytesColumn { offsets, data })
            }
            _ => Err(Error::corrupt("string offsets do not fit their bytes")),
        }
    }

    /// Number of strings.
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// String `i`.
    #[inline]
    pub fn get(&self, row: usize) -> &[u8] {
        &self.data[self.offsets[row] as usize..self.offsets[row + 1] as usize]
    }

    /// All strings in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> + Clone {
        self.offsets
            .windows(2)
            .map(|w| &self.data[w[0] as usize..w[1] as usize])
    }

    /// Offsets into [`Self::data`], one more than rows.
    pub fn offsets(&self) -> &[u64] {
        &self.offsets
    }

    /// The shared bytes; only `offsets[0]..offsets[len]` belong to this column.
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// Rows `offset..offset + len`, shared.
    #[must_use]
    pub fn slice(&self, offset: usize, len: usize) -> BytesColumn {
        BytesColumn {
            offsets: self.offsets.slice(offset, len + 1),
            data: self.data.clone(),
        }
    }

    /// Bytes of this column's own strings.
    pub fn value_bytes(&self) -> usize {
        (self.offsets[self.len()] - self.offsets[0]) as usize
    }
}

impl<S: AsRef<[u8]>> FromIterator<S> for BytesColumn {
    fn from_iter<I: IntoIterator<Item = S>>(iter: I) -> Self {
        let mut builder = BytesBuilder::default();
        iter.into_iter().for_each(|s| builder.push(s.as_ref()));
        builder.finish()
    }
}

/// Grows a [`BytesColumn`].
#[derive(Debug, Clone)]
pub struct BytesBuilder {
    offsets: Vec<u64>,
    data: Vec<u8>,
}

impl Default for BytesBuilder {
    fn default() -> Self {
        Self::with_capacity(0, 0)
    }
}

impl BytesBuilder {
    /// Room for `rows` strings of `bytes` bytes in all.
    pub fn with_capacity(rows: usize, bytes: usize) -> Self {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        BytesBuilder {
            offsets,
            data: Vec::with_capacity(bytes),
        }
    }

    /// Appends one string.
    #[inline]
    pub fn push(&mut self, value: &[u8]) {
        self.data.extend_from_slice(value);
        self.offsets.push(self.data.len() as u64);
    }

    /// Takes the last string back.
    pub fn pop(&mut self) {
        if !self.is_empty() {
            self.offsets.pop();
            self.abandon();
        }
    }

    /// Appends strings `rows` of a column, as one run of bytes.
    pub fn push_rows(&mut self, from: &BytesColumn, rows: Range<usize>) {
        let (offsets, base) = (&from.offsets[rows.start..=rows.end], self.data.len() as u64);
        let (start, end) = (offsets[0], offsets[rows.len()]);
        self.data
            .extend_from_slice(&from.data[start as usize..end as usize]);
        self.offsets
            .extend(offsets[1..].iter().map(|o| o - start + base));
    }

    /// Bytes of the string under construction: write into it, then [`Self::end`] the string.
    pub fn tail(&mut self) -> &mut Vec<u8> {
        &mut self.data
    }

    /// Ends the string written through [`Self::tail`].
    pub fn end(&mut self) {
        self.offsets.push(self.data.len() as u64);
    }

    /// Forgets what was written through [`Self::tail`] since the last end.
    pub fn abandon(&mut self) {
        let keep = self.offsets.last().copied().unwrap_or(0) as usize;
        self.data.truncate(keep);
    }

    /// Strings so far.
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Whether there are none yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes so far.
    pub fn value_bytes(&self) -> usize {
        self.data.len()
    }

    /// The finished column.
    pub fn finish(self) -> BytesColumn {
        BytesColumn {
            offsets: Buffer::from(self.offsets),
            data: Buffer::from(self.data),
        }
    }
}
