//! Plans into operators: streaming parts are stacked, everything else runs to its end first.
//!
//! Invariant: a node's operator gives the node's outputs in their order.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use roost_engine::error::{Error, Result};
use roost_engine::types::DataType;

use super::aggregate;
use super::batch::Batch;
use super::context::ExecContext;
use super::drive::{self, Flow};
use super::fill;
use super::gather;
use super::held::{BATCH_ROWS, Held, HeldBatches, UnionOperator};
use super::limit::{DistinctOperator, DistinctState, LimitByState, LimitState, Sink};
use super::memory::Reservation;
use super::operator::{Operator, Stream, Tickets};
use super::pushed::{Pushed, Threshold, Top};
use super::scan::ScanOperator;
use super::sort;
use super::stages::{ArrayJoinStage, FilterStage, ProjectStage, Stage, Staged};
use crate::expr::{ColumnId, Expr};
use crate::plan::{AggregatePlan, Filter, Plan, Sort};

/// A plan's operator, and its totals where it has some.
pub(crate) struct Built {
    pub(crate) operator: Arc<dyn Operator>,
    pub(crate) totals: Option<Batch>,
}

impl Built {
    fn plain(operator: impl Operator + 'static) -> Self {
        Built {
            operator: Arc::new(operator),
            totals: None,
        }
    }
}

/// Builds the operators of one pipeline.
#[derive(Clone)]
pub(crate) struct Builder<'a> {
    pub(crate) ctx: &'a ExecContext,
    pub(crate) tickets: Tickets,
    /// Rows that the last top-N sort saw (one more than that; zero: none ran).
    pub(crate) sorted: Arc<AtomicU64>,
    /// What operators above know about rows that they will not need.
    pub(crate) pushed: Pushed,
}

pub(crate) fn ids(plan: &Plan) -> Vec<ColumnId> {
    plan.outputs().into_iter().map(|c| c.id).collect()
}

pub(crate) fn types(plan: &Plan) -> Vec<DataType> {
    plan.outputs().into_iter().map(|c| c.ty).collect()
}

impl<'a> Builder<'a> {
    pub(crate) fn new(ctx: &'a ExecContext) -> Self {
        Builder {
            ctx,
            tickets: Tickets::default(),
            sorted: Arc::default(),
            pushed: Pushed::default(),
        }
    }

    /// A builder for an input that runs to its end before this pipeline starts.
    pub(crate) fn inner(&self) -> Self {
        Builder {
            ctx: self.ctx,
            tickets: Tickets::default(),
            sorted: Arc::clone(&self.sorted),
            pushed: Pushed::default(),
        }
    }

    /// The same pipeline, with other knowledge.
    pub(crate) fn knowing(&self, pushed: Pushed) -> Self {
        Builder {
            pushed,
            ..self.clone()
        }
    }

    /// The plan's operator as part of this pipeline.
    pub(crate) fn build(&self, plan: &Plan) -> Result<Built> {
        match plan {
            Plan::Scan(scan) => {
                let tickets = self.tickets.clone();
                let scan = ScanOperator::new(scan, &self.pushed, tickets, self.ctx)?;
                Ok(Built::plain(scan))
            }
            Plan::Values(values) => {
                let columns = values.rows.columns().to_vec();
                let rows = values.rows.rows();
                let tickets = self.tickets.clone();
                Ok(Built::plain(Held::new(columns, rows, tickets, Vec::new())))
            }
            Plan::Filter(filter) => self.filter(filter),
            Plan::Project(project) => {
                let stage = ProjectStage::new(&project.exprs, &ids(&project.input))?;
                let below = self.knowing(self.pushed.below(&project.exprs));
                below.staged(&project.input, Arc::new(stage))
            }
            Plan::ArrayJoin(join) => {
                let stage = ArrayJoinStage::new(join, &ids(&join.input))?;
                let below = self.knowing(self.pushed.keys_only());
                let mut built = below.staged(&join.input, Arc::new(stage))?;
                built.totals = None;
                Ok(built)
            }
            Plan::Aggregate(aggregate) => self.aggregate(aggregate, None),
            Plan::Sort(sort) if sort.keys.iter().all(|k| k.fill.is_none()) => self.sort(sort),
            Plan::Sort(_) | Plan::Limit(_) | Plan::LimitBy(_) | Plan::Distinct(_) => {
                self.held(plan)
            }
            Plan::Union(union) => self.knowing(Pushed::default()).union(&union.inputs),
            Plan::Window(window) => {
                let (input, _) = self.inner().stream(&window.input)?;
                let types = types(&window.input);
                let done = super::window::run(window, &input, &types, self.ctx)?;
                let tickets = self.tickets.clone();
                let held = Held::new(done.columns, done.rows, tickets, done.memory);
                Ok(Built::plain(held))
            }
            Plan::Join(join) => Ok(Built {
                operator: super::join::operator(join, self)?,
                totals: None,
            }),
        }
    }

