//! One worker's groups and states.
//!
//! Invariant: every state knows at least as many groups as there are.

use roost_engine::column::Column;
use roost_engine::error::{Error, Result};
use roost_engine::kernels::mask::Mask;
use roost_engine::kernels::take;
use roost_engine::types::DataType;

use super::Shared;
use super::few::grouped_rows;
use crate::eval::groups::{Groups, NO_GROUP};
use crate::exec::batch::Batch;
use crate::exec::context::ExecContext;
use crate::exec::memory::Reservation;
use crate::expr::AggregateCall;
use crate::functions::GroupedState;

/// Groups of all grouping sets.
pub(super) struct Local {
    pub(super) sets: Vec<LocalSet>,
    memory: Reservation,
    unmeasured_rows: usize,
}

/// Groups of one grouping set.
pub(super) struct LocalSet {
    pub(super) keys: Vec<usize>,
    pub(super) groups: Groups,
    pub(super) states: Vec<State>,
    ids: Vec<u32>,
}

/// What an aggregate gathers.
pub(super) enum State {
    /// The function's own states.
    Plain(Box<dyn GroupedState>),
    /// `agg(DISTINCT x)`: the distinct pairs of group and arguments.
    Distinct(Groups),
}

impl State {
    pub(super) fn new(call: &AggregateCall) -> State {
        if !call.distinct {
            return State::Plain(call.function.states());
        }
        let args = call.args.iter().map(|a| a.ty().clone());
        let types: Vec<DataType> = std::iter::once(DataType::UInt32).chain(args).collect();
        State::Distinct(Groups::new(&types))
    }

    pub(super) fn resize(&mut self, groups: usize) {
        if let State::Plain(state) = self {
            state.resize(groups);
        }
    }

    fn update(&mut self, args: &[Column], groups: &[u32]) -> Result<()> {
        match self {
            State::Plain(state) => state.update(args, groups),
            State::Distinct(seen) => insert(seen, Column::native(groups.to_vec()), args),
        }
    }

    fn update_one(&mut self, args: &[Column], rows: usize) -> Result<()> {
        match self {
            State::Plain(state) => state.update_one(args, rows, 0),
            State::Distinct(seen) => {
                let group = Column::defaults(&DataType::UInt32, rows);
                insert(seen, group, args)
            }
        }
    }

    fn update_masked(&mut self, args: &[Column], mask: &Mask) -> Result<()> {
        match self {
            State::Plain(state) => state.update_masked(args, mask, 0),
            State::Distinct(_) => Err(Error::bug("DISTINCT got rows with a mask")),
        }
    }

    fn memory_bytes(&self) -> usize {
        match self {
            State::Plain(state) => state.memory_bytes(),
            State::Distinct(seen) => seen.memory_bytes(),
        }
    }
}

/// Adds (group, arguments) to what was seen.
pub(super) fn insert(seen: &mut Groups, groups: Column, args: &[Column]) -> Result<()> {
    let rows = groups.len();
    let mut columns = Vec::with_capacity(1 + args.len());
    columns.push(groups);
    columns.extend_from_slice(args);
    seen.assign(&columns, rows, &mut Vec::new())
}

impl Local {
    pub(super) fn new(shared: &Shared<'_>, ctx: &ExecContext) -> Self {
        let sets = shared.sets.iter().enumerate().map(|(i, keys)| LocalSet {
            keys: keys.clone(),
            groups: Groups::new(&shared.key_types(i)),
            states: shared
                .plan
                .aggregates
                .iter()
                .map(|(_, call)| State::new(call))
                .collect(),
            ids: Vec::new(),
        });
        Local {
            sets: sets.collect(),
            memory: Reservation::empty(&ctx.memory),
            unmeasured_rows: 0,
        }
    }

    pub(super) fn update(&mut self, shared: &Shared<'_>, batch: &Batch) -> Result<()> {
        let inputs = shared.inputs.evaluate(&batch.columns, batch.rows)?;
        for set in &mut self.sets {
            match &batch.mask {
                Some(mask) => set.update_masked(shared, &inputs, mask)?,
                None => set.update(shared, &inputs, batch.rows)?,
            }
        }
        self.unmeasured_rows += batch.rows;
        let groups: usize = self.sets.iter().map(|s| s.groups.len()).sum();
        if self.unmeasured_rows > groups.max(8192) {
            self.measure()?;
        }
        Ok(())
    }

