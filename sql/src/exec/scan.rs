//! Scans: morsels of a source, filtered step by step, columns read when rows are left to read.
//!
//! Invariant: a column that only the output needs is read for surviving rows only.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::hooks::Condition;
use roost_engine::kernels::{filter, take};
use roost_engine::types::DataType;

use super::batch::Batch;
use super::context::{ExecContext, Progress};
use super::operator::{Cursor, Operator, Tickets};
use super::pushed::{KeyFilter, Pushed, Threshold};
use crate::eval::Evaluator;
use crate::expr::{ColumnId, Expr};
use crate::optimize;
use crate::plan::{Morsel, Scan, SourceReader, SourceRequest};

/// Up to so many rows one worker reads alone: starting another costs more than it saves.
const SMALL_ROWS: usize = 32_768;

/// A source's morsels, the first of them taken already.
struct Morsels {
    reader: Arc<dyn SourceReader>,
    taken: VecDeque<Box<dyn Morsel>>,
}

impl Morsels {
    /// Takes the first, to learn whether there is work for more than one worker.
    fn open(reader: Arc<dyn SourceReader>) -> Result<(Self, bool)> {
        let (mut taken, mut rows) = (VecDeque::new(), 0);
        while rows <= SMALL_ROWS
            && let Some(morsel) = reader.next()?
        {
            rows += morsel.rows();
            taken.push_back(morsel);
        }
        let small = rows <= SMALL_ROWS || taken.len() < 2;
        Ok((Morsels { reader, taken }, small))
    }

    fn next(&mut self) -> Result<Option<Box<dyn Morsel>>> {
        match self.taken.pop_front() {
            Some(morsel) => Ok(Some(morsel)),
            None => self.reader.next(),
        }
    }
}

/// A scan of a source.
pub(crate) struct ScanOperator {
    morsels: Mutex<Morsels>,
    tickets: Tickets,
    progress: Arc<Progress>,
    steps: Vec<Step>,
    /// Places in the source's schema of the output columns.
    places: Vec<usize>,
    /// Types of the output columns.
    types: Vec<DataType>,
    /// Output columns that no step has read.
    rest: Vec<usize>,
    small: bool,
}

/// One part of the filter: columns it reads first, then what it asks of them.
struct Step {
    /// Output positions to read now.
    read: Vec<usize>,
    ask: Ask,
    /// Output positions whose values nobody looks at any more.
    done: Vec<usize>,
}

/// What rows must fulfil to be read further.
enum Ask {
    /// Over all output positions read so far, in the order of reading.
    Predicate(Evaluator),
    /// The column at this place among those read is a key that a join's other side has.
    Key(usize, Arc<KeyFilter>),
    /// It is good enough for the first rows of an order.
    Top(usize, Arc<Threshold>),
}

impl Ask {
    fn select(&self, have: &[(usize, Column)], rows: usize) -> Result<Option<Vec<u32>>> {
        match self {
            Ask::Predicate(predicate) => {
                let columns: Vec<Column> = have.iter().map(|(_, c)| c.clone()).collect();
                filter::selection(&predicate.evaluate_one(&columns, rows)?)
            }
            Ask::Key(place, keys) => keys.select(&have[*place].1),
            Ask::Top(place, threshold) => Ok(threshold.select(&have[*place].1)),
        }
    }
}

impl ScanOperator {
    pub(crate) fn new(
        scan: &Scan,
        pushed: &Pushed,
        tickets: Tickets,
        ctx: &ExecContext,
    ) -> Result<Self> {
        let places: Vec<usize> = scan.columns.iter().map(|c| c.1).collect();
        let fields = &scan.source.schema().fields;
        let mut conditions = source_conditions(scan);
        let keys = pushed.keys.iter();
        conditions.extend(keys.filter_map(|(id, keys)| {
            let column = scan.columns.iter().find(|c| c.0 == *id)?;
            Some(Condition {
                column: scan.source.schema().fields.get(column.1)?.name.clone(),
                ranges: keys.ranges.clone(),
            })
        }));
        let request = SourceRequest {
            columns: places.clone(),
            conditions,
            limit: scan.limit,
        };
        let (steps, rest) = plan_steps(scan, pushed, ctx)?;
        let (morsels, small) = Morsels::open(scan.source.open(&request)?)?;
        Ok(ScanOperator {
            small,
            morsels: Mutex::new(morsels),
            tickets,
            progress: Arc::clone(&ctx.progress),
            steps,
            types: places.iter().map(|p| fields[*p].ty.clone()).collect(),
            places,
            rest,
        })
    }

