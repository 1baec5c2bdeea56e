//! Functions of maps.
//!
//! Invariant: a map is an array of pairs; keys may repeat, and the first of equal ones counts.

use crate::functions::ScalarFunction;

macro_rules! files {
    ($($file:ident),* $(,)?) => {
        $( pub mod $file; )*
        /// The families of this folder.
        pub static FAMILIES: &[&[ScalarFunction]] = &[$($file::FUNCTIONS),*];
    };
}

files!(build, combine, contains, higher, series);
