//! Aggregation: every worker groups its own rows, then the workers' groups are merged.
//!
//! Invariant: a group's number is its place in [`Groups`] and in every state.

mod few;
mod finish;
mod local;

use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::types::DataType;

use self::few::FewGroups;
use self::local::Local;
use super::batch::Batch;
use super::context::ExecContext;
use super::drive;
use super::operator::Stream;
use crate::eval::Evaluator;
use crate::expr::{AggregateCall, ColumnId, Expr};
use crate::plan::AggregatePlan;

/// What all workers share.
struct Shared<'a> {
    plan: &'a AggregatePlan,
    /// Keys, then the arguments of all aggregates.
    inputs: Evaluator,
    /// Where each aggregate's arguments stand among the inputs.
    args: Vec<std::ops::Range<usize>>,
    /// Which keys each grouping set has.
    sets: Vec<Vec<usize>>,
    /// The groups, when any few will do.
    few: Option<FewGroups>,
}

/// The groups of an aggregation.
pub(crate) struct Aggregated {
    /// Keys, then aggregates.
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: usize,
    /// The row of WITH TOTALS, in the same order.
    pub(crate) totals: Option<Batch>,
}

impl<'a> Shared<'a> {
    fn new(plan: &'a AggregatePlan, ids: &[ColumnId], ctx: &ExecContext) -> Result<Self> {
        let mut exprs: Vec<Expr> = plan.keys.iter().map(|(_, e)| e.clone()).collect();
        let mut args = Vec::new();
        for (_, call) in &plan.aggregates {
            let start = exprs.len();
            exprs.extend(call.args.iter().cloned());
            args.push(start..exprs.len());
        }
        let sets = match plan.grouping_sets.is_empty() {
            true => vec![(0..plan.keys.len()).collect()],
            false => plan.grouping_sets.clone(),
        };
        let wanted = plan.wanted.filter(|n| *n <= few::WANTED_MAX && *n > 0);
        let wanted = wanted.filter(|_| !ctx.counts_before_limit);
        let plain = !plan.keys.is_empty() && plan.grouping_sets.is_empty() && !plan.with_totals;
        let types: Vec<DataType> = plan.keys.iter().map(|(_, e)| e.ty().clone()).collect();
        Ok(Shared {
            few: wanted.filter(|_| plain).map(|n| FewGroups::new(&types, n)),
            plan,
            inputs: Evaluator::new(&exprs, ids)?,
            args,
            sets,
        })
    }

    fn key_types(&self, set: usize) -> Vec<DataType> {
        let keys = self.sets[set].iter().map(|k| &self.plan.keys[*k].1);
        keys.map(|e| e.ty().clone()).collect()
    }
}

/// Whether rows may come with others between them that do not count: all go into one group, and
/// nothing is computed of them that could fail.
pub(crate) fn takes_masks(plan: &AggregatePlan) -> bool {
    let takes = |call: &AggregateCall| {
        let stored = |e: &Expr| matches!(e, Expr::Column(..));
        !call.distinct && call.args.iter().all(stored) && call.function.takes_masks()
    };
    plan.keys.is_empty()
        && plan.grouping_sets.is_empty()
        && plan.aggregates.iter().all(|(_, call)| takes(call))
}

/// Runs the aggregation to its end. `having` is the predicate right above it, which decides what
/// WITH TOTALS adds up.
pub(crate) fn run(
    plan: &AggregatePlan,
    having: Option<&Expr>,
    input: &Stream,
    ctx: &ExecContext,
) -> Result<Aggregated> {
    let shared = Shared::new(plan, &input.ids, ctx)?;
    let locals = drive::on_workers(input.operator.as_ref(), ctx, |feed| {
        let mut local = Local::new(&shared, ctx);
        while let Some(batch) = feed.next()? {
            if batch.rows > 0 {
                local.update(&shared, &batch)?;
            }
        }
        local.end(&shared);
        Ok(local)
    })?;
    finish::finish(&shared, locals, having, ctx)
}
