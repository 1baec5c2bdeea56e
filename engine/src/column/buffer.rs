//! A shared, immutable run of plain values; slicing moves two numbers.
//!
//! Invariant: `offset + len` never passes the end of the shared vector.

use std::ops::{Deref, Range};
use std::sync::Arc;

/// Shared values of one plain type.
#[derive(Clone)]
pub struct Buffer<T> {
    data: Arc<Vec<T>>,
    offset: usize,
    len: usize,
}

impl<T> Buffer<T> {
    /// Values `offset..offset + len` of this buffer, shared. Panics past the end.
    #[must_use]
    pub fn slice(&self, offset: usize, len: usize) -> Buffer<T> {
        assert!(
            offset.checked_add(len).is_some_and(|end| end <= self.len),
            "slice past the end"
        );
        Buffer {
            data: Arc::clone(&self.data),
            offset: self.offset + offset,
            len,
        }
    }

    /// The values in `range`, shared.
    #[must_use]
    pub fn range(&self, range: Range<usize>) -> Buffer<T> {
        self.slice(range.start, range.end - range.start)
    }

    /// The vector itself when nobody else holds it and the buffer spans it, else a copy.
    pub fn into_vec(self) -> Vec<T>
    where
        T: Clone,
    {
        if self.offset == 0 && self.len == self.data.len() {
            return Arc::try_unwrap(self.data).unwrap_or_else(|shared| shared.as_ref().clone());
        }
        self.to_vec()
    }
}

impl<T> From<Vec<T>> for Buffer<T> {
    fn from(values: Vec<T>) -> Self {
        let len = values.len();
        Buffer {
            data: Arc::new(values),
            offset: 0,
            len,
        }
    }
}

impl<T> FromIterator<T> for Buffer<T> {
    fn from_iter<I: IntoIterator<Item = T>>(iter: I) -> Self {
        Buffer::from(iter.into_iter().collect::<Vec<T>>())
    }
}

impl<T> Default for Buffer<T> {
    fn default() -> Self {
        Buffer::from(Vec::new())
    }
}

impl<T> Deref for Buffer<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.data[self.offset..self.offset + self.len]
    }
}

impl<T: std::fmt::Debug> std::fmt::Debug for Buffer<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
