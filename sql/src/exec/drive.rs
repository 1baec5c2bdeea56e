//! Workers: threads that pull a pipeline dry, and the consumer that sees batches in order.
//!
//! Invariant: every worker has ended when a function of this file returns; the first error wins.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::{Condvar, Mutex};
use roost_engine::error::Result;

use super::batch::Batch;
use super::context::ExecContext;
use super::operator::{Cursor, Operator};

/// Whether a consumer wants more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// More.
    Continue,
    /// Enough.
    Stop,
}

/// Runs `work` on every worker with a cursor of its own; the answers of all workers.
pub(crate) fn on_workers<T: Send>(
    operator: &dyn Operator,
    ctx: &ExecContext,
    work: impl Fn(&mut Feed<'_>) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let stop = AtomicBool::new(false);
    let run = || {
        let mut feed = Feed {
            cursor: operator.cursor()?,
            ctx,
            stop: &stop,
        };
        let answer = work(&mut feed);
        if answer.is_err() {
            stop.store(true, Ordering::Relaxed);
        }
        answer
    };
    if operator.is_small() {
        return Ok(vec![run()?]);
    }
    ctx.aside.run(|| {
        std::thread::scope(|scope| {
            let others: Vec<_> = (1..ctx.threads).map(|_| scope.spawn(run)).collect();
            let mut answers = vec![run()];
            answers.extend(others.into_iter().map(join));
            answers.into_iter().collect()
        })
    })
}

fn join<T>(handle: std::thread::ScopedJoinHandle<'_, Result<T>>) -> Result<T> {
    match handle.join() {
        Ok(answer) => answer,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// A worker's batches, with the checks between them.
pub(crate) struct Feed<'a> {
    cursor: Box<dyn Cursor + 'a>,
    ctx: &'a ExecContext,
    stop: &'a AtomicBool,
}

impl Feed<'_> {
    /// The next batch; `None` at the end or when another worker has failed.
    pub(crate) fn next(&mut self) -> Result<Option<Batch>> {
        if self.stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
        self.ctx.check()?;
        self.cursor.next()
    }
}

/// Runs tasks `0..tasks` on the query's threads; answers in the order of the tasks.
pub(crate) fn tasks<T: Send>(
    ctx: &ExecContext,
    tasks: usize,
    run: impl Fn(usize) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let workers = ctx.threads.min(tasks);
    if workers <= 1 {
        return (0..tasks).map(run).collect();
    }
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let work = || {
        let mut mine = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            let task = next.fetch_add(1, Ordering::Relaxed);
            if task >= tasks {
                break;
            }
            match run(task) {
                Ok(answer) => mine.push((task, answer)),
                Err(error) => {
                    stop.store(true, Ordering::Relaxed);
                    return Err(error);
                }
            }
        }
        Ok(mine)
    };
    let mut all = ctx.aside.run(|| {
        std::thread::scope(|scope| {
            let others: Vec<_> = (1..workers).map(|_| scope.spawn(work)).collect();
            let mut all = work();
            for other in others {
                let answer = join(other);
                all = all.and_then(|mut all| {
                    all.extend(answer?);
                    Ok(all)
                });
            }
            all
        })
    })?;
    all.sort_by_key(|(task, _)| *task);
    Ok(all.into_iter().map(|(_, answer)| answer).collect())
}

/// Batches of later morsels that wait for earlier ones.
#[derive(Default)]
struct Waiting {
    /// Batches by ticket; the flag says that the morsel is complete.
    morsels: BTreeMap<u64, (Vec<Batch>, bool)>,
    next: u64,
    working: usize,
    failed: Option<roost_engine::error::Error>,
    stopped: bool,
}

/// Batches of one morsel that may wait for the sink.
const MOST_PENDING: usize = 8;

impl Waiting {
    fn pending(&self, ticket: u64) -> usize {
        self.morsels.get(&ticket).map_or(0, |(b, _)| b.len())
    }
}

struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
    window: u64,
}

/// Hands all batches to `sink` on the calling thread, in the order of their tickets.
pub(crate) fn in_order(
    operator: &dyn Operator,
    ctx: &ExecContext,
    sink: &mut dyn FnMut(Batch) -> Result<Flow>,
) -> Result<Flow> {
    if operator.is_small() {
        return one_by_one(operator, ctx, sink);
    }
    ctx.aside.run(|| match ctx.threads {
        0 | 1 => one_by_one(operator, ctx, sink),
        _ => by_workers(operator, ctx, 0, sink),
    })
}

/// Morsels that are read without workers when the sink may soon have enough.
const MORSELS_ALONE: u64 = 4;

