//! One SELECT as a chain of plan nodes: FROM, WHERE, GROUP BY, HAVING, windows, QUALIFY, select
//! list, DISTINCT, ORDER BY, LIMIT BY, LIMIT.
//!
//! Invariant: expressions are bound over FROM's columns first, with aggregates, windows and
//! `arrayJoin`s set aside as columns; only then are the nodes stacked, each set-aside column made by
//! the first node that needs it.

use std::cell::{Cell, OnceCell};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use roost_engine::bail;
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::alias::{self, Aliases};
use super::correlated::Correlated;
use super::expr::LambdaNames;
use super::matcher::Item;
use super::rewrite::{self, same};
use super::scope::{Cte, Env, OuterAlias, Tables};
use super::{Binder, Bound, OutputName};
use crate::expr::{AggregateCall, ColumnId, Expr};
use crate::parse::ast::{self, Distinct, Select, With};
use crate::plan::{self, Plan, WindowCall};

/// Binds the expressions of one SELECT and keeps what they set aside.
pub(super) struct SelectBinder<'b, 'c> {
    pub(super) binder: &'b Binder<'c>,
    /// Outer names, this SELECT's CTEs and aliases among them.
    pub(super) env: Rc<Env>,
    /// FROM as far as it is bound.
    pub(super) tables: Tables,
    /// Aliases of this SELECT.
    pub(super) aliases: Aliases,
    /// Aliases being resolved, outermost first.
    pub(super) resolving: Vec<String>,
    /// Aliases that were passed over because they are being resolved.
    pub(super) skipped: HashSet<String>,
    /// Values of aliases.
    pub(super) resolved: HashMap<String, Expr>,
    /// Lambdas around the expression, outermost first.
    pub(super) lambdas: Vec<LambdaNames>,
    /// Nesting of the expression.
    pub(super) depth: usize,
    /// Aggregates set aside.
    pub(super) aggregates: Vec<(ColumnId, AggregateCall)>,
    /// Texts of the aggregates' parameters, to tell equal calls.
    pub(super) aggregate_keys: Vec<String>,
    /// Windows set aside.
    pub(super) windows: Vec<(ColumnId, WindowCall)>,
    /// Named windows.
    pub(super) named_windows: HashMap<String, ast::WindowSpec>,
    /// `arrayJoin`s set aside: element column and array; placed once a node makes them.
    pub(super) array_joins: Vec<(ColumnId, Expr)>,
    /// Which of them have been placed.
    pub(super) placed: HashSet<ColumnId>,
    /// Correlated subqueries set aside; placed once a node joins them.
    pub(super) correlated: Vec<Correlated>,
    /// Calls of `grouping` set aside, with their keys.
    pub(super) groupings: Vec<(ColumnId, Vec<Expr>)>,
}

impl<'b, 'c> SelectBinder<'b, 'c> {
    /// A binder without tables and aliases.
    pub(super) fn new(binder: &'b Binder<'c>, env: Rc<Env>) -> Self {
        SelectBinder {
            binder,
            env,
            tables: Tables::default(),
            aliases: Aliases::default(),
            resolving: Vec::new(),
            skipped: HashSet::new(),
            resolved: HashMap::new(),
            lambdas: Vec::new(),
            depth: 0,
            aggregates: Vec::new(),
            aggregate_keys: Vec::new(),
            windows: Vec::new(),
            named_windows: HashMap::new(),
            array_joins: Vec::new(),
            placed: HashSet::new(),
            correlated: Vec::new(),
            groupings: Vec::new(),
        }
    }

    /// Takes in the aliases inside one expression.
    pub(super) fn collect_aliases_of(&mut self, expr: &ast::Expr) -> Result<()> {
        alias::of_expr(expr, &mut self.aliases)
    }

    /// Refuses what only a SELECT can compute.
    pub(super) fn require_plain(&self, _bound: &Expr) -> Result<()> {
        if let Some((_, call)) = self.aggregates.first() {
            bail!(
                ILLEGAL_AGGREGATION,
                "Aggregate function {} is not allowed in this expression",
                call.name
            );
        }
        if !self.windows.is_empty() {
            bail!(
                ILLEGAL_AGGREGATION,
                "Window functions are not allowed in this expression"
            );
        }
        if !self.array_joins.is_empty() {
            bail!(
                UNSUPPORTED_METHOD,
                "arrayJoin is not allowed in this expression"
            );
        }
        if !self.correlated.is_empty() {
            return Err(roost_engine::error::Error::not_implemented(
                "Correlated subquery in this expression",
            ));
        }
        Ok(())
    }

