//! Sort keys made ready for comparing rows.
//!
//! Invariant: ranks are used only where all rows that are ever compared are in the same columns.

pub(crate) use roost_engine::kernels::sort::{Keys, Word, Words};

use roost_engine::kernels::sort::SortKey;

use super::ranks;

/// The keys; strings become numbers where that is easy when `ranks` (all rows that are ever
/// compared are in these columns).
pub(crate) fn keys(mut keys: Vec<SortKey>, ranks: bool) -> Keys {
    if ranks {
        keys.iter_mut().for_each(ranks::to_numbers);
    }
    Keys::new(keys)
}
