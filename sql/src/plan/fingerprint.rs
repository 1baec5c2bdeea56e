//! Which parts of a plan do the same: equal ones are of one class.
//!
//! Invariant: two plans of one class give the same rows with the same columns in the same places,
//! whatever their ids are, as long as the plans are there; a plan whose answer is not decided by what it reads has no class.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

use roost_engine::block::Block;

use super::{OutputColumn, Plan, SortExpr, WindowFunction};
use crate::expr::{AggregateCall, ColumnId, Expr, InSet};

/// Sets and lists of rows up to this many values are compared by value, larger ones by identity.
const VALUES_MAX: usize = 256;

/// The number of a class.
pub(crate) type Class = usize;

/// The classes of a plan and of all its inputs, in the order of [`Plan::inputs`].
pub(crate) struct Classified {
    /// None: it may give other rows each time.
    pub(crate) class: Option<Class>,
    pub(crate) inputs: Vec<Classified>,
}

/// Classes met so far.
#[derive(Debug, Default)]
pub(crate) struct Classes(HashMap<String, Class>);

impl Classes {
    /// Sorts a plan and its inputs into classes.
    pub(crate) fn of(&mut self, plan: &Plan) -> Classified {
        let inputs: Vec<Classified> = plan.inputs().into_iter().map(|i| self.of(i)).collect();
        let text = self.text(plan, &inputs);
        let next = self.0.len();
        Classified {
            class: text.map(|text| *self.0.entry(text).or_insert(next)),
            inputs,
        }
    }

    /// What the plan does, written so that equal plans are written equally.
    fn text(&mut self, plan: &Plan, inputs: &[Classified]) -> Option<String> {
        let mut out = String::new();
        for input in inputs {
            write!(out, "{} ", input.class?).ok()?;
        }
        let inputs = plan.inputs().into_iter().flat_map(Plan::outputs).collect();
        let mut writer = Writer {
            classes: self,
            inputs,
            params: Vec::new(),
            out,
        };
        writer.node(plan)?;
        Some(writer.out)
    }
}

struct Writer<'a> {
    classes: &'a mut Classes,
    inputs: Vec<OutputColumn>,
    params: Vec<ColumnId>,
    out: String,
}

