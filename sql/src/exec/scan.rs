//! Scans: morsels of a source, filtered step by step, columns read when rows are left to read.
//!
//! Invariant: a column that only the output needs is read for surviving rows only.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use roost_engine::column::Column;
use roost_engine::error::{Error, Result};
use roost_engine::hooks::Condition;
use roost_engine::kernels::{filter, take};
use roost_engine::types::DataType;

use super::batch::Batch;
use super::context::{ExecContext, Progress};
use super::memory::Reservation;
use super::operator::{Cursor, Operator, Tickets};
use super::pushed::{KeyFilter, Pushed, Threshold, Top};
use crate::eval::Evaluator;
use crate::expr::{ColumnId, Expr};
use crate::optimize;
use crate::plan::{Morsel, Scan, SourceReader, SourceRequest, Standing, WantedOrder};

/// Up to so many rows one worker reads alone: starting another costs more than it saves.
const SMALL_ROWS: usize = 32_768;

/// Of a run of which more than one row in so many is shown all rows are read.
const DENSE: usize = 4;

/// A source's morsels, the first of them taken already.
struct Morsels {
    reader: Arc<dyn SourceReader>,
    taken: VecDeque<Box<dyn Morsel>>,
}

impl Morsels {
    /// Takes the first, to learn whether there is work for more than one worker.
    fn open(reader: Arc<dyn SourceReader>) -> Result<(Self, bool)> {
        let (mut taken, mut rows) = (VecDeque::new(), 0);
        while (rows <= SMALL_ROWS || taken.len() < 2)
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
    /// Whether only the filter looks at an output column.
    filter_only: Vec<bool>,
    /// Whether rows of morsels that are certain fulfil the filter.
    exact: bool,
    /// Whether rows may be handed on with others between them that do not count.
    masks: bool,
    /// The order whose first rows are wanted, and its first key's type.
    top: Option<(Top, DataType)>,
    small: bool,
    /// What the source holds meanwhile.
    _memory: Reservation,
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
    /// The column at this output position is a key that a join's other side has.
    Key(usize, Arc<KeyFilter>),
    /// It is good enough for the first rows of an order; and whether no step follows.
    Top(usize, Arc<Threshold>, bool),
}

impl Ask {
    fn select(&self, have: &[(usize, Column)], rows: usize) -> Result<Option<Vec<u32>>> {
        let column = |position: &usize| {
            let found = have.iter().find(|(own, _)| own == position);
            let found = found.map(|(_, column)| column);
            found.ok_or_else(|| Error::bug("a step of a scan asks for a column that was not read"))
        };
        match self {
            Ask::Predicate(predicate) => {
                let columns: Vec<Column> = have.iter().map(|(_, c)| c.clone()).collect();
                filter::selection(&predicate.evaluate_one(&columns, rows)?)
            }
            Ask::Key(position, keys) => keys.select(column(position)?),
            Ask::Top(position, threshold, last) => Ok(threshold.select(column(position)?, *last)),
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
            order: pushed.top.as_ref().and_then(|top| wanted_order(scan, top)),
        };
        let steps = plan_steps(scan, pushed, ctx)?;
        let only = scan.columns.iter();
        let only = only.map(|c| scan.filter_only.contains(&c.0));
        let reader = scan.source.open(&request)?;
        let mut memory = Reservation::empty(&ctx.memory);
        memory.add(scan.source.held_bytes())?;
        let (morsels, small) = Morsels::open(reader)?;
        Ok(ScanOperator {
            small,
            _memory: memory,
            morsels: Mutex::new(morsels),
            tickets,
            progress: Arc::clone(&ctx.progress),
            masks: pushed.masks && steps.is_empty(),
            steps,
            types: places.iter().map(|p| fields[*p].ty.clone()).collect(),
            filter_only: only.collect(),
            exact: scan.filter.as_ref().is_none_or(optimize::is_exact),
            top: top_of(scan, pushed),
            places,
        })
    }

    fn take(&self) -> Result<Option<(u64, Box<dyn Morsel>)>> {
        let mut morsels = self.morsels.lock();
        let morsel = morsels.next()?;
        let wanted = morsel.filter(|m| !self.is_behind(m.as_ref()));
        Ok(wanted.map(|m| (self.tickets.next(), m)))
    }