    /// Refuses aggregates and windows in a clause.
    pub(super) fn refuse_aggregates(&self, expr: &Expr, place: &str) -> Result<()> {
        for id in expr.columns() {
            if let Some((_, call)) = self.aggregates.iter().find(|(a, _)| *a == id) {
                bail!(
                    ILLEGAL_AGGREGATION,
                    "Aggregate function {} is found {place} in query",
                    call.name
                );
            }
        }
        self.refuse_windows(expr, place)
    }

    /// Refuses windows in a clause.
    pub(super) fn refuse_windows(&self, expr: &Expr, place: &str) -> Result<()> {
        let windows = |id: &ColumnId| self.windows.iter().any(|(w, _)| w == id);
        if expr.columns().iter().any(windows) {
            bail!(
                ILLEGAL_AGGREGATION,
                "Window function is found {place} in query"
            );
        }
        Ok(())
    }

    /// `arrayJoin(x)`: equal arrays are unrolled once.
    pub(super) fn array_join_function(&mut self, function: &ast::Function) -> Result<Expr> {
        let [arg] = function.args.as_slice() else {
            bail!(
                NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
                "Function arrayJoin takes exactly one argument, {} given",
                function.args.len()
            );
        };
        let array = self.bind(arg)?;
        let array = match array.ty().value_type() {
            DataType::Map(..) => match array.ty().map_entry() {
                Some(entry) => self.cast(array, &entry.array())?,
                None => array,
            },
            _ => array,
        };
        let Some(element) = array.ty().element().cloned() else {
            bail!(
                TYPE_MISMATCH,
                "Argument of arrayJoin must be Array or Map, found {}",
                array.ty()
            );
        };
        let known = self.array_joins.iter().find(|(_, a)| same(a, &array));
        let id = match known {
            Some((id, _)) => *id,
            None => {
                let id = self.binder.fresh();
                self.array_joins.push((id, array));
                id
            }
        };
        Ok(Expr::Column(id, element))
    }

    /// Puts the `arrayJoin`s and correlated subqueries that `exprs` need (and have not got yet) on top of `plan`.
    pub(super) fn place_array_joins(
        &mut self,
        mut plan: Plan,
        exprs: &[&Expr],
        rewrite: &dyn Fn(&Expr) -> Result<Expr>,
    ) -> Result<Plan> {
        let mut wanted: Vec<ColumnId> = exprs.iter().flat_map(|e| e.columns()).collect();
        let mut at = 0;
        while at < wanted.len() {
            let inner = self.array_joins.iter().find(|(id, _)| *id == wanted[at]);
            wanted.extend(inner.iter().flat_map(|(_, array)| array.columns()));
            let subquery = self.correlated.iter().find(|c| c.id == wanted[at]);
            wanted.extend(subquery.iter().flat_map(|c| c.outer_columns()));
            at += 1;
        }
        let joins: Vec<_> = self
            .array_joins
            .iter()
            .filter(|(id, _)| wanted.contains(id) && !self.placed.contains(id))
            .cloned()
            .collect();
        for (id, array) in joins {
            self.placed.insert(id);
            plan = Plan::ArrayJoin(Box::new(plan::ArrayJoin {
                input: plan,
                arrays: vec![(id, rewrite(&array)?)],
                left: false,
            }));
        }
        self.place_correlated(plan, &wanted)
    }

    /// Binds a condition and checks that it can be one.
    pub(super) fn condition(&mut self, expr: &ast::Expr, place: &str) -> Result<Expr> {
        let bound = self.bind(expr)?;
        let ty = bound.ty().value_type();
        if !(ty.is_numeric() || *ty == DataType::Nothing) {
            bail!(
                ILLEGAL_TYPE_OF_COLUMN_FOR_FILTER,
                "Invalid type for filter in {place}: {}",
                bound.ty()
            );
        }
        Ok(bound)
    }
}

