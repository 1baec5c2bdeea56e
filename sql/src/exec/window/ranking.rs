//! Functions that only windows have: places in the order, and values of other rows.
//!
//! Invariant: the answer has the call's type; a row that is asked for and not there gives the
//! default (or the given one).

use std::ops::Range;

use roost_engine::column::Column;
use roost_engine::err;
use roost_engine::error::{Error, Result};
use roost_engine::kernels::concat;
use roost_engine::kernels::take::{self, NO_ROW};

use super::{Rows, frame};
use crate::exec::join::to_nullable;
use crate::plan::WindowCall;

pub(super) fn column(
    rows: &Rows<'_>,
    call: &WindowCall,
    name: &str,
    args: &[Column],
) -> Result<Column> {
    match name {
        "row_number" => Ok(places(rows, |row, partition, _| {
            (row - partition.start) as u64 + 1
        })),
        "rank" => Ok(places(rows, |_, partition, peers| {
            (peers.start - partition.start) as u64 + 1
        })),
        "dense_rank" | "denseRank" => Ok(dense_rank(rows)),
        "percent_rank" | "percentRank" => {
            Ok(places(rows, |_, partition, peers| match partition.len() {
                0 | 1 => 0.0,
                n => (peers.start - partition.start) as f64 / (n - 1) as f64,
            }))
        }
        "cume_dist" => Ok(places(rows, |_, partition, peers| {
            (peers.end - partition.start) as f64 / partition.len().max(1) as f64
        })),
        "ntile" => ntile(rows, args),
        "lag" | "lagInFrame" => shifted(rows, call, args, -1, name == "lagInFrame"),
        "lead" | "leadInFrame" => shifted(rows, call, args, 1, name == "leadInFrame"),
        "first_value"
        | "last_value"
        | "nth_value"
        | "first_value_respect_nulls"
        | "last_value_respect_nulls"
        | "any"
        | "anyLast" => picked(rows, call, name, args),
        "nonNegativeDerivative" => Err(Error::not_implemented("nonNegativeDerivative")),
        other => Err(err!(UNKNOWN_FUNCTION, "Unknown window function '{other}'")),
    }
}

fn places<T: roost_engine::column::Native>(
    rows: &Rows<'_>,
    value: impl Fn(usize, &Range<usize>, &Range<usize>) -> T,
) -> Column {
    let mut out: Vec<T> = Vec::with_capacity(rows.rows);
    let mut peers = rows.parts.peers().peekable();
    for partition in rows.parts.partitions() {
        while let Some(same) = peers.next_if(|p| p.start < partition.end) {
            out.extend(same.clone().map(|row| value(row, &partition, &same)));
        }
    }
    Column::native(out)
}

fn dense_rank(rows: &Rows<'_>) -> Column {
    let mut out: Vec<u64> = Vec::with_capacity(rows.rows);
    let mut peers = rows.parts.peers().peekable();
    for partition in rows.parts.partitions() {
        let mut rank = 0;
        while let Some(same) = peers.next_if(|p| p.start < partition.end) {
            rank += 1;
            out.resize(same.end, rank);
        }
    }
    Column::native(out)
}

fn ntile(rows: &Rows<'_>, args: &[Column]) -> Result<Column> {
    let buckets = args.first().filter(|c| !c.is_empty());
    let buckets = match buckets {
        None => 1,
        Some(column) => column.value(0).as_u64().filter(|n| *n > 0).ok_or_else(|| {
            err!(
                BAD_ARGUMENTS,
                "Argument of 'ntile' function must be greater than zero"
            )
        })?,
    };
    Ok(places(rows, |row, partition, _| {
        let (n, at) = (partition.len() as u64, (row - partition.start) as u64);
        // The first `n % buckets` buckets have one row more.
        let (small, larger) = (n / buckets, n % buckets);
        let in_larger = larger * (small + 1);
        match at < in_larger {
            true => at / (small + 1) + 1,
            false => larger + (at - in_larger) / small.max(1) + 1,
        }
    }))
}

/// The column of values that rows are picked from, in the call's type.
fn source(call: &WindowCall, args: &[Column]) -> Result<Column> {
    let values = args.first().ok_or_else(|| {
        err!(
            NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
            "A window function without arguments"
        )
    })?;
    match call.ty.is_nullable() {
        true => to_nullable(values),
        false => Ok(values.clone()),
    }
}

fn shifted(
    rows: &Rows<'_>,
    call: &WindowCall,
    args: &[Column],
    direction: i64,
    in_frame: bool,
) -> Result<Column> {
    let values = source(call, args)?;
    let limits: Vec<Range<usize>> = match in_frame {
        true => frame::frames(rows, &call.frame)?,
        false => {
            let partitions = rows.parts.partitions();
            partitions
                .flat_map(|p| std::iter::repeat_n(p.clone(), p.len()))
                .collect()
        }
    };
    let missing = |row: usize| match args.len() {
        3 => (rows.rows + row) as u32,
        _ => NO_ROW,
    };
    let mut indices = Vec::with_capacity(rows.rows);
    for (row, limit) in limits.iter().enumerate() {
        let by = match args.get(1) {
            Some(column) => column.value(row).as_i64().ok_or_else(|| {
                err!(
                    BAD_ARGUMENTS,
                    "The offset of a window function must be an integer"
                )
            })?,
            None => 1,
        };
        let place = by
            .checked_mul(direction)
            .and_then(|by| i64::try_from(row).ok()?.checked_add(by))
            .and_then(|place| usize::try_from(place).ok())
            .filter(|place| limit.contains(place));
        indices.push(place.map_or_else(|| missing(row), |p| p as u32));
    }
    match args.get(2) {
        None => Ok(take::take_or_default(&values, &indices)),
        Some(default) => {
            let default = match call.ty.is_nullable() {
                true => to_nullable(default)?,
                false => default.clone(),
            };
            let both = concat::concat(&[&values, &default], &call.ty)?;
            Ok(take::take(&both, &indices))
        }
    }
}

fn picked(rows: &Rows<'_>, call: &WindowCall, name: &str, args: &[Column]) -> Result<Column> {
    let values = source(call, args)?;
    let frames = frame::frames(rows, &call.frame)?;
    let keeps_nulls = name.ends_with("_respect_nulls") || name == "nth_value";
    let counts = |row: &usize| keeps_nulls || !values.is_null(*row);
    let mut indices = Vec::with_capacity(rows.rows);
    for (row, mut frame) in frames.into_iter().enumerate() {
        let place = match name {
            "nth_value" => {
                let n = args
                    .get(1)
                    .and_then(|n| n.value(row).as_u64())
                    .filter(|n| *n > 0);
                let n = n.ok_or_else(|| {
                    err!(
                        BAD_ARGUMENTS,
                        "The offset of 'nth_value' must be greater than zero"
                    )
                })?;
                usize::try_from(n - 1).ok().and_then(|n| frame.nth(n))
            }
            "last_value" | "last_value_respect_nulls" | "anyLast" => frame.rev().find(counts),
            _ => frame.find(counts),
        };
        indices.push(place.map_or(NO_ROW, |p| p as u32));
    }
    Ok(take::take_or_default(&values, &indices))
}
