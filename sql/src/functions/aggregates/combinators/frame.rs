//! The frame of combinators that only change what reaches the nested function.
//!
//! Invariant: states, answers and bytes are the nested function's own.

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::types::{DataType, Value};

use crate::functions::aggregates::states::{Groups, same};
use crate::functions::{Aggregate, GroupedState};

/// What a combinator does with rows.
pub(super) trait Feed: Copy + Send + Sync + Debug + 'static {
    /// Hands what counts of the rows to the nested states.
    fn feed(self, inner: &mut dyn GroupedState, args: &[Column], groups: Groups<'_>) -> Result<()>;
}

/// `inner`, fed through `feed`.
pub(super) fn framed(inner: Arc<dyn Aggregate>, feed: impl Feed) -> Arc<dyn Aggregate> {
    Arc::new(Framed { inner, feed })
}

#[derive(Debug)]
struct Framed<F> {
    inner: Arc<dyn Aggregate>,
    feed: F,
}

impl<F: Feed> Aggregate for Framed<F> {
    fn return_type(&self) -> DataType {
        self.inner.return_type()
    }

    fn states(&self) -> Box<dyn GroupedState> {
        Box::new(FramedStates {
            inner: self.inner.states(),
            feed: self.feed,
        })
    }
}

struct FramedStates<F> {
    inner: Box<dyn GroupedState>,
    feed: F,
}

impl<F: Feed> GroupedState for FramedStates<F> {
    fn resize(&mut self, groups: usize) {
        self.inner.resize(groups);
    }

    fn update(&mut self, args: &[Column], groups: &[u32]) -> Result<()> {
        self.feed
            .feed(self.inner.as_mut(), args, Groups::Many(groups))
    }

    fn update_one(&mut self, args: &[Column], rows: usize, group: u32) -> Result<()> {
        self.feed
            .feed(self.inner.as_mut(), args, Groups::One { group, rows })
    }

    fn merge(&mut self, other: &dyn GroupedState, map: &[u32]) -> Result<()> {
        self.inner.merge(same::<Self>(other)?.inner.as_ref(), map)
    }

    fn finish(&mut self) -> Result<Column> {
        self.inner.finish()
    }

    fn peek(&self, group: u32) -> Result<Value> {
        self.inner.peek(group)
    }

    fn write_state(&self, group: u32, out: &mut Vec<u8>) -> Result<()> {
        self.inner.write_state(group, out)
    }

    fn merge_state(&mut self, group: u32, bytes: &[u8]) -> Result<()> {
        self.inner.merge_state(group, bytes)
    }

    fn memory_bytes(&self) -> usize {
        self.inner.memory_bytes()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
