//! Strings, dates and times, arrays, tuples, maps, JSON, URLs.

use super::scalar::ScalarFunction;

pub mod array;
pub mod date;
pub(crate) mod kit;
pub mod string;

/// The families of this folder, one list per folder inside.
pub static FAMILIES: &[&[&[ScalarFunction]]] = &[string::FAMILIES, array::FAMILIES, date::FAMILIES];
