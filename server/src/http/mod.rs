//! HTTP: the `/v0` API on one port, ClickHouse's interface on another.
//!
//! A request is read completely, then handled on a blocking thread (`v0::route`, `clickhouse::handle`),
//! or, if it only asks for rows, as a task beside its connection (`slots`), or, if it brings few, by
//! the connection's task; the answer leaves through an [`outlet::Outlet`], whole or in pieces.
//!
//! Invariant: no handler is async, and none touches the connection; only `live`, which calls handlers
//! again and again, waits as a task.

mod app;
mod ask;
mod body;
mod call;
mod clickhouse;
mod entry;
mod live;
mod multipart;
mod outlet;
pub mod params;
mod rates;
mod reply;
mod run;
mod serve;
mod slots;
mod unpack;
mod v0;
mod workspaces;

pub use app::App;
pub use ask::{Asked, ask};
pub use serve::{Running, serve};
pub use v0::{ROUTES, Right, Route};
