//! Functions of URLs.
//!
//! Invariant: parts are slices of the URL; nothing is parsed twice or copied in between.

use crate::functions::ScalarFunction;

macro_rules! files {
    ($($file:ident),* $(,)?) => {
        $( pub mod $file; )*
        /// The families of this folder.
        pub static FAMILIES: &[&[ScalarFunction]] = &[$($file::FUNCTIONS),*];
    };
}

files!(cut, encode, hierarchy, host, parameters, parts);
