//! Combinators: suffixes of a name that put a frame around an aggregate function.
//!
//! Invariant: longest suffix first in [`ALL`], so that `MergeState` is not taken for `State`.

mod arg;
mod array;
mod distinct;
mod for_each;
mod frame;
mod if_;
mod many;
pub(super) mod map;
mod merge;
mod or;
mod resample;
mod state;

use std::sync::Arc;

use roost_engine::error::Result;
use roost_engine::types::{DataType, Value};

use super::resolve::bind;
use crate::functions::Aggregate;

/// Binds what stands before a suffix and puts the suffix's frame around it.
type Bind = fn(&Nested<'_>, &[DataType]) -> Result<Arc<dyn Aggregate>>;

/// A suffix.
pub(super) struct Combinator {
    /// The suffix.
    pub(super) name: &'static str,
    /// Binds the nested function and puts the frame around it.
    pub(super) bind: Bind,
}

/// All combinators, those whose names end like another's before that.
pub(super) static ALL: &[Combinator] = &[
    Combinator {
        name: "MergeState",
        bind: merge::bind_merge_state,
    },
    Combinator {
        name: "SimpleState",
        bind: state::bind_simple,
    },
    Combinator {
        name: "State",
        bind: state::bind_state,
    },
    Combinator {
        name: "Merge",
        bind: merge::bind_merge,
    },
    Combinator {
        name: "If",
        bind: if_::bind_if,
    },
    Combinator {
        name: "Array",
        bind: array::bind_array,
    },
    Combinator {
        name: "Distinct",
        bind: distinct::bind_distinct,
    },
    Combinator {
        name: "ForEach",
        bind: for_each::bind_for_each,
    },
    Combinator {
        name: "OrNull",
        bind: or::bind_or_null,
    },
    Combinator {
        name: "OrDefault",
        bind: or::bind_or_default,
    },
    Combinator {
        name: "Map",
        bind: map::bind_map,
    },
    Combinator {
        name: "Resample",
        bind: resample::bind_resample,
    },
    Combinator {
        name: "ArgMin",
        bind: arg::bind_arg_min,
    },
    Combinator {
        name: "ArgMax",
        bind: arg::bind_arg_max,
    },
];

/// What stands before a suffix.
#[derive(Clone, Copy)]
pub(super) struct Nested<'a> {
    /// Its name, perhaps with further suffixes.
    pub(super) name: &'a str,
    /// The parameters.
    pub(super) parameters: &'a [Value],
    /// How many suffixes came off already.
    pub(super) depth: usize,
}

impl Nested<'_> {
    /// Binds it to other arguments.
    pub(super) fn bind(&self, arguments: &[DataType]) -> Result<(Arc<dyn Aggregate>, String)> {
        bind(self.name, self.parameters, arguments, self.depth)
    }
}
