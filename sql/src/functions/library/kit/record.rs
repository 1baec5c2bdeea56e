//! Static records in few words.
//!
//! Invariant: the name of a function is what stands before the parenthesis of its syntax.

use roost_engine::error::Result;
use roost_engine::types::DataType;

use crate::functions::{Arg, BindContext, BoundFunction, Doc, Nulls, ScalarFunction};

/// What `bind` of a record is.
pub(crate) type Bind = fn(&[Arg], &BindContext) -> Result<BoundFunction>;

const fn name_of(syntax: &'static str) -> &'static str {
    let bytes = syntax.as_bytes();
    let mut i = 0;
    while i < bytes.len() && bytes[i] != b'(' {
        i += 1;
    }
    syntax.split_at(i).0
}

/// A record with one name, found in its exact case, whose NULLs are handled around it.
pub(crate) const fn f(
    category: &'static str,
    syntax: &'static str,
    text: &'static str,
    example: (&'static str, &'static str),
    bind: Bind,
) -> ScalarFunction {
    ScalarFunction {
        name: name_of(syntax),
        aliases: &[],
        case_insensitive: false,
        nulls: Nulls::Propagate,
        deterministic: true,
        lambda_params: None,
        doc: Doc {
            syntax,
            text,
            example,
            category,
        },
        bind,
    }
}

impl ScalarFunction {
    /// The same function under more names.
    pub(crate) const fn also(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    /// Found in any case.
    pub(crate) const fn any_case(mut self) -> Self {
        self.case_insensitive = true;
        self
    }

    /// Sees NULLs itself.
    pub(crate) const fn sees_nulls(mut self) -> Self {
        self.nulls = Nulls::Own;
        self
    }

    /// Sees every type as it is, LowCardinality too.
    pub(crate) const fn sees_types(mut self) -> Self {
        self.nulls = Nulls::Untouched;
        self
    }

    /// Gives another answer each time.
    pub(crate) const fn volatile(mut self) -> Self {
        self.deterministic = false;
        self
    }

    /// Takes a lambda first (or none: then the binder leaves this unused).
    pub(crate) const fn with_lambda(
        mut self,
        params: fn(&[DataType], usize) -> Result<Vec<DataType>>,
    ) -> Self {
        self.lambda_params = Some(params);
        self
    }
}
