//! Rows that come in: JSON by path, CSV by position, Parquet by name; what does not fit is set aside.
//!
//! The fast way hands all rows to one INSERT. Only when that fails is each row looked at alone, to find
//! the ones that do not fit and say why.
//!
//! Invariant: every row of a body ends either in the data source or in its quarantine, all in one
//! commit, or the whole body is refused.

mod check;
mod csv;
mod json;
mod messages;
mod path;
mod quarantine;
mod replay;

#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::io::Cursor;
use std::sync::Arc;

use bytes::Bytes;
use roost::interpret::{Also, WriteOptions, Written};
use roost::parse::parse_expression;
use roost::session::QueryRequest;
use roost_engine::block::Block;
use roost_engine::catalog::Table;
use roost_engine::error::{Code, Error, Kind};

use super::ddl::create_table_sql;
use super::model::DataSource;
use super::state::Project;
use super::{ProjectError, Result};
use crate::store::{Ending, Store, quoted};
use crate::tokens::new_uuid;

use quarantine::rows_of;

pub use csv::Dialect;
pub(super) use messages::implicit_columns;
pub use messages::{Message, Stream};
pub use replay::replay;

/// What became of a body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ingested {
    /// Id of the import.
    pub import_id: String,
    /// Rows written.
    pub rows: u64,
    /// Rows set aside.
    pub quarantined: u64,
    /// Of those, rows that could not even be read.
    pub invalid: u64,
    /// Bytes of the body.
    pub bytes: u64,
}

/// The form of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyFormat {
    /// JSON objects, one a line or otherwise one after another.
    Json,
    /// CSV.
    Csv(Dialect),
    /// Parquet.
    Parquet,
}

