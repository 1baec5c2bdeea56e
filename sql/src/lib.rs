//! Roost: an embedded real-time analytics database with ClickHouse's SQL.

pub mod bind;
pub mod eval;
pub mod exec;
pub mod expr;
pub mod formats;
pub mod functions;
pub mod interpret;
pub mod optimize;
pub mod parse;
pub mod plan;
pub mod session;
pub mod settings;

pub use roost_engine::error::{Code, Error, Kind, Position, Result};
pub use roost_engine::types::{DataType, Value};
pub use session::Database;
