//! The server over real HTTP, on free ports, with everything in memory.
//!
//! Goal: what the command line client, its SDKs and ClickHouse's drivers rely on stays true.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers outside #[test] functions, where clippy.toml does not reach, end the test by panicking"
)]

mod branches;
mod builds;
mod copies;
mod crash;
mod endpoints;
mod filters;
mod harness;
mod ingest;
mod inside;
mod jwt;
mod malformed;
mod matrix;
mod messages;
mod native;
mod project;
mod rights;
mod views;
mod webhooks;
mod workspaces;
