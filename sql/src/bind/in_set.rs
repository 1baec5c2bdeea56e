//! `IN`: lists, arrays, subqueries, tables.
//!
//! Invariant: a set holds no NULL and has the needle's types without Nullable and LowCardinality;
//! values that the needle's type cannot hold are not in it.

use std::sync::{Arc, OnceLock};

use roost_engine::bail;
use roost_engine::block::{Block, Field, Schema};
use roost_engine::column::{Column, ColumnBuilder};
use roost_engine::error::{Code, Error, Result};
use roost_engine::types::{DataType, Value};

use super::call::cast_or_null;
use super::select::{SelectBinder, filtered};
use super::{Bound, OutputName};
use crate::expr::{Expr, InSet, SetSource};
use crate::functions::BindContext;
use crate::functions::cast::convert_value;
use crate::functions::supertype::least_supertype;
use crate::parse::ast;
use crate::plan::{self, Plan};

impl SelectBinder<'_, '_> {
    /// `x IN y`, `x NOT IN y`; under `transform_null_in` NULL is a value like others.
    pub(super) fn in_set(&mut self, function: &ast::Function, negated: bool) -> Result<Expr> {
        let nulls = self.binder.is_on("transform_null_in");
        let [left, right] = function.args.as_slice() else {
            bail!(
                NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
                "Function {} takes two arguments, {} given",
                function.name,
                function.args.len()
            );
        };
        if let ast::Expr::Subquery(query) = right {
            let bound = self.binder.query(query, &self.env)?;
            return self.in_rows(left, bound, negated, nulls);
        }
        if let ast::Expr::Identifier(parts) = right
            && self.find(parts)?.is_none()
            && let Some(query) = table_query(parts)
        {
            let bound = self.binder.query(&query, &self.env)?;
            return self.in_rows(left, bound, negated, nulls);
        }
        let needle = self.bind(left)?;
        match self.listed(right)? {
            Listed::Constant(value, ty) if nulls => {
                self.in_constants_or_null(needle, &value, &ty, negated)
            }
            Listed::Constant(value, ty) => self.in_constants(needle, &value, &ty, negated),
            Listed::Computed(exprs, is_array) => self.in_computed(needle, exprs, is_array, negated),
        }
    }

    /// The right side of IN: one constant, or expressions.
    fn listed(&mut self, right: &ast::Expr) -> Result<Listed> {
        if let ast::Expr::Function(f) = right
            && f.name == "tuple"
            && f.args.len() > 1
        {
            let exprs = f
                .args
                .iter()
                .map(|a| written(a).map_or_else(|| self.bind(a), Ok))
                .collect::<Result<Vec<_>>>()?;
            let mut values = Vec::with_capacity(exprs.len());
            let mut types = Vec::with_capacity(exprs.len());
            for expr in &exprs {
                let Expr::Literal(value, ty) = expr else {
                    return Ok(Listed::Computed(exprs, false));
                };
                values.push(value.clone());
                types.push(ty.clone());
            }
            return Ok(Listed::Constant(
                Value::Tuple(values),
                DataType::tuple(types),
            ));
        }
        match self.bind(right)? {
            Expr::Literal(value, ty) => Ok(Listed::Constant(value, ty)),
            other if other.ty().element().is_some() => Ok(Listed::Computed(vec![other], true)),
            other => Ok(Listed::Computed(vec![other], false)),
        }
    }

    /// The parts of a needle: of a tuple its elements.
    pub(super) fn needle_parts(&self, needle: &Expr) -> Result<Vec<Expr>> {
        let Some(types) = needle.ty().tuple_types() else {
            return Ok(vec![needle.clone()]);
        };
        if let Some(("tuple", args)) = needle.as_call() {
            return Ok(args.to_vec());
        }
        let part = |i: usize| {
            let at = Expr::Literal(Value::UInt(i as u64 + 1), DataType::UInt8);
            self.call("tupleElement", vec![needle.clone(), at])
        };
        (0..types.len()).map(part).collect()
    }

