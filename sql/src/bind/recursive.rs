//! WITH RECURSIVE: run while binding, step by step, until a step finds no rows.
//!
//! Invariant: the types are found before the first step, as the smallest that hold the first query
//! and a step over it; a step sees the rows of the step before only.

use std::rc::Rc;
use std::sync::Arc;

use roost_engine::bail;
use roost_engine::block::{Block, Field, Schema};
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::scope::{Cte, Env};
use super::select::SelectBinder;
use super::set_ops::{common_types, first_select, union};
use super::{Bound, select};
use crate::parse::ast::{QueryBody, SetOp};
use crate::plan::{MemorySource, TableSource};

/// Rounds in which types may widen.
const WIDENINGS_MAX: usize = 32;

/// Steps when no setting says otherwise.
const STEPS_MAX: u64 = 1000;

/// The name under which a step finds the rows of the step before.
#[derive(Debug)]
pub(super) struct Working {
    pub(super) name: String,
    pub(super) source: Arc<dyn TableSource>,
}

impl SelectBinder<'_, '_> {
    /// The rows of a recursive CTE; `None` when its query is no union, so that the name inside
    /// means something else.
    pub(super) fn recursive_cte(
        &self,
        name: &str,
        cte: &Cte,
        env: &Rc<Env>,
    ) -> Result<Option<Arc<dyn TableSource>>> {
        let mut body = &cte.query.body;
        while let QueryBody::Nested(query) = body {
            body = &query.body;
        }
        let QueryBody::Set { op, inputs } = body else {
            return Ok(None);
        };
        if *op != SetOp::UnionAll {
            bail!(
                UNSUPPORTED_METHOD,
                "Recursive CTE subquery {name} with another set operation than UNION ALL is unsupported"
            );
        }
        let Some((first, rest)) = inputs.split_first() else {
            return Ok(None);
        };
        let env = match first_select(first) {
            Some(select) => select::with_environment(select, env)?,
            None => Rc::clone(env),
        };
        let step = Step {
            binder: self,
            name,
            names: &cte.columns,
            env: &env,
            rest,
        };
        step.run(first).map(Some)
    }
}

struct Step<'s, 'b, 'c> {
    binder: &'s SelectBinder<'b, 'c>,
    name: &'s str,
    /// Column names written behind the CTE's name.
    names: &'s [String],
    env: &'s Rc<Env>,
    rest: &'s [QueryBody],
}

impl Step<'_, '_, '_> {
    fn run(&self, first: &QueryBody) -> Result<Arc<dyn TableSource>> {
        let shared = self.binder.binder;
        let base = shared.body(first, self.env)?;
        let (schema, types) = self.types(&base)?;
        let mut rows = self.rows(union(shared, vec![base], &types)?, &schema)?;
        let mut all = Vec::new();
        let steps_max = self.steps_max();
        let mut steps = 0;
        while rows.rows() > 0 {
            steps += 1;
            if steps > steps_max {
                bail!(
                    TOO_DEEP_RECURSION,
                    "Maximum recursive CTE evaluation depth ({steps_max}) exceeded, during evaluation of {}. Consider raising max_recursive_cte_evaluation_depth setting",
                    self.name
                );
            }
            let bound = self.bound(&schema, vec![rows.clone()])?;
            all.push(rows);
            rows = self.rows(union(shared, bound, &types)?, &schema)?;
        }
        Ok(Arc::new(MemorySource::new(self.name, schema, all)))
    }

    fn steps_max(&self) -> u64 {
        let settings = &self.binder.binder.catalog.context().settings;
        let written = settings.get("max_recursive_cte_evaluation_depth");
        written.and_then(|v| v.parse().ok()).unwrap_or(STEPS_MAX)
    }

    /// The CTE's columns, widened until a step over them fits in them.
    fn types(&self, base: &Bound) -> Result<(Arc<Schema>, Vec<DataType>)> {
        let mut types: Vec<DataType> = base.columns.iter().map(|c| c.ty.clone()).collect();
        let names = base.columns.iter().enumerate();
        let names: Vec<String> = names
            .map(|(i, c)| self.names.get(i).unwrap_or(&c.name).clone())
            .collect();
        for _ in 0..WIDENINGS_MAX {
            let fields = names.iter().zip(&types);
            let fields = fields.map(|(name, ty)| Field::new(name, ty.clone()));
            let schema = Schema::new(fields.collect());
            let mut all = self.bound(&schema, Vec::new())?;
            let seen = Bound {
                plan: super::from::one_row()?,
                columns: base
                    .columns
                    .iter()
                    .zip(&types)
                    .map(|(c, ty)| super::OutputName {
                        ty: ty.clone(),
                        ..c.clone()
                    })
                    .collect(),
            };
            all.insert(0, seen);
            let wider = common_types(&all)?;
            if wider == types {
                return Ok((schema, types));
            }
            types = wider;
        }
        bail!(
            TYPE_MISMATCH,
            "Types of the columns of recursive CTE {} never settle",
            self.name
        )
    }

    /// The recursive queries over the rows of the step before.
    fn bound(&self, schema: &Arc<Schema>, rows: Vec<Block>) -> Result<Vec<Bound>> {
        let source = MemorySource::new(self.name, Arc::clone(schema), rows);
        let env = Rc::new(Env {
            parent: Some(Rc::clone(self.env)),
            working: Some(Working {
                name: self.name.to_owned(),
                source: Arc::new(source),
            }),
            ..Env::default()
        });
        let queries = self.rest.iter();
        queries.map(|q| self.binder.binder.body(q, &env)).collect()
    }

    fn rows(&self, bound: Bound, schema: &Arc<Schema>) -> Result<Block> {
        let query = bound.into_query();
        let rows = self.binder.binder.catalog.run(&query, u64::MAX)?;
        Block::new(Arc::clone(schema), rows.columns().to_vec(), rows.rows())
    }
}
