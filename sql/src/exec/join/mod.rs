//! Hash joins: one side is held in a table of its keys, the other streams past it.
//!
//! Invariant: pairs come out in the order of the probe side; rows of the held side that found no
//! partner come last, where the join keeps them.

mod asof;
mod build;
mod probe;
mod tail;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use roost_engine::column::{Column, Flat};
use roost_engine::error::Result;

use self::build::BuildSide;
use self::probe::JoinOperator;
use super::build::{Builder, ids, types};
use super::operator::Operator;
use super::pushed::{KeyFilter, Pushed};
use crate::expr::Expr;
use crate::plan::{Join, JoinKind, Plan, Strictness};

/// Larger sets of keys are not copied for the scan of the other side.
const MOST_PUSHED_KEYS: usize = 1 << 20;

/// Which of a probe row's partners count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Matches {
    All,
    /// The first one.
    First,
    /// The first one, and each key only once.
    OncePerKey,
    /// The nearest one.
    Nearest,
    /// None: rows without partners are wanted.
    Anti,
}

/// A join as the probe sees it.
#[derive(Debug, Clone, Copy)]
struct Mode {
    matches: Matches,
    /// Probe rows without a partner come out with defaults.
    keep_probe: bool,
    /// So do rows of the held side.
    keep_build: bool,
    /// The left side is the one that is held.
    swapped: bool,
}

impl Mode {
    fn of(join: &Join) -> Mode {
        use JoinKind as K;
        use Strictness as S;
        let right = join.kind == K::Right;
        let outer = matches!(join.kind, K::Left | K::Right | K::Full);
        let (matches, keep_probe) = match join.strictness {
            S::All => (Matches::All, outer),
            S::Any if join.kind == K::Inner => (Matches::OncePerKey, false),
            S::Any => (Matches::First, outer),
            S::Semi => (Matches::First, false),
            S::Anti => (Matches::Anti, true),
            S::Asof => (Matches::Nearest, outer),
        };
        let mut mode = Mode {
            matches,
            keep_probe,
            keep_build: join.kind == K::Full,
            swapped: right,
        };
        // The smaller side is held where that changes nothing but the order.
        let free = mode.matches == Matches::All && matches!(join.kind, K::Inner | K::Left);
        if free && is_much_smaller(&join.left, &join.right) {
            mode.swapped = true;
            mode.keep_build = mode.keep_probe;
            mode.keep_probe = false;
        }
        mode
    }
}

fn is_much_smaller(left: &Plan, right: &Plan) -> bool {
    match (rows(left), rows(right)) {
        (Some(left), Some(right)) => left.saturating_mul(2) < right,
        _ => false,
    }
}

/// About how many rows a plan gives, when that is easy to say.
fn rows(plan: &Plan) -> Option<u64> {
    match plan {
        Plan::Scan(s) => {
            let rows = s.source.rows_at_most()?;
            Some(if s.filter.is_some() {
                rows / 4 + 1
            } else {
                rows
            })
        }
        Plan::Values(v) => Some(v.rows.rows() as u64),
        Plan::Filter(f) => rows(&f.input).map(|n| n / 4 + 1),
        Plan::Project(p) => rows(&p.input),
        Plan::Window(w) => rows(&w.input),
        Plan::Sort(s) => Some(s.limit.unwrap_or(u64::MAX).min(rows(&s.input)?)),
        Plan::Limit(l) => Some(l.limit.unwrap_or(u64::MAX).min(rows(&l.input)?)),
        Plan::Aggregate(a) if a.keys.is_empty() => Some(1),
        Plan::Aggregate(a) => rows(&a.input).map(|n| n / 8 + 1),
        Plan::Distinct(d) => rows(&d.input).map(|n| n / 4 + 1),
        _ => None,
    }
}

/// Runs the held side to its end and puts the probe over the other.
pub(super) fn operator(join: &Join, builder: &Builder<'_>) -> Result<Arc<dyn Operator>> {
    let mode = Mode::of(join);
    let (held, streaming) = match mode.swapped {
        true => (&join.left, &join.right),
        false => (&join.right, &join.left),
    };
    let (input, _) = builder.inner().stream(held)?;
    let build = BuildSide::new(join, mode, &input, &types(held), builder.ctx)?;
    drop(input);
    let mut pushed = match mode.keep_build {
        true => Pushed::default(),
        false => builder.pushed.keys_only(),
    };
    if let ([(left, right)], false, false) = (&join.on[..], mode.keep_probe, mode.keep_build)
        && let Expr::Column(id, _) = if mode.swapped { right } else { left }
        && build.groups.len() <= MOST_PUSHED_KEYS
    {
        pushed
            .keys
            .push((*id, Arc::new(KeyFilter::new(&build.groups)?)));
    }
    let (probe, _) = builder.knowing(pushed).stream(streaming)?;
    let operator = JoinOperator::new(
        join,
        mode,
        build,
        probe,
        &ids(held),
        builder.tickets.clone(),
    )?;
    Ok(Arc::new(operator))
}

/// The same values under a Nullable type.
pub(super) fn to_nullable(column: &Column) -> Result<Column> {
    fn flat(values: &Flat) -> Result<Flat> {
        match values {
            Flat::Nullable(_) => Ok(values.clone()),
            other => Flat::nullable(vec![0; other.len()], other.clone()),
        }
    }
    Ok(match column {
        Column::Flat(f) => Column::Flat(flat(f)?),
        Column::Const { value, len } => Column::Const {
            value: Arc::new(flat(value)?),
            len: *len,
        },
        Column::Dict(d) => Column::Dict(d.with_dict(flat(d.dict())?)?),
    })
}
