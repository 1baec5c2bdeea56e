//! ASOF: of a key's rows the one whose value is nearest.
//!
//! Invariant: a key's members ascend by the held side's value.

use std::cmp::Ordering;

use roost_engine::column::Column;
use roost_engine::error::{Error, Result};
use roost_engine::kernels::compare::compare;

/// Which held value is nearest to a probe value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nearest {
    /// The last one that is not greater.
    AtMost,
    /// The last one that is less.
    Below,
    /// The first one that is not less.
    AtLeast,
    /// The first one that is greater.
    Above,
}

impl Nearest {
    /// From the inequality `left op right`, the right side held.
    pub(super) fn of(op: &str, swapped: bool) -> Result<Nearest> {
        Ok(match (op, swapped) {
            ("greaterOrEquals", false) | ("lessOrEquals", true) => Nearest::AtMost,
            ("greater", false) | ("less", true) => Nearest::Below,
            ("lessOrEquals", false) | ("greaterOrEquals", true) => Nearest::AtLeast,
            ("less", false) | ("greater", true) => Nearest::Above,
            _ => return Err(Error::bug(format!("{op} is no inequality of ASOF JOIN"))),
        })
    }

    /// The nearest member to row `row` of `probe`.
    pub(super) fn find(
        self,
        members: &[u32],
        held: &Column,
        probe: &Column,
        row: usize,
    ) -> Option<u32> {
        let order = |member: &u32| compare(held, *member as usize, probe, row);
        let below = members.partition_point(|m| order(m) == Ordering::Less);
        let at_most = || members.partition_point(|m| order(m) != Ordering::Greater);
        let place = match self {
            Nearest::AtMost => at_most().checked_sub(1)?,
            Nearest::Below => below.checked_sub(1)?,
            Nearest::AtLeast => below,
            Nearest::Above => at_most(),
        };
        members.get(place).copied()
    }
}

/// Orders each key's rows by their value.
pub(super) fn sort_members(values: &Column, starts: &[u32], members: &mut [u32]) {
    for bounds in starts.windows(2) {
        let rows = &mut members[bounds[0] as usize..bounds[1] as usize];
        rows.sort_by(|a, b| compare(values, *a as usize, values, *b as usize));
    }
}
