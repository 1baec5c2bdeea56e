//! transform: a table of values to look up in.
//!
//! Invariant: of equal elements the first counts.

use hashbrown::HashMap;
use roost_engine::bail;
use roost_engine::column::{Column, ColumnBuilder};
use roost_engine::error::{Error, Result};
use roost_engine::kernels::compare::compare;
use roost_engine::kernels::concat::concat;
use roost_engine::kernels::hash::hash_rows;
use roost_engine::kernels::take::take;
use roost_engine::types::{DataType, Value};

use crate::functions::cast::{CastMode, bind_cast};
use crate::functions::library::kit::unify;
use crate::functions::{Arg, BindContext, BoundFunction, Kernel};

fn list<'a>(arg: &'a Arg, place: &str) -> Result<(&'a DataType, &'a [Value])> {
    match (&arg.ty, &arg.constant) {
        (DataType::Array(element), Some(Value::Array(values))) => Ok((element, values)),
        (ty, _) => bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "{place} argument of function transform must be a constant array, found {ty}"
        ),
    }
}

/// A column of literal values cast to a type.
fn elements(
    values: &[Value],
    from: &DataType,
    to: &DataType,
    context: &BindContext,
) -> Result<Column> {
    let mut builder = ColumnBuilder::new(from, values.len());
    values.iter().try_for_each(|v| builder.push(v))?;
    let column = Column::Flat(builder.finish());
    if from.without_low_cardinality() == to.without_low_cardinality() {
        return Ok(column);
    }
    match bind_cast(from, to, CastMode::Strict, context)?.kernel {
        Kernel::Plain(kernel) => kernel(&[column], values.len()),
        Kernel::Lambda(_) => Err(Error::bug("a cast is no lambda")),
    }
}

/// Elements by hash.
struct Places {
    keys: Column,
    by_hash: HashMap<u64, Vec<u32>>,
}

impl Places {
    fn of(keys: Column) -> Self {
        let mut by_hash: HashMap<u64, Vec<u32>> = HashMap::new();
        let rows = keys.len();
        for (i, hash) in hash_rows(std::slice::from_ref(&keys), rows)
            .into_iter()
            .enumerate()
        {
            by_hash.entry(hash).or_default().push(i as u32);
        }
        Places { keys, by_hash }
    }

    fn find(&self, column: &Column, row: usize, hash: u64) -> Option<u32> {
        let places = self.by_hash.get(&hash)?;
        places
            .iter()
            .copied()
            .find(|p| compare(&self.keys, *p as usize, column, row).is_eq())
    }
}

pub(super) fn bind(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    if !(3..=4).contains(&args.len()) {
        bail!(
            NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
            "Number of arguments for function transform doesn't match: passed {}, should be 3 or 4",
            args.len()
        );
    }
    let (from_ty, from) = list(&args[1], "2nd")?;
    let (to_ty, to) = list(&args[2], "3rd")?;
    if from.len() != to.len() {
        bail!(
            BAD_ARGUMENTS,
            "Second and third arguments of function transform must be arrays of same size"
        );
    }
    if !args[0].ty.is_nullable() && from.iter().any(Value::is_null) {
        bail!(
            CANNOT_CONVERT_TYPE,
            "Cannot convert NULL to a non-nullable type"
        );
    }
    // What is looked up and what is found each have a common type.
    let (key_ty, key_casts) = unify(&[args[0].ty.clone(), from_ty.clone()], context)?;
    let fallback = args.get(3).unwrap_or(&args[0]).ty.clone();
    let (ty, answer_casts) = unify(&[to_ty.clone(), fallback], context)?;
    let places = Places::of(elements(from, from_ty, &key_ty, context)?);
    let found = elements(to, to_ty, &ty, context)?;
    let answer = ty.clone();
    Ok(BoundFunction::new(ty, move |columns, rows| {
        let keys = key_casts[0].apply(&columns[0])?;
        let other = answer_casts[1].apply(columns.get(3).unwrap_or(&columns[0]))?;
        let hashes = hash_rows(std::slice::from_ref(&keys), rows);
        let count = found.len() as u32;
        let (other, step) = match &other {
            Column::Const { value, .. } => (Column::Flat(value.as_ref().clone()), 0),
            flat => (flat.clone(), 1),
        };
        let place = |(row, hash): (usize, u64)| {
            places
                .find(&keys, row, hash)
                .unwrap_or(count + step * row as u32)
        };
        let picks: Vec<u32> = hashes.into_iter().enumerate().map(place).collect();
        Ok(take(&concat(&[&found, &other], &answer)?, &picks))
    }))
}
