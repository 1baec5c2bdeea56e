//! x
pub mod has;