/// A row that does not fit.
#[derive(Debug, Clone, Default)]
pub(super) struct BadRow {
    /// Values by the place of their column; none where there was none.
    pub(super) values: Vec<Option<String>>,
    /// Columns and what is wrong with them.
    pub(super) errors: Vec<(String, String)>,
    /// Columns whose bytes are known exactly, and those that were none.
    pub(super) exact: Vec<(&'static str, Option<Vec<u8>>)>,
}

/// Adds the rows of `body` to a data source, with what `ending` makes of it.
pub fn append(
    project: &Project,
    source: &Arc<DataSource>,
    body: &Bytes,
    format: &BodyFormat,
    ending: Option<Ending<Ingested>>,
) -> Result<Ingested> {
    let mut source = Arc::clone(source);
    for _ in 0..MOVES_MAX {
        let table = project.store.table(&source.name).map(|t| t.uid());
        let target = Target {
            ending: ending.clone(),
            ..Target::of(project, &source, &source.name)
        };
        match target.ingest(body, format) {
            // Its rows moved to another table meanwhile: nothing was written to either.
            Err(ProjectError::Database(e))
                if is_of_move(e.code(), || {
                    project.store.table(&source.name).map(|t| t.uid()) != table
                }) => {}
            done => return done,
        }
        let now = project.snapshot().data_source(&source.id).cloned();
        source = now.ok_or_else(|| no_table(&source.name))?;
    }
    let target = Target {
        ending,
        ..Target::of(project, &source, &source.name)
    };
    target.ingest(body, format)
}

/// How often a body is tried again whose data source changed under it.
const MOVES_MAX: usize = 3;

/// Whether an INSERT may have failed since its table is not the data source's any more. A table that is
/// unknown may be another that the rows go on to: it was this one if it is `another` now.
fn is_of_move(code: Code, another: impl FnOnce() -> bool) -> bool {
    match code {
        Code::ABORTED | Code::NO_SUCH_COLUMN_IN_TABLE => true,
        Code::UNKNOWN_TABLE => another(),
        _ => false,
    }
}

/// What stands between the name of a data source and the number of a replacement, in the name of the
/// table that its rows come into first.
const FRESH: &str = "__replace_";

/// Removes what replacements that the end of the server interrupted have left.
pub(super) fn sweep(store: &Store) -> Result<()> {
    let is_number = |n: &str| n.len() == 32 && n.bytes().all(|b| b.is_ascii_hexdigit());
    for table in store.database().engine().tables() {
        let definition = table.definition();
        let number = definition.name.split_once(FRESH).map(|(_, number)| number);
        if definition.database == store.data() && number.is_some_and(is_number) {
            store.execute(&format!(
                "DROP TABLE IF EXISTS {}",
                store.at(&definition.name)
            ))?;
        }
    }
    Ok(())
}

/// Puts the rows of `body` in the place of all rows of a data source, or of those for which a condition
/// holds, at one instant. With a condition only rows of the body for which it holds come in; `ending`
/// is made of what became of the body and comes with it.
pub fn replace(
    project: &Project,
    source: &Arc<DataSource>,
    body: &Bytes,
    format: &BodyFormat,
    condition: Option<&str>,
    ending: Option<Ending<Ingested>>,
) -> Result<Ingested> {
    let condition = match condition {
        Some(condition) => Some(checked_condition(project, source, condition)?),
        None => None,
    };
    let fresh = format!("{}{FRESH}{}", source.name, new_uuid().replace('-', ""));
    let store = &project.store;
    let table = store
        .table(&source.name)
        .ok_or_else(|| no_table(&source.name))?;
    // Rows that come from here on stay.
    let mut patience = Patience::default();
    let hold = store
        .database()
        .engine()
        .hold(&table, &mut || patience.go_on())?;
    store.execute(&create_table_sql(store, source, &fresh))?;
    let aside = RefCell::default();
    let target = Target {
        later: Some(&aside),
        ..Target::of(project, source, &fresh)
    };
    let outcome = target.ingest(body, format).and_then(|done| {
        let (to, from) = (store.at(&source.name), store.at(&fresh));
        let rows = match &condition {
            None => format!("SELECT * FROM {from}"),
            Some(condition) => format!(
                "SELECT * FROM {to} WHERE NOT ifNull(toBool({condition}), false) \
                 UNION ALL SELECT * FROM {from} WHERE {condition}"
            ),
        };
        store.run(QueryRequest {
            sql: format!("INSERT INTO {to} {rows}"),
            write: WriteOptions {
                replace: Some(hold),
                by_name: true,
                also: ending.map(|ending| {
                    let done = done.clone();
                    Arc::new(move |_: &Written| ending(&done)) as Also
                }),
                beside: aside.take(),
                ..WriteOptions::default()
            },
            ..QueryRequest::default()
        })?;
        Ok(done)
    });
    if let Err(e) = store.execute(&format!("DROP TABLE IF EXISTS {}", store.at(&fresh))) {
        tracing::error!("cannot drop table {fresh}: {e}");
    }
    outcome
}

/// The text of a condition on the rows of a data source, as one expression.
fn checked_condition(project: &Project, source: &DataSource, text: &str) -> Result<String> {
    let condition = format!("({})", parse_expression(text)?);
    let feeds = |p: &Arc<super::Pipe>| p.nodes.iter().any(|n| n.view_target().is_some());
    if let Some(pipe) = project.used_by(&source.name).iter().find(|p| feeds(p)) {
        return Err(ProjectError::Bad(format!(
            "Data Source \"{}\" feeds the materialized view of pipe \"{}\", which would count the \
             rows that stay once more: delete the rows and append the others",
            source.name, pipe.name
        )));
    }
    Ok(condition)
}

/// How long a replacement waits for another of the same data source.
#[derive(Default)]
struct Patience {
    rounds: u32,
}

impl Patience {
    fn go_on(&mut self) -> std::result::Result<(), Error> {
        self.rounds += 1;
        // A round is two milliseconds and more.
        match self.rounds < 300_000 {
            true => Ok(()),
            false => Err(Error::new(
                Code::TIMEOUT_EXCEEDED,
                "another replacement of the data source took too long",
            )),
        }
    }
}

/// Where rows go.
pub(super) struct Target<'a> {
    pub(super) project: &'a Project,
    pub(super) source: &'a Arc<DataSource>,
    pub(super) table: &'a str,
    /// Columns that the schema does not name and rows bring.
    pub(super) implicit: &'a [super::model::StoredColumn],
    /// What is committed with the rows.
    ending: Option<Ending<Ingested>>,
    /// Who commits the rows that are set aside, when that is not done with the others.
    later: Option<&'a Aside>,
}

