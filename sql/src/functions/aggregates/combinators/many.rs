//! Nested states by number: what combinators use that keep several nested states per group.
//!
//! Invariant: every number given out by [`Many::fresh`] belongs to one group of the frame.

use std::sync::Arc;

use roost_engine::column::Column;
use roost_engine::error::Result;

use crate::functions::{Aggregate, GroupedState};

/// Nested states, numbered as they are made.
pub(super) struct Many {
    pub(super) states: Box<dyn GroupedState>,
    next: u32,
}

impl Many {
    pub(super) fn new(inner: &Arc<dyn Aggregate>) -> Self {
        Many {
            states: inner.states(),
            next: 0,
        }
    }

    /// A new nested state; call [`Many::grow`] before it is used.
    pub(super) fn fresh(&mut self) -> u32 {
        self.next += 1;
        self.next - 1
    }

    /// Makes room for all numbers given out.
    pub(super) fn grow(&mut self) {
        self.states.resize(self.next as usize);
    }

    /// How many numbers were given out.
    pub(super) fn len(&self) -> usize {
        self.next as usize
    }

    /// The answers of all nested states.
    pub(super) fn finish(&mut self) -> Result<Column> {
        self.grow();
        self.states.finish()
    }

    /// Appends a nested state behind its length.
    pub(super) fn write(&self, number: u32, out: &mut Vec<u8>) -> Result<()> {
        let mut bytes = Vec::new();
        self.states.write_state(number, &mut bytes)?;
        crate::functions::aggregates::bytes::put_bytes(out, &bytes);
        Ok(())
    }
}
