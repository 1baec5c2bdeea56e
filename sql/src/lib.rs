//! Roost: an embedded real-time analytics database with ClickHouse's SQL.

pub mod expr;
pub mod functions;
pub mod plan;

pub use roost_engine::error::{Code, Error, Kind, Position, Result};
pub use roost_engine::types::{DataType, Value};
