//! Everything that reads bytes from outside, as targets: seeds to start from, and a function that
//! must return on any input.
//!
//! Invariant: a target never fails on an error that the code under it reports; it fails on a panic,
//! on a hang, and on an answer that is wrong.

pub mod mutate;

mod formats;
mod project;
mod sql;
mod store;

/// One place where bytes come in.
pub struct Target {
    /// Its name on the command line.
    pub name: &'static str,
    /// Inputs that the code accepts, to be damaged.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Runs one input.
    pub run: fn(&[u8]),
    /// Inputs that a smoke test has time for.
    pub smoke: usize,
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target {
        name: "sql_parse",
        seeds: sql::seeds,
        run: sql::parse,
        smoke: 3000,
    },
    Target {
        name: "sql_run",
        seeds: sql::seeds,
        run: sql::run,
        smoke: 1500,
    },
    Target {
        name: "formats",
        seeds: formats::seeds,
        run: formats::read,
        smoke: 3000,
    },
    Target {
        name: "infer",
        seeds: formats::seeds,
        run: formats::infer,
        smoke: 1000,
    },
    Target {
        name: "store",
        seeds: store::seeds,
        run: store::open,
        smoke: 400,
    },
    Target {
        name: "template",
        seeds: project::templates,
        run: project::template,
        smoke: 3000,
    },
    Target {
        name: "datafile",
        seeds: project::datafiles,
        run: project::datafile,
        smoke: 2000,
    },
    Target {
        name: "jwt",
        seeds: project::tokens,
        run: project::jwt,
        smoke: 2000,
    },
    Target {
        name: "request",
        seeds: project::requests,
        run: project::request,
        smoke: 2000,
    },
];

/// The target of that name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|t| t.name == name)
}
