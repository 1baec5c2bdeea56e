//! The binder against ClickHouse: every query of the golden files is bound, optimized and run, and
//! its names, types and rows compared with what ClickHouse itself answered.

pub(crate) mod catalog;
mod errors;
mod golden;
