//! The streaming side of a join: each batch looks its keys up and comes out as pairs.
//!
//! Invariant: a batch's pairs come out in chunks of bounded size, the last one with the batch's own
//! `more`.

use std::sync::Arc;

use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::kernels::filter;
use roost_engine::kernels::take::{self, NO_ROW};
use roost_engine::types::DataType;

use super::asof::Nearest;
use super::build::{self, BuildSide};
use super::tail::{Busy, Tail};
use super::{Matches, Mode, to_nullable};
use crate::eval::Evaluator;
use crate::eval::groups::NO_GROUP;
use crate::eval::set::strip_nulls;
use crate::exec::batch::Batch;
use crate::exec::held::BATCH_ROWS;
use crate::exec::operator::{Cursor, Operator, Stream, Tickets};
use crate::expr::ColumnId;
use crate::plan::Join;

pub(super) struct JoinOperator {
    probe: Arc<dyn Operator>,
    build: BuildSide,
    mode: Mode,
    keys: Evaluator,
    nearest: Option<(Evaluator, Nearest)>,
    /// Over the input's columns, left then right, before any becomes Nullable.
    residual: Option<Evaluator>,
    /// Probe columns that come out Nullable.
    probe_nullable: Vec<bool>,
    probe_types: Vec<DataType>,
    tail: Tail,
    tickets: Tickets,
}

impl JoinOperator {
    pub(super) fn new(
        join: &Join,
        mode: Mode,
        build: BuildSide,
        probe: Stream,
        held_ids: &[ColumnId],
        tickets: Tickets,
    ) -> Result<Self> {
        let outer = |id: &ColumnId| join.nullable_outputs.iter().find(|(_, old, _)| old == id);
        let side = if mode.swapped {
            &join.right
        } else {
            &join.left
        };
        let inputs = side.outputs();
        let probe_types = inputs.iter().map(|c| match outer(&c.id) {
            Some((_, _, ty)) => ty.clone(),
            None => c.ty.clone(),
        });
        let probe_nullable = inputs
            .iter()
            .map(|c| outer(&c.id).is_some_and(|(_, _, ty)| ty.is_nullable()));
        let pair_ids: Vec<ColumnId> = match mode.swapped {
            true => held_ids.iter().chain(&probe.ids).copied().collect(),
            false => probe.ids.iter().chain(held_ids).copied().collect(),
        };
        let residual = join.residual.as_ref();
        let residual = residual.map(|r| Evaluator::new(std::slice::from_ref(r), &pair_ids));
        let nearest = match &join.asof {
            Some((left, right, op)) => {
                let expr = if mode.swapped { right } else { left };
                let evaluator = Evaluator::new(std::slice::from_ref(expr), &probe.ids)?;
                Some((evaluator, Nearest::of(op, mode.swapped)?))
            }
            None => None,
        };
        Ok(JoinOperator {
            keys: Evaluator::new(&build::keys(join, !mode.swapped), &probe.ids)?,
            probe: probe.operator,
            build,
            mode,
            nearest,
            residual: residual.transpose()?,
            probe_nullable: probe_nullable.collect(),
            probe_types: probe_types.collect(),
            tail: Tail::default(),
            tickets,
        })
    }

    /// The key's number of each probe row.
    fn look_up(&self, batch: &Batch) -> Result<Vec<u32>> {
        let keys = self.keys.evaluate(&batch.columns, batch.rows)?;
        let (values, nulls) = strip_nulls(&keys, batch.rows);
        let mut ids = Vec::with_capacity(batch.rows);
        self.build.groups.find(&values, batch.rows, &mut ids)?;
        if let Some(nulls) = nulls {
            let with_null = ids.iter_mut().zip(nulls).filter(|(_, n)| *n != 0);
            with_null.for_each(|(id, _)| *id = NO_GROUP);
        }
        Ok(ids)
    }

    /// Columns of pairs in the order of the join's outputs.
    fn pairs(&self, probe: &[Column], rows: &Pairs, input_types: bool) -> Result<Vec<Column>> {
        let left = probe.iter().enumerate().map(|(i, column)| {
            let column = match rows.is_whole(column.len()) {
                true => column.clone(),
                false => take::take(column, &rows.probe),
            };
            match self.probe_nullable[i] && !input_types {
                true => to_nullable(&column),
                false => Ok(column),
            }
        });
        let left = left.collect::<Result<Vec<_>>>()?;
        let right = self.build.columns.iter().map(|column| {
            if column.len() == self.build.rows {
                return take::take_or_default(column, &rows.build);
            }
            let default = self.build.rows as u32;
            let place = |r: &u32| if *r == NO_ROW { default } else { *r };
            take::take(column, &rows.build.iter().map(place).collect::<Vec<_>>())
        });
        Ok(self.in_order(left, right.collect()))
    }

