//! Strings, dates and times, arrays, tuples, maps, JSON, URLs.

use super::scalar::ScalarFunction;

pub mod array;
pub mod date;
pub mod geo;
pub mod json;
pub(crate) mod kit;
pub mod map;
pub mod string;
pub mod tuple;
pub mod url;

/// The families of this folder, one list per folder inside.
pub static FAMILIES: &[&[&[ScalarFunction]]] = &[
    string::FAMILIES,
    array::FAMILIES,
    date::FAMILIES,
    json::FAMILIES,
    map::FAMILIES,
    tuple::FAMILIES,
    url::FAMILIES,
    geo::FAMILIES,
];

#[cfg(test)]
mod tests;
