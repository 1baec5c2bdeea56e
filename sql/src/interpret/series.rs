//! Table functions that make rows: numbers and their kin.
//!
//! Invariant: arguments are constants; their number and kind are checked here.

use std::sync::Arc;

use roost_engine::err;
use roost_engine::error::Result;
use roost_engine::types::{DataType, Value};

use crate::plan::TableSource;
use crate::plan::series::{SeriesSource, one};

/// The source that `name(args)` stands for; `None` when there is no such function.
pub fn table_function(
    name: &str,
    args: &[(Value, DataType)],
) -> Result<Option<Arc<dyn TableSource>>> {
    let number = |i: usize| -> Result<u64> {
        let value = args.get(i).and_then(|(v, _)| v.as_u64());
        value.ok_or_else(|| {
            err!(
                ILLEGAL_TYPE_OF_ARGUMENT,
                "Table function {name} takes non-negative whole numbers"
            )
        })
    };
    let at_most = |n: usize| match args.len() <= n {
        true => Ok(()),
        false => Err(err!(
            NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
            "Table function {name} takes at most {n} arguments, got {}",
            args.len()
        )),
    };
    let source: Arc<dyn TableSource> = match (name, args.len()) {
        ("one", 0) => Arc::new(one()),
        ("numbers" | "numbers_mt", 0) => Arc::new(SeriesSource::all_numbers()),
        ("numbers" | "numbers_mt", 1) => Arc::new(SeriesSource::numbers(0, number(0)?, 1)),
        ("numbers" | "numbers_mt", n) => {
            at_most(3)?;
            let step = if n == 3 { number(2)? } else { 1 };
            Arc::new(SeriesSource::numbers(
                number(0)?,
                number(1)?.div_ceil(step.max(1)),
                step,
            ))
        }
        ("zeros" | "zeros_mt", n) => {
            at_most(1)?;
            Arc::new(SeriesSource::zeros(if n == 0 {
                u64::MAX
            } else {
                number(0)?
            }))
        }
        ("generateSeries" | "generate_series", n) => {
            at_most(3)?;
            let step = if n == 3 { number(2)? } else { 1 };
            Arc::new(SeriesSource::generate(number(0)?, number(1)?, step))
        }
        _ => return Ok(None),
    };
    Ok(Some(source))
}
