//! The held side of a join: its rows, and which of them have which key.
//!
//! Invariant: `members[starts[g]..starts[g + 1]]` are the rows of key `g`, ascending (for ASOF: by
//! the inequality's value); rows with NULL in a key are in none.

use std::sync::atomic::{AtomicBool, Ordering};

use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::kernels::concat;
use roost_engine::types::DataType;

use super::{Mode, asof, to_nullable};
use crate::eval::Evaluator;
use crate::eval::groups::{Groups, NO_GROUP};
use crate::eval::set::{plain_type, strip_nulls};
use crate::exec::context::ExecContext;
use crate::exec::gather;
use crate::exec::memory::Reservation;
use crate::exec::operator::Stream;
use crate::expr::Expr;
use crate::plan::Join;

pub(super) struct BuildSide {
    /// Columns as they come out; an enum's has one more row, its default.
    pub(super) columns: Vec<Column>,
    pub(super) rows: usize,
    pub(super) groups: Groups,
    starts: Vec<u32>,
    members: Vec<u32>,
    /// Values of the inequality of ASOF.
    pub(super) nearest: Option<Column>,
    /// Rows that found a partner, when somebody asks later.
    found: Vec<AtomicBool>,
    /// Keys that have found theirs.
    used: Vec<AtomicBool>,
    _memory: Vec<Reservation>,
}

/// The key expressions of one side.
pub(super) fn keys(join: &Join, of_left: bool) -> Vec<Expr> {
    let pairs = join.on.iter();
    pairs
        .map(|(l, r)| if of_left { l.clone() } else { r.clone() })
        .collect()
}

fn flags(n: usize) -> Vec<AtomicBool> {
    std::iter::repeat_with(|| AtomicBool::new(false))
        .take(n)
        .collect()
}

impl BuildSide {
    pub(super) fn new(
        join: &Join,
        mode: Mode,
        input: &Stream,
        types: &[DataType],
        ctx: &ExecContext,
    ) -> Result<Self> {
        let (mut columns, rows, mut memory) = gather::gather(input, types, ctx)?;
        let exprs = keys(join, mode.swapped);
        let key_columns = Evaluator::new(&exprs, &input.ids)?.evaluate(&columns, rows)?;
        let nearest = match &join.asof {
            Some((left, right, _)) => {
                let expr = if mode.swapped { left } else { right };
                let evaluator = Evaluator::new(std::slice::from_ref(expr), &input.ids)?;
                Some(evaluator.evaluate_one(&columns, rows)?)
            }
            None => None,
        };
        let key_types: Vec<DataType> = exprs.iter().map(|e| plain_type(e.ty())).collect();
        let mut groups = Groups::new(&key_types);
        let mut ids = Vec::with_capacity(rows);
        let (values, nulls) = strip_nulls(&key_columns, rows);
        groups.assign(&values, rows, &mut ids)?;
        let mut skip = |row: usize| ids[row] = NO_GROUP;
        if let Some(nulls) = nulls {
            (0..rows).filter(|r| nulls[*r] != 0).for_each(&mut skip);
        }
        if let Some(nearest) = &nearest {
            (0..rows)
                .filter(|r| nearest.is_null(*r))
                .for_each(&mut skip);
        }
        let (starts, mut members) = by_group(&ids, groups.len());
        if let Some(nearest) = &nearest {
            asof::sort_members(nearest, &starts, &mut members);
        }
        for ((column, id), ty) in columns.iter_mut().zip(&input.ids).zip(types) {
            let wanted = join.nullable_outputs.iter().find(|(_, old, _)| old == id);
            if wanted.is_some_and(|(_, _, ty)| ty.is_nullable()) {
                *column = to_nullable(column)?;
            } else if ty.is_enum() {
                // Only an enum's default differs from what a missing row gives anyway.
                *column = concat::concat(&[column, &Column::defaults(ty, 1)], ty)?;
            }
        }
        let mut tables = Reservation::empty(&ctx.memory);
        tables.add(groups.memory_bytes() + (starts.len() + members.len()) * 4 + rows)?;
        memory.push(tables);
        Ok(BuildSide {
            columns,
            rows,
            found: flags(if mode.keep_build { rows } else { 0 }),
            used: flags(groups.len()),
            groups,
            starts,
            members,
            nearest,
            _memory: memory,
        })
    }

    /// The rows of a key.
    #[inline]
    pub(super) fn members(&self, group: u32) -> &[u32] {
        match group {
            NO_GROUP => &[],
            g => {
                &self.members
                    [self.starts[g as usize] as usize..self.starts[g as usize + 1] as usize]
            }
        }
    }

    /// Whether this is the first time that the key is used.
    pub(super) fn first_use(&self, group: u32) -> bool {
        !self.used[group as usize].swap(true, Ordering::Relaxed)
    }

    /// Remembers that rows have found a partner.
    pub(super) fn mark(&self, rows: &[u32]) {
        if self.found.is_empty() {
            return;
        }
        for row in rows {
            if let Some(found) = self.found.get(*row as usize) {
                found.store(true, Ordering::Relaxed);
            }
        }
    }

    /// Rows that have found none.
    pub(super) fn lonely(&self) -> Vec<u32> {
        let rows = 0..self.found.len() as u32;
        rows.filter(|r| !self.found[*r as usize].load(Ordering::Relaxed))
            .collect()
    }
}

fn by_group(ids: &[u32], groups: usize) -> (Vec<u32>, Vec<u32>) {
    let mut starts = vec![0u32; groups + 1];
    for &id in ids.iter().filter(|id| **id != NO_GROUP) {
        starts[id as usize + 1] += 1;
    }
    for g in 0..groups {
        starts[g + 1] += starts[g];
    }
    let mut next = starts.clone();
    let mut members = vec![0u32; starts[groups] as usize];
    for (row, &id) in ids.iter().enumerate() {
        if id != NO_GROUP {
            let place = &mut next[id as usize];
            members[*place as usize] = row as u32;
            *place += 1;
        }
    }
    (starts, members)
}
