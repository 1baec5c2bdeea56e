//! Checks of parameters and arguments that `bind` functions share, with ClickHouse's codes.
//!
//! Invariant: after a check the indexed argument exists and has the promised kind of type.

use roost_engine::bail;
use roost_engine::error::Result;
use roost_engine::types::{DataType, Value};

use crate::functions::Doc;

/// Documentation of an aggregate function.
pub(crate) const fn doc(
    syntax: &'static str,
    text: &'static str,
    example: &'static str,
    answer: &'static str,
) -> Doc {
    Doc {
        syntax,
        text,
        example: (example, answer),
        category: "aggregate",
    }
}

/// Refuses parameters.
pub(crate) fn no_parameters(name: &str, parameters: &[Value]) -> Result<()> {
    if !parameters.is_empty() {
        bail!(
            AGGREGATE_FUNCTION_DOESNT_ALLOW_PARAMETERS,
            "Aggregate function {name} cannot have parameters"
        );
    }
    Ok(())
}

/// Exactly one argument.
pub(crate) fn one<'a>(name: &str, arguments: &'a [DataType]) -> Result<&'a DataType> {
    match arguments {
        [ty] => Ok(ty),
        _ => bail!(
            NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
            "Aggregate function {name} requires single argument, found {}",
            arguments.len()
        ),
    }
}

/// Exactly two arguments.
pub(crate) fn two<'a>(
    name: &str,
    arguments: &'a [DataType],
) -> Result<(&'a DataType, &'a DataType)> {
    match arguments {
        [a, b] => Ok((a, b)),
        _ => bail!(
            NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
            "Aggregate function {name} requires two arguments, found {}",
            arguments.len()
        ),
    }
}

/// The error for an argument of the wrong type.
pub(crate) fn illegal<T>(name: &str, ty: &DataType) -> Result<T> {
    bail!(
        ILLEGAL_TYPE_OF_ARGUMENT,
        "Illegal type {ty} of argument for aggregate function {name}"
    )
}

/// A parameter that must be a whole number of at least `least`.
pub(crate) fn positive(name: &str, parameter: &Value, least: u64) -> Result<u64> {
    match parameter.as_u64().filter(|n| *n >= least) {
        Some(n) => Ok(n),
        None => bail!(
            BAD_ARGUMENTS,
            "Parameter for aggregate function {name} should be a number of at least {least}"
        ),
    }
}

/// At most one parameter, a positive number.
pub(crate) fn optional_limit(name: &str, parameters: &[Value]) -> Result<Option<u64>> {
    match parameters {
        [] => Ok(None),
        [n] => positive(name, n, 1).map(Some),
        _ => bail!(
            NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
            "Incorrect number of parameters for aggregate function {name}, should be 0 or 1"
        ),
    }
}