    /// The plan's operator with the ids of its columns.
    pub(crate) fn stream(&self, plan: &Plan) -> Result<(Stream, Option<Batch>)> {
        let built = self.build(plan)?;
        let stream = Stream {
            operator: built.operator,
            ids: ids(plan),
        };
        Ok((stream, built.totals))
    }

    fn staged(&self, input: &Plan, stage: Arc<dyn Stage>) -> Result<Built> {
        let built = self.build(input)?;
        let totals = built.totals.map(|t| stage.apply(t)).transpose()?;
        let operator = Arc::new(Staged {
            input: built.operator,
            stage,
        });
        Ok(Built { operator, totals })
    }

    fn filter(&self, filter: &Filter) -> Result<Built> {
        let built = match &filter.input {
            Plan::Aggregate(a) if a.with_totals => self.aggregate(a, Some(&filter.predicate))?,
            input => self.knowing(self.pushed.keys_only()).build(input)?,
        };
        let stage = FilterStage::new(&filter.predicate, &ids(&filter.input))?;
        let operator = Arc::new(Staged {
            input: built.operator,
            stage: Arc::new(stage),
        });
        Ok(Built {
            operator,
            totals: built.totals,
        })
    }

    fn aggregate(&self, plan: &AggregatePlan, having: Option<&Expr>) -> Result<Built> {
        let pushed = Pushed {
            masks: aggregate::takes_masks(plan),
            ..Pushed::default()
        };
        let (input, _) = self.inner().knowing(pushed).stream(&plan.input)?;
        let groups = aggregate::run(plan, having, &input, self.ctx)?;
        let bytes = groups.columns.iter().map(|c| c.memory_bytes()).sum();
        let mut memory = Reservation::empty(&self.ctx.memory);
        memory.add(bytes)?;
        let tickets = self.tickets.clone();
        let held = Held::new(groups.columns, groups.rows, tickets, vec![memory]);
        Ok(Built {
            operator: Arc::new(held),
            totals: groups.totals,
        })
    }

    fn sort(&self, sort: &Sort) -> Result<Built> {
        let (threshold, pushed) = top_of(sort);
        let (input, totals) = self.inner().knowing(pushed).stream(&sort.input)?;
        let types = types(&sort.input);
        let tickets = self.tickets.clone();
        let (held, seen) = sort::run(
            &sort.keys, sort.limit, &input, &types, &threshold, tickets, self.ctx,
        )?;
        let seen = seen + threshold.dropped();
        self.sorted.store(seen + 1, Ordering::Relaxed);
        Ok(Built {
            operator: Arc::new(held),
            totals,
        })
    }

