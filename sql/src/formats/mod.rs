//! Formats in and out, by ClickHouse's names.
