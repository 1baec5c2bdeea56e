//! ORDER BY, LIMIT BY, LIMIT, OFFSET, WITH TIES: keys by expression, alias or position.
//!
//! Invariant: a whole number written as a key is a position in the select list.

use roost_engine::bail;
use roost_engine::error::{Error, Result};

use super::OutputName;
use super::select::SelectBinder;
use crate::expr::Expr;
use crate::parse::ast::{self, Literal, OrderBy, Select};
use crate::plan::{self, Plan, SortExpr};

impl SelectBinder<'_, '_> {
    /// The place (from zero) that a positional key means; `None` when it is no position.
    pub(super) fn position(&self, expr: &ast::Expr, items: usize) -> Result<Option<usize>> {
        let ast::Expr::Literal(literal) = expr else {
            return Ok(None);
        };
        let at = match literal {
            Literal::UInt(n) => i128::try_from(*n).unwrap_or(i128::MAX),
            Literal::Int(n) => *n,
            _ => return Ok(None),
        };
        let count = i128::try_from(items).unwrap_or(0);
        let from_start = if at < 0 { count + at } else { at - 1 };
        match usize::try_from(from_start) {
            Ok(place) if place < items => Ok(Some(place)),
            _ => bail!(
                BAD_ARGUMENTS,
                "Positional argument number {at} is out of bounds. Expected in range [1, {items}]"
            ),
        }
    }

    /// Keys that may be positions.
    pub(super) fn positional_list(
        &mut self,
        exprs: &[ast::Expr],
        items: &[(String, Expr)],
    ) -> Result<Vec<Expr>> {
        let mut keys = Vec::with_capacity(exprs.len());
        for expr in self.expand_arguments(exprs)?.iter() {
            keys.push(match self.position(expr, items.len())? {
                Some(at) => items[at].1.clone(),
                None => self.bind(expr)?,
            });
        }
        Ok(keys)
    }

    /// The keys of ORDER BY.
    pub(super) fn order_keys(
        &mut self,
        select: &Select,
        items: &[(String, Expr)],
    ) -> Result<Vec<SortExpr>> {
        if select.order_by_all {
            let direction = select.order_by.first();
            return Ok(items
                .iter()
                .map(|(_, expr)| SortExpr {
                    expr: expr.clone(),
                    descending: direction.is_some_and(|d| d.descending),
                    nulls_first: direction.and_then(|d| d.nulls_first).unwrap_or(false),
                    fill: None,
                })
                .collect());
        }
        let mut keys = Vec::with_capacity(select.order_by.len());
        for key in &select.order_by {
            if let ast::Expr::Matcher(_) = key.expr {
                for expr in self
                    .expand_arguments(std::slice::from_ref(&key.expr))?
                    .iter()
                {
                    let bound = self.bind(expr)?;
                    keys.push(self.sort_expr(key, bound)?);
                }
                continue;
            }
            let bound = match self.position(&key.expr, items.len())? {
                Some(at) => items[at].1.clone(),
                None => self.bind(&key.expr)?,
            };
            keys.push(self.sort_expr(key, bound)?);
        }
        Ok(keys)
    }

    /// A key with its direction.
    pub(super) fn sort_expr(&mut self, key: &OrderBy, expr: Expr) -> Result<SortExpr> {
        if let Some(collation) = &key.collate {
            return Err(Error::not_implemented(format!("COLLATE '{collation}'")));
        }
        let fill = match &key.fill {
            Some(fill) => Some(self.fill(fill, expr.ty(), key.descending)?),
            None => None,
        };
        Ok(SortExpr {
            expr,
            descending: key.descending,
            nulls_first: key.nulls_first.unwrap_or(false),
            fill,
        })
    }

    /// Stacks ORDER BY, LIMIT BY and LIMIT on the projected rows.
    pub(super) fn ordered(
        mut self,
        select: &Select,
        mut plan: Plan,
        keys: Vec<SortExpr>,
        by: Vec<Expr>,
        columns: &[OutputName],
    ) -> Result<Plan> {
        if !keys.is_empty() {
            let interpolate = self.interpolated(select, &keys, columns)?;
            plan = Plan::Sort(Box::new(plan::Sort {
                input: plan,
                keys: keys.clone(),
                limit: None,
                interpolate,
            }));
        }
        if let Some(clause) = &select.limit_by {
            let limit = self.row_count(&clause.limit, "LIMIT BY")?;
            let offset = match &clause.offset {
                Some(offset) => self.row_count(offset, "OFFSET of LIMIT BY")?,
                None => 0,
            };
            plan = Plan::LimitBy(Box::new(plan::LimitBy {
                input: plan,
                by,
                limit,
                offset,
            }));
        }
        let limit = match &select.limit {
            Some(limit) => Some(self.row_count(limit, "LIMIT")?),
            None => None,
        };
        let offset = match &select.offset {
            Some(offset) => self.row_count(offset, "OFFSET")?,
            None => 0,
        };
        if limit.is_none() && offset == 0 {
            return Ok(plan);
        }
        if select.with_ties && keys.is_empty() {
            bail!(
                BAD_ARGUMENTS,
                "Can not use WITH TIES alongside LIMIT without ORDER BY"
            );
        }
        let ties = if select.with_ties { keys } else { Vec::new() };
        Ok(Plan::Limit(Box::new(plan::Limit {
            input: plan,
            limit,
            offset,
            ties,
        })))
    }

    fn row_count(&mut self, expr: &ast::Expr, clause: &str) -> Result<u64> {
        match self.bind(expr)? {
            Expr::Literal(value, ty) if ty.value_type().is_integer() => match value.as_u64() {
                Some(count) => Ok(count),
                None => Err(Error::not_implemented(format!("Negative {clause}"))),
            },
            Expr::Literal(_, ty) if ty.is_float() => {
                Err(Error::not_implemented(format!("Fractional {clause}")))
            }
            _ => bail!(
                BAD_ARGUMENTS,
                "{clause} expression must be a constant number, found {expr}"
            ),
        }
    }
}
