//! `roost-engine` keeps columns in immutable sorted *parts*, commits through one log and merges in
//! the background. It is not: a SQL parser, a server, a transaction manager.
#![deny(missing_docs)]

pub mod block;
pub mod column;
pub mod error;
pub mod hooks;
pub mod kernels;
pub mod types;