    /// Whether neither this morsel nor those behind it have one of the first rows.
    fn is_behind(&self, morsel: &dyn Morsel) -> bool {
        match (&self.top, morsel.best()) {
            (Some((top, ty)), Some(best)) => top.threshold.is_behind(best, ty),
            _ => false,
        }
    }
}

fn top_of(scan: &Scan, pushed: &Pushed) -> Option<(Top, DataType)> {
    let top = pushed.top.as_ref()?;
    let column = scan.columns.iter().find(|c| Some(c.0) == top.first())?;
    let field = scan.source.schema().fields.get(column.1)?;
    Some((top.clone(), field.ty.clone()))
}

/// The order in the source's own columns.
fn wanted_order(scan: &Scan, top: &Top) -> Option<WantedOrder> {
    let place = |id: ColumnId| scan.columns.iter().find(|c| c.0 == id).map(|c| c.1);
    let keys = top.keys.iter();
    let keys = keys.map_while(|(id, descends)| Some((place(*id)?, *descends)));
    let keys: Vec<(usize, bool)> = keys.collect();
    (!keys.is_empty()).then_some(WantedOrder {
        whole: top.whole && keys.len() == top.keys.len(),
        keys,
    })
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

fn plan_steps(scan: &Scan, pushed: &Pushed, ctx: &ExecContext) -> Result<Vec<Step>> {
    let position = |id: &ColumnId| scan.columns.iter().position(|c| c.0 == *id);
    let mut have: Vec<usize> = Vec::new();
    let mut steps: Vec<(Vec<usize>, Vec<Expr>)> = Vec::new();
    // What is not good enough for a top-N is found out before the filter where that is cheap: a
    // number against a bound. Rows are then dropped without anyone knowing what the filter says.
    let early = pushed.top.as_ref().and_then(|top| {
        let place = position(&top.first()?);
        let place = place.filter(|_| !ctx.counts_before_limit && scan.filter.is_some())?;
        let field = scan.source.schema().fields.get(scan.columns[place].1)?;
        let number = field.ty.is_integer() || field.ty.is_date() || field.ty.is_date_time();
        number.then(|| (place, Arc::clone(&top.threshold)))
    });
    let mut out = Vec::new();
    let mut ids: Vec<ColumnId> = Vec::new();
    if let Some((place, threshold)) = early {
        have.push(place);
        ids.push(scan.columns[place].0);
        let (read, ask) = (vec![place], Ask::Top(place, threshold, false));
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
    let keys = keys.map(|(id, keys)| (*id, Some(keys)));
    let first = pushed.top.as_ref().and_then(Top::first);
    for (id, keys) in keys.chain(first.map(|id| (id, None))) {
        let Some(column) = position(&id) else {
            continue;
        };
        let known = have.contains(&column);
        if !known {
            have.push(column);
        }
        out.push(Step {
            read: match known {
                true => Vec::new(),
                false => vec![column],
            },
            ask: match (keys, &pushed.top) {
                (Some(keys), _) => Ask::Key(column, Arc::clone(keys)),
                (None, Some(top)) => Ask::Top(column, Arc::clone(&top.threshold), true),
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
    Ok(out)
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

impl Step {
    /// Output positions that must be there.
    fn reads(&self) -> impl Iterator<Item = usize> + '_ {
        let asked = match &self.ask {
            Ask::Key(position, _) | Ask::Top(position, ..) => Some(*position),
            Ask::Predicate(_) => None,
        };
        let asked = asked.filter(|p| !self.read.contains(p));
        self.read.iter().copied().chain(asked)
    }
}

impl ScanOperator {
    fn read(&self, morsel: &mut dyn Morsel) -> Result<Batch> {
        if let Some(batch) = self.read_unmasked(morsel)? {
            return Ok(batch);
        }
        let all = morsel.rows();
        let certain = self.exact && morsel.is_certain();
        let standing = self.top.as_ref().and_then(|_| morsel.standing());
        let mut rows = Rows::new(self, morsel);
        for step in &self.steps {
            match &step.ask {
                Ask::Predicate(_) if certain => continue,
                Ask::Top(_, _, true) if standing.is_some() => continue,
                _ => {}
            }
            rows.fetch(step.reads())?;
            if let Some(kept) = step.ask.select(&rows.have, rows.count)? {
                rows.keep(kept, &step.done);
            }
            if rows.count == 0 {
                break;
            }
        }
        if let (Some((top, _)), Some(standing)) = (&self.top, standing) {
            let limit = top.threshold.limit();
            if rows.count > limit {
                top.threshold.drop_rows(rows.count - limit);
                rows.keep(first_rows(standing, rows.count, limit), &[]);
            }
        }
        let (columns, bytes, rows) = rows.finish()?;
        self.progress.add(all as u64, bytes as u64);
        Ok(Batch::new(columns, rows))
    }
}

impl ScanOperator {
    /// A morsel's run with its mask, where that is cheaper than its rows one behind the other.
    fn read_unmasked(&self, morsel: &mut dyn Morsel) -> Result<Option<Batch>> {
        let mask = match self.masks && !self.places.is_empty() {
            true => morsel.mask(&self.places),
            false => None,
        };
        let Some(mask) = mask.filter(|m| m.shown() * DENSE > m.len()) else {
            return Ok(None);
        };
        let columns = morsel.read_unmasked(&self.places)?;
        let bytes: usize = columns.iter().map(Column::memory_bytes).sum();
        self.progress.add(mask.shown() as u64, bytes as u64);
        Ok(Some(Batch::masked(columns, mask)))
    }
}

/// The rows of a morsel that are left, with the columns that were read of them.
struct Rows<'a> {
    scan: &'a ScanOperator,
    morsel: &'a mut dyn Morsel,
    /// Output positions with their columns.
    have: Vec<(usize, Column)>,
    /// Which rows of the morsel are left; none stands for all.
    selection: Option<Vec<u32>>,
    count: usize,
    bytes: usize,
}

impl<'a> Rows<'a> {
    fn new(scan: &'a ScanOperator, morsel: &'a mut dyn Morsel) -> Self {
        Rows {
            have: Vec::with_capacity(scan.places.len()),
            selection: None,
            count: morsel.rows(),
            bytes: 0,
            scan,
            morsel,
        }
    }

    fn has(&self, position: usize) -> bool {
        self.have.iter().any(|(own, _)| *own == position)
    }

    /// Reads the columns at output positions that were not read.
    fn fetch(&mut self, positions: impl Iterator<Item = usize>) -> Result<()> {
        let missing: Vec<usize> = positions.filter(|p| !self.has(*p)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let places: Vec<usize> = missing.iter().map(|p| self.scan.places[*p]).collect();
        let columns = self.morsel.read(&places, self.selection.as_deref())?;
        self.bytes += columns.iter().map(Column::memory_bytes).sum::<usize>();
        self.have.extend(missing.into_iter().zip(columns));
        Ok(())
    }

    /// Only rows `kept` of those that are left stay; columns that are done lose their values.
    fn keep(&mut self, kept: Vec<u32>, done: &[usize]) {
        for (position, column) in &mut self.have {
            *column = match done.contains(position) {
                true => Column::defaults(&self.scan.types[*position], kept.len()),
                false => take::take(column, &kept),
            };
        }
        self.count = kept.len();
        self.selection = Some(match self.selection.take() {
            Some(outer) => kept.iter().map(|k| outer[*k as usize]).collect(),
            None => kept,
        });
    }

    /// All output columns, the bytes that were read, and the number of rows.
    fn finish(mut self) -> Result<(Vec<Column>, usize, usize)> {
        let scan = self.scan;
        if self.count == 0 {
            return Ok((Vec::new(), self.bytes, 0));
        }
        self.fetch((0..scan.places.len()).filter(|p| !scan.filter_only[*p]))?;
        for position in 0..scan.places.len() {
            if !self.has(position) {
                let nothing = Column::defaults(&scan.types[position], self.count);
                self.have.push((position, nothing));
            }
        }
        self.have.sort_by_key(|(position, _)| *position);
        let columns = self.have.into_iter().map(|(_, column)| column);
        Ok((columns.collect(), self.bytes, self.count))
    }
}

/// The `limit` first of an order that `rows` rows stand in.
fn first_rows(standing: Standing, rows: usize, limit: usize) -> Vec<u32> {
    match standing {
        Standing::InOrder => (0..limit as u32).collect(),
        Standing::Reversed => ((rows - limit) as u32..rows as u32).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Morsels of so many rows each.
    struct Sizes(Mutex<VecDeque<usize>>);

    struct Empty(usize);

    impl SourceReader for Sizes {
        fn next(&self) -> Result<Option<Box<dyn Morsel>>> {
            let size = self.0.lock().pop_front();
            Ok(size.map(|rows| Box::new(Empty(rows)) as Box<dyn Morsel>))
        }
    }

    impl Morsel for Empty {
        fn number(&self) -> u64 {
            0
        }

        fn rows(&self) -> usize {
            self.0
        }

        fn read(&mut self, _columns: &[usize], _selection: Option<&[u32]>) -> Result<Vec<Column>> {
            Ok(Vec::new())
        }
    }

    #[test]
    fn only_what_is_short_is_left_to_one_worker() {
        for (sizes, small) in [
            (vec![], true),
            (vec![SMALL_ROWS / 2; 2], true),
            // One worker can take it, however long it is.
            (vec![8 * SMALL_ROWS], true),
            (vec![2 * SMALL_ROWS; 2], false),
            (vec![2 * SMALL_ROWS, 1], false),
            (vec![1, 2 * SMALL_ROWS], false),
            (vec![SMALL_ROWS / 2; 100], false),
        ] {
            let reader = Sizes(Mutex::new(sizes.clone().into()));
            let (mut morsels, found) = Morsels::open(Arc::new(reader)).unwrap();
            assert_eq!(found, small, "{sizes:?}");
            let mut handed = Vec::new();
            while let Some(morsel) = morsels.next().unwrap() {
                handed.push(morsel.rows());
            }
            assert_eq!(handed, sizes);
        }
    }
}
