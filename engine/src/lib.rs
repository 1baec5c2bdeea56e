//! `roost-engine` keeps columns in immutable sorted *parts*, commits through one log and merges in
//! the background. It is not: a SQL parser, a server, a transaction manager.
#![deny(missing_docs)]

pub mod background;
pub mod block;
pub mod catalog;
pub mod clock;
pub mod codec;
pub mod column;
pub mod error;
pub mod format;
pub mod hooks;
pub mod kernels;
pub mod log;
pub mod merge;
pub mod options;
pub mod part;
pub mod storage;
pub mod table;
pub mod types;
