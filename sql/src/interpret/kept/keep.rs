//! Whether a plan can be kept, and what is kept of it.
//!
//! Invariant: what is kept gives, for the text that it was made of, the very plan that the usual way
//! has given.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use roost_engine::block::Schema;

use super::super::catalog::StatementCatalog;
use super::super::materialized::is_pure;
use super::super::source::SnapshotSource;
use super::hidden::Condition;
use super::{Kept, slots};
use crate::bind::rewrite::{conjuncts, same};
use crate::bind::{BindCatalog, Relation};
use crate::expr::Expr;
use crate::optimize;
use crate::parse::ast::{self, QueryBody, Select, Statement, TableName, With};
use crate::parse::{Shape, literal_value};
use crate::plan::fingerprint::Classes;
use crate::plan::{Filter, Plan, Query, Scan};

/// What can be kept of a plan that was bound to `bound` and optimized to `planned`.
pub(super) fn kept(
    sql: &str,
    query: &ast::Query,
    mut bound: Query,
    planned: &Query,
    catalog: &StatementCatalog<'_>,
) -> Option<Kept> {
    let context = catalog.statement();
    let table = only_table(query)?;
    let timeless = !context.bind.asked_time.load(Ordering::Relaxed);
    if !timeless || catalog.ran() || !is_pure(&bound.plan) || !is_pure(&planned.plan) {
        return None;
    }
    let relation = catalog.relation(table.database.as_deref(), &table.name);
    let Ok(Some(Relation::Table(source))) = relation else {
        return None;
    };
    let snapshot = source.as_any().downcast_ref::<SnapshotSource>()?.snapshot();
    let shape = Shape::of(sql)?;
    let filter = slots::filter_with_slots(query, &shape)?;
    let conditions = hide(&mut bound.plan, &filter, source.schema(), &shape, catalog)?;
    let used: Vec<usize> = conditions.iter().flat_map(Condition::slots).collect();
    let mut generic = optimize::optimize(bound, &context.bind).ok()?;
    let scan = only_scan(&mut generic.plan)?;
    let own = scan.source.as_any().downcast_ref::<SnapshotSource>()?;
    if !Arc::ptr_eq(&own.snapshot().definition, &snapshot.definition) {
        return None;
    }
    let is_final = own.is_final();
    scan.source = Arc::new(own.without_rows());
    let literals = shape.literals.iter().enumerate();
    let fixed = literals.filter(|(at, _)| !used.contains(at));
    let kept = Kept {
        statement: Arc::new(Statement::Query(Box::new(query.clone()))),
        fixed: fixed.map(|(at, text)| (at, (*text).to_string())).collect(),
        database: context.database.clone(),
        settings: Arc::clone(&context.bind.settings),
        table: table.clone(),
        definition: Arc::clone(&snapshot.definition),
        is_final,
        query: generic,
        conditions,
    };
    let again = kept.query(&shape.literals, context)?;
    is_same(&again, planned).then_some(kept)
}

/// The table of a query that reads nothing else.
fn only_table(query: &ast::Query) -> Option<&TableName> {
    let QueryBody::Select(select) = &query.body else {
        return None;
    };
    let Select { with, from, .. } = &**select;
    let from = from.as_ref().filter(|f| f.joins.is_empty())?;
    let plain = query.settings.is_empty()
        && query.outfile.is_none()
        && select.settings.is_empty()
        && select.prewhere.is_none()
        && from.first.sample.is_none()
        && !with.iter().any(|w| matches!(w, With::Query { .. }));
    match &from.first.source {
        ast::TableSource::Name(name) if plain => Some(name),
        _ => None,
    }
}

/// The one scan of a plan that has no other leaf.
fn only_scan(plan: &mut Plan) -> Option<&mut Scan> {
    if let Plan::Scan(scan) = plan {
        return Some(scan);
    }
    let mut inputs = plan.inputs_mut();
    match inputs.len() {
        1 => only_scan(inputs.pop()?),
        _ => None,
    }
}

/// The filter that WHERE has become: the one right above the scan.
fn filter_over_scan(plan: &mut Plan) -> Option<&mut Filter> {
    if let Plan::Filter(filter) = plan
        && matches!(filter.input, Plan::Scan(_))
    {
        match plan {
            Plan::Filter(filter) => return Some(filter),
            _ => return None,
        }
    }
    let mut inputs = plan.inputs_mut();
    match inputs.len() {
        1 => filter_over_scan(inputs.pop()?),
        _ => None,
    }
}

/// Hides the conditions that have slots; the others, and those of which anything is unclear, stay.
fn hide(
    plan: &mut Plan,
    written: &ast::Expr,
    schema: &Schema,
    shape: &Shape<'_>,
    catalog: &StatementCatalog<'_>,
) -> Option<Vec<Condition>> {
    let filter = filter_over_scan(plan)?;
    let Plan::Scan(scan) = &filter.input else {
        return None;
    };
    let mut texts = Vec::new();
    slots::conjuncts(written, &mut texts);
    let mut parts = conjuncts(&filter.predicate);
    if parts.len() != texts.len() {
        return None;
    }
    let literals = |at: usize| literal_value(shape.literals[at]);
    let mut conditions = Vec::new();
    for (part, text) in parts.iter_mut().zip(texts) {
        if slots::slots_of(&text).is_empty() {
            continue;
        }
        let Some((condition, first)) = Condition::new(text, schema, &literals, catalog) else {
            continue;
        };
        let columns: Option<Vec<Expr>> = condition
            .names()
            .map(|name| column(scan, schema, name))
            .collect();
        let Some(columns) = columns else {
            continue;
        };
        if same(&first.over(&columns), part) {
            *part = condition.hidden(conditions.len(), columns.into_iter());
            conditions.push(condition);
        }
    }
    filter.predicate = optimize::all_of(parts, catalog.context()).ok()??;
    (!conditions.is_empty()).then_some(conditions)
}

/// The column of that name as the scan gives it.
fn column(scan: &Scan, schema: &Schema, name: &str) -> Option<Expr> {
    let place = schema.index_of(name)?;
    let (id, _) = scan.columns.iter().find(|(_, own)| *own == place)?;
    Some(Expr::Column(*id, schema.fields[place].ty.clone()))
}

/// Whether two plans do the same work for the same answer.
fn is_same(a: &Query, b: &Query) -> bool {
    let places = |q: &Query| -> Vec<(String, Option<usize>)> {
        let outputs = q.plan.outputs();
        let place = |id| outputs.iter().position(|o| o.id == id);
        let columns = q.columns.iter();
        columns
            .map(|(name, id)| (name.clone(), place(*id)))
            .collect()
    };
    let mut classes = Classes::default();
    let (x, y) = (classes.of(&a.plan).class, classes.of(&b.plan).class);
    x.is_some() && x == y && places(a) == places(b)
}
