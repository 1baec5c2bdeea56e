//! USING: keys by name, and the merged columns that the bare names mean afterwards.
//!
//! Invariant: a merged column has the supertype of both sides, and takes its value from a side that
//! is present.

use roost_engine::bail;
use roost_engine::error::Result;
use roost_engine::types::{DataType, Value};

use super::from::one_row;
use super::join::{Joining, can_be_nullable};
use super::rewrite::same;
use super::scope::{Merged, Tables};
use super::select::SelectBinder;
use crate::expr::Expr;
use crate::parse::ast;
use crate::plan::{self, JoinKind, Plan};

impl SelectBinder<'_, '_> {
    /// Adds the keys of USING to the join and the right tables to the scope.
    pub(super) fn using(
        &mut self,
        joining: &mut Joining,
        exprs: &[ast::Expr],
        mut right_tables: Tables,
    ) -> Result<()> {
        let mut merged = Vec::with_capacity(exprs.len());
        for expr in exprs {
            let name = match expr {
                ast::Expr::Identifier(parts) => parts.join("."),
                other => bail!(
                    UNSUPPORTED_JOIN_KEYS,
                    "USING takes column names, found {other}"
                ),
            };
            let left = self.using_side(&self.tables, &name, "left")?;
            let right = self.using_side(&right_tables, &name, "right")?;
            let (l, r) = self.key_pair(left.clone(), right.clone())?;
            joining.on.push((l.clone(), r.clone()));
            // Both columns show the common type from here on.
            replace(&mut self.tables, &left, &l);
            replace(&mut right_tables, &right, &r);
            merged.push((name, l, r));
        }
        let nullable = self.binder.is_on("join_use_nulls")
            && merged.iter().all(|(_, l, _)| can_be_nullable(l.ty()));
        let present = match joining.kind {
            JoinKind::Full if nullable => None,
            JoinKind::Full => Some(self.mark_left(joining)?),
            _ => None,
        };
        self.take_in(right_tables);
        for (name, left, right) in merged {
            let (expr, shown) = match (joining.kind, &present) {
                (_, Some(present)) => {
                    let args = vec![present.clone(), left.clone(), right];
                    (self.call("if", args)?, Some(left))
                }
                (JoinKind::Full, None) => {
                    let sides = (name.clone(), left.clone(), right);
                    joining.coalesced.push(sides);
                    (left.clone(), Some(left))
                }
                (JoinKind::Right, None) => (right, None),
                _ => (left.clone(), Some(left)),
            };
            // Merged a second time, no single side's column is the bare name's any more.
            let before = self.tables.merged.len();
            self.tables.merged.retain(|m| m.name != name);
            let shown = shown.filter(|_| self.tables.merged.len() == before);
            self.tables.merged.push(Merged { name, expr, shown });
        }
        Ok(())
    }

    fn using_side(&self, tables: &Tables, name: &str, side: &str) -> Result<Expr> {
        match tables.bare(name)? {
            Some(expr) => Ok(expr),
            None => bail!(
                UNKNOWN_IDENTIFIER,
                "JOIN using identifier '{name}' cannot be resolved from {side} table expression"
            ),
        }
    }

    /// Adds a column to the left side that is 1 in its rows and 0 where a row is missing.
    fn mark_left(&self, joining: &mut Joining) -> Result<Expr> {
        let id = self.binder.fresh();
        let mut exprs: Vec<_> = joining
            .left
            .outputs()
            .into_iter()
            .map(|c| (c.id, Expr::Column(c.id, c.ty)))
            .collect();
        exprs.push((id, Expr::Literal(Value::UInt(1), DataType::UInt8)));
        let input = std::mem::replace(&mut joining.left, one_row()?);
        joining.left = Plan::Project(Box::new(plan::Project { input, exprs }));
        Ok(Expr::Column(id, DataType::UInt8))
    }
}

fn replace(tables: &mut Tables, old: &Expr, new: &Expr) {
    tables.map(&|e| match same(e, old) {
        true => new.clone(),
        false => e.clone(),
    });
}
