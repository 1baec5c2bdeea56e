//! The command line.
//!
//! Invariant: errors go to standard error in one line and the exit status is 1; results go to standard
//! output and nothing else does.

mod check;
mod client;
mod import;
mod project_files;
mod push;
mod serve;
mod sql;

pub use check::{Problem, check};

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use roost_engine::error::Error;

/// Roost: a real-time analytics database with ClickHouse's SQL.
#[derive(Debug, Parser)]
#[command(name = "roost", version, about, max_term_width = 100)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves the /v0 API and ClickHouse's HTTP interface.
    Serve(serve::Args),
    /// Runs SQL: one query with -q, a shell without.
    Sql(sql::Args),
    /// Reads a file of rows into a table.
    Import(import::Args),
    /// Looks at the files of a data project without a server, and says what cannot or may not work.
    Check(check::Args),
    /// Pushes the data sources and pipes of a folder to a running server.
    Push(push::Args),
}

/// Where a command works: a directory, a server, or memory.
#[derive(Debug, clap::Args)]
struct Place {
    /// Directory of the database; without it and without --url everything is in memory.
    #[arg(long, value_name = "DIR", env = "ROOST_DATA", conflicts_with = "url")]
    data: Option<PathBuf>,
    /// A running server's ClickHouse interface, for example http://localhost:8123.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
}

/// What a command fails with.
type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Runs the program.
pub fn main() -> ExitCode {
    let args = Args::parse();
    let outcome = match args.command {
        Command::Serve(args) => serve::run(args),
        Command::Sql(args) => sql::run(args),
        Command::Import(args) => import::run(args),
        Command::Check(args) => check::run(args),
        Command::Push(args) => push::run(args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            match e.downcast_ref::<Error>() {
                // With code and name.
                Some(e) => eprintln!("roost: {e:?}"),
                None => eprintln!("roost: {e}"),
            }
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Args::command().debug_assert();
    }
}
