//! Rewrites of bound plans: an ordered list of rules, each with a name that EXPLAIN shows.
//!
//! Invariant: a rule never changes the rows of an answer, only the work to get them; output ids of
//! the root stay.

pub mod key_condition;

use roost_engine::error::Result;

pub use key_condition::conditions;

use crate::functions::BindContext;
use crate::plan::Query;

/// A rewrite of a whole plan.
type Rule = fn(&mut Query, &BindContext) -> Result<()>;

/// The rules in the order in which they run.
pub const RULES: &[(&str, Rule)] = &[];

/// Applies all rules.
pub fn optimize(mut query: Query, context: &BindContext) -> Result<Query> {
    for (_, rule) in RULES {
        rule(&mut query, context)?;
    }
    Ok(query)
}