    fn union(&self, inputs: &[(Plan, Vec<ColumnId>)]) -> Result<Built> {
        let built = inputs.iter().map(|(plan, wanted)| {
            let (stream, _) = self.stream(plan)?;
            let place = |id: &ColumnId| {
                let place = stream.ids.iter().position(|i| i == id);
                place.ok_or_else(|| Error::bug("a union reads a column that no input has"))
            };
            let places = wanted.iter().map(place).collect::<Result<Vec<_>>>()?;
            Ok((stream.operator, places))
        });
        Ok(Built::plain(UnionOperator {
            inputs: built.collect::<Result<Vec<_>>>()?,
            at: AtomicUsize::new(0),
        }))
    }

    /// Runs a plan to its end and holds what it gives.
    fn held(&self, plan: &Plan) -> Result<Built> {
        let mut memory = Reservation::empty(&self.ctx.memory);
        let mut batches = Vec::new();
        let ended = self.inner().push(plan, &mut |batch| {
            memory.add(batch.memory_bytes())?;
            batches.push(batch);
            Ok(Flow::Continue)
        })?;
        let held = HeldBatches::new(batches, self.tickets.clone(), memory);
        Ok(Built {
            operator: Arc::new(held),
            totals: ended.totals,
        })
    }
}

/// What is known when a plan has run.
#[derive(Default)]
pub(crate) struct Ended {
    pub(crate) totals: Option<Batch>,
    pub(crate) rows_before_limit: Option<u64>,
}

/// Whether rows must go through the calling thread in order somewhere above the last point where
/// everything is held.
fn is_serial(plan: &Plan) -> bool {
    match plan {
        Plan::Limit(_) | Plan::LimitBy(_) | Plan::Distinct(_) => true,
        Plan::Sort(s) => s.keys.iter().any(|k| k.fill.is_some()),
        Plan::Filter(f) => is_serial(&f.input),
        Plan::Project(p) => is_serial(&p.input),
        Plan::ArrayJoin(a) => is_serial(&a.input),
        _ => false,
    }
}

