//! WITH FILL: bounds and step as constants in the key's type.
//!
//! Invariant: the step is never zero and runs in the direction of the order.

use roost_engine::bail;
use roost_engine::error::{Error, Result};
use roost_engine::types::{DataType, IntervalUnit, Value};

use super::select::SelectBinder;
use crate::expr::Expr;
use crate::parse::ast;
use crate::plan::Fill;

impl SelectBinder<'_, '_> {
    /// Binds a WITH FILL clause of a key of type `ty`.
    pub(super) fn fill(
        &mut self,
        fill: &ast::Fill,
        ty: &DataType,
        descending: bool,
    ) -> Result<Fill> {
        if fill.staleness.is_some() {
            return Err(Error::not_implemented("STALENESS of WITH FILL"));
        }
        let target = ty.value_type();
        if !(target.is_numeric() || target.is_date() || target.is_date_time()) {
            bail!(
                BAD_ARGUMENTS,
                "WITH FILL needs a number, a date or a time as key, found {ty}"
            );
        }
        let from = self.fill_bound(fill.from.as_ref(), target)?;
        let to = self.fill_bound(fill.to.as_ref(), target)?;
        let (step, unit) = self.fill_step(fill.step.as_ref(), target, descending)?;
        Ok(Fill {
            from,
            to,
            step,
            unit,
        })
    }

    fn fill_bound(&mut self, bound: Option<&ast::Expr>, ty: &DataType) -> Result<Option<Value>> {
        let Some(bound) = bound else {
            return Ok(None);
        };
        let expr = self.bind(bound)?;
        match self.cast(expr, ty)? {
            Expr::Literal(value, _) => Ok(Some(value)),
            _ => bail!(
                BAD_ARGUMENTS,
                "Bounds of WITH FILL must be constant and of type {ty}, found {bound}"
            ),
        }
    }

    fn fill_step(
        &mut self,
        step: Option<&ast::Expr>,
        ty: &DataType,
        descending: bool,
    ) -> Result<(Value, Option<IntervalUnit>)> {
        let sign = if descending { -1 } else { 1 };
        let Some(step) = step else {
            let value = match ty.is_float() {
                true => Value::Float(f64::from(sign)),
                false => Value::Int(i64::from(sign)),
            };
            return Ok((value, None));
        };
        let Expr::Literal(value, step_ty) = self.bind(step)? else {
            bail!(
                BAD_ARGUMENTS,
                "STEP of WITH FILL must be constant, found {step}"
            );
        };
        let unit = match step_ty {
            DataType::Interval(unit) => Some(unit),
            _ => None,
        };
        let size = value.as_f64().unwrap_or(0.0);
        if size == 0.0 || (size < 0.0) != descending {
            bail!(
                BAD_ARGUMENTS,
                "STEP of WITH FILL must be {} zero, found {step}",
                if descending {
                    "less than"
                } else {
                    "greater than"
                }
            );
        }
        let value = match value.as_i64() {
            Some(whole) if unit.is_some() || !ty.is_float() => Value::Int(whole),
            _ => Value::Float(size),
        };
        Ok((value, unit))
    }
}
