//! Roost's server: HTTP in front of the `roost` library, data projects, tokens, the command line.
//!
//! It is thin: everything about SQL and storage is in `roost`; what is here is the two protocols that
//! others speak already, and the workspace of data projects.
//!
//! - [`cli`]: `roost serve`, `sql`, `import`, `push`;
//! - [`http`]: the `/v0` API and ClickHouse's HTTP interface;
//! - [`project`]: data sources, pipes, tokens; [`template`], [`datafile`]: their languages.

pub mod cli;
pub mod config;
pub mod datafile;
pub mod http;
pub mod jobs;
pub mod kafka;
pub mod observe;
pub mod project;
pub mod schedule;
pub mod store;
pub mod template;
pub mod tokens;
