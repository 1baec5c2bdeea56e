//! Plans that are kept for texts that differ in nothing but literals of WHERE.
//!
//! Invariant: a kept plan was optimized while the conditions that hold those literals were out of
//! sight ([`hidden`]): nothing else of it can depend on them. Each call binds its conditions anew.

mod hidden;
mod keep;
mod slots;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::Mutex;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use roost_engine::error::{Error, Result};
use roost_engine::table::TableDefinition;

use super::catalog::StatementCatalog;
use super::context::StatementContext;
use super::source::SnapshotSource;
use crate::bind::{self, BindCatalog, Relation};
use crate::optimize;
use crate::parse::ast::{self, Statement, TableName};
use crate::parse::{Shape, literal_value};
use crate::plan::{Plan, Query, TableSource};
use hidden::Condition;

/// Bytes of shapes and their plans that are remembered, as [`Bytes`] counts them.
const SHAPES_MAX: u64 = 32 << 20;

/// What a shape counts besides its text: room for some plans.
const SHAPE_BYTES: u64 = 16 << 10;

/// Plans of one shape: texts may differ in literals that are not in WHERE as well.
const PLANS_MAX: usize = 8;

/// After so many plans a shape's other literals vary too much.
const ATTEMPTS_MAX: u32 = 64;

/// Kept plans by shape.
pub(crate) struct Plans {
    shapes: Cache<String, Arc<Entry>, Bytes>,
    #[cfg(test)]
    hits: std::sync::atomic::AtomicU64,
}

/// What a shape counts: it is weighed before it has plans.
#[derive(Clone)]
struct Bytes;

impl Weighter<String, Arc<Entry>> for Bytes {
    fn weight(&self, shape: &String, _: &Arc<Entry>) -> u64 {
        shape.len() as u64 + SHAPE_BYTES
    }
}

/// What is known of a shape.
#[derive(Default)]
struct Entry {
    plans: Mutex<Vec<Arc<Kept>>>,
    /// How often a plan was to be kept; [`ATTEMPTS_MAX`] once none can be.
    attempts: AtomicU32,
}

/// What is known of a statement before it is planned.
#[derive(Default)]
pub(crate) enum Beforehand {
    /// Nothing.
    #[default]
    Nothing,
    /// Its plan.
    Planned(Query),
    /// Its plan is to be kept.
    Wanted(Wanted),
    /// Its plan was there and has run: the parsed text has literals of another one.
    Run,
}

/// A plan that is to be kept.
pub(crate) struct Wanted {
    entry: Arc<Entry>,
    sql: String,
}

/// A plan that is kept.
struct Kept {
    /// The parsed text that it was made of.
    statement: Arc<Statement>,
    /// Its literals that are not in the conditions: they must be the same.
    fixed: Vec<(usize, String)>,
    /// The database and the settings that it was planned under.
    database: String,
    settings: Arc<HashMap<String, String>>,
    /// The one table, as written, and what it was.
    table: TableName,
    definition: Arc<TableDefinition>,
    is_final: bool,
    /// The plan, its conditions hidden, without rows.
    query: Query,
    conditions: Vec<Condition>,
}

impl Default for Plans {
    fn default() -> Self {
        Plans {
            shapes: Cache::with_weighter(256, SHAPES_MAX, Bytes),
            #[cfg(test)]
            hits: Default::default(),
        }
    }
}

impl Plans {
    /// How often a plan was there already.
    #[cfg(test)]
    pub(crate) fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }

    /// What is known of a text: the statement with its plan, or that its plan is wanted. A shape's
    /// plan is wanted when it comes for the second time.
    pub(crate) fn find(
        &self,
        sql: &str,
        context: &StatementContext,
    ) -> (Option<Arc<Statement>>, Beforehand) {
        let nothing = (None, Beforehand::Nothing);
        let Some(shape) = Shape::of(sql) else {
            return nothing;
        };
        let Some(entry) = self.shapes.get(shape.text.as_str()) else {
            self.shapes.insert(shape.text, Arc::default());
            return nothing;
        };
        let found = {
            let plans = entry.plans.lock();
            let kept = plans.iter().find(|k| k.fits(&shape.literals, context));
            kept.cloned()
        };
        if let Some(kept) = found {
            if let Some(query) = kept.query(&shape.literals, context) {
                #[cfg(test)]
                self.hits.fetch_add(1, Ordering::Relaxed);
                #[cfg(debug_assertions)]
                check(sql, &query, context);
                return (
                    Some(Arc::clone(&kept.statement)),
                    Beforehand::Planned(query),
                );
            }
            if !kept.is_current(context) {
                entry.plans.lock().retain(|k| !Arc::ptr_eq(k, &kept));
            }
            return nothing;
        }
        if entry.attempts.load(Ordering::Relaxed) >= ATTEMPTS_MAX {
            return nothing;
        }
        let sql = sql.to_string();
        (None, Beforehand::Wanted(Wanted { entry, sql }))
    }
}

