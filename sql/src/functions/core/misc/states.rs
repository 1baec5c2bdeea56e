//! States of aggregate functions as values.
//!
//! Invariant: a state is read by the function that its type names; broken bytes are an error.

use roost_engine::bail;
use roost_engine::column::{BytesBuilder, Column, Flat};
use roost_engine::error::{Error, Result};
use roost_engine::types::{AggregateType, DataType, Value};
use std::sync::Arc;

use crate::functions::aggregates::{bind_aggregate, bind_aggregate_type};
use crate::functions::core::operands::one;
use crate::functions::library::kit::{Strs, arity, f};
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const CATEGORY: &str = "other";

/// Records.
pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    f(
        CATEGORY,
        "finalizeAggregation(state)",
        "The answer that a state of an aggregate function stands for.",
        (
            "finalizeAggregation(initializeAggregation('sumState', 5))",
            "5",
        ),
        bind_finalize,
    )
    .sees_nulls(),
    f(
        CATEGORY,
        "initializeAggregation(name, x, ...)",
        "The aggregate function's answer (or state) over one row.",
        ("initializeAggregation('max', 5)", "5"),
        bind_initialize,
    )
    .sees_nulls(),
];

fn bind_finalize(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    let DataType::AggregateFunction(ty) = &args[0].ty else {
        bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "Illegal type {} of argument of function finalizeAggregation, must be a state of an aggregate function",
            args[0].ty
        );
    };
    let function = bind_aggregate_type(ty)?;
    Ok(BoundFunction::new(
        function.return_type(),
        move |columns, rows| {
            let bytes = Strs::of(one(columns)?)?;
            let mut states = function.states();
            states.resize(rows);
            for row in 0..rows {
                // The default of a column of states is no bytes at all: an empty state.
                let state = bytes.get(row);
                if !state.is_empty() {
                    states.merge_state(row as u32, state)?;
                }
            }
            states.finish()
        },
    ))
}

fn bind_initialize(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    arity(args, 2..=usize::MAX)?;
    let Some(Value::Bytes(name)) = &args[0].constant else {
        bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "First argument for function initializeAggregation (name of aggregate function) must be a constant string"
        );
    };
    let name = String::from_utf8_lossy(name).into_owned();
    let types: Vec<DataType> = args[1..].iter().map(|a| a.ty.clone()).collect();
    let (plain, as_state) = match name.strip_suffix("State") {
        Some(plain) => (plain.to_string(), true),
        None => (name, false),
    };
    let (function, canonical) = bind_aggregate(&plain, &[], &types)?;
    let ty = match as_state {
        true => DataType::AggregateFunction(Arc::new(AggregateType {
            function: canonical,
            parameters: Vec::new(),
            arguments: types,
        })),
        false => function.return_type(),
    };
    Ok(BoundFunction::new(ty, move |columns, rows| {
        let args = columns
            .get(1..)
            .ok_or_else(|| Error::bug("a function lost its arguments"))?;
        let groups: Vec<u32> = (0..rows as u32).collect();
        let mut states = function.states();
        states.resize(rows);
        states.update(args, &groups)?;
        if !as_state {
            return states.finish();
        }
        let mut out = BytesBuilder::with_capacity(rows, rows * 16);
        for group in groups {
            states.write_state(group, out.tail())?;
            out.end();
        }
        Ok(Column::Flat(Flat::Bytes(out.finish())))
    }))
}
