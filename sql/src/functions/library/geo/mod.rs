//! Functions of places on the earth and in the plane.
//!
//! Invariant: coordinates are Float64; shapes that are constant are prepared once.

use crate::functions::ScalarFunction;

macro_rules! files {
    ($($file:ident),* $(,)?) => {
        $( pub mod $file; )*
        /// The families of this folder.
        pub static FAMILIES: &[&[ScalarFunction]] = &[$($file::FUNCTIONS),*];
    };
}

files!(distance, geohash, inside);
