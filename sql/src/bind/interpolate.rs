//! INTERPOLATE: what rows made by WITH FILL compute from the row before them.
//!
//! Invariant: names mean output columns of the SELECT; the value has the column's type.

use roost_engine::bail;
use roost_engine::error::Result;

use super::OutputName;
use super::scope::{Named, Table};
use super::select::SelectBinder;
use crate::expr::{ColumnId, Expr};
use crate::parse::ast::Select;
use crate::plan::SortExpr;

impl SelectBinder<'_, '_> {
    /// The interpolated columns and their expressions.
    pub(super) fn interpolated(
        &self,
        select: &Select,
        keys: &[SortExpr],
        columns: &[OutputName],
    ) -> Result<Vec<(ColumnId, Expr)>> {
        let Some(written) = &select.interpolate else {
            return Ok(Vec::new());
        };
        let is_key = |c: &OutputName| {
            let mut ids = keys.iter().flat_map(|k| k.expr.columns());
            ids.any(|id| id == c.id)
        };
        let own = |c: &OutputName| (c.id, Expr::Column(c.id, c.ty.clone()));
        if written.is_empty() {
            return Ok(columns.iter().filter(|c| !is_key(c)).map(own).collect());
        }
        let mut rows = SelectBinder::new(self.binder, std::rc::Rc::clone(&self.env));
        rows.tables.push(Table {
            columns: columns
                .iter()
                .map(|c| Named {
                    name: c.name.clone(),
                    expr: own(c).1,
                    visible: true,
                })
                .collect(),
            ..Table::default()
        });
        let mut made = Vec::with_capacity(written.len());
        for (name, expr) in written {
            let Some(column) = columns.iter().find(|c| c.name == *name) else {
                bail!(UNKNOWN_IDENTIFIER, "Unknown expression identifier `{name}`");
            };
            if is_key(column) {
                bail!(
                    INVALID_WITH_FILL_EXPRESSION,
                    "Column '{name}' is participating in ORDER BY expression and can't be INTERPOLATE output."
                );
            }
            let value = match expr {
                Some(expr) => rows.bind(expr)?,
                None => own(column).1,
            };
            rows.require_plain(&value)?;
            made.push((column.id, self.cast(value, &column.ty)?));
        }
        Ok(made)
    }
}
