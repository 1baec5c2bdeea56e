//! Merging parts: which ones, and how.
//!
//! - [`select`]: decides purely, from what the log knows of parts;
//! - [`run`]: merges sorted parts by blocks; [`cursor`]: the place in one of them;
//! - [`combine`]: rows with equal keys that become one;
//! - [`supersede`]: which rows a merge would drop, without merging; [`meeting`]: where new rows can
//!   meet older ones;
//! - [`expiry`]: rows whose time is over;
//! - [`conform`]: rows of older parts under today's columns.
//!
//! Invariant: a merge has the rows of its inputs (of a replacing table: the last of each key), in
//! the order of the sorting key, rows with equal keys in the order of commits.

pub mod combine;
pub mod conform;
mod cursor;
pub mod expiry;
mod meeting;
pub mod run;
pub mod select;
pub mod supersede;

pub use combine::{ColumnRule, Combine};
pub use conform::Columns;
pub use expiry::Expiry;
pub use run::{Deadline, MergeMode, MergeSpec, merge};
pub use select::{Limits, select};