/// The names that a SELECT defines for itself and for what it contains.
fn environment(select: &Select, aliases: &Aliases, env: &Rc<Env>) -> Result<Rc<Env>> {
    let ctes = select.with.iter().filter_map(|item| match item {
        With::Query {
            name,
            columns,
            query,
        } => Some((
            name.clone(),
            Rc::new(Cte {
                columns: columns.clone(),
                query: query.as_ref().clone(),
                recursive: select.recursive && super::from::mentions(query, name),
            }),
        )),
        With::Expr { .. } => None,
    });
    let outer = aliases.iter().map(|(name, expr)| {
        let alias = OuterAlias {
            expr: expr.as_ref().clone(),
            value: OnceCell::new(),
            busy: Cell::new(false),
        };
        (name.clone(), Rc::new(alias))
    });
    Ok(Rc::new(Env {
        parent: Some(Rc::clone(env)),
        ctes: ctes.collect(),
        aliases: outer.collect(),
        ..Env::default()
    }))
}

/// What the WITH of a SELECT defines, for the other branches of its UNION.
pub(super) fn with_environment(select: &Select, env: &Rc<Env>) -> Result<Rc<Env>> {
    let mut aliases = Aliases::default();
    for item in &select.with {
        if let With::Expr { name, expr } = item {
            aliases.insert(name.clone(), Rc::new(expr.clone()));
        }
    }
    environment(select, &aliases, env)
}

/// Binds one SELECT.
pub(super) fn bind_select(binder: &Binder<'_>, select: &Select, env: &Rc<Env>) -> Result<Bound> {
    let mut aliases = Aliases::default();
    alias::of_select(select, &mut aliases)?;
    let env = environment(select, &aliases, env)?;
    let mut this = SelectBinder::new(binder, Rc::clone(&env));
    this.aliases = aliases;
    this.named_windows = select.windows.iter().cloned().collect();
    let plan = this.from(select.from.as_ref())?;
    this.resolved.clear();
    // Subqueries in expressions see the tables, to tell correlated ones from misspelt ones.
    this.env = Rc::new(Env {
        tables: Some(this.tables.clone()),
        parent: Some(env),
        ..Env::default()
    });
    this.stack(select, plan)
}

/// The select list and what else is computed from rows after grouping.
pub(super) struct Outputs {
    /// Select list: name and value.
    pub(super) items: Vec<(String, Expr)>,
    /// HAVING.
    pub(super) having: Option<Expr>,
    /// QUALIFY.
    pub(super) qualify: Option<Expr>,
    /// ORDER BY.
    pub(super) order: Vec<plan::SortExpr>,
    /// LIMIT BY keys.
    pub(super) limit_by: Vec<Expr>,
    /// DISTINCT ON keys.
    pub(super) distinct_on: Vec<Expr>,
}

impl Outputs {
    /// Every expression, to be rewritten in place.
    pub(super) fn for_each(
        &mut self,
        change: &mut dyn FnMut(&mut Expr) -> Result<()>,
    ) -> Result<()> {
        let items = self.items.iter_mut().map(|(_, e)| e);
        let order = self.order.iter_mut().map(|o| &mut o.expr);
        let rest = self.limit_by.iter_mut().chain(&mut self.distinct_on);
        let conditions = self.having.iter_mut().chain(&mut self.qualify);
        items
            .chain(order)
            .chain(rest)
            .chain(conditions)
            .try_for_each(change)
    }

    /// Everything computed by the last projection.
    fn projected(&self) -> Vec<&Expr> {
        let items = self.items.iter().map(|(_, e)| e);
        let order = self.order.iter().map(|o| &o.expr);
        items
            .chain(order)
            .chain(&self.limit_by)
            .chain(&self.distinct_on)
            .collect()
    }
}

impl SelectBinder<'_, '_> {
    /// Stacks the clauses on FROM.
    fn stack(mut self, select: &Select, mut plan: Plan) -> Result<Bound> {
        let keep = |e: &Expr| Ok(e.clone());
        for (filter, place) in [(&select.prewhere, "PREWHERE"), (&select.filter, "WHERE")] {
            if let Some(filter) = filter {
                let predicate = self.condition(filter, place)?;
                self.refuse_aggregates(&predicate, &format!("in {place}"))?;
                plan = self.place_array_joins(plan, &[&predicate], &keep)?;
                plan = filtered(plan, predicate);
            }
        }
        let items = self.select_items(&select.items)?;
        let keys = self.group_keys(select, &items)?;
        let mut outputs = self.outputs(select, items)?;
        plan = self.aggregated(select, plan, keys, &mut outputs)?;
        if let Some(having) = outputs.having.take() {
            self.refuse_windows(&having, "in HAVING")?;
            plan = self.place_array_joins(plan, &[&having], &keep)?;
            plan = filtered(plan, having);
        }
        plan = self.windowed(plan)?;
        if let Some(qualify) = outputs.qualify.take() {
            plan = filtered(plan, qualify);
        }
        plan = self.place_array_joins(plan, &outputs.projected(), &keep)?;
        self.finish(select, plan, outputs)
    }

