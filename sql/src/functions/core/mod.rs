//! Arithmetic, comparison, logic, conditionals, NULL, conversion, mathematics, hashes.

mod choose;
mod comparison;
mod conversion;
mod logic;
mod nulls;

use super::scalar::ScalarFunction;

pub use conversion::CONVERSIONS;

/// The families of this folder.
pub static FAMILIES: &[&[ScalarFunction]] = &[
    comparison::COMPARISONS,
    logic::LOGIC,
    choose::CHOICES,
    nulls::NULLS,
];
