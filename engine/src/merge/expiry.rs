//! When rows expire: TTL of a table.
//!
//! Invariant: a row is gone after the first merge of its part past its time; a time of zero never
//! comes.

use std::sync::Arc;

use crate::block::{Block, Schema};
use crate::column::{Column, Flat};
use crate::err;
use crate::error::Result;
use crate::hooks::{BlockExpr, Compiler};
use crate::kernels::filter::selection;
use crate::types::DataType;

const MICROS: i64 = 1_000_000;

/// A compiled TTL clause.
#[derive(Debug, Clone)]
pub struct Expiry {
    time: Arc<dyn BlockExpr>,
    /// Rows for which it is not true do not expire.
    filter: Option<Arc<dyn BlockExpr>>,
}

impl Expiry {
    /// Compiles `expr` or `expr WHERE condition`.
    ///
    /// # Errors
    /// BAD_TTL_EXPRESSION when the expression is no date or time.
    pub fn compile(text: &str, compiler: &dyn Compiler, schema: &Schema) -> Result<Expiry> {
        let (time, filter) = match text.split_once(" WHERE ") {
            Some((time, filter)) => (time, Some(compiler.expression(filter, schema)?)),
            None => (text, None),
        };
        let time = compiler.expression(time, schema)?;
        let ty = time.data_type();
        if !ty.is_date() && !ty.is_date_time() {
            return Err(err!(
                BAD_TTL_EXPRESSION,
                "TTL expression {text} must have type Date or DateTime, found {ty}"
            ));
        }
        Ok(Expiry { time, filter })
    }

    /// Names of the columns that are read.
    pub fn inputs(&self) -> Vec<String> {
        let filter = self.filter.iter().flat_map(|f| f.inputs());
        self.time.inputs().iter().chain(filter).cloned().collect()
    }

    /// The time of each row, in microseconds; `i64::MAX` for never.
    pub fn times(&self, block: &Block) -> Result<Vec<i64>> {
        let column = self.time.evaluate(block)?;
        let mut times = times(&column, self.time.data_type());
        if let Some(filter) = &self.filter
            && let Some(hit) = selection(&filter.evaluate(block)?)?
        {
            let mut all = vec![i64::MAX; times.len()];
            hit.iter()
                .for_each(|row| all[*row as usize] = times[*row as usize]);
            times = all;
        }
        Ok(times)
    }

    /// The rows that are not over at `now`; `None` is all of them.
    pub fn alive(&self, block: &Block, now: i64) -> Result<Option<Vec<u32>>> {
        let times = self.times(block)?;
        if times.iter().all(|t| *t > now) {
            return Ok(None);
        }
        Ok(Some(
            (0..)
                .zip(&times)
                .filter(|(_, t)| **t > now)
                .map(|(row, _)| row)
                .collect(),
        ))
    }
}

fn times(column: &Column, ty: &DataType) -> Vec<i64> {
    let unit = match ty.value_type() {
        DataType::Date | DataType::Date32 => (86_400 * MICROS, 1),
        DataType::DateTime64(precision, _) => {
            let ticks = 10i64.pow(u32::from(*precision).min(18));
            (MICROS / ticks.min(MICROS), (ticks / MICROS).max(1))
        }
        _ => (MICROS, 1),
    };
    let micros = |ticks: i64| match ticks {
        0 => i64::MAX,
        ticks => ticks.saturating_mul(unit.0) / unit.1,
    };
    let flat = column.to_flat();
    let (nulls, values) = flat.split_nulls();
    let mut all: Vec<i64> = match values {
        Flat::U16(v) => v.iter().map(|x| micros(i64::from(*x))).collect(),
        Flat::U32(v) => v.iter().map(|x| micros(i64::from(*x))).collect(),
        Flat::I32(v) => v.iter().map(|x| micros(i64::from(*x))).collect(),
        Flat::I64(v) => v.iter().map(|x| micros(*x)).collect(),
        other => vec![i64::MAX; other.len()],
    };
    if let Some(nulls) = nulls {
        for (time, null) in all.iter_mut().zip(nulls) {
            if *null != 0 {
                *time = i64::MAX;
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_microseconds_and_zero_is_never() {
        let days = Column::native(vec![0u16, 1]);
        assert_eq!(times(&days, &DataType::Date), [i64::MAX, 86_400_000_000]);
        let seconds = Column::native(vec![5u32]);
        assert_eq!(times(&seconds, &DataType::DateTime(None)), [5_000_000]);
        let ticks = Column::native(vec![5_000i64, i64::MAX]);
        assert_eq!(times(&ticks, &DataType::DateTime64(3, None))[0], 5_000_000);
        assert_eq!(times(&ticks, &DataType::DateTime64(9, None))[0], 5);
    }
}
