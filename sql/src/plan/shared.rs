//! Rows that several places of a query read: a plan that runs once, before the rest.
//!
//! Invariant: the plan runs at most once; every reader sees the same rows in the same order.

use std::any::Any;
use std::sync::{Arc, OnceLock};

use parking_lot::RwLock;
use roost_engine::block::{Block, Field, Schema};
use roost_engine::error::{Error, Result};

use super::memory::{BlocksReader, Pieces};
use super::source::{SourceReader, SourceRequest, TableSource};
use super::{OutputColumn, Plan};

/// A plan that looks like a table to the plans that read it.
#[derive(Debug)]
pub struct SharedSource {
    number: usize,
    schema: Arc<Schema>,
    outputs: Vec<OutputColumn>,
    /// Rules go on rewriting it after others began to refer to it.
    plan: RwLock<Plan>,
    rows: OnceLock<Arc<Vec<Block>>>,
}

impl SharedSource {
    /// The rows of `plan`; `number` names it in EXPLAIN.
    pub fn new(number: usize, plan: Plan) -> Self {
        let outputs = plan.outputs();
        let fields = outputs
            .iter()
            .map(|c| Field::new(format!("#{}", c.id.0), c.ty.clone()));
        SharedSource {
            number,
            schema: Schema::new(fields.collect()),
            outputs,
            plan: RwLock::new(plan),
            rows: OnceLock::new(),
        }
    }

    /// The columns of the schema, as the plan named them first.
    pub fn outputs(&self) -> &[OutputColumn] {
        &self.outputs
    }

    /// The plan as it is now; it may have dropped outputs that nobody reads.
    pub fn plan(&self) -> Plan {
        self.plan.read().clone()
    }

    /// Another plan for the same rows, of at least the columns that are read.
    pub fn replace_plan(&self, plan: Plan) {
        *self.plan.write() = plan;
    }

    /// Whether the plan has run.
    pub fn is_filled(&self) -> bool {
        self.rows.get().is_some()
    }

    /// Gives the rows, in blocks of the whole schema.
    pub fn fill(&self, blocks: Vec<Block>) {
        // Whoever was first gave the same rows.
        let _ = self.rows.set(Arc::new(blocks));
    }
}

impl TableSource for SharedSource {
    fn name(&self) -> String {
        format!("shared {}", self.number)
    }

    fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    fn row_count(&self) -> Option<u64> {
        let blocks = self.rows.get()?;
        Some(blocks.iter().map(|b| b.rows() as u64).sum())
    }

    fn open(&self, _request: &SourceRequest) -> Result<Arc<dyn SourceReader>> {
        let blocks = self.rows.get().ok_or_else(|| {
            Error::bug(format!(
                "the rows of {} were not made before they are read",
                self.name()
            ))
        })?;
        Ok(Arc::new(BlocksReader(Pieces::new(blocks))))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Plan {
    /// The shared plans that this one reads itself (not those that they read), each once.
    pub fn shared(&self) -> Vec<Arc<dyn TableSource>> {
        let mut found: Vec<Arc<dyn TableSource>> = Vec::new();
        collect(self, &mut found);
        found
    }
}

/// The shared plan behind a source.
pub fn as_shared(source: &dyn TableSource) -> Option<&SharedSource> {
    source.as_any().downcast_ref::<SharedSource>()
}

fn collect(plan: &Plan, found: &mut Vec<Arc<dyn TableSource>>) {
    if let Plan::Scan(scan) = plan
        && as_shared(scan.source.as_ref()).is_some()
        && !found.iter().any(|f| f.identity() == scan.source.identity())
    {
        found.push(Arc::clone(&scan.source));
    }
    plan.inputs().into_iter().for_each(|i| collect(i, found));
}
