//! Aggregate functions over frames.
//!
//! Invariant: whole partitions and running frames cost one pass; other frames cost their length.

use std::ops::Range;

use roost_engine::column::{Column, ColumnBuilder};
use roost_engine::error::{Code, Error, Result};
use roost_engine::kernels::{concat, take};

use super::{Rows, frame, running};
use crate::expr::AggregateCall;
use crate::plan::{FrameBound, WindowCall};

/// Rows of all frames that are handed to the states at once.
const CHUNK_ROWS: usize = 1 << 20;

pub(super) fn column(
    rows: &Rows<'_>,
    call: &WindowCall,
    function: &AggregateCall,
) -> Result<Column> {
    if function.distinct {
        return Err(Error::not_implemented("DISTINCT in a window function"));
    }
    let args = rows.evaluate(&function.args)?;
    let frame = &call.frame;
    let from_start = frame.start == FrameBound::UnboundedPreceding;
    let to_end = frame.end == FrameBound::UnboundedFollowing
        || (!frame.rows && frame.end == FrameBound::CurrentRow && call.order_by.is_empty());
    if from_start && to_end {
        return whole(rows, function, &args);
    }
    if from_start && frame.end == FrameBound::CurrentRow {
        let steps: Vec<Range<usize>> = match frame.rows {
            true => (0..rows.rows).map(|r| r..r + 1).collect(),
            false => rows.parts.peers().collect(),
        };
        if let Some(column) = running::column(rows, function, &args, &steps)? {
            return Ok(column);
        }
        match peeked(rows, call, function, &args, &steps) {
            Err(error) if error.code() == Code::NOT_IMPLEMENTED => {}
            answer => return answer,
        }
    }
    sliding(rows, call, function, &args)
}

/// One group per partition.
fn whole(rows: &Rows<'_>, function: &AggregateCall, args: &[Column]) -> Result<Column> {
    let mut groups = vec![0u32; rows.rows];
    let mut n = 0;
    for (number, partition) in rows.parts.partitions().enumerate() {
        groups[partition].fill(number as u32);
        n = number + 1;
    }
    let mut states = function.function.states();
    states.resize(n);
    states.update(args, &groups)?;
    Ok(take::take(&states.finish()?, &groups))
}

/// The states are asked after every step.
fn peeked(
    rows: &Rows<'_>,
    call: &WindowCall,
    function: &AggregateCall,
    args: &[Column],
    steps: &[Range<usize>],
) -> Result<Column> {
    let mut states = function.function.states();
    let mut out = ColumnBuilder::new(&call.ty, rows.rows);
    let mut steps = steps.iter().peekable();
    for (number, partition) in rows.parts.partitions().enumerate() {
        rows.ctx.check()?;
        let group = number as u32;
        states.resize(number + 1);
        while let Some(step) = steps.next_if(|s| s.start < partition.end) {
            let some: Vec<Column> = args
                .iter()
                .map(|a| a.slice(step.start, step.len()))
                .collect();
            states.update_one(&some, step.len(), group)?;
            let value = states.peek(group)?;
            for _ in step.clone() {
                out.push(&value)?;
            }
        }
    }
    Ok(Column::Flat(out.finish()))
}

/// Every frame as a group of its own.
fn sliding(
    rows: &Rows<'_>,
    call: &WindowCall,
    function: &AggregateCall,
    args: &[Column],
) -> Result<Column> {
    let frames = frame::frames(rows, &call.frame)?;
    let mut parts = Vec::new();
    let mut next = 0;
    while next < frames.len() {
        rows.ctx.check()?;
        let (mut members, mut groups) = (Vec::new(), Vec::new());
        let first = next;
        while next < frames.len() && (next == first || members.len() < CHUNK_ROWS) {
            let frame = frames[next].clone();
            groups.resize(groups.len() + frame.len(), (next - first) as u32);
            members.extend(frame.start as u32..frame.end as u32);
            next += 1;
        }
        let some: Vec<Column> = args.iter().map(|a| take::take(a, &members)).collect();
        let mut states = function.function.states();
        states.resize(next - first);
        states.update(&some, &groups)?;
        parts.push(states.finish()?);
    }
    let parts: Vec<&Column> = parts.iter().collect();
    concat::concat(&parts, &call.ty)
}
