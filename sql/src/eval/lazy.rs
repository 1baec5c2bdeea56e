//! Short circuits: branches of `if`, `multiIf`, `and` and `or` that may fail or cost much are
//! evaluated only for the rows that need them.
//!
//! Invariant: rows that a branch was not evaluated for hold the type's default, and the function
//! never looks at them.

use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::kernels::filter;
use roost_engine::kernels::take::{self, NO_ROW};

use super::compile::{Node, NodeId, Work};
use super::run::Frame;
use crate::expr::Call;

/// The ways in which a function leaves arguments alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lazy {
    /// `if(c, a, b)` and `multiIf(c, a, c, a, b)`.
    Cases,
    /// `and`: a false row is decided.
    And,
    /// `or`: a true row is decided.
    Or,
}

/// Functions that neither fail on data nor cost more than selecting rows would.
const LIGHT: &[&str] = &[
    "equals",
    "notEquals",
    "less",
    "greater",
    "lessOrEquals",
    "greaterOrEquals",
    "plus",
    "minus",
    "multiply",
    "divide",
    "negate",
    "and",
    "or",
    "xor",
    "not",
    "if",
    "multiIf",
    "isNull",
    "isNotNull",
    "assumeNotNull",
    "toNullable",
    "ifNull",
    "coalesce",
    "nullIf",
    "bitAnd",
    "bitOr",
    "bitXor",
    "bitNot",
    "abs",
    "toYear",
    "toMonth",
    "toDayOfMonth",
    "toHour",
    "toMinute",
    "toSecond",
    "length",
    "empty",
    "notEmpty",
    "materialize",
    "identity",
    "isNaN",
    "isFinite",
    "isInfinite",
    "greatest",
    "least",
    "tuple",
    "tupleElement",
    "sign",
];

/// Whether a call may be evaluated for rows that nobody asked about.
pub(super) fn is_light(call: &Call) -> bool {
    use roost_engine::types::DataType::{Decimal, String};
    let simple = |e: &crate::expr::Expr| !matches!(e.ty().value_type(), Decimal(..));
    LIGHT.contains(&call.function.name)
        && call.args.iter().all(simple)
        && !matches!(call.bound.ty.value_type(), String)
}

impl Lazy {
    pub(super) fn of(name: &str, args: usize) -> Option<Lazy> {
        match name {
            "if" if args == 3 => Some(Lazy::Cases),
            "multiIf" if args >= 3 && args % 2 == 1 => Some(Lazy::Cases),
            "and" => Some(Lazy::And),
            "or" => Some(Lazy::Or),
            _ => None,
        }
    }

    /// Whether some argument that may be left alone is worth it.
    pub(super) fn pays(self, args: &[NodeId], nodes: &[Node]) -> bool {
        args.iter().skip(1).any(|a| nodes[*a].heavy)
    }
}

/// The arguments of a lazy function, each evaluated where it is needed.
pub(super) fn arguments(frame: &Frame<'_>, kind: Lazy, args: &[NodeId]) -> Result<Vec<Column>> {
    match kind {
        Lazy::Cases => cases(frame, args),
        Lazy::And => chain(frame, args, false),
        Lazy::Or => chain(frame, args, true),
    }
}

/// A node's value for the rows `selection` (`None`: all), defaults elsewhere.
fn partial(frame: &Frame<'_>, node: NodeId, selection: Option<&[u32]>) -> Result<Column> {
    let Some(selection) = selection else {
        return frame.get(node);
    };
    let what = &frame.program.nodes[node];
    if !what.heavy || matches!(what.work, Work::Const(_) | Work::Input(_)) {
        return frame.get(node);
    }
    if let Some(column) = frame.known(node) {
        return Ok(column);
    }
    if selection.is_empty() {
        return Ok(Column::defaults(&what.ty, frame.rows));
    }
    if selection.len() == frame.rows {
        return frame.get(node);
    }
    let some = frame.select(selection).get(node)?;
    let mut places = vec![NO_ROW; frame.rows];
    for (i, row) in selection.iter().enumerate() {
        places[*row as usize] = i as u32;
    }
    Ok(take::take_or_default(&some, &places))
}

/// The rows of `open` where `decided` is false.
fn without(open: Option<&[u32]>, decided: Option<&[u32]>, rows: usize) -> Vec<u32> {
    let Some(decided) = decided else {
        return Vec::new();
    };
    let mut is_decided = vec![false; rows];
    decided.iter().for_each(|r| is_decided[*r as usize] = true);
    match open {
        None => (0..rows as u32)
            .filter(|r| !is_decided[*r as usize])
            .collect(),
        Some(open) => open
            .iter()
            .copied()
            .filter(|r| !is_decided[*r as usize])
            .collect(),
    }
}

fn intersection(open: Option<&[u32]>, chosen: Option<Vec<u32>>) -> Option<Vec<u32>> {
    match (open, chosen) {
        (None, chosen) => chosen,
        (Some(open), None) => Some(open.to_vec()),
        (Some(open), Some(chosen)) => {
            let mut rest = chosen.iter().peekable();
            let both = open.iter().copied().filter(|r| {
                while rest.next_if(|c| *c < r).is_some() {}
                rest.peek() == Some(&r)
            });
            Some(both.collect())
        }
    }
}

fn cases(frame: &Frame<'_>, args: &[NodeId]) -> Result<Vec<Column>> {
    let mut out = Vec::with_capacity(args.len());
    let mut open: Option<Vec<u32>> = None;
    let (branches, last) = args.split_at(args.len() - 1);
    for pair in branches.chunks_exact(2) {
        let condition = partial(frame, pair[0], open.as_deref())?;
        let chosen = intersection(open.as_deref(), filter::selection(&condition)?);
        out.push(condition);
        out.push(partial(frame, pair[1], chosen.as_deref())?);
        let rest = match (&open, &chosen) {
            (None, None) => Vec::new(),
            _ => without(open.as_deref(), chosen.as_deref(), frame.rows),
        };
        open = Some(rest);
    }
    for node in last {
        out.push(partial(frame, *node, open.as_deref())?);
    }
    Ok(out)
}

/// `and` (`decisive` false) and `or` (`decisive` true).
fn chain(frame: &Frame<'_>, args: &[NodeId], decisive: bool) -> Result<Vec<Column>> {
    let mut out = Vec::with_capacity(args.len());
    let mut open: Option<Vec<u32>> = None;
    for (i, node) in args.iter().enumerate() {
        let column = partial(frame, *node, open.as_deref())?;
        if i + 1 < args.len() {
            let still = undecided(&column, decisive)?;
            open = intersection(open.as_deref(), still);
        }
        out.push(column);
    }
    Ok(out)
}

/// Rows that the value leaves open: NULL does.
fn undecided(column: &Column, decisive: bool) -> Result<Option<Vec<u32>>> {
    let truth = filter::selection(column)?;
    let rows = column.len();
    if decisive {
        return Ok(Some(without(None, truth.as_deref(), rows)));
    }
    let flat = column.to_flat();
    let (nulls, _) = flat.split_nulls();
    let Some(nulls) = nulls else {
        return Ok(truth);
    };
    let mut open = vec![false; rows];
    match truth {
        None => return Ok(None),
        Some(rows) => rows.iter().for_each(|r| open[*r as usize] = true),
    }
    let open = open.iter().zip(nulls).enumerate();
    let rows = open.filter(|(_, (is, null))| **is || **null != 0);
    Ok(Some(rows.map(|(i, _)| i as u32).collect()))
}