    fn in_order(&self, mut probe: Vec<Column>, mut held: Vec<Column>) -> Vec<Column> {
        if self.mode.swapped {
            held.append(&mut probe);
            return held;
        }
        probe.append(&mut held);
        probe
    }

    /// Held rows without a partner.
    fn lonely(&self, rows: &[u32]) -> Batch {
        let probe = self.probe_types.iter();
        let probe = probe.map(|ty| Column::defaults(ty, rows.len())).collect();
        let held = self.build.columns.iter().map(|c| take::take(c, rows));
        let mut batch = Batch::new(self.in_order(probe, held.collect()), rows.len());
        batch.ticket = self.tickets.next();
        batch
    }
}

impl Operator for JoinOperator {
    fn cursor(&self) -> Result<Box<dyn Cursor + '_>> {
        Ok(Box::new(JoinCursor {
            join: self,
            input: self.probe.cursor()?,
            current: None,
            busy: None,
            exhausted: false,
        }))
    }

    fn is_small(&self) -> bool {
        self.probe.is_small() && self.build.rows <= BATCH_ROWS
    }
}

/// Rows of both sides side by side.
#[derive(Default)]
struct Pairs {
    probe: Vec<u32>,
    build: Vec<u32>,
}

impl Pairs {
    fn push(&mut self, probe: usize, build: u32) {
        self.probe.push(probe as u32);
        self.build.push(build);
    }

    /// Whether every probe row stands there once, in order.
    fn is_whole(&self, rows: usize) -> bool {
        self.probe.len() == rows
            && self.probe.first() == Some(&0)
            && self.probe.windows(2).all(|w| w[0] + 1 == w[1])
    }
}

/// A batch on its way through.
struct Current {
    batch: Batch,
    ids: Vec<u32>,
    nearest: Option<Column>,
    /// The next probe row, and the next of its partners.
    row: usize,
    member: usize,
    /// With a residual: rows that have found a partner.
    found: Vec<bool>,
}

struct JoinCursor<'a> {
    join: &'a JoinOperator,
    input: Box<dyn Cursor + 'a>,
    current: Option<Current>,
    busy: Option<Busy<'a>>,
    exhausted: bool,
}

impl Cursor for JoinCursor<'_> {
    fn next(&mut self) -> Result<Option<Batch>> {
        if let Some(current) = &mut self.current {
            let out = current.step(self.join)?;
            if current.row >= current.batch.rows {
                self.current = None;
            }
            return Ok(Some(out));
        }
        if self.exhausted {
            return self.tail();
        }
        if self.join.mode.keep_build && self.busy.is_none() {
            self.busy = Some(self.join.tail.enter());
        }
        match self.input.next()? {
            None => {
                self.exhausted = true;
                self.busy = None;
                self.tail()
            }
            Some(batch) if batch.rows == 0 => Ok(Some(batch)),
            Some(batch) => {
                self.current = Some(Current::new(self.join, batch)?);
                self.next()
            }
        }
    }
}

impl JoinCursor<'_> {
    fn tail(&mut self) -> Result<Option<Batch>> {
        if !self.join.mode.keep_build {
            return Ok(None);
        }
        let build = &self.join.build;
        let rows = self.join.tail.take(BATCH_ROWS, || build.lonely());
        Ok((!rows.is_empty()).then(|| self.join.lonely(&rows)))
    }
}

impl Current {
    fn new(join: &JoinOperator, batch: Batch) -> Result<Self> {
        let nearest = match &join.nearest {
            Some((expr, _)) => Some(expr.evaluate_one(&batch.columns, batch.rows)?),
            None => None,
        };
        Ok(Current {
            ids: join.look_up(&batch)?,
            nearest,
            row: 0,
            member: 0,
            found: match join.residual {
                Some(_) => vec![false; batch.rows],
                None => Vec::new(),
            },
            batch,
        })
    }

