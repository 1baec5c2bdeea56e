//! Mathematics: rounding, elementary and special functions, bits.
//!
//! Invariant: elementary functions answer Float64, rounding keeps the argument's type.

mod bits;
mod bits_test;
mod elementary;
mod floats;
mod rounding;
mod steps;

use super::super::ScalarFunction;

/// The lists of this folder.
pub(crate) static FAMILIES: [&[ScalarFunction]; 6] = [
    elementary::FUNCTIONS,
    floats::FUNCTIONS,
    rounding::FUNCTIONS,
    steps::FUNCTIONS,
    bits::FUNCTIONS,
    bits_test::FUNCTIONS,
];
