//! Functions of strings.
//!
//! Invariant: strings are bytes; only the functions named `...UTF8` (and those that say so) look
//! for code points, and none of them fails on bytes that are not UTF-8.

use crate::functions::ScalarFunction;

macro_rules! files {
    ($($file:ident),* $(,)?) => {
        $( pub mod $file; )*
        /// The families of this folder.
        pub static FAMILIES: &[&[ScalarFunction]] = &[$($file::FUNCTIONS),*];
    };
}

files!(
    affix,
    case,
    count,
    extract,
    groups,
    length,
    like,
    multi_match,
    multi_search,
    pad,
    position,
    repeat,
    replace,
    replace_regexp,
    substring,
    translate,
    trim,
);

pub(crate) mod needle;
pub(crate) mod regexp;
