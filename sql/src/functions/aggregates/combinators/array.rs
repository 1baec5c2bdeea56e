//! `-Array`: the elements of arrays instead of the arrays.
//!
//! Invariant: array arguments of one row have one length.

use std::sync::Arc;

use roost_engine::bail;
use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::Nested;
use super::frame::{Feed, framed};
use crate::functions::aggregates::nulls::update;
use crate::functions::aggregates::states::Groups;
use crate::functions::{Aggregate, GroupedState};

pub(super) fn bind_array(
    nested: &Nested<'_>,
    arguments: &[DataType],
) -> Result<Arc<dyn Aggregate>> {
    let inner = nested
        .bind(&elements_of(nested.name, "Array", arguments)?)?
        .0;
    Ok(framed(inner, OfElements))
}

/// Element types of arguments that must be arrays.
pub(super) fn elements_of(
    name: &str,
    suffix: &str,
    arguments: &[DataType],
) -> Result<Vec<DataType>> {
    if arguments.is_empty() {
        bail!(
            NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
            "-{suffix} aggregate functions require at least one argument"
        );
    }
    let element = |ty: &DataType| match ty {
        DataType::Array(e) => Ok(e.without_low_cardinality()),
        other => bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "Illegal type {other} of argument for aggregate function {name}{suffix}. Must be array"
        ),
    };
    arguments.iter().map(element).collect()
}

/// Array columns taken apart: offsets from zero and the elements of each.
pub(super) struct Apart {
    pub(super) offsets: Vec<u64>,
    pub(super) elements: Vec<Column>,
}

impl Apart {
    pub(super) fn new(args: &[Column]) -> Result<Self> {
        let mut offsets: Option<Vec<u64>> = None;
        let mut elements = Vec::with_capacity(args.len());
        for arg in args {
            let flat = arg.to_flat();
            let (own, inner) = flat.as_array()?.compact();
            match &offsets {
                None => offsets = Some(own.to_vec()),
                Some(first) if first[..] == own[..] => {}
                Some(_) => bail!(
                    SIZES_OF_COLUMNS_DOESNT_MATCH,
                    "All array arguments of an aggregate function must have the same size"
                ),
            }
            elements.push(inner);
        }
        Ok(Apart {
            offsets: offsets.unwrap_or_else(|| vec![0]),
            elements,
        })
    }

    /// The group of each element.
    pub(super) fn groups(&self, groups: Groups<'_>) -> Vec<u32> {
        let mut out = Vec::with_capacity(self.offsets.last().copied().unwrap_or(0) as usize);
        for (row, w) in self.offsets.windows(2).enumerate() {
            out.resize(out.len() + (w[1] - w[0]) as usize, groups.at(row) as u32);
        }
        out
    }
}

#[derive(Debug, Clone, Copy)]
struct OfElements;

impl Feed for OfElements {
    fn feed(self, inner: &mut dyn GroupedState, args: &[Column], groups: Groups<'_>) -> Result<()> {
        let apart = Apart::new(args)?;
        if let Groups::One { group, .. } = groups {
            let rows = apart.offsets.last().copied().unwrap_or(0) as usize;
            return update(inner, &apart.elements, Groups::One { group, rows });
        }
        inner.update(&apart.elements, &apart.groups(groups))
    }
}
