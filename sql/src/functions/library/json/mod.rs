//! Functions of JSON texts.
//!
//! Invariant: a text that is no JSON has no values in it; texts are scanned in place, no tree is
//! built per row.

use crate::functions::ScalarFunction;

macro_rules! files {
    ($($file:ident),* $(,)?) => {
        $( pub mod $file; )*
        /// The families of this folder.
        pub static FAMILIES: &[&[ScalarFunction]] = &[$($file::FUNCTIONS),*];
    };
}

files!(extract, lists, merge, query, simple, values);

pub(crate) mod build;
pub(crate) mod path;
pub(crate) mod raw;
pub(crate) mod scan;
