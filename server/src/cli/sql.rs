//! `roost sql`: a query, or a shell.
//!
//! Invariant: the shell survives every error of a statement.

use std::io::{IsTerminal, Read, Write};
use std::path::PathBuf;

use roost::exec::CancelToken;
use roost::formats::FormatInfo;
use roost::session::{Database, OutputSink, QueryRequest, QuerySummary, Session};
use roost_engine::block::Schema;
use roost_engine::error::{Code, Error};
use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;

use super::client::run_native;
use super::{Failed, Place};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    place: Place,
    /// Runs this and ends. Several statements are separated by semicolons.
    #[arg(short, long, value_name = "SQL")]
    query: Option<String>,
    /// Format of answers; PrettyCompact in a terminal, TabSeparated otherwise.
    #[arg(short, long)]
    format: Option<String>,
}

/// What runs statements.
enum Runner {
    Local(Box<Session>),
    Remote(String),
}

struct Output<'a>(&'a mut dyn Write);

impl OutputSink for Output<'_> {
    fn start(&mut self, _format: &'static FormatInfo, _schema: &Schema) -> Result<(), Error> {
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let failed = |e| {
            let message = format!("cannot write the answer: {e}");
            Error::new(Code::CANNOT_WRITE_TO_FILE_DESCRIPTOR, message)
        };
        self.0.write_all(bytes).map_err(failed)
    }
}

impl Runner {
    fn open(place: &Place) -> Result<Runner, Failed> {
        if let Some(url) = &place.url {
            return Ok(Runner::Remote(url.clone()));
        }
        let database = match &place.data {
            Some(path) => Database::open(path)?,
            None => Database::in_memory()?,
        };
        Ok(Runner::Local(Box::new(database.session())))
    }

    /// Runs one statement into standard output.
    fn run(
        &mut self,
        sql: &str,
        format: &str,
        cancel: CancelToken,
    ) -> Result<Option<QuerySummary>, Failed> {
        let mut out = std::io::stdout().lock();
        let summary = match self {
            Runner::Local(session) => {
                let request = QueryRequest {
                    default_format: Some(format.to_owned()),
                    cancel,
                    ..QueryRequest::new(sql)
                };
                Some(session.run(request, &mut Output(&mut out))?)
            }
            Runner::Remote(url) => {
                let mut body = run_native(url, sql, Some(format), None)?;
                std::io::copy(&mut body, &mut out)?;
                None
            }
        };
        out.flush()?;
        Ok(summary)
    }
}

pub(super) fn run(args: Args) -> Result<(), Failed> {
    let mut runner = Runner::open(&args.place)?;
    let terminal = std::io::stdout().is_terminal();
    let usual = if terminal {
        "PrettyCompact"
    } else {
        "TabSeparated"
    };
    let format = args.format.as_deref().unwrap_or(usual).to_owned();
    if let Some(sql) = &args.query {
        return run_all(&mut runner, sql, &format);
    }
    if !std::io::stdin().is_terminal() {
        let mut sql = String::new();
        std::io::stdin().read_to_string(&mut sql)?;
        return run_all(&mut runner, &sql, &format);
    }
    shell(&mut runner, &format)
}

/// Runs statements until one fails.
fn run_all(runner: &mut Runner, sql: &str, format: &str) -> Result<(), Failed> {
    for (_, range) in roost::parse::parse_statements(sql).map_err(shown)? {
        let statement = sql.get(range).unwrap_or_default();
        runner.run(statement, format, CancelToken::new())?;
    }
    Ok(())
}

fn shown(e: Error) -> Failed {
    format!("{e:?}").into()
}

fn history() -> Option<PathBuf> {
    std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".roost_history"))
}

fn shell(runner: &mut Runner, format: &str) -> Result<(), Failed> {
    println!(
        "Roost {}. End statements with a semicolon; exit with Ctrl-D.",
        env!("CARGO_PKG_VERSION")
    );
    let mut editor = DefaultEditor::new()?;
    let history = history();
    if let Some(path) = &history {
        // The first time there is none.
        let _ = editor.load_history(path);
    }
    let mut text = String::new();
    loop {
        let prompt = if text.is_empty() {
            "roost> "
        } else {
            "    -> "
        };
        match editor.readline(prompt) {
            Ok(line) => {
                if text.is_empty()
                    && matches!(line.trim(), "exit" | "quit" | "exit;" | "quit;" | "\\q")
                {
                    break;
                }
                text.push_str(&line);
                text.push('\n');
                if !line.trim_end().ends_with(';') {
                    continue;
                }
                let statement = std::mem::take(&mut text);
                let _ = editor.add_history_entry(statement.trim());
                show(runner, &statement, format);
            }
            Err(ReadlineError::Interrupted) => text.clear(),
            Err(ReadlineError::Eof) => break,
            Err(e) => return Err(e.into()),
        }
    }
    if let Some(path) = &history {
        editor.save_history(path)?;
    }
    Ok(())
}

/// Runs what was typed and says how it went.
fn show(runner: &mut Runner, text: &str, format: &str) {
    let statements = match roost::parse::parse_statements(text) {
        Ok(statements) => statements,
        Err(e) => return eprintln!("{e:?}\n"),
    };
    for (_, range) in statements {
        let statement = text.get(range).unwrap_or_default();
        match runner.run(statement, format, CancelToken::new()) {
            Ok(Some(s)) => println!(
                "\n{} rows in {:.3} s. Read {} rows, {} bytes.\n",
                s.result_rows,
                s.elapsed_ns as f64 / 1e9,
                s.read_rows,
                s.read_bytes
            ),
            Ok(None) => println!(),
            Err(e) => {
                eprintln!("{e}\n");
                return;
            }
        }
    }
}