    /// Binds everything that is computed after grouping.
    fn outputs(&mut self, select: &Select, items: Vec<Item>) -> Result<Outputs> {
        let items: Vec<(String, Expr)> = items.into_iter().map(|i| (i.name, i.expr)).collect();
        let having = match &select.having {
            Some(having) => Some(self.condition(having, "HAVING")?),
            None => None,
        };
        let qualify = match &select.qualify {
            Some(qualify) => Some(self.condition(qualify, "QUALIFY")?),
            None => None,
        };
        let order = self.order_keys(select, &items)?;
        let limit_by = match &select.limit_by {
            Some(clause) => self.positional_list(&clause.by, &items)?,
            None => Vec::new(),
        };
        let distinct_on = match &select.distinct {
            Distinct::On(exprs) => self.positional_list(exprs, &items)?,
            _ => Vec::new(),
        };
        Ok(Outputs {
            items,
            having,
            qualify,
            order,
            limit_by,
            distinct_on,
        })
    }

    /// The last projection and what comes behind it.
    fn finish(self, select: &Select, plan: Plan, outputs: Outputs) -> Result<Bound> {
        let mut projection = Projection::new(self.binder);
        let columns: Vec<OutputName> = outputs
            .items
            .iter()
            .map(|(name, expr)| OutputName {
                name: name.clone(),
                id: projection.add(expr),
                ty: expr.ty().clone(),
            })
            .collect();
        let order: Vec<plan::SortExpr> = outputs
            .order
            .iter()
            .map(|key| plan::SortExpr {
                expr: projection.column(&key.expr),
                ..key.clone()
            })
            .collect();
        let by: Vec<Expr> = outputs
            .limit_by
            .iter()
            .map(|e| projection.column(e))
            .collect();
        let on: Vec<ColumnId> = outputs
            .distinct_on
            .iter()
            .map(|e| projection.add(e))
            .collect();
        let mut plan = Plan::Project(Box::new(plan::Project {
            input: plan,
            exprs: projection.exprs,
        }));
        let on = match select.distinct {
            Distinct::No => Vec::new(),
            Distinct::All => columns.iter().map(|c| c.id).collect(),
            Distinct::On(_) => on,
        };
        if !on.is_empty() {
            plan = Plan::Distinct(Box::new(plan::Distinct { input: plan, on }));
        }
        let plan = self.ordered(select, plan, order, by, &columns)?;
        Ok(Bound { plan, columns })
    }
}

/// A projection under construction: equal expressions share a column.
struct Projection<'b, 'c> {
    binder: &'b Binder<'c>,
    exprs: Vec<(ColumnId, Expr)>,
}

impl<'b, 'c> Projection<'b, 'c> {
    fn new(binder: &'b Binder<'c>) -> Self {
        Projection {
            binder,
            exprs: Vec::new(),
        }
    }

    /// The output column that carries `expr`.
    fn add(&mut self, expr: &Expr) -> ColumnId {
        if expr.is_deterministic()
            && let Some((id, _)) = self.exprs.iter().find(|(_, e)| same(e, expr))
        {
            return *id;
        }
        let id = self.binder.fresh();
        self.exprs.push((id, expr.clone()));
        id
    }

    fn column(&mut self, expr: &Expr) -> Expr {
        // An ordering or grouping that repeats an output, random or not, means that output.
        if let Some((id, e)) = self.exprs.iter().find(|(_, e)| same(e, expr)) {
            return Expr::Column(*id, e.ty().clone());
        }
        let id = self.add(expr);
        Expr::Column(id, expr.ty().clone())
    }
}

/// The rows of `plan` that fulfil `predicate`.
pub(super) fn filtered(plan: Plan, predicate: Expr) -> Plan {
    Plan::Filter(Box::new(plan::Filter {
        input: plan,
        predicate,
    }))
}

/// `expr` with columns renamed.
pub(super) fn renamed(expr: &Expr, map: &HashMap<ColumnId, Expr>) -> Expr {
    rewrite::replace_columns(expr, &|id| map.get(&id).cloned())
}