impl Writer<'_> {
    fn put(&mut self, args: std::fmt::Arguments<'_>) -> Option<()> {
        self.out.write_fmt(args).ok()
    }

    fn node(&mut self, plan: &Plan) -> Option<()> {
        match plan {
            Plan::Scan(scan) => {
                self.inputs = plan.outputs();
                let places: Vec<usize> = scan.columns.iter().map(|(_, place)| *place).collect();
                let source = scan.source.identity();
                self.put(format_args!("scan {source:?} {places:?} {:?} ", scan.limit))?;
                self.exprs(scan.filter.iter())
            }
            Plan::Values(values) => self.rows("values", &values.rows),
            Plan::Filter(n) => {
                self.put(format_args!("filter "))?;
                self.expr(&n.predicate)
            }
            Plan::Project(n) => {
                self.put(format_args!("project "))?;
                self.exprs(n.exprs.iter().map(|(_, e)| e))
            }
            Plan::Aggregate(n) => {
                let (sets, totals) = (&n.grouping_sets, n.with_totals);
                let numbered = n.set_number.is_some();
                let wanted = n.wanted;
                self.put(format_args!(
                    "group {sets:?} {totals} {numbered} {wanted:?} "
                ))?;
                self.exprs(n.keys.iter().map(|(_, e)| e))?;
                n.aggregates
                    .iter()
                    .try_for_each(|(_, call)| self.call(call))
            }
            Plan::Window(n) => {
                for (_, call) in &n.functions {
                    self.put(format_args!("window {:?} {} ", call.frame, call.ty))?;
                    match &call.function {
                        WindowFunction::Aggregate(call) => self.call(call)?,
                        WindowFunction::Ranking { name, args } => {
                            self.put(format_args!("{name} "))?;
                            self.exprs(args.iter())?;
                        }
                    }
                    self.exprs(call.partition_by.iter())?;
                    self.keys(&call.order_by)?;
                }
                Some(())
            }
            Plan::Sort(n) => {
                self.put(format_args!("sort {:?} ", n.limit))?;
                for (id, _) in &n.interpolate {
                    let place = self.place(*id)?;
                    self.put(format_args!("{place} "))?;
                }
                self.exprs(n.interpolate.iter().map(|(_, e)| e))?;
                self.keys(&n.keys)
            }
            Plan::Limit(n) => {
                self.put(format_args!("limit {:?} {} ", n.limit, n.offset))?;
                self.keys(&n.ties)
            }
            Plan::LimitBy(n) => {
                self.put(format_args!("limit by {} {} ", n.limit, n.offset))?;
                self.exprs(n.by.iter())
            }
            Plan::Distinct(n) => {
                self.put(format_args!("distinct "))?;
                self.places(&n.on)
            }
            Plan::Union(n) => {
                self.put(format_args!("union "))?;
                n.inputs.iter().try_for_each(|(_, ids)| self.places(ids))
            }
            Plan::Join(n) => {
                self.put(format_args!("join {:?} {:?} ", n.kind, n.strictness))?;
                n.on.iter()
                    .try_for_each(|(l, r)| self.exprs([l, r].into_iter()))?;
                self.exprs(n.residual.iter())?;
                if let Some((left, right, name)) = &n.asof {
                    self.put(format_args!("{name} "))?;
                    self.exprs([left, right].into_iter())?;
                }
                for (_, old, ty) in &n.nullable_outputs {
                    let place = self.place(*old)?;
                    self.put(format_args!("{place}:{ty} "))?;
                }
                Some(())
            }
            Plan::ArrayJoin(n) => {
                self.put(format_args!("unroll {} ", n.left))?;
                self.exprs(n.arrays.iter().map(|(_, e)| e))
            }
        }
    }

    fn rows(&mut self, what: &str, rows: &Arc<Block>) -> Option<()> {
        let (height, width) = (rows.rows(), rows.schema().len());
        self.put(format_args!("{what} {height} {width} "))?;
        if height * width > VALUES_MAX {
            return self.put(format_args!("{:p} ", Arc::as_ptr(rows)));
        }
        for (field, column) in rows.schema().fields.iter().zip(rows.columns()) {
            self.put(format_args!("{} ", field.ty))?;
            (0..height).try_for_each(|row| self.put(format_args!("{:?} ", column.value(row))))?;
        }
        Some(())
    }

    fn call(&mut self, call: &AggregateCall) -> Option<()> {
        let (name, params, distinct) = (&call.name, &call.params, call.distinct);
        let ty = call.function.return_type();
        self.put(format_args!("{name}{params:?}{distinct}:{ty} "))?;
        self.exprs(call.args.iter())
    }

    fn keys(&mut self, keys: &[SortExpr]) -> Option<()> {
        for key in keys {
            let (descending, nulls, fill) = (key.descending, key.nulls_first, &key.fill);
            self.put(format_args!("by {descending} {nulls} {fill:?} "))?;
            self.expr(&key.expr)?;
        }
        Some(())
    }

    fn places(&mut self, ids: &[ColumnId]) -> Option<()> {
        for id in ids {
            let place = self.place(*id)?;
            self.put(format_args!("{place} "))?;
        }
        self.put(format_args!("; "))
    }

    fn place(&self, id: ColumnId) -> Option<usize> {
        self.inputs.iter().position(|c| c.id == id)
    }

    fn exprs<'e>(&mut self, exprs: impl Iterator<Item = &'e Expr>) -> Option<()> {
        for expr in exprs {
            self.expr(expr)?;
        }
        self.put(format_args!("; "))
    }

    fn expr(&mut self, expr: &Expr) -> Option<()> {
        match expr {
            Expr::Column(id, ty) => match self.params.iter().rposition(|p| p == id) {
                Some(place) => self.put(format_args!("p{place}:{ty} ")),
                None => {
                    let place = self.place(*id)?;
                    self.put(format_args!("c{place}:{ty} "))
                }
            },
            Expr::Literal(value, ty) => self.put(format_args!("{value:?}:{ty} ")),
            Expr::Call(call) => {
                if !call.function.deterministic {
                    return None;
                }
                self.put(format_args!("{}:{}(", call.function.name, call.bound.ty))?;
                self.exprs(call.args.iter())
            }
            Expr::In(set) => self.set(set),
            Expr::Lambda(lambda) => {
                let outer = self.params.len();
                self.params.extend(lambda.params.iter().map(|p| p.0));
                self.put(format_args!("lambda {} ", lambda.params.len()))?;
                self.expr(&lambda.body)?;
                self.params.truncate(outer);
                Some(())
            }
        }
    }

    fn set(&mut self, set: &InSet) -> Option<()> {
        let (negated, types, ty) = (set.negated, &set.set.types, &set.ty);
        self.put(format_args!("in {negated} {types:?} {ty} "))?;
        self.exprs(set.needle.iter())?;
        match (&set.set.plan, set.set.rows.get()) {
            (Some(plan), _) => {
                let class = self.classes.of(plan).class?;
                self.put(format_args!("of {class} "))
            }
            (None, Some(rows)) => self.rows("of", rows),
            (None, None) => None,
        }
    }
}