/// [`in_order`] for a sink that may soon have enough: workers, which read ahead of it, start when it
/// wants more than the first morsels.
pub(crate) fn until_enough(
    operator: &dyn Operator,
    ctx: &ExecContext,
    sink: &mut dyn FnMut(Batch) -> Result<Flow>,
) -> Result<Flow> {
    if operator.is_small() || ctx.threads <= 1 {
        return in_order(operator, ctx, sink);
    }
    ctx.aside.run(|| {
        let (mut cursor, mut morsels) = (operator.cursor()?, 0);
        while morsels < MORSELS_ALONE {
            ctx.check()?;
            let Some(batch) = cursor.next()? else {
                return Ok(Flow::Continue);
            };
            morsels += u64::from(!batch.more);
            if batch.rows > 0 && sink(batch)? == Flow::Stop {
                return Ok(Flow::Stop);
            }
        }
        // It holds nothing of a morsel any more; a join that waits for its workers must not wait for it.
        drop(cursor);
        by_workers(operator, ctx, morsels, sink)
    })
}

fn one_by_one(
    operator: &dyn Operator,
    ctx: &ExecContext,
    sink: &mut dyn FnMut(Batch) -> Result<Flow>,
) -> Result<Flow> {
    let mut cursor = operator.cursor()?;
    loop {
        ctx.check()?;
        let Some(batch) = cursor.next()? else {
            return Ok(Flow::Continue);
        };
        if batch.rows > 0 && sink(batch)? == Flow::Stop {
            return Ok(Flow::Stop);
        }
    }
}

/// Hands on the morsels from ticket `first` on.
fn by_workers(
    operator: &dyn Operator,
    ctx: &ExecContext,
    first: u64,
    sink: &mut dyn FnMut(Batch) -> Result<Flow>,
) -> Result<Flow> {
    let queue = Queue {
        waiting: Mutex::new(Waiting {
            working: ctx.threads,
            next: first,
            ..Waiting::default()
        }),
        changed: Condvar::new(),
        window: 4 * ctx.threads as u64,
    };
    std::thread::scope(|scope| {
        for _ in 0..ctx.threads {
            scope.spawn(|| {
                let guard = WorkerEnd(&queue);
                if let Err(error) = queue.fill(operator, ctx) {
                    queue.stop(Some(error));
                }
                drop(guard);
            });
        }
        let answer = queue.drain(sink);
        queue.stop(None);
        answer
    })
}

/// Counts a worker out, also when it panics.
struct WorkerEnd<'a>(&'a Queue);

impl Drop for WorkerEnd<'_> {
    fn drop(&mut self) {
        let mut waiting = self.0.waiting.lock();
        waiting.working -= 1;
        if std::thread::panicking() {
            waiting.stopped = true;
        }
        self.0.changed.notify_all();
    }
}

impl Queue {
    fn stop(&self, error: Option<roost_engine::error::Error>) {
        let mut waiting = self.waiting.lock();
        waiting.stopped = true;
        waiting.failed = waiting.failed.take().or(error);
        self.changed.notify_all();
    }

    fn fill(&self, operator: &dyn Operator, ctx: &ExecContext) -> Result<()> {
        let mut cursor = operator.cursor()?;
        loop {
            ctx.check()?;
            let Some(batch) = cursor.next()? else {
                return Ok(());
            };
            let mut waiting = self.waiting.lock();
            // Whoever holds the next morsel never waits, so the queue always moves.
            // A morsel's own batches wait as well, so that a join cannot run ahead of a slow sink.
            while !waiting.stopped
                && (batch.ticket >= waiting.next + self.window
                    || waiting.pending(batch.ticket) >= MOST_PENDING)
            {
                self.changed.wait(&mut waiting);
            }
            if waiting.stopped {
                return Ok(());
            }
            let is_next = batch.ticket == waiting.next;
            let (batches, complete) = waiting.morsels.entry(batch.ticket).or_default();
            *complete |= !batch.more;
            if batch.rows > 0 {
                batches.push(batch);
            }
            if is_next {
                self.changed.notify_all();
            }
        }
    }

    fn drain(&self, sink: &mut dyn FnMut(Batch) -> Result<Flow>) -> Result<Flow> {
        loop {
            let Some(batches) = self.ready()? else {
                return Ok(Flow::Continue);
            };
            for batch in batches {
                if sink(batch)? == Flow::Stop {
                    return Ok(Flow::Stop);
                }
            }
        }
    }

    /// Batches whose turn it is; `None` when all workers have ended.
    fn ready(&self) -> Result<Option<Vec<Batch>>> {
        let mut waiting = self.waiting.lock();
        loop {
            if let Some(error) = waiting.failed.take() {
                return Err(error);
            }
            let next = waiting.next;
            let mut ready = Vec::new();
            let mut moved = false;
            if let Some((batches, complete)) = waiting.morsels.get_mut(&next) {
                ready.append(batches);
                if *complete {
                    waiting.morsels.remove(&next);
                    waiting.next += 1;
                    moved = true;
                }
            }
            if moved || !ready.is_empty() {
                self.changed.notify_all();
            }
            if !ready.is_empty() {
                return Ok(Some(ready));
            }
            if moved {
                continue;
            }
            if waiting.working == 0 {
                return Ok(None);
            }
            self.changed.wait(&mut waiting);
        }
    }
}
