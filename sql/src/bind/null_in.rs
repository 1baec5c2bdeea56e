//! `nullIn`, and `IN` under `transform_null_in`, where NULL is a value like others.
//!
//! Invariant: every part that may be NULL is looked up as two, whether it is NULL and its value, so
//! that the set itself holds no NULL.

use roost_engine::bail;
use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::types::{DataType, Value};

use super::Bound;
use super::in_set::{block_of, converted_row, depth, in_expr, like_needle, set_rows};
use super::select::SelectBinder;
use crate::expr::Expr;
use crate::parse::ast;
use crate::plan::{self, Plan};

impl SelectBinder<'_, '_> {
    /// `nullIn`, `notNullIn`: like IN, but NULL is simply not in the set.
    pub(super) fn in_or_zero(&mut self, function: &ast::Function, negated: bool) -> Result<Expr> {
        let found = self.in_set(function, negated)?;
        if !found.ty().is_nullable() {
            return Ok(found);
        }
        let otherwise = Value::UInt(u64::from(negated));
        if let Some(value) = found.as_literal() {
            let value = if value.is_null() {
                otherwise
            } else {
                value.clone()
            };
            return Ok(Expr::Literal(value, DataType::UInt8));
        }
        let otherwise = Expr::Literal(otherwise, DataType::UInt8);
        self.call("ifNull", vec![found, otherwise])
    }

    /// A needle among constants of which some may be NULL.
    pub(super) fn in_constants_or_null(
        &self,
        needle: Expr,
        list: &Value,
        list_ty: &DataType,
        negated: bool,
    ) -> Result<Expr> {
        let rows = set_rows(list, list_ty, depth(needle.ty()))?;
        let answer = like_needle(&needle, DataType::UInt8);
        if matches!(needle.ty().value_type(), DataType::Nothing) {
            let found = rows.iter().any(|(value, _)| value.is_null());
            let value = Value::UInt(u64::from(found != negated));
            return Ok(Expr::Literal(value, DataType::UInt8));
        }
        let parts = self.needle_parts(&needle)?;
        let context = self.binder.catalog.context();
        let mut kept = Vec::with_capacity(rows.len());
        for (value, ty) in rows {
            let cells = cells(value, ty, parts.len())?;
            let mut row = Some(Vec::with_capacity(parts.len() * 2));
            for (part, (value, ty)) in parts.iter().zip(cells) {
                let own = part.ty().value_type().clone();
                let converted = match value.is_null() {
                    true => part.ty().is_nullable().then(|| default_of(&own)),
                    false => converted_row(&value, &ty, std::slice::from_ref(&own), context)?
                        .and_then(|mut one| one.pop()),
                };
                match (&mut row, converted) {
                    (Some(row), Some(converted)) => {
                        if part.ty().is_nullable() {
                            row.push(Value::UInt(u64::from(value.is_null())));
                        }
                        row.push(converted);
                    }
                    (row, _) => *row = None,
                }
            }
            kept.extend(row);
        }
        let (mut needles, mut types) = (Vec::new(), Vec::new());
        for part in parts {
            self.put_part(part, &mut needles, &mut types)?;
        }
        let block = block_of(&types, &kept)?;
        let found = in_expr(needles, types, None, Some(block), negated, answer);
        Ok(found)
    }

    /// A needle among the rows of a subquery.
    pub(super) fn in_rows_or_null(
        &self,
        needle: &Expr,
        parts: Vec<Expr>,
        bound: Bound,
        negated: bool,
    ) -> Result<Expr> {
        let (mut needles, mut types, mut outputs) = (Vec::new(), Vec::new(), Vec::new());
        for (part, column) in parts.into_iter().zip(&bound.columns) {
            let own = Expr::Column(column.id, column.ty.clone());
            let (part, ty) = self.comparable(part, &column.ty)?;
            let nullable = part.ty().is_nullable() || column.ty.is_nullable();
            let part = match nullable && !part.ty().is_nullable() {
                true => self.call("toNullable", vec![part])?,
                false => part,
            };
            self.put_part(part, &mut needles, &mut types)?;
            if nullable {
                let missing = self.call("isNull", vec![own.clone()])?;
                outputs.push((self.binder.fresh(), missing));
            }
            let nothing = matches!(column.ty.value_type(), DataType::Nothing);
            let value = match nothing {
                true => Expr::Literal(default_of(&ty), ty.clone()),
                false => {
                    let cast = self.cast(own, &if_nullable(&ty, column.ty.is_nullable()))?;
                    self.present(cast)?
                }
            };
            outputs.push((self.binder.fresh(), value));
        }
        let plan = Plan::Project(Box::new(plan::Project {
            input: bound.plan,
            exprs: outputs,
        }));
        let answer = like_needle(needle, DataType::UInt8);
        Ok(in_expr(needles, types, Some(plan), None, negated, answer))
    }

    /// Adds a part of the needle: whether it is NULL, when it may be, and its value.
    fn put_part(
        &self,
        part: Expr,
        needles: &mut Vec<Expr>,
        types: &mut Vec<DataType>,
    ) -> Result<()> {
        if part.ty().is_nullable() {
            needles.push(self.call("isNull", vec![part.clone()])?);
            types.push(DataType::UInt8);
        }
        types.push(part.ty().value_type().clone());
        needles.push(self.present(part)?);
        Ok(())
    }

    /// The value, or its type's default for NULL.
    pub(super) fn present(&self, value: Expr) -> Result<Expr> {
        if !value.ty().is_nullable() {
            return Ok(value);
        }
        let ty = value.ty().value_type().clone();
        let default = Expr::Literal(default_of(&ty), ty);
        self.call("ifNull", vec![value, default])
    }
}

fn if_nullable(ty: &DataType, nullable: bool) -> DataType {
    match nullable {
        true => ty.clone().nullable(),
        false => ty.clone(),
    }
}

/// The values of one row of the set.
fn cells(value: Value, ty: DataType, parts: usize) -> Result<Vec<(Value, DataType)>> {
    if parts == 1 {
        return Ok(vec![(value, ty)]);
    }
    match (value, ty.tuple_types()) {
        (Value::Tuple(values), Some(types)) if values.len() == parts => {
            Ok(values.into_iter().zip(types.iter().cloned()).collect())
        }
        _ => bail!(
            INCORRECT_ELEMENT_OF_SET,
            "Element of type {ty} in a set of tuples of {parts} values"
        ),
    }
}

/// The value that a column of this type has where nothing was written.
pub(super) fn default_of(ty: &DataType) -> Value {
    Column::defaults(ty, 1).value(0)
}
