//! An insert and all the materialized views it feeds, in one transaction.
//!
//! Every way in which rows come into a table goes through [`Cascade`]: rows are collected, and the
//! views run over them when enough came together, or when the insert commits.
//!
//! Invariant: rows and everything that views made of them commit together or not at all.

use std::sync::Arc;

use roost_engine::block::Block;
use roost_engine::catalog::{Committed, Transaction};
use roost_engine::error::{Code, Error, Result};
use roost_engine::table::Table;

use super::super::context::StatementContext;
use super::compiled::Compiled;
use super::gate::{Hold, Name};
use super::graph::{Graph, Node};
use crate::exec::ExecContext;

/// Views run over the rows collected when there are so many, or so many bytes.
const ROWS_MAX: usize = 1 << 20;
const BYTES_MAX: usize = 256 << 20;

/// Up to so many rows one thread runs a view faster than several.
const ROWS_OF_ONE_THREAD: usize = 65_536;

/// Longest chain of views.
const DEPTH_MAX: usize = 64;

/// The graph that holds until the insert ends.
struct Pass {
    graph: Arc<Graph>,
    _hold: Hold,
}

/// Rows on their way into a table and into what follows from them.
pub(crate) struct Cascade<'a> {
    context: &'a StatementContext,
    tx: Transaction,
    table: Arc<Table>,
    token: Option<String>,
    blocks: Vec<Block>,
    rows: usize,
    bytes: usize,
    pass: Option<Pass>,
}

impl<'a> Cascade<'a> {
    /// For rows of `table`.
    pub(crate) fn new(context: &'a StatementContext, table: &Arc<Table>) -> Self {
        Cascade {
            context,
            tx: context.shared.engine.begin(),
            table: Arc::clone(table),
            token: None,
            blocks: Vec::new(),
            rows: 0,
            bytes: 0,
            pass: None,
        }
    }

    /// The transaction, for what else is to happen with the insert.
    pub(crate) fn transaction(&mut self) -> &mut Transaction {
        &mut self.tx
    }

    /// Gives the insert a token: of all with the same one the first happens, with its views.
    pub(crate) fn token(&mut self, token: String) {
        self.tx.token(token.clone());
        self.token = Some(token);
    }

    /// Adds rows of the table's stored columns.
    pub(crate) fn insert(&mut self, block: Block) -> Result<()> {
        if block.rows() == 0 {
            return Ok(());
        }
        self.rows += block.rows();
        self.bytes += block.memory_bytes();
        self.blocks.push(block.clone());
        self.tx.insert(&self.table, block)?;
        if self.rows >= ROWS_MAX || self.bytes >= BYTES_MAX {
            self.flush()?;
        }
        Ok(())
    }

    /// Makes everything durable and visible at one instant.
    pub(crate) fn commit(mut self) -> Result<Committed> {
        if let Some(id) = self.token.as_deref().and_then(|t| {
            let engine = &self.context.shared.engine;
            engine.token_used(t)
        }) {
            return Ok(Committed {
                id,
                duplicate: true,
            });
        }
        self.flush()?;
        self.tx.commit()
    }

    /// Runs the views over what was collected.
    fn flush(&mut self) -> Result<()> {
        (self.rows, self.bytes) = (0, 0);
        let blocks = std::mem::take(&mut self.blocks);
        if blocks.is_empty() {
            return Ok(());
        }
        let graph = self.pass()?;
        let (table, context) = (Arc::clone(&self.table), self.context);
        let mut runner = Runner {
            context,
            graph: &graph,
            tx: &mut self.tx,
        };
        runner.follow(&table, Arc::new(blocks), 0)
    }

    /// Passes the gates of every table that is reached.
    fn pass(&mut self) -> Result<Arc<Graph>> {
        if let Some(pass) = &self.pass {
            return Ok(Arc::clone(&pass.graph));
        }
        let shared = &self.context.shared;
        let root = name_of(&self.table);
        loop {
            let before = shared.views.graph(&shared.engine)?;
            let names = before.reach(&root);
            let cancel = &self.context.exec.cancel;
            let hold = shared.views.gates.pass(names.clone(), cancel)?;
            let graph = shared.views.graph(&shared.engine)?;
            // A view may have come while the gate was closed.
            if graph.reach(&root) == names {
                self.pass = Some(Pass {
                    graph: Arc::clone(&graph),
                    _hold: hold,
                });
                return Ok(graph);
            }
        }
    }
}

fn name_of(table: &Table) -> Name {
    let definition = table.definition();
    (definition.database.clone(), definition.name.clone())
}

struct Runner<'a> {
    context: &'a StatementContext,
    graph: &'a Graph,
    tx: &'a mut Transaction,
}

impl Runner<'_> {
    /// Runs the views over rows of `table`, and those over what they give.
    fn follow(&mut self, table: &Arc<Table>, blocks: Arc<Vec<Block>>, depth: usize) -> Result<()> {
        let graph = self.graph;
        let nodes = graph.over(&name_of(table));
        if nodes.is_empty() || blocks.is_empty() {
            return Ok(());
        }
        if depth >= DEPTH_MAX {
            let message = format!("views of {} feed each other", table.full_name());
            return Err(Error::new(Code::INFINITE_LOOP, message));
        }
        let rows: usize = blocks.iter().map(Block::rows).sum();
        let exec = ExecContext {
            threads: match rows <= ROWS_OF_ONE_THREAD {
                true => 1,
                false => self.context.exec.threads,
            },
            ..self.context.exec.clone()
        };
        for node in nodes {
            self.context.exec.check()?;
            let named =
                |e: Error| e.context(format!("while pushing to view {}", node.view.full_name()));
            let (target, made) = self.view(node, table, &blocks, &exec).map_err(named)?;
            self.follow(&target, Arc::new(made), depth + 1)?;
        }
        Ok(())
    }

    /// Runs one view; its rows are in the transaction then.
    fn view(
        &mut self,
        node: &Node,
        table: &Arc<Table>,
        blocks: &Arc<Vec<Block>>,
        exec: &ExecContext,
    ) -> Result<(Arc<Table>, Vec<Block>)> {
        let kept = node.kept.lock().clone();
        let compiled = match kept {
            Some(compiled) => compiled,
            None => {
                let fresh = Compiled::for_rows(&node.view, table, blocks, self.context)?;
                let fresh = Arc::new(fresh);
                if fresh.reusable {
                    *node.kept.lock() = Some(Arc::clone(&fresh));
                }
                fresh
            }
        };
        let target = Arc::clone(&compiled.target);
        let follows = !self.graph.over(&name_of(&target)).is_empty();
        let (tx, mut made) = (&mut *self.tx, Vec::new());
        compiled.run(blocks, exec, &mut |block: Block| {
            if follows {
                made.push(block.clone());
            }
            tx.insert(&target, block)
        })?;
        Ok((target, made))
    }
}
