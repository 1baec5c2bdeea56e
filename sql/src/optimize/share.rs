//! Parts of a plan that stand in it more than once run once: each place reads the same rows.
//!
//! A common table expression, a view or a node of a pipe is bound anew wherever it is named; what is
//! still the same after filters were pushed into it is found here.
//!
//! Invariant: only what gives few rows for what it reads is held in memory: groups, limits, distinct
//! rows, and joins and filtered scans of small tables.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use roost_engine::error::Result;

use crate::expr::ColumnId;
use crate::functions::BindContext;
use crate::plan::fingerprint::{Class, Classes, Classified};
use crate::plan::{JoinKind, Plan, Query, Scan, SharedSource, TableSource, as_shared};

/// Joins that read no more rows than these are held.
const JOINED_ROWS_MAX: u64 = 4 << 20;
/// A filtered scan is held when it stands in the query so often.
const SCANS_MIN: usize = 3;

/// The rule.
pub(super) fn rule(query: &mut Query, _context: &BindContext) -> Result<()> {
    if leaves(&query.plan) < 2 {
        return Ok(());
    }
    let classified = Classes::default().of(&query.plan);
    let mut sharing = Sharing::default();
    sharing.count(&classified);
    if sharing.uses.values().any(|n| *n > 1) {
        sharing.rewrite(&mut query.plan, &classified);
    }
    Ok(())
}

/// Scans and lists of rows in a plan.
fn leaves(plan: &Plan) -> usize {
    let inputs = plan.inputs();
    match inputs.is_empty() {
        true => 1,
        false => inputs.into_iter().map(leaves).sum(),
    }
}

#[derive(Default)]
struct Sharing {
    /// In how many places of the shared query a class stands.
    uses: HashMap<Class, usize>,
    made: HashMap<Class, Arc<dyn TableSource>>,
}

impl Sharing {
    /// Counts places; what stands below one class counts once.
    fn count(&mut self, classified: &Classified) {
        if let Some(class) = classified.class {
            let uses = self.uses.entry(class).or_insert(0);
            *uses += 1;
            if *uses > 1 {
                return;
            }
        }
        classified.inputs.iter().for_each(|i| self.count(i));
    }

    fn rewrite(&mut self, plan: &mut Plan, classified: &Classified) {
        if let Some(class) = classified.class {
            let uses = self.uses.get(&class).copied().unwrap_or(0);
            if uses > 1 && is_worth_holding(plan, uses) {
                let source = self.source(class, plan, classified);
                let outputs = plan.outputs().into_iter().enumerate();
                *plan = Plan::Scan(Scan {
                    source,
                    columns: outputs.map(|(place, column)| (column.id, place)).collect(),
                    filter: None,
                    filter_only: Vec::new(),
                    limit: None,
                });
                return;
            }
        }
        let inputs = plan.inputs_mut().into_iter().zip(&classified.inputs);
        inputs.for_each(|(input, classified)| self.rewrite(input, classified));
    }

    fn source(
        &mut self,
        class: Class,
        plan: &Plan,
        classified: &Classified,
    ) -> Arc<dyn TableSource> {
        if let Some(known) = self.made.get(&class) {
            return Arc::clone(known);
        }
        let mut own = plan.clone();
        let inputs = own.inputs_mut().into_iter().zip(&classified.inputs);
        inputs.for_each(|(input, classified)| self.rewrite(input, classified));
        let source = SharedSource::new(self.made.len() + 1, own);
        let source: Arc<dyn TableSource> = Arc::new(source);
        self.made.insert(class, Arc::clone(&source));
        source
    }
}

fn is_worth_holding(plan: &Plan, uses: usize) -> bool {
    match plan {
        Plan::Filter(n) => is_worth_holding(&n.input, uses),
        Plan::Project(n) => is_worth_holding(&n.input, uses),
        Plan::Aggregate(_)
        | Plan::Window(_)
        | Plan::Limit(_)
        | Plan::LimitBy(_)
        | Plan::Distinct(_) => true,
        Plan::Sort(n) => n.limit.is_some() || is_worth_holding(&n.input, uses),
        Plan::Union(n) => n.inputs.iter().any(|(i, _)| is_worth_holding(i, uses)),
        Plan::Join(n) => n.kind != JoinKind::Cross && rows_read(plan) <= JOINED_ROWS_MAX,
        Plan::ArrayJoin(_) => false,
        Plan::Scan(n) => {
            let few = rows_read(plan) <= JOINED_ROWS_MAX;
            let shared = as_shared(n.source.as_ref()).is_some();
            uses >= SCANS_MIN && n.filter.is_some() && few && !shared
        }
        Plan::Values(_) => false,
    }
}

/// No more rows than these are read by the plan.
fn rows_read(plan: &Plan) -> u64 {
    let own = match plan {
        Plan::Scan(scan) => scan.source.rows_at_most().unwrap_or(u64::MAX),
        _ => 0,
    };
    let inputs = plan.inputs().into_iter().map(rows_read);
    inputs.fold(own, u64::saturating_add)
}

/// All shared plans of a query, each after those that read it.
fn in_order(plan: &Plan) -> Vec<Arc<dyn TableSource>> {
    fn visit(plan: &Plan, seen: &mut HashSet<usize>, done: &mut Vec<Arc<dyn TableSource>>) {
        for source in plan.shared() {
            if let Some(shared) = as_shared(source.as_ref())
                && seen.insert(source.identity().0)
            {
                visit(&shared.plan(), seen, done);
                done.push(source);
            }
        }
    }
    let mut done = Vec::new();
    visit(plan, &mut HashSet::new(), &mut done);
    done.reverse();
    done
}

/// Applies a rule to the query and to every shared plan, those that read others first. A rule on a
/// shared plan is told the outputs that are read by then.
pub(super) fn everywhere(
    query: &mut Query,
    rule: &mut dyn FnMut(&mut Query) -> Result<()>,
) -> Result<()> {
    rule(query)?;
    let sources = in_order(&query.plan);
    if sources.is_empty() {
        return Ok(());
    }
    let mut readers = vec![query.plan.clone()];
    for source in sources {
        let Some(shared) = as_shared(source.as_ref()) else {
            continue;
        };
        let mut read: HashSet<usize> = HashSet::new();
        readers
            .iter()
            .for_each(|r| places_read(r, source.identity().0, &mut read));
        let column = |place: &usize| {
            let output = shared.outputs().get(*place)?;
            Some((String::new(), output.id))
        };
        let mut columns: Vec<(String, ColumnId)> = read.iter().filter_map(column).collect();
        columns.sort_by_key(|(_, id)| *id);
        let mut own = Query {
            plan: shared.plan(),
            columns,
        };
        rule(&mut own)?;
        shared.replace_plan(own.plan.clone());
        readers.push(own.plan);
    }
    Ok(())
}

fn places_read(plan: &Plan, shared: usize, read: &mut HashSet<usize>) {
    if let Plan::Scan(scan) = plan
        && as_shared(scan.source.as_ref()).is_some()
        && scan.source.identity().0 == shared
    {
        read.extend(scan.columns.iter().map(|(_, place)| *place));
    }
    let inputs = plan.inputs().into_iter();
    inputs.for_each(|input| places_read(input, shared, read));
}
