//! Merging the workers' groups, and their answers.
//!
//! Invariant: totals add up exactly the groups that HAVING keeps.

use roost_engine::column::{Column, Flat};
use roost_engine::error::{Error, Result};
use roost_engine::kernels::{concat, filter};
use roost_engine::types::DataType;

use super::local::{Local, LocalSet, State, insert};
use super::{Aggregated, Shared};
use crate::eval::Evaluator;
use crate::eval::groups::Groups;
use crate::exec::batch::Batch;
use crate::exec::context::ExecContext;
use crate::exec::drive;
use crate::expr::{AggregateCall, ColumnId, Expr};
use crate::functions::GroupedState;

pub(super) fn finish(
    shared: &Shared<'_>,
    locals: Vec<Local>,
    having: Option<&Expr>,
    ctx: &ExecContext,
) -> Result<Aggregated> {
    let mut all = merge(locals, ctx)?;
    all.measure()?;
    if shared.plan.keys.is_empty() {
        for set in &mut all.sets {
            set.groups.assign(&[], 1, &mut Vec::new())?;
            set.states.iter_mut().for_each(|s| s.resize(1));
        }
    }
    let totals = match shared.plan.with_totals {
        true => Some(Totals::before(shared, &mut all)?),
        false => None,
    };
    let mut parts: Vec<(Vec<Column>, usize)> = Vec::new();
    for (number, set) in all.sets.into_iter().enumerate() {
        parts.push(set_columns(shared, number, set)?);
    }
    let rows = parts.iter().map(|p| p.1).sum();
    let types = output_types(shared);
    let columns = types.iter().enumerate().map(|(i, ty)| {
        let pieces: Vec<&Column> = parts.iter().map(|p| &p.0[i]).collect();
        concat::concat(&pieces, ty)
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    let totals = totals
        .map(|t| t.after(shared, having, &columns, rows))
        .transpose()?;
    Ok(Aggregated {
        columns,
        rows,
        totals,
    })
}

fn output_types(shared: &Shared<'_>) -> Vec<DataType> {
    let keys = shared.plan.keys.iter().map(|(_, e)| e.ty().clone());
    let calls = shared.plan.aggregates.iter();
    keys.chain(calls.map(|(_, c)| c.function.return_type()))
        .chain(shared.plan.set_number.map(|_| DataType::UInt32))
        .collect()
}

/// One worker's groups at the end: pairs are merged side by side until one is left.
fn merge(locals: Vec<Local>, ctx: &ExecContext) -> Result<Local> {
    let mut left = locals;
    // The larger of each pair takes the smaller in.
    left.sort_by_key(|l| std::cmp::Reverse(l.sets.iter().map(|s| s.groups.len()).sum::<usize>()));
    while left.len() > 1 {
        let half = left.len().div_ceil(2);
        let others = left.split_off(half);
        let mut others = others.into_iter();
        let pairs: Vec<_> = left
            .into_iter()
            .map(|l| parking_lot::Mutex::new(Some((l, others.next()))))
            .collect();
        left = drive::tasks(ctx, pairs.len(), |i| {
            ctx.check()?;
            let pair = pairs[i].lock().take();
            let (mut mine, other) = pair.ok_or_else(|| Error::bug("a pair was merged twice"))?;
            if let Some(other) = other {
                for (a, b) in mine.sets.iter_mut().zip(&other.sets) {
                    a.merge(b)?;
                }
            }
            Ok(mine)
        })?;
    }
    left.pop()
        .ok_or_else(|| Error::bug("an aggregation without workers"))
}

/// Keys (defaults for those that the set leaves out), then answers, then the set's number.
fn set_columns(shared: &Shared<'_>, number: usize, set: LocalSet) -> Result<(Vec<Column>, usize)> {
    let rows = set.groups.len();
    let mut own = set.groups.keys()?.into_iter();
    let mut columns: Vec<Column> = shared
        .plan
        .keys
        .iter()
        .map(|(_, e)| Column::defaults(e.ty(), rows))
        .collect();
    for key in &set.keys {
        columns[*key] = own.next().ok_or_else(|| Error::bug("a key is missing"))?;
    }
    for (state, (_, call)) in set.states.into_iter().zip(&shared.plan.aggregates) {
        let mut state = plain(state, call, rows)?;
        columns.push(state.finish()?);
    }
    if shared.plan.set_number.is_some() {
        columns.push(Column::native(vec![number as u32; rows]));
    }
    Ok((columns, rows))
}

/// The function's states; for DISTINCT they see each combination now.
fn plain(state: State, call: &AggregateCall, groups: usize) -> Result<Box<dyn GroupedState>> {
    match state {
        State::Plain(state) => Ok(state),
        State::Distinct(seen) => {
            let mut state = call.function.states();
            state.resize(groups);
            let keys = seen.keys()?;
            if let Some((ids, args)) = keys.split_first() {
                state.update(args, ids.to_flat().slice_of::<u32>()?)?;
            }
            Ok(state)
        }
    }
}

/// Copies of the states from before they were finished, for WITH TOTALS.
struct Totals {
    states: Vec<State>,
    groups: usize,
}

impl Totals {
    fn before(shared: &Shared<'_>, all: &mut Local) -> Result<Self> {
        let Some(set) = all.sets.first() else {
            return Err(Error::bug("an aggregation without groups"));
        };
        let groups = set.groups.len();
        let same: Vec<u32> = (0..groups as u32).collect();
        let copies = set.states.iter().zip(&shared.plan.aggregates);
        let copies = copies.map(|(state, (_, call))| match state {
            State::Plain(state) => {
                let mut copy = call.function.states();
                copy.resize(groups);
                copy.merge(state.as_ref(), &same)?;
                Ok(State::Plain(copy))
            }
            State::Distinct(seen) => Ok(State::Distinct(seen.clone())),
        });
        Ok(Totals {
            states: copies.collect::<Result<Vec<_>>>()?,
            groups,
        })
    }

    fn after(
        self,
        shared: &Shared<'_>,
        having: Option<&Expr>,
        columns: &[Column],
        rows: usize,
    ) -> Result<Batch> {
        // Group 0 collects what HAVING keeps, group 1 the rest.
        let mut map = vec![0u32; self.groups];
        if let Some(having) = having {
            let keys = shared.plan.keys.iter().map(|(id, _)| *id);
            let calls = shared.plan.aggregates.iter().map(|(id, _)| *id);
            let ids: Vec<ColumnId> = keys.chain(calls).chain(shared.plan.set_number).collect();
            let evaluator = Evaluator::new(std::slice::from_ref(having), &ids)?;
            let mask = evaluator.evaluate_one(columns, rows)?;
            if let Some(kept) = filter::selection(&mask)? {
                map.fill(1);
                kept.iter().for_each(|k| map[*k as usize] = 0);
            }
        }
        let keys = shared.plan.keys.iter();
        let mut row: Vec<Column> = keys.map(|(_, e)| Column::defaults(e.ty(), 1)).collect();
        for (state, (_, call)) in self.states.into_iter().zip(&shared.plan.aggregates) {
            let mut total = match state {
                State::Plain(state) => {
                    let mut total = call.function.states();
                    total.resize(2);
                    total.merge(state.as_ref(), &map)?;
                    total
                }
                State::Distinct(seen) => plain(mapped(&seen, &map, call)?, call, 2)?,
            };
            row.push(total.finish()?.slice(0, 1));
        }
        if shared.plan.set_number.is_some() {
            row.push(Column::native(vec![0_u32]));
        }
        Ok(Batch::new(row, 1))
    }
}

/// Distinct combinations with groups numbered anew.
fn mapped(seen: &Groups, map: &[u32], call: &AggregateCall) -> Result<State> {
    let mut state = State::new(call);
    let keys = seen.keys()?;
    if let (State::Distinct(out), Some((ids, args))) = (&mut state, keys.split_first()) {
        let ids = ids.to_flat();
        let ids = ids.slice_of::<u32>()?.iter().map(|g| map[*g as usize]);
        insert(
            out,
            Column::Flat(Flat::native(ids.collect::<Vec<u32>>())),
            args,
        )?;
    }
    Ok(state)
}
