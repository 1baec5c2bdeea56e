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
    base,
    case,
    concat,
    count,
    distance,
    extract,
    format,
    groups,
    join,
    length,
    like,
    multi_match,
    multi_search,
    ngram,
    pad,
    pairs,
    position,
    printf,
    repeat,
    replace,
    replace_regexp,
    split,
    substring,
    tokens,
    translate,
    trim,
    valid,
    xml,
);

mod anchored;
pub(crate) mod needle;
pub(crate) mod regexp;