    fn take(&self) -> Result<Option<(u64, Box<dyn Morsel>)>> {
        let mut morsels = self.morsels.lock();
        let morsel = morsels.next()?;
        Ok(morsel.map(|m| (self.tickets.next(), m)))
    }
}

/// What the filter says about columns of the source.
fn source_conditions(scan: &Scan) -> Vec<Condition> {
    let fields = &scan.source.schema().fields;
    let name = |id: ColumnId| {
        let column = scan.columns.iter().find(|c| c.0 == id)?;
        Some(fields.get(column.1)?.name.clone())
    };
    let filter = scan.filter.as_ref();
    filter.map_or_else(Vec::new, |f| optimize::conditions(f, &name))
}

/// The conjuncts of a filter, cheap ones first.
fn conjuncts(filter: &Expr) -> Vec<Expr> {
    fn split(expr: &Expr, out: &mut Vec<Expr>) {
        match expr.as_call() {
            Some(("and", args)) => args.iter().for_each(|a| split(a, out)),
            _ => out.push(expr.clone()),
        }
    }
    let mut all = Vec::new();
    split(filter, &mut all);
    // Only reorder what cannot notice: a later conjunct may rely on an earlier one.
    if all.iter().all(is_simple) {
        all.sort_by_key(cost);
    }
    all
}

fn is_simple(expr: &Expr) -> bool {
    let mut simple = true;
    expr.walk(&mut |e| match e {
        Expr::Call(call) => {
            simple &= matches!(
                call.function.name,
                "equals"
                    | "notEquals"
                    | "less"
                    | "greater"
                    | "lessOrEquals"
                    | "greaterOrEquals"
                    | "like"
                    | "notLike"
                    | "ilike"
                    | "startsWith"
                    | "endsWith"
                    | "position"
                    | "isNull"
                    | "isNotNull"
                    | "not"
                    | "or"
                    | "match"
                    | "empty"
                    | "notEmpty"
                    | "and"
                    | "has"
                    | "bitAnd"
                    | "plus"
                    | "minus"
            );
        }
        Expr::Lambda(_) => simple = false,
        _ => {}
    });
    simple
}

fn cost(expr: &Expr) -> u32 {
    let mut cost = 0;
    expr.walk(&mut |e| {
        cost += match e {
            Expr::Column(_, ty) => match ty.value_type().physical() {
                roost_engine::types::Physical::Bytes => 4,
                roost_engine::types::Physical::Array(_) => 8,
                _ => 1,
            },
            Expr::Call(call) => match call.function.name {
                "like" | "notLike" | "ilike" | "match" | "position" => 10,
                _ => 0,
            },
            Expr::In(_) => 2,
            _ => 0,
        };
    });
    cost
}