    fn in_constants(
        &self,
        needle: Expr,
        list: &Value,
        list_ty: &DataType,
        negated: bool,
    ) -> Result<Expr> {
        if matches!(needle.ty().value_type(), DataType::Nothing) {
            return Ok(Expr::Literal(Value::Null, needle.ty().clone()));
        }
        let rows = set_rows(list, list_ty, depth(needle.ty()))?;
        let parts = self.needle_parts(&needle)?;
        let types: Vec<DataType> = parts.iter().map(|p| p.ty().value_type().clone()).collect();
        let context = self.binder.catalog.context();
        let mut kept: Vec<Vec<Value>> = Vec::with_capacity(rows.len());
        for (value, ty) in rows {
            if let Some(row) = converted_row(&value, &ty, &types, context)? {
                kept.push(row);
            }
        }
        let ty = answer_type(&needle);
        if let Some(answer) = folded(&parts, &kept, negated, &ty) {
            return Ok(answer);
        }
        let block = block_of(&types, &kept)?;
        Ok(in_expr(parts, types, None, Some(block), negated, ty))
    }

    /// A list that is only known per row: equalities, or `has`.
    fn in_computed(
        &self,
        needle: Expr,
        exprs: Vec<Expr>,
        is_array: bool,
        negated: bool,
    ) -> Result<Expr> {
        let whole_array = is_array && exprs.len() == 1 && depth(exprs[0].ty()) > depth(needle.ty());
        let mut found = match exprs.as_slice() {
            [array] if whole_array => self.call("has", vec![array.clone(), needle])?,
            [one] => self.call("equals", vec![needle, one.clone()])?,
            many => {
                let equal = many
                    .iter()
                    .map(|e| self.call("equals", vec![needle.clone(), e.clone()]))
                    .collect::<Result<Vec<_>>>()?;
                self.call("or", equal)?
            }
        };
        if negated {
            found = self.call("not", vec![found])?;
        }
        self.cast(found, &DataType::UInt8.nullable())
    }

    /// `x IN (SELECT ...)`: a set that is filled before the rows flow.
    fn in_rows(
        &mut self,
        left: &ast::Expr,
        bound: Bound,
        negated: bool,
        nulls: bool,
    ) -> Result<Expr> {
        if !bound.plan.free_columns().is_empty() {
            return Err(Error::not_implemented(
                "Correlated subquery as argument of IN",
            ));
        }
        let needle = self.bind(left)?;
        if matches!(needle.ty().value_type(), DataType::Nothing) && !nulls {
            return Ok(Expr::Literal(Value::Null, needle.ty().clone()));
        }
        let whole = bound.columns.len() == 1;
        let parts = match whole {
            true => vec![needle.clone()],
            false => self.needle_parts(&needle)?,
        };
        if parts.len() != bound.columns.len() {
            bail!(
                NUMBER_OF_COLUMNS_DOESNT_MATCH,
                "Number of columns in section IN doesn't match. {} at left, {} at right",
                parts.len(),
                bound.columns.len()
            );
        }
        let only_nulls = |c: &OutputName| matches!(c.ty.value_type(), DataType::Nothing);
        if bound.columns.iter().any(only_nulls) && !nulls {
            let types: Vec<DataType> = parts.iter().map(|p| p.ty().value_type().clone()).collect();
            let none = block_of(&types, &[])?;
            let ty = answer_type(&needle);
            return Ok(in_expr(parts, types, None, Some(none), negated, ty));
        }
        if nulls {
            return self.in_rows_or_null(&needle, parts, bound, negated);
        }
        let mut needles = Vec::with_capacity(parts.len());
        let mut types = Vec::with_capacity(parts.len());
        let mut outputs = Vec::with_capacity(parts.len());
        let mut plan = bound.plan;
        for (part, column) in parts.into_iter().zip(&bound.columns) {
            let own = Expr::Column(column.id, column.ty.clone());
            let (part, ty) = self.comparable(part, &column.ty)?;
            let value = match column.ty.is_nullable() {
                true => {
                    let present = self.call("isNotNull", vec![own.clone()])?;
                    plan = filtered(plan, present);
                    self.call("assumeNotNull", vec![own])?
                }
                false => own,
            };
            outputs.push((self.binder.fresh(), self.cast(value, &ty)?));
            needles.push(part);
            types.push(ty);
        }
        let plan = Plan::Project(Box::new(plan::Project {
            input: plan,
            exprs: outputs,
        }));
        let ty = answer_type(&needle);
        Ok(in_expr(needles, types, Some(plan), None, negated, ty))
    }

