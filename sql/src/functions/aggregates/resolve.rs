//! From a name with combinators, parameters and argument types to a bound aggregate.
//!
//! Invariant: the last suffix of a name is the outermost combinator; LowCardinality is gone before
//! anything binds, Nullable just before the function itself.

use std::sync::Arc;

use roost_engine::bail;
use roost_engine::error::Result;
use roost_engine::types::{AggregateType, DataType, Value};

use super::{combinators, nulls};
use crate::functions::{Aggregate, AggregateFunction, aggregate_function};

const DEPTH_MAX: usize = 10;

/// Binds an aggregate function by its name with combinators (`sumIf`, `uniqMerge`). Gives the
/// function and its canonical name.
///
/// # Errors
/// UNKNOWN_AGGREGATE_FUNCTION for an unknown name, and what the function says about its arguments.
pub fn bind_aggregate(
    name: &str,
    parameters: &[Value],
    arguments: &[DataType],
) -> Result<(Arc<dyn Aggregate>, String)> {
    let plain: Vec<DataType> = arguments
        .iter()
        .map(DataType::without_low_cardinality)
        .collect();
    bind(name, parameters, &plain, 0)
}

/// Binds the function of an `AggregateFunction(...)` type.
///
/// # Errors
/// As [`bind_aggregate`], and BAD_ARGUMENTS when a parameter's text is no literal.
pub fn bind_aggregate_type(ty: &AggregateType) -> Result<Arc<dyn Aggregate>> {
    let parameters = ty
        .parameters
        .iter()
        .map(|text| super::literal::parse(text))
        .collect::<Result<Vec<_>>>()?;
    Ok(bind_aggregate(&ty.function, &parameters, &ty.arguments)?.0)
}

/// Whether the name, with its combinators taken off, is an aggregate function's.
pub fn is_aggregate_name(name: &str) -> bool {
    canonical_name(name, 0).is_some()
}

/// The name as ClickHouse writes it: `COUNTIf` is `countIf`.
pub(super) fn canonical_name(name: &str, depth: usize) -> Option<String> {
    if let Some(function) = aggregate_function(name) {
        let alias = function.aliases.iter().find(|a| **a == name);
        return Some(alias.map_or(function.name, |a| *a).to_string());
    }
    let (rest, suffix) = split(name).filter(|_| depth < DEPTH_MAX)?;
    Some(canonical_name(rest, depth + 1)? + suffix.name)
}

/// The name without its last combinator, and that.
fn split(name: &str) -> Option<(&str, &'static combinators::Combinator)> {
    combinators::ALL
        .iter()
        .filter_map(|c| Some((name.strip_suffix(c.name)?, c)))
        .find(|(rest, _)| !rest.is_empty())
}

/// [`bind_aggregate`] for argument types without LowCardinality; combinators come back here.
pub(super) fn bind(
    name: &str,
    parameters: &[Value],
    arguments: &[DataType],
    depth: usize,
) -> Result<(Arc<dyn Aggregate>, String)> {
    let Some(canonical) = canonical_name(name, depth) else {
        bail!(
            UNKNOWN_AGGREGATE_FUNCTION,
            "Unknown aggregate function {name}"
        );
    };
    if let Some(function) = aggregate_function(name) {
        return Ok((bind_function(function, parameters, arguments)?, canonical));
    }
    match split(name) {
        Some((rest, combinator)) => {
            let nested = combinators::Nested {
                name: rest,
                parameters,
                depth: depth + 1,
            };
            Ok(((combinator.bind)(&nested, arguments)?, canonical))
        }
        None => bail!(
            UNKNOWN_AGGREGATE_FUNCTION,
            "Unknown aggregate function {name}"
        ),
    }
}

fn bind_function(
    function: &'static AggregateFunction,
    parameters: &[Value],
    arguments: &[DataType],
) -> Result<Arc<dyn Aggregate>> {
    if function.sees_nulls || !arguments.iter().any(DataType::is_nullable) {
        return (function.bind)(parameters, arguments);
    }
    let only_null = arguments
        .iter()
        .any(|ty| ty.is_nullable() && matches!(ty.value_type(), DataType::Nothing));
    if only_null && !function.default_when_null {
        return Ok(nulls::always_null());
    }
    let plain: Vec<DataType> = arguments.iter().map(DataType::without_nullable).collect();
    let inner = (function.bind)(parameters, &plain)?;
    // Counts of nothing are zero, lists of nothing are NULL.
    if only_null && !inner.return_type().is_integer() {
        return Ok(nulls::always_null());
    }
    Ok(nulls::skip_nulls(inner, function.default_when_null))
}
