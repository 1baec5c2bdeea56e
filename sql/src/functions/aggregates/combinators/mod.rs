//! Combinators: suffixes of a name that put a frame around an aggregate function.
//!
//! Invariant: longest suffix first in [`ALL`], so that `MergeState` is not taken for `State`.

mod if_;
mod merge;
mod state;

use std::sync::Arc;

use roost_engine::error::Result;
use roost_engine::types::{DataType, Value};

use super::resolve::bind;
use crate::functions::Aggregate;

/// A suffix.
pub(super) struct Combinator {
    /// The suffix.
    pub(super) name: &'static str,
    /// Binds the nested function and puts the frame around it.
    pub(super) bind: fn(&Nested<'_>, &[DataType]) -> Result<Arc<dyn Aggregate>>,
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
];

/// What stands before a suffix.
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