    /// The needle in a type in which it can be looked up among values of `set`, and that type.
    pub(super) fn comparable(&self, needle: Expr, set: &DataType) -> Result<(Expr, DataType)> {
        let set = set.value_type().clone();
        let own = needle.ty().value_type().clone();
        if own == set || matches!(set, DataType::Nothing) {
            return Ok((needle, own));
        }
        if !own.is_string()
            && !set.is_string()
            && let Ok(common) = least_supertype(&[own.clone(), set.clone()])
        {
            let to = match needle.ty().is_nullable() {
                true => common.clone().nullable(),
                false => common.clone(),
            };
            return Ok((self.cast(needle, &to)?, common));
        }
        let context = self.binder.catalog.context();
        Ok((cast_or_null(needle, &set, context)?, set))
    }
}

/// A literal or a tuple of literals, as long lists are made of, without calling functions.
fn written(expr: &ast::Expr) -> Option<Expr> {
    match expr {
        ast::Expr::Literal(l) => Some(super::literal::literal(l)),
        ast::Expr::Function(f) if f.name == "tuple" && f.params.is_none() && f.args.len() > 1 => {
            let (mut values, mut types) = (Vec::new(), Vec::new());
            for arg in &f.args {
                let Expr::Literal(value, ty) = written(arg)? else {
                    return None;
                };
                values.push(value);
                types.push(ty);
            }
            Some(Expr::Literal(Value::Tuple(values), DataType::tuple(types)))
        }
        _ => None,
    }
}

/// The right side of IN.
enum Listed {
    Constant(Value, DataType),
    Computed(Vec<Expr>, bool),
}

/// `SELECT * FROM name`.
fn table_query(parts: &[String]) -> Option<ast::Query> {
    let (database, name) = match parts {
        [name] => (None, name.clone()),
        [database, name] => (Some(database.clone()), name.clone()),
        _ => return None,
    };
    let table = ast::TableExpr {
        source: ast::TableSource::Name(ast::TableName { database, name }),
        alias: None,
        columns: Vec::new(),
        is_final: false,
        sample: None,
    };
    let star = ast::Matcher {
        table: None,
        kind: ast::MatcherKind::All,
        transformers: Vec::new(),
    };
    let select = ast::Select {
        items: vec![ast::Expr::Matcher(Box::new(star))],
        from: Some(ast::From {
            first: table,
            joins: Vec::new(),
        }),
        ..ast::Select::default()
    };
    Some(ast::Query {
        body: ast::QueryBody::Select(Box::new(select)),
        settings: Vec::new(),
        format: None,
        outfile: None,
    })
}

/// How deep arrays and tuples are nested in a type.
pub(super) fn depth(ty: &DataType) -> usize {
    match ty {
        DataType::Array(element) => 1 + depth(element),
        DataType::Tuple(t) => 1 + t.types.iter().map(depth).max().unwrap_or(0),
        DataType::Nullable(inner) | DataType::LowCardinality(inner) => depth(inner),
        _ => 0,
    }
}

/// The rows that a constant on the right side of IN stands for: itself when it is as deep as the
/// needle, its elements when it is one deeper.
pub(super) fn set_rows(
    list: &Value,
    ty: &DataType,
    needle: usize,
) -> Result<Vec<(Value, DataType)>> {
    let deep = depth(ty);
    if deep == needle || matches!(list, Value::Null) {
        return Ok(vec![(list.clone(), ty.clone())]);
    }
    if deep == needle + 1 {
        match (list, ty) {
            (Value::Array(values), DataType::Array(element)) => {
                let element = element.as_ref();
                return Ok(values
                    .iter()
                    .map(|v| (v.clone(), element.clone()))
                    .collect());
            }
            (Value::Tuple(values), DataType::Tuple(t)) => {
                return Ok(values
                    .iter()
                    .cloned()
                    .zip(t.types.iter().cloned())
                    .collect());
            }
            _ => {}
        }
    }
    bail!(
        INCORRECT_ELEMENT_OF_SET,
        "Set of type {ty} on the right side of IN does not fit the left side"
    )
}