impl Beforehand {
    /// What is known, once.
    fn taken(&mut self) -> Beforehand {
        let then = match self {
            Beforehand::Planned(_) | Beforehand::Run => Beforehand::Run,
            Beforehand::Wanted(_) | Beforehand::Nothing => Beforehand::Nothing,
        };
        std::mem::replace(self, then)
    }

    /// The plan of the statement.
    pub(super) fn plan(query: &ast::Query, context: &StatementContext) -> Result<Query> {
        let known = context.beforehand.lock().taken();
        match known {
            Beforehand::Planned(planned) => Ok(planned),
            Beforehand::Wanted(wanted) => wanted.plan(query, context),
            Beforehand::Nothing => super::select::plan(query, context),
            Beforehand::Run => Err(Error::bug("a kept plan was asked for twice")),
        }
    }
}

impl Wanted {
    /// Plans the statement, and keeps the plan when another text of its shape can have it.
    fn plan(self, query: &ast::Query, context: &StatementContext) -> Result<Query> {
        let catalog = StatementCatalog::new(context);
        let bound = bind::bind_query(query, &catalog)?;
        let before = bound.clone();
        let planned = optimize::optimize(bound, &context.bind)?;
        match keep::kept(&self.sql, query, before, &planned, &catalog) {
            Some(kept) => self.entry.put(kept),
            None => self.entry.attempts.store(ATTEMPTS_MAX, Ordering::Relaxed),
        }
        Ok(planned)
    }
}

impl Entry {
    fn put(&self, kept: Kept) {
        self.attempts.fetch_add(1, Ordering::Relaxed);
        let mut plans = self.plans.lock();
        if plans.len() >= PLANS_MAX {
            plans.remove(0);
        }
        plans.push(Arc::new(kept));
    }
}

impl Kept {
    /// Whether it was planned for such literals, in such surroundings.
    fn fits(&self, literals: &[&str], context: &StatementContext) -> bool {
        self.database == context.database
            && *self.settings == *context.bind.settings
            && self.fixed.iter().all(|(at, text)| literals[*at] == text)
    }

    /// The table as it is now, if it is still the same.
    fn source(&self, catalog: &StatementCatalog<'_>) -> Option<Arc<dyn TableSource>> {
        let name = &self.table;
        let relation = catalog.relation(name.database.as_deref(), &name.name);
        let Ok(Some(Relation::Table(source))) = relation else {
            return None;
        };
        let table = source.as_any().downcast_ref::<SnapshotSource>()?;
        if !Arc::ptr_eq(&table.snapshot().definition, &self.definition) {
            return None;
        }
        match self.is_final {
            true => source.with_final().ok(),
            false => Some(source),
        }
    }

    fn is_current(&self, context: &StatementContext) -> bool {
        self.source(&StatementCatalog::new(context)).is_some()
    }

    /// The plan for these literals; none when the usual way has to say what is to be done or what is
    /// wrong.
    fn query(&self, literals: &[&str], context: &StatementContext) -> Option<Query> {
        let catalog = StatementCatalog::new(context);
        let source = self.source(&catalog)?;
        let values = |at: usize| literal_value(literals[at]);
        let conditions: Option<Vec<_>> = self
            .conditions
            .iter()
            .map(|c| c.bound(&values, &catalog))
            .collect();
        let mut query = self.query.clone();
        fill(&mut query.plan, &source, &conditions?);
        Some(query)
    }
}

/// Debug builds plan each text in the usual way as well: every test that asks something twice is a
/// test of this.
#[cfg(debug_assertions)]
fn check(sql: &str, query: &Query, context: &StatementContext) {
    use crate::plan::explain::explain;
    let usual = crate::parse::parse_query(sql).and_then(|q| super::select::plan(&q, context));
    let usual = usual.map(|usual| explain(&usual));
    let is_same = usual.as_ref().is_ok_and(|u| *u == explain(query));
    debug_assert!(is_same, "{sql}: {}, but {usual:?}", explain(query));
}

/// Puts rows and conditions into a plan.
fn fill(plan: &mut Plan, rows: &Arc<dyn TableSource>, conditions: &[hidden::Bound]) {
    if let Plan::Scan(scan) = plan {
        scan.source = Arc::clone(rows);
    }
    plan.for_each_expr_mut(&mut |expr| hidden::show(expr, conditions));
    for input in plan.inputs_mut() {
        fill(input, rows, conditions);
    }
}
