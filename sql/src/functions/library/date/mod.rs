//! Functions of dates and times.
//!
//! Invariant: the calendar is looked at in the zone of the type (or of an explicit argument), and
//! everything is decided from [`clock::Clock`] at bind time.

use crate::functions::ScalarFunction;

macro_rules! files {
    ($($file:ident),* $(,)?) => {
        $( pub mod $file; )*
        /// The families of this folder.
        pub static FAMILIES: &[&[ScalarFunction]] = &[$($file::FUNCTIONS),*];
    };
}

files!(
    add,
    change,
    diff,
    format,
    joda,
    make,
    names,
    now,
    numbers,
    parse,
    parts,
    slots,
    start_of,
    start_of_interval,
    trunc,
    unix,
    week,
    zone,
);

pub(crate) mod clock;
