//! `-Merge` takes states and answers the result, `-MergeState` takes states and answers a state.
//!
//! Invariant: the argument is an AggregateFunction of the very function that is merged, or of a count.

use std::sync::Arc;

use roost_engine::bail;
use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::types::{AggregateType, DataType};

use super::Nested;
use super::frame::{Feed, framed};
use super::state::state_of;
use crate::functions::aggregates::resolve::{bind_aggregate_type, canonical_name};
use crate::functions::aggregates::states::Groups;
use crate::functions::{Aggregate, GroupedState};

pub(super) fn bind_merge(
    nested: &Nested<'_>,
    arguments: &[DataType],
) -> Result<Arc<dyn Aggregate>> {
    let ty = state_type(nested, arguments)?;
    Ok(framed(bind_aggregate_type(ty)?, Merge))
}

pub(super) fn bind_merge_state(
    nested: &Nested<'_>,
    arguments: &[DataType],
) -> Result<Arc<dyn Aggregate>> {
    let merge = bind_merge(nested, arguments)?;
    Ok(state_of(merge, arguments[0].clone()))
}

fn state_type<'a>(nested: &Nested<'_>, arguments: &'a [DataType]) -> Result<&'a AggregateType> {
    let [DataType::AggregateFunction(ty)] = arguments else {
        let found: Vec<String> = arguments.iter().map(DataType::to_string).collect();
        bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "Illegal type {} of argument for aggregate function {}Merge, expected AggregateFunction({}, ...)",
            found.join(", "),
            nested.name,
            nested.name
        );
    };
    let wanted = canonical_name(nested.name, nested.depth);
    let same = wanted.is_some() && wanted == canonical_name(&ty.function, 0);
    let counts = wanted.as_deref() == Some("count") && is_a_count(ty);
    if !same && !counts {
        bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "Illegal type {} of argument for aggregate function {}Merge: it is the state of another function",
            arguments[0],
            nested.name
        );
    }
    Ok(ty)
}

/// Whether a state is a count that was fed otherwise: projects keep `countIf` and read it with `countMerge`.
fn is_a_count(ty: &AggregateType) -> bool {
    let one = matches!(ty.arguments.as_slice(), [argument] if !argument.is_nullable());
    one && matches!(
        canonical_name(&ty.function, 0).as_deref(),
        Some("countIf" | "countArray")
    )
}

#[derive(Debug, Clone, Copy)]
struct Merge;

impl Feed for Merge {
    fn feed(self, inner: &mut dyn GroupedState, args: &[Column], groups: Groups<'_>) -> Result<()> {
        (0..groups.rows()).try_for_each(|row| {
            let (flat, at) = args[0].entry(row);
            match flat.bytes_at(at) {
                // The default of the type: a state that has seen nothing.
                [] => Ok(()),
                state => inner.merge_state(groups.at(row) as u32, state),
            }
        })
    }
}
