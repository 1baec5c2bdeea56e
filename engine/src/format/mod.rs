//! Bytes of part files: columns, numbers, header, footer. The tables are in `docs/format/v1.md`.
//!
//! - [`column`]: a column's bytes; [`numbers`] and [`strings`] are what they are made of;
//! - [`dictionary`]: dictionaries of one page and of a whole column;
//! - [`frame`]: header and trailer; [`footer`]: everything about a part that is not rows.
//!
//! Invariant: writing is deterministic, and reading what was written gives the same rows; reading
//! anything else gives an error or some column of the right shape and length, never a panic.

pub mod column;
pub mod dictionary;
pub mod footer;
pub mod frame;
pub mod numbers;
pub mod strings;
mod word;

pub use word::Word;
