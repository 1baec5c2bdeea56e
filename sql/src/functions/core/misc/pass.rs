//! Functions that hand values on, count rows, wait or complain.
//!
//! Invariant: `sleep` never holds a query longer than three seconds a block.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use roost_engine::bail;
use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::types::{DataType, Value};

use crate::functions::core::operands::one;
use crate::functions::library::kit::{arity, f};
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const CATEGORY: &str = "other";
const SLEEP_SECONDS_MAX: f64 = 3.0;

/// Records.
pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    f(
        CATEGORY,
        "materialize(x)",
        "The value as a full column: the planner does not know it is constant.",
        ("materialize(1)", "1"),
        |a, _| {
            arity(a, 1..=1)?;
            Ok(BoundFunction::new(a[0].ty.clone(), |columns, _| {
                Ok(Column::Flat(one(columns)?.to_flat()))
            }))
        },
    )
    .sees_types()
    .volatile(),
    f(
        CATEGORY,
        "identity(x)",
        "The value.",
        ("identity(5)", "5"),
        |a, _| {
            arity(a, 1..=1)?;
            Ok(BoundFunction::new(a[0].ty.clone(), |columns, _| {
                one(columns).cloned()
            }))
        },
    )
    .sees_types(),
    f(
        CATEGORY,
        "ignore(x, ...)",
        "0, whatever the arguments are.",
        ("ignore(1, 2)", "0"),
        |_, _| constant(0),
    )
    .sees_nulls(),
    f(
        CATEGORY,
        "indexHint(x)",
        "1; the condition inside only prunes parts.",
        ("indexHint(1)", "1"),
        |_, _| constant(1),
    )
    .sees_nulls(),
    f(
        CATEGORY,
        "sleep(seconds)",
        "Waits once a block, at most 3 seconds; answers 0.",
        ("sleep(0)", "0"),
        |a, _| bind_sleep(a, false),
    )
    .volatile(),
    f(
        CATEGORY,
        "sleepEachRow(seconds)",
        "Waits once a row, at most 3 seconds a block; answers 0.",
        ("sleepEachRow(0)", "0"),
        |a, _| bind_sleep(a, true),
    )
    .volatile(),
    f(
        CATEGORY,
        "throwIf(x[, message])",
        "Fails when a value is not 0; otherwise answers 0.",
        ("throwIf(0)", "0"),
        bind_throw_if,
    ),
    f(
        CATEGORY,
        "rowNumberInBlock()",
        "The number of the row in its block.",
        ("rowNumberInBlock()", "0"),
        |a, _| {
            arity(a, 0..=0)?;
            Ok(BoundFunction::new(DataType::UInt64, |_, rows| {
                Ok(Column::native((0..rows as u64).collect()))
            }))
        },
    )
    .volatile(),
    f(
        CATEGORY,
        "rowNumberInAllBlocks()",
        "The number of the row in all blocks that the function saw.",
        ("rowNumberInAllBlocks()", "0"),
        |a, _| {
            arity(a, 0..=0)?;
            let next = Arc::new(AtomicU64::new(0));
            Ok(BoundFunction::new(DataType::UInt64, move |_, rows| {
                let start = next.fetch_add(rows as u64, Ordering::Relaxed);
                Ok(Column::native((start..start + rows as u64).collect()))
            }))
        },
    )
    .volatile(),
    f(
        CATEGORY,
        "blockNumber()",
        "The number of the block in the order the function saw them.",
        ("blockNumber() >= 0", "1"),
        |a, _| {
            arity(a, 0..=0)?;
            let next = Arc::new(AtomicU64::new(0));
            Ok(BoundFunction::new(DataType::UInt64, move |_, rows| {
                Ok(Column::native(vec![
                    next.fetch_add(1, Ordering::Relaxed);
                    rows
                ]))
            }))
        },
    )
    .volatile(),
    f(
        CATEGORY,
        "blockSize()",
        "How many rows the block has.",
        ("blockSize()", "1"),
        |a, _| {
            arity(a, 0..=0)?;
            Ok(BoundFunction::new(DataType::UInt64, |_, rows| {
                Ok(Column::native(vec![rows as u64; rows]))
            }))
        },
    )
    .volatile(),
];

fn constant(value: u8) -> Result<BoundFunction> {
    Ok(BoundFunction::new(DataType::UInt8, move |_, rows| {
        Column::constant(&Value::UInt(value.into()), &DataType::UInt8, rows)
    }))
}

fn bind_sleep(args: &[Arg], each_row: bool) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    let seconds = args[0].constant.as_ref().and_then(Value::as_f64);
    let Some(seconds) = seconds.filter(|s| s.is_finite() && *s >= 0.0) else {
        bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "Illegal argument of function sleep: a constant number of seconds is expected, found {}",
            args[0].ty
        );
    };
    if seconds > SLEEP_SECONDS_MAX {
        bail!(
            TOO_SLOW,
            "The maximum sleep time is 3000000 microseconds. Requested: {} microseconds",
            seconds * 1e6
        );
    }
    Ok(BoundFunction::new(DataType::UInt8, move |_, rows| {
        let times = if each_row {
            rows as f64
        } else {
            f64::from(u8::from(rows > 0))
        };
        std::thread::sleep(Duration::from_secs_f64(
            (seconds * times).min(SLEEP_SECONDS_MAX),
        ));
        Ok(Column::native(vec![0u8; rows]))
    }))
}

fn bind_throw_if(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    arity(args, 1..=3)?;
    if !args[0].ty.is_numeric() {
        bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "Argument of function throwIf must be number, got: {}",
            args[0].ty
        );
    }
    let message = match args.get(1).map(|a| &a.constant) {
        None => "Value passed to 'throwIf' function is non-zero".to_string(),
        Some(Some(Value::Bytes(text))) => String::from_utf8_lossy(text).into_owned(),
        Some(_) => bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "The message of function throwIf must be a constant string"
        ),
    };
    Ok(BoundFunction::new(DataType::UInt8, move |columns, rows| {
        let truth = roost_engine::kernels::filter::truth(&one(columns)?.to_flat())?;
        match truth.contains(&1) {
            true => bail!(FUNCTION_THROW_IF_VALUE_IS_NON_ZERO, "{message}"),
            false => Ok(Column::native(vec![0u8; rows])),
        }
    }))
}