/// Rows that are set aside, with their tables.
type Aside = RefCell<Vec<(Arc<Table>, Block)>>;

impl<'a> Target<'a> {
    fn of(project: &'a Project, source: &'a Arc<DataSource>, table: &'a str) -> Self {
        Target {
            project,
            source,
            table,
            implicit: &[],
            ending: None,
            later: None,
        }
    }

    fn ingest(&self, body: &Bytes, format: &BodyFormat) -> Result<Ingested> {
        let mut done = Ingested {
            import_id: new_uuid(),
            bytes: body.len() as u64,
            ..Ingested::default()
        };
        match format {
            BodyFormat::Json => json::ingest(self, body, &mut done)?,
            BodyFormat::Csv(dialect) => csv::ingest(self, body, dialect, &mut done)?,
            BodyFormat::Parquet => {
                let write = self.writing(&[], &done)?;
                done.rows = self.insert_with("Parquet", body.clone(), &[], write)?;
            }
        }
        Ok(done)
    }

    /// How rows are written when `bad` ones are set aside; the rest of what became of the body is
    /// known.
    fn writing(&self, bad: &[BadRow], done: &Ingested) -> Result<WriteOptions> {
        let mut aside = Vec::new();
        if !bad.is_empty() {
            let name = self.source.quarantine();
            let table = self.project.store.table(&name);
            let table = table.ok_or_else(|| no_table(&name))?;
            let rows = rows_of(&table, self, bad, &done.import_id)?;
            aside.push((table, rows));
        }
        let beside = match self.later {
            None => aside,
            Some(later) => {
                later.replace(aside);
                Vec::new()
            }
        };
        let also = self.ending.clone().map(|ending| {
            let done = done.clone();
            Arc::new(move |written: &Written| {
                ending(&Ingested {
                    rows: written.rows,
                    ..done.clone()
                })
            }) as Also
        });
        Ok(WriteOptions {
            beside,
            also,
            ..WriteOptions::default()
        })
    }

    /// Columns that an INSERT may name.
    pub(super) fn columns(&self) -> impl Iterator<Item = &super::model::StoredColumn> {
        let all = self.source.columns.iter().chain(self.implicit);
        all.filter(|c| !c.is_computed())
    }

    /// Inserts a body in one of the database's formats.
    fn insert_with(
        &self,
        format: &str,
        body: Bytes,
        settings: &[(&str, String)],
        write: WriteOptions,
    ) -> std::result::Result<u64, Error> {
        let columns: Vec<String> = self.columns().map(|c| quoted(&c.name)).collect();
        let mut all = vec![
            (
                "date_time_input_format".to_owned(),
                "best_effort".to_owned(),
            ),
            ("input_format_null_as_default".to_owned(), "1".to_owned()),
            ("input_format_check_overflow".to_owned(), "1".to_owned()),
            (
                "input_format_skip_unknown_fields".to_owned(),
                "1".to_owned(),
            ),
        ];
        all.extend(settings.iter().map(|(k, v)| ((*k).to_owned(), v.clone())));
        let summary = self.project.store.run(QueryRequest {
            sql: format!(
                "INSERT INTO {} ({}) FORMAT {format}",
                self.project.store.at(self.table),
                columns.join(", ")
            ),
            body: Some(Box::new(Cursor::new(body))),
            settings: all,
            write,
            ..QueryRequest::default()
        })?;
        Ok(summary.written_rows)
    }
}

/// Whether an INSERT failed because of its rows.
pub fn is_fault_of_rows(e: &Error) -> bool {
    let about_the_table = matches!(
        e.code(),
        Code::UNKNOWN_TABLE
            | Code::TABLE_IS_READ_ONLY
            | Code::READONLY
            | Code::UNKNOWN_SETTING
            | Code::UNKNOWN_FORMAT
            | Code::NO_SUCH_COLUMN_IN_TABLE
            | Code::TOO_MANY_PARTS
            | Code::ABORTED
            | Code::SYNTAX_ERROR
    );
    e.kind() == Kind::UserMistake && !about_the_table
}

/// The error when not even the columns of the table are known.
pub(in crate::project) fn no_table(name: &str) -> ProjectError {
    ProjectError::NotFound(format!("Data Source \"{name}\" has no table"))
}
