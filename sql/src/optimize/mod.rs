//! Rewrites of bound plans: an ordered list of rules, each with a name that EXPLAIN shows.
//!
//! Invariant: a rule never changes the rows of an answer, only the work to get them; output ids of
//! the root stay.

mod fold;
pub mod key_condition;
mod leaner_groups;
mod limits;
mod merge_projects;
mod metadata;
mod monotonic;
mod or_to_in;
mod prune;
mod push_filter;
mod push_join;
mod range;
mod share;
mod subqueries;
#[cfg(test)]
mod tests;
mod typed_constants;

use std::sync::{Arc, OnceLock};

use roost_engine::block::{Block, Field, Schema};
use roost_engine::error::Result;

pub(crate) use fold::all_of;
pub use key_condition::{conditions, is_exact};
pub(crate) use typed_constants::typed;

use crate::expr::Expr;
use crate::functions::BindContext;
use crate::plan::{OutputColumn, Plan, Query, Values};

/// A rewrite of a whole plan.
type Rule = fn(&mut Query, &BindContext) -> Result<()>;

/// The rules in the order in which they run.
pub const RULES: &[(&str, Rule)] = &[
    ("optimize_subqueries", subqueries::rule),
    ("fold_constants", fold::rule),
    ("type_constants", typed_constants::rule),
    ("equalities_to_in", or_to_in::rule),
    ("push_filters", push_filter::rule),
    ("fold_pushed_constants", fold::rule),
    ("drop_dependent_keys", leaner_groups::dependent_keys),
    (
        "take_constants_out_of_sums",
        leaner_groups::constants_in_sums,
    ),
    ("merge_projections", merge_projects::rule),
    (SHARE, share::rule),
    ("prune_columns", |query, context| {
        share::everywhere(query, &mut |q| prune::rule(q, context))
    }),
    ("answer_from_metadata", |query, context| {
        share::everywhere(query, &mut |q| metadata::rule(q, context))
    }),
    ("push_limits", |query, context| {
        share::everywhere(query, &mut |q| limits::rule(q, context))
    }),
];

/// The rule after which a query can run only once.
const SHARE: &str = "share_subplans";

/// Applies all rules. The query can run once.
pub fn optimize(mut query: Query, context: &BindContext) -> Result<Query> {
    for (_, rule) in RULES {
        rule(&mut query, context)?;
    }
    Ok(query)
}

/// Applies to one condition of WHERE what the rules do to its expression.
pub(crate) fn condition(expr: &mut Expr, context: &BindContext) {
    fold::simplify(expr, context);
    typed_constants::of_expr(expr, context);
    or_to_in::gather(expr, context);
    fold::simplify(expr, context);
}

/// Applies the rules that leave a query that can run again, when its sources have other rows.
pub fn optimize_to_keep(mut query: Query, context: &BindContext) -> Result<Query> {
    for (name, rule) in RULES {
        if *name != SHARE {
            rule(&mut query, context)?;
        }
    }
    Ok(query)
}

/// Applies all rules and tells which changed the plan.
pub fn explain_rules(
    mut query: Query,
    context: &BindContext,
) -> Result<(Query, Vec<&'static str>)> {
    let mut applied = Vec::new();
    for (name, rule) in RULES {
        let before = crate::plan::explain::explain(&query);
        rule(&mut query, context)?;
        if crate::plan::explain::explain(&query) != before {
            applied.push(*name);
        }
    }
    Ok((query, applied))
}

/// Rewrites a plan from the leaves up.
fn transform_up(plan: &mut Plan, change: &mut dyn FnMut(Plan) -> Result<Plan>) -> Result<()> {
    for input in plan.inputs_mut() {
        transform_up(input, change)?;
    }
    let taken = take(plan);
    *plan = change(taken)?;
    Ok(())
}

/// The plan, taken out of its place.
fn take(plan: &mut Plan) -> Plan {
    let rows = Arc::clone(NOTHING.get_or_init(|| Arc::new(Block::empty(Schema::new(Vec::new())))));
    let columns = Vec::new();
    std::mem::replace(plan, Plan::Values(Values { columns, rows }))
}

/// What stands in a plan's place while it is out.
static NOTHING: OnceLock<Arc<Block>> = OnceLock::new();

/// No rows of these columns.
fn no_rows(outputs: &[OutputColumn]) -> Plan {
    let fields = outputs.iter().map(|c| Field::new("", c.ty.clone()));
    Plan::Values(Values {
        columns: outputs.iter().map(|c| c.id).collect(),
        rows: Arc::new(Block::empty(Schema::new(fields.collect()))),
    })
}