    /// No rows come any more.
    pub(super) fn end(&mut self, shared: &Shared<'_>) {
        if let (Some(few), Some(set)) = (&shared.few, self.sets.first_mut()) {
            set.groups = few.groups();
            set.states
                .iter_mut()
                .for_each(|s| s.resize(set.groups.len()));
        }
    }

    /// Brings the reservation up to date.
    pub(super) fn measure(&mut self) -> Result<()> {
        self.unmeasured_rows = 0;
        let of_set = |s: &LocalSet| {
            let states: usize = s.states.iter().map(State::memory_bytes).sum();
            states + s.groups.memory_bytes()
        };
        self.memory.set(self.sets.iter().map(of_set).sum())
    }
}

impl LocalSet {
    fn update(&mut self, shared: &Shared<'_>, inputs: &[Column], rows: usize) -> Result<()> {
        if self.keys.is_empty() {
            self.groups.assign(&[], rows.min(1), &mut self.ids)?;
            for (state, args) in self.states.iter_mut().zip(&shared.args) {
                state.resize(1);
                state.update_one(&inputs[args.clone()], rows)?;
            }
            return Ok(());
        }
        let picked: Vec<Column>;
        let n = shared.plan.keys.len();
        let keys = if self.keys.len() == n {
            &inputs[..n]
        } else {
            picked = self.keys.iter().map(|k| inputs[*k].clone()).collect();
            &picked
        };
        if let Some(few) = &shared.few {
            few.assign(keys, rows, &mut self.ids)?;
            return self.update_some(shared, &inputs[n..]);
        }
        self.groups.assign(keys, rows, &mut self.ids)?;
        for (state, args) in self.states.iter_mut().zip(&shared.args) {
            state.resize(self.groups.len());
            state.update(&inputs[args.clone()], &self.ids)?;
        }
        Ok(())
    }

    /// Rows of the only group, of which those in the mask count.
    fn update_masked(&mut self, shared: &Shared<'_>, inputs: &[Column], mask: &Mask) -> Result<()> {
        self.groups
            .assign(&[], mask.shown().min(1), &mut self.ids)?;
        for (state, args) in self.states.iter_mut().zip(&shared.args) {
            state.resize(1);
            state.update_masked(&inputs[args.clone()], mask)?;
        }
        Ok(())
    }

    /// Updates states with the rows that have a group; `args` are the aggregates' arguments.
    fn update_some(&mut self, shared: &Shared<'_>, args: &[Column]) -> Result<()> {
        let Some(most) = self.ids.iter().filter(|id| **id != NO_GROUP).max().copied() else {
            return Ok(());
        };
        let rows = grouped_rows(&self.ids);
        let (ids, args): (Vec<u32>, Vec<Column>) = match &rows {
            None => (self.ids.clone(), args.to_vec()),
            Some(rows) => (
                rows.iter().map(|row| self.ids[*row as usize]).collect(),
                args.iter().map(|a| take::take(a, rows)).collect(),
            ),
        };
        let keys = shared.plan.keys.len();
        for (state, own) in self.states.iter_mut().zip(&shared.args) {
            state.resize(most as usize + 1);
            state.update(&args[own.start - keys..own.end - keys], &ids)?;
        }
        Ok(())
    }

    /// Takes over the groups of another worker.
    pub(super) fn merge(&mut self, other: &LocalSet) -> Result<()> {
        let theirs = other.groups.len();
        if theirs == 0 {
            return Ok(());
        }
        let mut map = Vec::with_capacity(theirs);
        self.groups
            .assign(&other.groups.keys()?, theirs, &mut map)?;
        for (mine, theirs) in self.states.iter_mut().zip(&other.states) {
            mine.resize(self.groups.len());
            match (mine, theirs) {
                (State::Plain(mine), State::Plain(theirs)) => mine.merge(theirs.as_ref(), &map)?,
                (State::Distinct(mine), State::Distinct(theirs)) => {
                    let keys = theirs.keys()?;
                    if let Some((groups, args)) = keys.split_first() {
                        let groups = groups.to_flat();
                        let mapped = groups.slice_of::<u32>()?.iter().map(|g| map[*g as usize]);
                        insert(mine, Column::native(mapped.collect::<Vec<_>>()), args)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}
