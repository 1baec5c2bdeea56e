//! The smallest type that holds the values of several types.
//!
//! Invariant: the answer does not depend on the order of the types.

use roost_engine::error::Result;
use roost_engine::types::DataType;

/// The least common supertype.
pub fn least_supertype(types: &[DataType]) -> Result<DataType> {
    let _ = types;
    Err(roost_engine::error::Error::not_implemented("supertypes"))
}
