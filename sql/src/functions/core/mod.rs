//! Arithmetic, comparison, logic, conditionals, NULL, conversion, mathematics, hashes.
//!
//! Invariant: one record per function in a list of [`FAMILIES`]; types are decided in `bind`.

pub(crate) mod arithmetic;
pub(crate) mod compare;
pub(crate) mod conditional;
mod conversion;
pub(crate) mod hash;
pub(crate) mod logic;
mod math;
mod misc;
pub(crate) mod operands;

use super::scalar::ScalarFunction;

pub use conversion::CONVERSIONS;

/// The families of this folder.
pub static FAMILIES: &[&[ScalarFunction]] = &[
    arithmetic::FUNCTIONS,
    compare::FUNCTIONS,
    logic::FUNCTIONS,
    conditional::FUNCTIONS,
];

/// More families, by folder.
pub static FOLDERS: &[&[&[ScalarFunction]]] = &[&math::FAMILIES, &hash::FAMILIES, &misc::FAMILIES];
