//! Functions of arrays.
//!
//! Invariant: elements are moved by index, never cell by cell, so every element type works.

use crate::functions::ScalarFunction;

macro_rules! files {
    ($($file:ident),* $(,)?) => {
        $( pub mod $file; )*
        /// The families of this folder.
        pub static FAMILIES: &[&[ScalarFunction]] = &[$($file::FUNCTIONS),*];
    };
}

files!(
    build, cumulate, element, enumerate, fill, filter, first, fold, has, map, push, range, reduce,
    sets, shape, slice, sort, totals, zip,
);
