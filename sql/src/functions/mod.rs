//! Scalar and aggregate functions: what they are called, how they bind to argument types, and the
//! registry that finds them.
//!
//! Invariant: types are decided once, in `bind`; what `bind` returns never looks at a type again.
//! A scalar function's own code sees plain values: nulls, constants and dictionaries are taken
//! care of around it (see [`scalar`]) unless it asks for them.

pub mod aggregate;
pub mod aggregates;
pub mod cast;
pub mod core;
pub mod doc;
pub mod library;
pub mod numeric;
pub mod registry;
pub mod scalar;
pub mod supertype;
pub mod text;
pub mod zones;

pub use aggregate::{Aggregate, AggregateFunction, GroupedState};
pub use doc::Doc;
pub use registry::{aggregate_function, scalar_function};
pub use scalar::{
    Arg, BindContext, BoundFunction, Kernel, LambdaBody, LambdaType, Nulls, ScalarFunction,
};
