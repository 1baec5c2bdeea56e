//! A lambda's body at execution time.
//!
//! Invariant: element `e` of outer row `r` sees the captured values of row `r`.

use roost_engine::column::Column;
use roost_engine::error::{Error, Result};
use roost_engine::kernels::take;

use super::compile::Program;
use super::run;
use crate::functions::LambdaBody;

/// A body with the outer columns it captured.
pub(super) struct BoundLambda<'a> {
    body: &'a Program,
    captured: Vec<Column>,
}

impl<'a> BoundLambda<'a> {
    pub(super) fn new(body: &'a Program, captured: Vec<Column>) -> Self {
        BoundLambda { body, captured }
    }
}

impl LambdaBody for BoundLambda<'_> {
    fn call(&self, params: &[Column], offsets: &[u64], rows: usize) -> Result<Column> {
        let mut columns = params.to_vec();
        if !self.captured.is_empty() {
            let first = offsets.first().copied().unwrap_or(0);
            let mut repeated: Vec<u32> = Vec::with_capacity(rows);
            for (row, w) in offsets.windows(2).enumerate() {
                let end = (w[1] - first) as usize;
                repeated.resize(end.max(repeated.len()), row as u32);
            }
            if repeated.len() != rows {
                return Err(Error::bug(format!(
                    "a lambda over {rows} elements got offsets over {}",
                    repeated.len()
                )));
            }
            columns.extend(self.captured.iter().map(|c| take::take(c, &repeated)));
        }
        let values = run::run(self.body, &columns, rows)?;
        values
            .into_iter()
            .next()
            .ok_or_else(|| Error::bug("a lambda without a body"))
    }
}
