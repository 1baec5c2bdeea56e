//! Strings, dates and times, arrays, tuples, maps, JSON, URLs.

use super::scalar::ScalarFunction;

/// The families of this folder.
pub static FAMILIES: &[&[ScalarFunction]] = &[];
