//! CASE with an expression.
//!
//! Invariant: the expression equals a value as `isNotDistinctFrom` says, so NULL finds NULL.

use roost_engine::bail;
use roost_engine::column::Column;
use roost_engine::error::{Error, Result};
use roost_engine::types::DataType;

use super::choose;
use crate::functions::core::compare;
use crate::functions::{Arg, BindContext, BoundFunction, Kernel};

pub(super) fn bind(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    if args.len() < 4 || !args.len().is_multiple_of(2) {
        bail!(
            NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
            "Invalid number of arguments for function caseWithExpression"
        );
    }
    let same = compare::FUNCTIONS
        .iter()
        .find(|f| f.name == "isNotDistinctFrom");
    let same = same.ok_or_else(|| Error::bug("a comparison without a record"))?;
    let (mut equal, mut branches) = (Vec::new(), Vec::new());
    for pair in args[1..].chunks_exact(2) {
        match same
            .bind_framed(&[args[0].clone(), pair[0].clone()], context)?
            .kernel
        {
            Kernel::Plain(kernel) => equal.push(kernel),
            Kernel::Lambda(_) => return Err(Error::bug("a comparison is no lambda")),
        }
        branches.extend([Arg::of(DataType::UInt8), pair[1].clone()]);
    }
    branches.extend(args.last().cloned());
    let chosen = choose::bind(&branches, context)?;
    let Kernel::Plain(choose) = chosen.kernel else {
        return Err(Error::bug("a choice is no lambda"));
    };
    Ok(BoundFunction::new(chosen.ty, move |columns, rows| {
        let mut inputs: Vec<Column> = Vec::with_capacity(columns.len());
        for (pair, equal) in columns[1..].chunks_exact(2).zip(&equal) {
            inputs.push(equal(&[columns[0].clone(), pair[0].clone()], rows)?);
            inputs.push(pair[1].clone());
        }
        inputs.extend(columns.last().cloned());
        choose(&inputs, rows)
    }))
}