/// One row of the set in the needle's types; `None` when it can equal nothing.
pub(super) fn converted_row(
    value: &Value,
    ty: &DataType,
    to: &[DataType],
    context: &BindContext,
) -> Result<Option<Vec<Value>>> {
    if value.is_null() {
        return Ok(None);
    }
    if let [one] = to
        && !(matches!(value, Value::Tuple(_)) && one.tuple_types().is_none())
    {
        let converted = converted(value, ty, one, context)?;
        return Ok(converted.filter(|v| !v.is_null()).map(|v| vec![v]));
    }
    let (Value::Tuple(values), Some(types)) = (value, ty.tuple_types()) else {
        bail!(
            INCORRECT_ELEMENT_OF_SET,
            "Element of type {ty} in a set of tuples of {} values",
            to.len()
        );
    };
    if values.len() != to.len() {
        bail!(
            INCORRECT_ELEMENT_OF_SET,
            "Incorrect size of tuple in set: {} instead of {}",
            values.len(),
            to.len()
        );
    }
    let mut row = Vec::with_capacity(to.len());
    for ((value, from), to) in values.iter().zip(types).zip(to) {
        if value.is_null() {
            return Ok(None);
        }
        match converted(value, from, to, context)? {
            Some(converted) if !converted.is_null() => row.push(converted),
            _ => return Ok(None),
        }
    }
    Ok(Some(row))
}

/// The value in another type; a text that is no number is a wrong type, as ClickHouse says it.
fn converted(
    value: &Value,
    from: &DataType,
    to: &DataType,
    context: &BindContext,
) -> Result<Option<Value>> {
    let answer = convert_value(value, from, to, context);
    match answer {
        Err(e) if from.is_string() && to.is_numeric() => Err(Error::new(
            Code::TYPE_MISMATCH,
            format!("Cannot convert string to type {to}: {}", e.message()),
        )),
        other => other,
    }
}

/// UInt8, with the Nullable and LowCardinality of the needle.
fn answer_type(needle: &Expr) -> DataType {
    let plain = match needle.ty().is_nullable() {
        true => DataType::UInt8.nullable(),
        false => DataType::UInt8,
    };
    like_needle(needle, plain)
}

/// The answer's type: a dictionary when the needle is one.
pub(super) fn like_needle(needle: &Expr, plain: DataType) -> DataType {
    match needle.ty() {
        DataType::LowCardinality(_) => plain.low_cardinality(),
        _ => plain,
    }
}

/// The answer when the needle is constant.
fn folded(parts: &[Expr], rows: &[Vec<Value>], negated: bool, ty: &DataType) -> Option<Expr> {
    let needle = parts
        .iter()
        .map(|p| p.as_literal().cloned())
        .collect::<Option<Vec<Value>>>()?;
    if needle.iter().any(Value::is_null) && ty.is_nullable() {
        return Some(Expr::Literal(Value::Null, ty.clone()));
    }
    let found = rows.contains(&needle);
    Some(Expr::Literal(
        Value::UInt(u64::from(found != negated)),
        ty.clone(),
    ))
}

pub(super) fn block_of(types: &[DataType], rows: &[Vec<Value>]) -> Result<Block> {
    let mut columns = Vec::with_capacity(types.len());
    for (i, ty) in types.iter().enumerate() {
        let mut builder = ColumnBuilder::new(ty, rows.len());
        for row in rows {
            builder.push(row.get(i).unwrap_or(&Value::Null))?;
        }
        columns.push(Column::Flat(builder.finish()));
    }
    let fields = types.iter().enumerate().map(|(i, ty)| Field {
        name: format!("{i}"),
        ty: ty.clone(),
    });
    let schema = Schema {
        fields: fields.collect(),
    };
    Block::new(Arc::new(schema), columns, rows.len())
}

pub(super) fn in_expr(
    needle: Vec<Expr>,
    types: Vec<DataType>,
    plan: Option<Plan>,
    rows: Option<Block>,
    negated: bool,
    ty: DataType,
) -> Expr {
    let known = OnceLock::new();
    if let Some(rows) = rows {
        let _ = known.set(Arc::new(rows));
    }
    Expr::In(Arc::new(InSet {
        needle,
        set: Arc::new(SetSource {
            types,
            plan,
            rows: known,
        }),
        negated,
        ty,
    }))
}
