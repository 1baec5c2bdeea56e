//! greatest and least.
//!
//! Invariant: NULL loses against every value.

use roost_engine::bail;
use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::choose::pick;
use crate::functions::core::compare::extreme;
use crate::functions::library::kit::{Caster, unify_args};
use crate::functions::{Arg, BindContext, BoundFunction};

pub(super) fn bind_greatest(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    bind("greatest", true, args, context)
}

pub(super) fn bind_least(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    bind("least", false, args, context)
}

/// Of two arguments the types go as in an addition: two decimals take the whole width, a whole
/// number takes the decimal's type.
fn decimal_of_two(args: &[Arg]) -> Option<DataType> {
    let [a, b] = args else {
        return None;
    };
    let ty = match (a.ty.value_type(), b.ty.value_type()) {
        (DataType::Decimal(p, s), DataType::Decimal(q, t)) => {
            let width = match p.max(q) {
                0..=9 => 9,
                10..=18 => 18,
                _ => 38,
            };
            DataType::Decimal(width, *s.max(t))
        }
        (decimal @ DataType::Decimal(..), whole) | (whole, decimal @ DataType::Decimal(..))
            if whole.is_integer() =>
        {
            decimal.clone()
        }
        _ => return None,
    };
    Some(match a.ty.is_nullable() || b.ty.is_nullable() {
        true => ty.nullable(),
        false => ty,
    })
}

fn bind(name: &str, greatest: bool, args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    if args.is_empty() {
        bail!(
            NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
            "Function {name} cannot be called without arguments"
        );
    }
    // Beside numbers a Bool is one; it is not the other way round as in arrays. Two of them are
    // compared as numbers, three are not.
    let plain = |a: &Arg| a.ty == DataType::Bool;
    let all_bool = args.iter().all(|a| *a.ty.value_type() == DataType::Bool)
        && !(args.len() == 2 && args.iter().all(plain));
    let args: Vec<Arg> = args
        .iter()
        .map(|a| match &a.ty {
            DataType::Bool if !all_bool => Arg::of(DataType::UInt8),
            _ => a.clone(),
        })
        .collect();
    let (ty, casts) = match decimal_of_two(&args) {
        Some(ty) => {
            let casts = args.iter().map(|a| Caster::new(&a.ty, &ty, context));
            (ty.clone(), casts.collect::<Result<Vec<_>>>()?)
        }
        None => unify_args(&args, context)?,
    };
    let answer = ty.clone();
    Ok(BoundFunction::new(ty, move |columns, rows| {
        let columns: Vec<Column> = columns
            .iter()
            .zip(&casts)
            .map(|(c, cast)| cast.apply(c))
            .collect::<Result<_>>()?;
        if rows == 0 {
            return Ok(columns[0].clone());
        }
        pick(&extreme(&columns, rows, greatest), &columns, &answer)
    }))
}
