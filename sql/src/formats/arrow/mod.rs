//! Columns as Arrow arrays and back: what Parquet needs.
//!
//! Invariant: `from_arrow(to_arrow(c))` has the values of `c`; types that Arrow lacks travel as the
//! types that ClickHouse writes for them (UUID and IPv6 as 16 bytes, Enum as text).

pub(super) mod from;
pub(super) mod to;
