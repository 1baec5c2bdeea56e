//! The text of a plan: one line per node, indented under the node that reads it.
//!
//! Invariant: columns are named `#id` everywhere, so that equal plans print equally.

use std::collections::HashSet;
use std::fmt::Write;

use super::{FrameBound, Plan, Query, SortExpr, WindowFunction};
use crate::expr::Expr;

/// The query as lines of text.
pub fn explain(query: &Query) -> String {
    let mut out = String::new();
    let columns: Vec<String> = query
        .columns
        .iter()
        .map(|(name, id)| format!("{name} = #{}", id.0))
        .collect();
    // Writing to a String cannot fail.
    let _ = writeln!(out, "Output {}", columns.join(", "));
    node(&query.plan, 1, &mut out);
    shared(&query.plan, &mut HashSet::new(), &mut out);
    out
}

/// The plans behind shared scans, each once.
fn shared(plan: &Plan, seen: &mut HashSet<usize>, out: &mut String) {
    for source in plan.shared() {
        if let Some(found) = super::as_shared(source.as_ref())
            && seen.insert(source.identity().0)
        {
            let (name, plan) = (source.name(), found.plan());
            let _ = writeln!(out, "{name} =");
            node(&plan, 1, out);
            shared(&plan, seen, out);
        }
    }
}

fn node(plan: &Plan, depth: usize, out: &mut String) {
    let _ = writeln!(out, "{:indent$}{}", "", line(plan), indent = depth * 2);
    for input in plan.inputs() {
        node(input, depth + 1, out);
    }
    for set in sets(plan) {
        let _ = writeln!(out, "{:indent$}Set", "", indent = (depth + 1) * 2);
        node(&set, depth + 2, out);
    }
}

/// The subqueries behind `IN` in a node's own expressions.
fn sets(plan: &Plan) -> Vec<Plan> {
    let mut found = Vec::new();
    plan.for_each_expr(&mut |expr| {
        expr.walk(&mut |e| {
            if let Expr::In(set) = e {
                found.extend(set.set.plan.clone());
            }
        });
    });
    found
}

/// What a node does, without its inputs.
pub fn line(plan: &Plan) -> String {
    match plan {
        Plan::Scan(s) => {
            let fields = &s.source.schema().fields;
            let columns = s.columns.iter().map(|(id, i)| {
                let name = fields.get(*i).map_or("?", |f| f.name.as_str());
                format!("#{} {name}", id.0)
            });
            let mut text = format!("Scan {} [{}]", s.source.name(), join(columns));
            if let Some(filter) = &s.filter {
                let _ = write!(text, " where {filter}");
            }
            if let Some(limit) = s.limit {
                let _ = write!(text, " limit {limit}");
            }
            text
        }
        Plan::Values(v) => format!("Values {} rows", v.rows.rows()),
        Plan::Filter(f) => format!("Filter {}", f.predicate),
        Plan::Project(p) => {
            let exprs = p.exprs.iter().map(|(id, e)| named(*id, e));
            format!("Project [{}]", join(exprs))
        }
        Plan::Aggregate(a) => {
            let keys = a.keys.iter().map(|(id, e)| named(*id, e));
            let calls = a.aggregates.iter().map(|(id, c)| {
                format!("#{} = {}({})", id.0, c.name, join(c.args.iter().map(text)))
            });
            let mut line = format!("Aggregate keys [{}] [{}]", join(keys), join(calls));
            if !a.grouping_sets.is_empty() {
                let _ = write!(line, " sets {:?}", a.grouping_sets);
            }
            if a.with_totals {
                line.push_str(" with totals");
            }
            if let Some(wanted) = a.wanted {
                let _ = write!(line, " any {wanted}");
            }
            line
        }
        Plan::Window(w) => {
            let calls = w.functions.iter().map(|(id, call)| {
                let (name, args) = match &call.function {
                    WindowFunction::Aggregate(c) => (c.name.as_str(), &c.args),
                    WindowFunction::Ranking { name, args } => (name.as_str(), args),
                };
                format!(
                    "#{} = {name}({}) over (partition by [{}] order by [{}] {} {} .. {})",
                    id.0,
                    join(args.iter().map(text)),
                    join(call.partition_by.iter().map(text)),
                    join(call.order_by.iter().map(sort_key)),
                    if call.frame.rows { "rows" } else { "range" },
                    bound(&call.frame.start),
                    bound(&call.frame.end),
                )
            });
            format!("Window [{}]", join(calls))
        }
        Plan::Sort(s) => {
            let limit = s.limit.map(|n| format!(" limit {n}")).unwrap_or_default();
            let made = s.interpolate.iter().map(|(id, e)| named(*id, e));
            let made = match s.interpolate.is_empty() {
                true => String::new(),
                false => format!(" interpolate [{}]", join(made)),
            };
            format!("Sort [{}]{limit}{made}", join(s.keys.iter().map(sort_key)))
        }
        Plan::Limit(l) => {
            let limit = l.limit.map_or("all".into(), |n| n.to_string());
            let ties = if l.ties.is_empty() { "" } else { " with ties" };
            format!("Limit {limit} offset {}{ties}", l.offset)
        }
        Plan::LimitBy(l) => format!(
            "LimitBy [{}] {} offset {}",
            join(l.by.iter().map(text)),
            l.limit,
            l.offset
        ),
        Plan::Distinct(d) => {
            format!(
                "Distinct [{}]",
                join(d.on.iter().map(|id| format!("#{}", id.0)))
            )
        }
        Plan::Union(u) => {
            let columns = u.columns.iter().map(|c| format!("#{}", c.id.0));
            format!("Union [{}]", join(columns))
        }
        Plan::Join(j) => {
            let on = j.on.iter().map(|(l, r)| format!("{l} = {r}"));
            let mut line = format!("Join {:?} {:?} on [{}]", j.kind, j.strictness, join(on));
            if let Some((l, r, name)) = &j.asof {
                let _ = write!(line, " asof {name}({l}, {r})");
            }
            if let Some(residual) = &j.residual {
                let _ = write!(line, " and {residual}");
            }
            line
        }
        Plan::ArrayJoin(a) => {
            let arrays = a.arrays.iter().map(|(id, e)| named(*id, e));
            let left = if a.left { "Left " } else { "" };
            format!("{left}ArrayJoin [{}]", join(arrays))
        }
    }
}

fn join(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}

fn text(expr: &Expr) -> String {
    expr.to_string()
}

fn named(id: crate::expr::ColumnId, expr: &Expr) -> String {
    match expr {
        Expr::Column(own, _) if *own == id => format!("#{}", id.0),
        _ => format!("#{} = {expr}", id.0),
    }
}

fn sort_key(key: &SortExpr) -> String {
    let direction = if key.descending { " desc" } else { "" };
    let nulls = if key.nulls_first { " nulls first" } else { "" };
    let fill = if key.fill.is_some() { " with fill" } else { "" };
    format!("{}{direction}{nulls}{fill}", key.expr)
}

fn bound(bound: &FrameBound) -> String {
    match bound {
        FrameBound::UnboundedPreceding => "start".into(),
        FrameBound::Preceding(n) => format!("-{n:?}"),
        FrameBound::CurrentRow => "current".into(),
        FrameBound::Following(n) => format!("+{n:?}"),
        FrameBound::UnboundedFollowing => "end".into(),
    }
}
