//! The frame of functions that keep one Rust value per group in a flat vector.
//!
//! Invariant: a [`Fold`] only says how one state grows, merges, answers and is written; group
//! numbering, versions and memory are looked after here, once.

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

use roost_engine::column::Column;
use roost_engine::error::{Error, Result};
use roost_engine::kernels::mask::Mask;
use roost_engine::kernels::take::take;
use roost_engine::types::{DataType, Value};

use super::bytes::{Reader, VERSION};
use crate::functions::{Aggregate, GroupedState};

/// Which group each row of a block goes to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Groups<'a> {
    /// All rows to one group.
    One {
        /// The group.
        group: u32,
        /// Number of rows.
        rows: usize,
    },
    /// Row `i` to group `.0[i]`.
    Many(&'a [u32]),
}

impl Groups<'_> {
    /// Number of rows.
    pub(crate) fn rows(&self) -> usize {
        match self {
            Groups::One { rows, .. } => *rows,
            Groups::Many(groups) => groups.len(),
        }
    }

    /// Group of row `i`.
    #[inline]
    pub(crate) fn at(&self, row: usize) -> usize {
        match self {
            Groups::One { group, .. } => *group as usize,
            Groups::Many(groups) => groups[row] as usize,
        }
    }

    /// Group numbers of `rows` (in that order).
    pub(crate) fn of_rows(&self, rows: &[u32]) -> Vec<u32> {
        match self {
            Groups::One { group, .. } => vec![*group; rows.len()],
            Groups::Many(groups) => rows.iter().map(|&r| groups[r as usize]).collect(),
        }
    }

    /// Calls `f` with the state of each row's group and the row's value.
    #[inline]
    pub(crate) fn each<S, T: Copy>(
        self,
        states: &mut [S],
        values: &[T],
        mut f: impl FnMut(&mut S, T),
    ) {
        match self {
            Groups::One { group, .. } => {
                if let Some(state) = states.get_mut(group as usize) {
                    values.iter().for_each(|&v| f(state, v));
                }
            }
            Groups::Many(groups) => {
                for (&g, &v) in groups.iter().zip(values) {
                    f(&mut states[g as usize], v);
                }
            }
        }
    }
}

/// How a function's state of one group behaves.
pub(crate) trait Fold: Send + Sync + Debug + 'static {
    /// The state of one group; `default()` is the empty one.
    type State: Default + Clone + Send + Sync + 'static;

    /// Type of the answer.
    fn return_type(&self) -> DataType;
    /// Adds the rows of `args`.
    fn update(&self, states: &mut [Self::State], args: &[Column], groups: Groups<'_>)
    -> Result<()>;
    /// Whether [`Fold::update_masked`] adds anything.
    fn takes_masks(&self) -> bool {
        false
    }
    /// Adds those rows of `args` that stand in `mask`, or says that it cannot, for arguments in this
    /// representation.
    fn update_masked(
        &self,
        _state: &mut Self::State,
        _args: &[Column],
        _mask: &Mask,
    ) -> Result<bool> {
        Ok(false)
    }
    /// Adds what `from` has seen.
    fn merge(&self, into: &mut Self::State, from: &Self::State) -> Result<()>;
    /// The answers; states may be drained.
    fn finish(&self, states: &mut [Self::State]) -> Result<Column>;
    /// Appends the state.
    fn write(&self, state: &Self::State, out: &mut Vec<u8>);
    /// Reads what [`Fold::write`] wrote.
    fn read(&self, bytes: &mut Reader<'_>) -> Result<Self::State>;
    /// Bytes that a state holds outside of itself.
    fn heap_bytes(&self, _state: &Self::State) -> usize {
        0
    }
}

/// A [`Fold`] as an [`Aggregate`].
#[derive(Debug)]
pub(crate) struct Folded<F>(Arc<F>);

impl<F: Fold> Folded<F> {
    /// Wraps.
    pub(crate) fn aggregate(fold: F) -> Arc<dyn Aggregate> {
        Arc::new(Folded(Arc::new(fold)))
    }
}

impl<F: Fold> Aggregate for Folded<F> {
    fn return_type(&self) -> DataType {
        self.0.return_type()
    }

    fn states(&self) -> Box<dyn GroupedState> {
        Box::new(FoldStates {
            fold: Arc::clone(&self.0),
            states: Vec::new(),
        })
    }

    fn takes_masks(&self) -> bool {
        self.0.takes_masks()
    }
}

struct FoldStates<F: Fold> {
    fold: Arc<F>,
    states: Vec<F::State>,
}

impl<F: Fold> GroupedState for FoldStates<F> {
    fn resize(&mut self, groups: usize) {
        if groups > self.states.len() {
            self.states.resize_with(groups, Default::default);
        }
    }

    fn update(&mut self, args: &[Column], groups: &[u32]) -> Result<()> {
        self.fold
            .update(&mut self.states, args, Groups::Many(groups))
    }

    fn update_one(&mut self, args: &[Column], rows: usize, group: u32) -> Result<()> {
        let groups = Groups::One { group, rows };
        self.fold.update(&mut self.states, args, groups)
    }

    fn update_masked(&mut self, args: &[Column], mask: &Mask, group: u32) -> Result<()> {
        let state = &mut self.states[group as usize];
        if mask.shown() == 0 || self.fold.update_masked(state, args, mask)? {
            return Ok(());
        }
        let rows = mask.numbers(0);
        let args: Vec<Column> = args.iter().map(|a| take(a, &rows)).collect();
        self.update_one(&args, rows.len(), group)
    }

    fn merge(&mut self, other: &dyn GroupedState, map: &[u32]) -> Result<()> {
        let other = same::<Self>(other)?;
        for (from, &to) in other.states.iter().zip(map) {
            self.fold.merge(&mut self.states[to as usize], from)?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Column> {
        self.fold.finish(&mut self.states)
    }

    fn peek(&self, group: u32) -> Result<Value> {
        let mut one = [self.states[group as usize].clone()];
        Ok(self.fold.finish(&mut one)?.value(0))
    }

    fn write_state(&self, group: u32, out: &mut Vec<u8>) -> Result<()> {
        out.push(VERSION);
        self.fold.write(&self.states[group as usize], out);
        Ok(())
    }

    fn merge_state(&mut self, group: u32, bytes: &[u8]) -> Result<()> {
        let mut reader = Reader::state(bytes)?;
        let read = self.fold.read(&mut reader)?;
        reader.end()?;
        self.fold.merge(&mut self.states[group as usize], &read)
    }

    fn memory_bytes(&self) -> usize {
        let heap: usize = self.states.iter().map(|s| self.fold.heap_bytes(s)).sum();
        self.states.capacity() * size_of::<F::State>() + heap
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The other states as the same concrete type.
pub(crate) fn same<T: 'static>(other: &dyn GroupedState) -> Result<&T> {
    other
        .as_any()
        .downcast_ref::<T>()
        .ok_or_else(|| Error::bug("states of two different aggregate functions were merged"))
}
