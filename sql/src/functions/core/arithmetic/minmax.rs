//! max2 and min2.
//!
//! Invariant: the answer is Float64, and the other number when one is NaN.

use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::{illegal, number_type};
use crate::functions::core::operands::binary;
use crate::functions::library::kit::arity;
use crate::functions::{Arg, BindContext, BoundFunction};

fn checked(name: &str, args: &[Arg]) -> Result<()> {
    arity(args, 2..=2)?;
    let plain = |a: &Arg| number_type(&a.ty).is_some() && !matches!(a.ty, DataType::Decimal(..));
    if args.iter().all(plain) {
        Ok(())
    } else {
        illegal(name, args)
    }
}

pub(super) fn bind_max2(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    checked("max2", args)?;
    Ok(BoundFunction::new(DataType::Float64, binary(f64::max)))
}

pub(super) fn bind_min2(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    checked("min2", args)?;
    Ok(BoundFunction::new(DataType::Float64, binary(f64::min)))
}
