//! Functions of tuples.
//!
//! Invariant: elements are columns side by side; no function here touches a cell.

use crate::functions::ScalarFunction;

macro_rules! files {
    ($($file:ident),* $(,)?) => {
        $( pub mod $file; )*
        /// The families of this folder.
        pub static FAMILIES: &[&[ScalarFunction]] = &[$($file::FUNCTIONS),*];
    };
}

files!(arithmetic, build, element, normalize, vector);