impl Builder<'_> {
    /// Runs the plan and hands its batches to `sink` in order, on the calling thread.
    pub(crate) fn push(&self, plan: &Plan, sink: &mut Sink<'_>) -> Result<Ended> {
        match plan {
            Plan::Limit(limit) => {
                let mut state = LimitState::new(limit, &ids(&limit.input))?;
                if state.is_nothing() {
                    return Ok(Ended::default());
                }
                let mut ended = match is_serial(&limit.input) {
                    true => self.push(&limit.input, &mut |batch| state.push(batch, sink))?,
                    false => {
                        let built = self.build(&limit.input)?;
                        state.skipped(built.operator.skip(state.to_skip()));
                        drive::until_enough(built.operator.as_ref(), self.ctx, &mut |batch| {
                            state.push(batch, sink)
                        })?;
                        Ended {
                            totals: built.totals,
                            rows_before_limit: None,
                        }
                    }
                };
                let sorted = match over_sort(&limit.input) {
                    true => self.sorted.load(Ordering::Relaxed).saturating_sub(1),
                    false => 0,
                };
                ended.rows_before_limit = Some(state.seen().max(sorted));
                Ok(ended)
            }
            Plan::LimitBy(limit) => {
                let mut state = LimitByState::new(limit, &ids(&limit.input), self.ctx)?;
                self.push(&limit.input, &mut |batch| state.push(batch, sink))
            }
            Plan::Distinct(distinct) => {
                let input = distinct.input.outputs();
                let mut state = DistinctState::new(distinct, &input, self.ctx)?;
                if is_serial(&distinct.input) || self.ctx.threads <= 1 {
                    return self.push(&distinct.input, &mut |batch| state.push(batch, sink));
                }
                // Workers drop what they have seen themselves.
                let built = self.build(&distinct.input)?;
                let partial = DistinctOperator {
                    input: built.operator,
                    distinct,
                    outputs: &input,
                    ctx: self.ctx,
                };
                drive::in_order(&partial, self.ctx, &mut |batch| state.push(batch, sink))?;
                Ok(Ended {
                    totals: built.totals,
                    rows_before_limit: None,
                })
            }
            Plan::Filter(f) if is_serial(&f.input) => {
                let stage = FilterStage::new(&f.predicate, &ids(&f.input))?;
                self.through(&f.input, &stage, false, sink)
            }
            Plan::Project(p) if is_serial(&p.input) => {
                let stage = ProjectStage::new(&p.exprs, &ids(&p.input))?;
                self.through(&p.input, &stage, true, sink)
            }
            Plan::ArrayJoin(a) if is_serial(&a.input) => {
                let stage = ArrayJoinStage::new(a, &ids(&a.input))?;
                self.through(&a.input, &stage, false, sink)
            }
            Plan::Sort(sort) if is_serial(plan) => self.filled(sort, sink),
            _ => {
                let built = self.build(plan)?;
                drive::in_order(built.operator.as_ref(), self.ctx, sink)?;
                Ok(Ended {
                    totals: built.totals,
                    rows_before_limit: None,
                })
            }
        }
    }

    /// A sort WITH FILL.
    fn filled(&self, sort: &Sort, sink: &mut Sink<'_>) -> Result<Ended> {
        let outputs = sort.input.outputs();
        let types = types(&sort.input);
        let (input, totals) = self.inner().stream(&sort.input)?;
        let inner = Tickets::default();
        let (threshold, _) = top_of(sort);
        let (held, _) = sort::run(
            &sort.keys, None, &input, &types, &threshold, inner, self.ctx,
        )?;
        let sorted = Stream {
            operator: Arc::new(held),
            ids: input.ids,
        };
        let (columns, rows, _memory) = gather::gather(&sorted, &types, self.ctx)?;
        drop(sorted);
        let (columns, rows) = fill::fill(sort, &outputs, &columns, rows, self.ctx)?;
        let all = Batch::new(columns, rows);
        for start in (0..rows).step_by(BATCH_ROWS) {
            if sink(all.slice(start, BATCH_ROWS.min(rows - start)))? == Flow::Stop {
                break;
            }
        }
        Ok(Ended {
            totals,
            rows_before_limit: None,
        })
    }

    fn through(
        &self,
        input: &Plan,
        stage: &dyn Stage,
        totals_too: bool,
        sink: &mut Sink<'_>,
    ) -> Result<Ended> {
        let mut ended = self.push(input, &mut |batch| {
            let batch = stage.apply(batch)?;
            if batch.rows == 0 {
                return Ok(Flow::Continue);
            }
            sink(batch)
        })?;
        if totals_too {
            ended.totals = ended.totals.map(|t| stage.apply(t)).transpose()?;
        }
        Ok(ended)
    }
}

/// What a top-N sort asks of rows, and how scans below learn of it.
fn top_of(sort: &Sort) -> (Arc<Threshold>, Pushed) {
    let first = sort.keys.first();
    let (descending, nulls_first) = first.map_or((false, false), |k| (k.descending, k.nulls_first));
    let limit = sort.limit.filter(|n| *n <= sort::TOP_ROWS);
    let rows = limit.map_or(usize::MAX, |n| n as usize);
    let threshold = Arc::new(Threshold::new(rows, descending, nulls_first));
    let plain = sort.keys.iter().map_while(|k| match k.expr {
        Expr::Column(id, _) => Some((id, k.descending)),
        _ => None,
    });
    let keys: Vec<(ColumnId, bool)> = plain.collect();
    let top = (limit.is_some() && !keys.is_empty()).then(|| Top {
        whole: keys.len() == sort.keys.len(),
        keys,
        threshold: Arc::clone(&threshold),
    });
    let pushed = Pushed {
        top,
        ..Pushed::default()
    };
    (threshold, pushed)
}

/// Whether the plan's rows come straight out of a sort.
fn over_sort(plan: &Plan) -> bool {
    match plan {
        Plan::Sort(_) => true,
        Plan::Project(p) => over_sort(&p.input),
        _ => false,
    }
}
