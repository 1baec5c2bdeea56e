//! Arithmetic, comparison, logic, conditionals, NULL, conversion, mathematics, hashes.

use super::scalar::ScalarFunction;

/// The families of this folder.
pub static FAMILIES: &[&[ScalarFunction]] = &[];
