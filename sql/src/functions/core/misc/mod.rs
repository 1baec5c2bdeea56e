//! What fits nowhere else: constants of the session, random values, addresses, encodings, texts for
//! people.
//!
//! Invariant: functions that answer differently each time are marked volatile.

mod encode;
mod identifiers;
mod ip;
mod ip_text;
mod pass;
mod random;
mod readable;
mod reinterpret;
mod session;
mod states;
mod times;
mod types;

use super::super::ScalarFunction;

/// The lists of this folder.
pub(crate) static FAMILIES: [&[ScalarFunction]; 12] = [
    encode::FUNCTIONS,
    identifiers::FUNCTIONS,
    ip::FUNCTIONS,
    ip_text::FUNCTIONS,
    pass::FUNCTIONS,
    random::FUNCTIONS,
    readable::FUNCTIONS,
    reinterpret::FUNCTIONS,
    session::FUNCTIONS,
    states::FUNCTIONS,
    times::FUNCTIONS,
    types::FUNCTIONS,
];