fn plan_steps(scan: &Scan, pushed: &Pushed, ctx: &ExecContext) -> Result<(Vec<Step>, Vec<usize>)> {
    let position = |id: &ColumnId| scan.columns.iter().position(|c| c.0 == *id);
    let mut have: Vec<usize> = Vec::new();
    let mut steps: Vec<(Vec<usize>, Vec<Expr>)> = Vec::new();
    // What is not good enough for a top-N is found out before the filter where that is cheap: a
    // number against a bound. Rows are then dropped without anyone knowing what the filter says.
    let early = pushed.top.as_ref().and_then(|(id, threshold)| {
        let place = position(id).filter(|_| !ctx.counts_before_limit && scan.filter.is_some())?;
        let field = scan.source.schema().fields.get(scan.columns[place].1)?;
        let number = field.ty.is_integer() || field.ty.is_date() || field.ty.is_date_time();
        number.then(|| (place, Arc::clone(threshold)))
    });
    let mut out = Vec::new();
    let mut ids: Vec<ColumnId> = Vec::new();
    if let Some((place, threshold)) = early {
        have.push(place);
        ids.push(scan.columns[place].0);
        let (read, ask) = (vec![place], Ask::Top(0, threshold));
        let done = Vec::new();
        out.push(Step { read, ask, done });
    }
    for conjunct in scan.filter.iter().flat_map(conjuncts) {
        let used = conjunct.columns();
        let needed = used.iter().filter_map(position);
        let fresh: Vec<usize> = needed.filter(|p| !have.contains(p)).collect();
        have.extend(&fresh);
        match steps.last_mut() {
            Some((_, exprs)) if fresh.is_empty() => exprs.push(conjunct),
            _ => steps.push((fresh, vec![conjunct])),
        }
    }
    for (read, exprs) in steps {
        ids.extend(read.iter().map(|p| scan.columns[*p].0));
        let mut read = Some(read);
        for expr in exprs {
            let used = expr.columns();
            out.push(Step {
                read: read.take().unwrap_or_default(),
                ask: Ask::Predicate(Evaluator::new(&[expr], &ids)?),
                done: used.iter().filter_map(position).collect(),
            });
        }
    }
    let rows = scan.source.rows_at_most().unwrap_or(u64::MAX);
    let selective = |keys: &Arc<KeyFilter>| (keys.len() as u64) < rows / 4;
    let keys = pushed.keys.iter().filter(|(_, keys)| selective(keys));
    let keys = keys.map(|(id, keys)| (id, Some(keys)));
    for (id, keys) in keys.chain(pushed.top.iter().map(|(id, _)| (id, None))) {
        let Some(column) = position(id) else {
            continue;
        };
        let known = have.iter().position(|p| *p == column);
        let place = known.unwrap_or(have.len());
        if known.is_none() {
            have.push(column);
        }
        out.push(Step {
            read: if known.is_none() {
                vec![column]
            } else {
                Vec::new()
            },
            ask: match (keys, &pushed.top) {
                (Some(keys), _) => Ask::Key(place, Arc::clone(keys)),
                (None, Some((_, threshold))) => Ask::Top(place, Arc::clone(threshold)),
                (None, None) => continue,
            },
            done: Vec::new(),
        });
    }
    // A column is done with the last step that looks at it, unless rows keep it.
    let mut later: Vec<usize> = Vec::new();
    for step in out.iter_mut().rev() {
        let looked_at = std::mem::take(&mut step.done);
        let last = looked_at.iter().filter(|p| !later.contains(p)).copied();
        let only = |p: &usize| scan.filter_only.contains(&scan.columns[*p].0);
        step.done = last.filter(only).collect();
        later.extend(looked_at);
    }
    let rest = (0..scan.columns.len()).filter(|p| !have.contains(p));
    Ok((out, rest.collect()))
}

impl Operator for ScanOperator {
    fn cursor(&self) -> Result<Box<dyn Cursor + '_>> {
        Ok(Box::new(ScanCursor { scan: self }))
    }

    fn is_small(&self) -> bool {
        self.small
    }
}

struct ScanCursor<'a> {
    scan: &'a ScanOperator,
}

impl Cursor for ScanCursor<'_> {
    fn next(&mut self) -> Result<Option<Batch>> {
        let Some((ticket, mut morsel)) = self.scan.take()? else {
            return Ok(None);
        };
        let mut batch = self.scan.read(morsel.as_mut())?;
        batch.ticket = ticket;
        Ok(Some(batch))
    }
}

impl ScanOperator {
    fn read(&self, morsel: &mut dyn Morsel) -> Result<Batch> {
        let all = morsel.rows();
        let mut bytes = 0;
        let mut selection: Option<Vec<u32>> = None;
        let mut have: Vec<(usize, Column)> = Vec::with_capacity(self.places.len());
        let mut fetch = |positions: &[usize], selection: Option<&[u32]>| -> Result<Vec<Column>> {
            if positions.is_empty() {
                return Ok(Vec::new());
            }
            let places: Vec<usize> = positions.iter().map(|p| self.places[*p]).collect();
            let columns = morsel.read(&places, selection)?;
            bytes += columns.iter().map(Column::memory_bytes).sum::<usize>();
            Ok(columns)
        };
        let mut rows = all;
        for step in &self.steps {
            let fresh = fetch(&step.read, selection.as_deref())?;
            have.extend(step.read.iter().copied().zip(fresh));
            if let Some(kept) = step.ask.select(&have, rows)? {
                for (position, column) in &mut have {
                    *column = match step.done.contains(position) {
                        true => Column::defaults(&self.types[*position], kept.len()),
                        false => take::take(column, &kept),
                    };
                }
                rows = kept.len();
                selection = Some(match selection {
                    Some(outer) => kept.iter().map(|k| outer[*k as usize]).collect(),
                    None => kept,
                });
            }
            if rows == 0 {
                break;
            }
        }
        if rows > 0 {
            let fresh = fetch(&self.rest, selection.as_deref())?;
            have.extend(self.rest.iter().copied().zip(fresh));
        }
        self.progress.add(all as u64, bytes as u64);
        if rows == 0 {
            return Ok(Batch::new(Vec::new(), 0));
        }
        have.sort_by_key(|(position, _)| *position);
        Ok(Batch::new(have.into_iter().map(|(_, c)| c).collect(), rows))
    }
}
