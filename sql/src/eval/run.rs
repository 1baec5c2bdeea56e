//! Runs a program over one block of columns.
//!
//! Invariant: a node is computed at most once per frame, and never for more rows than somebody
//! asked for.

use std::cell::RefCell;
use std::sync::Arc;

use roost_engine::column::Column;
use roost_engine::error::{Error, Result};
use roost_engine::kernels::take;

use super::compile::{NodeId, Program, Work};
use super::lambda::BoundLambda;
use super::lazy;

/// Values of nodes over some rows: all rows of the block, or those of a frame around that a lazy
/// function has selected.
pub(super) struct Frame<'a> {
    pub(super) program: &'a Program,
    pub(super) rows: usize,
    origin: Origin<'a>,
    values: RefCell<Vec<Option<Column>>>,
}

enum Origin<'a> {
    Columns(&'a [Column]),
    Selected(&'a Frame<'a>, &'a [u32]),
}

pub(super) fn run(program: &Program, columns: &[Column], rows: usize) -> Result<Vec<Column>> {
    let frame = Frame::new(program, columns, rows);
    program.outputs.iter().map(|n| frame.get(*n)).collect()
}

impl<'a> Frame<'a> {
    pub(super) fn new(program: &'a Program, columns: &'a [Column], rows: usize) -> Self {
        Frame {
            program,
            rows,
            origin: Origin::Columns(columns),
            values: RefCell::new(vec![None; program.nodes.len()]),
        }
    }

    /// The rows `selection` of this frame, as a frame of its own.
    pub(super) fn select<'b>(&'b self, selection: &'b [u32]) -> Frame<'b>
    where
        'a: 'b,
    {
        Frame {
            program: self.program,
            rows: selection.len(),
            origin: Origin::Selected(self, selection),
            values: RefCell::new(vec![None; self.program.nodes.len()]),
        }
    }

    /// The value of a node when it is there already, here or in a frame around.
    pub(super) fn known(&self, node: NodeId) -> Option<Column> {
        if let Some(column) = &self.values.borrow()[node] {
            return Some(column.clone());
        }
        let Origin::Selected(outer, selection) = &self.origin else {
            return None;
        };
        let column = take::take(&outer.known(node)?, selection);
        self.values.borrow_mut()[node] = Some(column.clone());
        Some(column)
    }

    /// The value of a node.
    pub(super) fn get(&self, node: NodeId) -> Result<Column> {
        if let Some(column) = self.known(node) {
            return Ok(column);
        }
        let column = self.compute(node)?;
        if column.len() != self.rows {
            return Err(Error::bug(format!(
                "an expression gave {} rows for {}",
                column.len(),
                self.rows
            )));
        }
        self.values.borrow_mut()[node] = Some(column.clone());
        Ok(column)
    }

    fn all(&self, nodes: &[NodeId]) -> Result<Vec<Column>> {
        nodes.iter().map(|n| self.get(*n)).collect()
    }

    fn compute(&self, node: NodeId) -> Result<Column> {
        let rows = self.rows;
        match &self.program.nodes[node].work {
            Work::Input(place) => match &self.origin {
                Origin::Columns(columns) => columns
                    .get(*place)
                    .cloned()
                    .ok_or_else(|| Error::bug("an input column is missing")),
                Origin::Selected(outer, selection) => Ok(take::take(&outer.get(node)?, selection)),
            },
            Work::Const(value) => Ok(Column::Const {
                value: Arc::clone(value),
                len: rows,
            }),
            Work::Call { kernel, args, lazy } => match lazy {
                Some(kind) => kernel(&lazy::arguments(self, *kind, args)?, rows),
                None => kernel(&self.all(args)?, rows),
            },
            Work::HigherOrder {
                kernel,
                lambda,
                args,
            } => {
                let captured = self.all(&lambda.captured)?;
                let body = BoundLambda::new(&lambda.body, captured);
                kernel(&body, &self.all(args)?, rows)
            }
            Work::In { needle, probe } => probe.test(&self.all(needle)?, rows),
        }
    }
}