    /// The next chunk of pairs.
    fn step(&mut self, join: &JoinOperator) -> Result<Batch> {
        let pairs = match &join.residual {
            None => self.plain(join),
            Some(residual) => self.filtered(join, residual)?,
        };
        join.build.mark(&pairs.build);
        let rows = pairs.probe.len();
        let columns = match rows {
            0 => Vec::new(),
            _ => join.pairs(&self.batch.columns, &pairs, false)?,
        };
        let mut out = self.batch.with(columns, rows);
        out.more = self.batch.more || self.row < self.batch.rows;
        Ok(out)
    }

    fn plain(&mut self, join: &JoinOperator) -> Pairs {
        let mode = join.mode;
        let mut pairs = Pairs::default();
        if mode.matches == Matches::All {
            self.expand(join, &mut pairs, mode.keep_probe);
            return pairs;
        }
        for (row, &id) in self.ids.iter().enumerate() {
            let partner = match mode.matches {
                Matches::OncePerKey => {
                    let members = join.build.members(id);
                    members
                        .first()
                        .filter(|_| join.build.first_use(id))
                        .copied()
                }
                Matches::Nearest => self.nearest(join, id, row),
                _ => join.build.members(id).first().copied(),
            };
            match (partner, mode.matches) {
                (Some(_), Matches::Anti) => {}
                (Some(partner), _) => pairs.push(row, partner),
                (None, _) if mode.keep_probe => pairs.push(row, NO_ROW),
                (None, _) => {}
            }
        }
        self.row = self.batch.rows;
        pairs
    }

    fn nearest(&self, join: &JoinOperator, id: u32, row: usize) -> Option<u32> {
        let (_, nearest) = join.nearest.as_ref()?;
        let (held, probe) = (join.build.nearest.as_ref()?, self.nearest.as_ref()?);
        if probe.is_null(row) {
            return None;
        }
        nearest.find(join.build.members(id), held, probe, row)
    }

    /// All partners of the next rows, up to a chunk.
    fn expand(&mut self, join: &JoinOperator, pairs: &mut Pairs, keep_probe: bool) {
        while self.row < self.batch.rows {
            let members = join.build.members(self.ids[self.row]);
            if members.is_empty() && keep_probe {
                pairs.push(self.row, NO_ROW);
            }
            let room = BATCH_ROWS.saturating_sub(pairs.probe.len());
            let some = &members[self.member..];
            let some = &some[..some.len().min(room)];
            pairs.build.extend_from_slice(some);
            pairs.probe.resize(pairs.build.len(), self.row as u32);
            self.member += some.len();
            if self.member < members.len() {
                return;
            }
            self.row += 1;
            self.member = 0;
        }
    }

    /// Partners that fulfil the residual; rows without one come with the last chunk.
    fn filtered(&mut self, join: &JoinOperator, residual: &Evaluator) -> Result<Pairs> {
        let mode = join.mode;
        let mut pairs = Pairs::default();
        match mode.matches {
            Matches::Nearest => {
                for (row, &id) in self.ids.iter().enumerate() {
                    if let Some(partner) = self.nearest(join, id, row) {
                        pairs.push(row, partner);
                    }
                }
                self.row = self.batch.rows;
            }
            _ => self.expand(join, &mut pairs, false),
        }
        let kept = match pairs.probe.is_empty() {
            true => None,
            false => {
                let columns = join.pairs(&self.batch.columns, &pairs, true)?;
                let mask = residual.evaluate_one(&columns, pairs.probe.len())?;
                filter::selection(&mask)?
            }
        };
        if let Some(kept) = kept {
            pairs.probe = kept.iter().map(|k| pairs.probe[*k as usize]).collect();
            pairs.build = kept.iter().map(|k| pairs.build[*k as usize]).collect();
        }
        let mut out = Pairs::default();
        for (row, partner) in pairs.probe.into_iter().zip(pairs.build) {
            let first = !std::mem::replace(&mut self.found[row as usize], true);
            let counts = match mode.matches {
                Matches::All | Matches::Nearest => true,
                Matches::First => first,
                Matches::OncePerKey => first && join.build.first_use(self.ids[row as usize]),
                Matches::Anti => false,
            };
            if counts {
                out.push(row as usize, partner);
            }
        }
        if self.row >= self.batch.rows && mode.keep_probe {
            let lonely = self.found.iter().enumerate().filter(|(_, found)| !**found);
            lonely.for_each(|(row, _)| out.push(row, NO_ROW));
        }
        Ok(out)
    }
}
