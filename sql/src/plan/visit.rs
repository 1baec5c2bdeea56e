//! One traversal of plans and of the expressions in a node.
//!
//! Invariant: a rewrite keeps every output id of the nodes it does not replace.

use super::{Plan, WindowFunction};
use crate::expr::Expr;

impl Plan {
    /// The node's inputs, to be changed in place.
    pub fn inputs_mut(&mut self) -> Vec<&mut Plan> {
        match self {
            Plan::Scan(_) | Plan::Values(_) => Vec::new(),
            Plan::Filter(n) => vec![&mut n.input],
            Plan::Project(n) => vec![&mut n.input],
            Plan::Aggregate(n) => vec![&mut n.input],
            Plan::Window(n) => vec![&mut n.input],
            Plan::Sort(n) => vec![&mut n.input],
            Plan::Limit(n) => vec![&mut n.input],
            Plan::LimitBy(n) => vec![&mut n.input],
            Plan::Distinct(n) => vec![&mut n.input],
            Plan::Union(n) => n.inputs.iter_mut().map(|(p, _)| p).collect(),
            Plan::Join(n) => vec![&mut n.left, &mut n.right],
            Plan::ArrayJoin(n) => vec![&mut n.input],
        }
    }

    /// Calls `visit` on every expression of the node itself.
    pub fn for_each_expr(&self, visit: &mut dyn FnMut(&Expr)) {
        match self {
            Plan::Scan(n) => n.filter.iter().for_each(visit),
            Plan::Values(_) | Plan::Distinct(_) | Plan::Union(_) => {}
            Plan::Filter(n) => visit(&n.predicate),
            Plan::Project(n) => n.exprs.iter().for_each(|(_, e)| visit(e)),
            Plan::Aggregate(n) => {
                n.keys.iter().for_each(|(_, e)| visit(e));
                let args = n.aggregates.iter().flat_map(|(_, c)| &c.args);
                args.for_each(visit);
            }
            Plan::Window(n) => {
                for (_, call) in &n.functions {
                    let args = match &call.function {
                        WindowFunction::Aggregate(c) => &c.args,
                        WindowFunction::Ranking { args, .. } => args,
                    };
                    args.iter().chain(&call.partition_by).for_each(&mut *visit);
                    call.order_by.iter().for_each(|k| visit(&k.expr));
                }
            }
            Plan::Sort(n) => {
                n.keys.iter().for_each(|k| visit(&k.expr));
                n.interpolate.iter().for_each(|(_, e)| visit(e));
            }
            Plan::Limit(n) => n.ties.iter().for_each(|k| visit(&k.expr)),
            Plan::LimitBy(n) => n.by.iter().for_each(visit),
            Plan::Join(n) => {
                n.on.iter().flat_map(|(l, r)| [l, r]).for_each(&mut *visit);
                n.residual.iter().for_each(&mut *visit);
                let asof = n.asof.iter().flat_map(|(l, r, _)| [l, r]);
                asof.for_each(visit);
            }
            Plan::ArrayJoin(n) => n.arrays.iter().for_each(|(_, e)| visit(e)),
        }
    }

    /// Calls `change` on every expression of the node itself.
    pub fn for_each_expr_mut(&mut self, change: &mut dyn FnMut(&mut Expr)) {
        match self {
            Plan::Scan(n) => n.filter.iter_mut().for_each(change),
            Plan::Values(_) | Plan::Distinct(_) | Plan::Union(_) => {}
            Plan::Filter(n) => change(&mut n.predicate),
            Plan::Project(n) => n.exprs.iter_mut().for_each(|(_, e)| change(e)),
            Plan::Aggregate(n) => {
                n.keys.iter_mut().for_each(|(_, e)| change(e));
                let args = n.aggregates.iter_mut().flat_map(|(_, c)| &mut c.args);
                args.for_each(change);
            }
            Plan::Window(n) => {
                for (_, call) in &mut n.functions {
                    let args = match &mut call.function {
                        WindowFunction::Aggregate(c) => &mut c.args,
                        WindowFunction::Ranking { args, .. } => args,
                    };
                    let all = args.iter_mut().chain(&mut call.partition_by);
                    all.for_each(&mut *change);
                    call.order_by.iter_mut().for_each(|k| change(&mut k.expr));
                }
            }
            Plan::Sort(n) => {
                n.keys.iter_mut().for_each(|k| change(&mut k.expr));
                n.interpolate.iter_mut().for_each(|(_, e)| change(e));
            }
            Plan::Limit(n) => n.ties.iter_mut().for_each(|k| change(&mut k.expr)),
            Plan::LimitBy(n) => n.by.iter_mut().for_each(change),
            Plan::Join(n) => {
                let on = n.on.iter_mut().flat_map(|(l, r)| [l, r]);
                on.for_each(&mut *change);
                n.residual.iter_mut().for_each(&mut *change);
                let asof = n.asof.iter_mut().flat_map(|(l, r, _)| [l, r]);
                asof.for_each(change);
            }
            Plan::ArrayJoin(n) => n.arrays.iter_mut().for_each(|(_, e)| change(e)),
        }
    }
}
