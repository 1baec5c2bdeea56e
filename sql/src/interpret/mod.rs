//! Statements to effects.
//!
//! Invariant: a statement either takes effect whole or not at all; what it answers goes through one
//! [`RowSink`].

pub mod catalog;
pub mod compiler;
pub mod context;
pub mod create;
pub mod ddl;
mod information_schema;
mod inline;
pub mod insert;
pub(crate) mod kept;
pub mod materialized;
mod merge_states;
mod mutate;
mod names;
mod runs;
pub mod select;
pub mod series;
pub mod show;
pub mod source;
pub mod system;
mod trigger;
pub mod views;

use std::io::Read;

use roost_engine::block::Block;
use roost_engine::error::{Error, Result};

pub use catalog::NameResolver;
pub use context::{Also, CursorMove, StatementContext, WriteOptions};
pub use insert::Written;
pub use select::RowSink;

use crate::exec::Totals;
use crate::parse::ast::Statement;

/// What the session must do after a statement.
#[derive(Debug, Default)]
pub struct Effect {
    /// Rows written by an INSERT.
    pub written: Written,
    /// New current database (USE).
    pub database: Option<String>,
    /// Settings to keep (SET).
    pub settings: Vec<(String, crate::Value)>,
}

/// Runs a statement. `data` is what follows an INSERT's header.
pub fn run(
    statement: &Statement,
    data: Box<dyn Read + Send>,
    context: &StatementContext,
    sink: &mut dyn RowSink,
) -> Result<Effect> {
    let mut effect = Effect::default();
    let mut answer = |block: Block| -> Result<()> {
        sink.start(block.schema())?;
        sink.block(block)?;
        sink.end(&Totals::default())
    };
    let engine = &context.shared.engine;
    match statement {
        Statement::Query(query) => match select::settings_of(query, context)? {
            Some(own) => select::run(query, &own, sink)?,
            None => select::run(query, context, sink)?,
        },
        Statement::Insert(insert) => {
            let own = with_settings(&insert.settings, context)?;
            effect.written = insert::run(insert, data, own.as_ref().unwrap_or(context))?;
        }
        Statement::CreateTable(create) => create::run(create, context)?,
        Statement::CreateView(view) => {
            context.require_writable()?;
            if view.materialized {
                materialized::create(view, context)?;
                return Ok(effect);
            }
            let (database, _) = names::full(context, &view.name)?;
            // The view must be a query that binds.
            select::plan(&view.query, context)?;
            views::create(engine, &database, view)?;
        }
        Statement::CreateDatabase {
            name,
            if_not_exists,
        } => {
            context.require_writable()?;
            engine.create_database(name, *if_not_exists)?;
        }
        Statement::Drop {
            kind,
            names,
            if_exists,
        } => ddl::drop(*kind, names, *if_exists, context)?,
        Statement::Truncate { table, if_exists } => ddl::truncate(table, *if_exists, context)?,
        Statement::Rename(pairs) => ddl::rename(pairs, context)?,
        Statement::Exchange(a, b) => ddl::exchange(a, b, context)?,
        Statement::Alter { table, commands } => ddl::alter(table, commands, context)?,
        Statement::Delete { table, predicate } => {
            mutate::delete(names::versioned(context, table)?, predicate, context)?;
        }
        Statement::Optimize {
            table,
            partition,
            is_final,
        } => {
            let partition = partition.as_ref().map(ddl::partition_text);
            ddl::optimize(table, partition, *is_final, context)?;
        }
        Statement::Formatted(inner, _) => return run(inner, data, context, sink),
        Statement::Show(what) => answer(show::show(what, context)?)?,
        Statement::Describe(table) => answer(show::describe(table, context)?)?,
        Statement::Exists { kind, name } => answer(show::exists(*kind, name, context)?)?,
        Statement::Explain {
            kind, statement, ..
        } => {
            answer(show::explain(*kind, statement, context)?)?;
        }
        Statement::Set(settings) => {
            let readonly = context.settings.uint("readonly");
            if readonly == 1 {
                context.require_writable()?;
            }
            effect.settings = settings
                .iter()
                .map(|s| (s.name.clone(), s.value.clone()))
                .collect();
        }
        Statement::Use(name) => {
            if name != "system" && !engine.databases().contains(name) {
                return Err(names::unknown_database(name));
            }
            effect.database = Some(name.clone());
        }
        Statement::KillQuery(condition) => answer(system::kill(condition, context)?)?,
        Statement::Merges { stop, table } => ddl::merges(*stop, table.as_ref(), context)?,
        Statement::System(words) => system_command(words, context)?,
    }
    Ok(effect)
}

fn with_settings(
    own: &[crate::parse::ast::Setting],
    context: &StatementContext,
) -> Result<Option<StatementContext>> {
    if own.is_empty() {
        return Ok(None);
    }
    let mut settings = context.settings.clone();
    for setting in own {
        settings.set_value(&setting.name, &setting.value)?;
    }
    context.with_settings(settings).map(Some)
}

fn system_command(words: &str, context: &StatementContext) -> Result<()> {
    context.require_writable()?;
    match words {
        // The log of queries is in memory: there is nothing to flush.
        w if w.starts_with("FLUSH LOGS") => Ok(()),
        "RELOAD CONFIG" | "DROP MARK CACHE" | "DROP UNCOMPRESSED CACHE" | "DROP QUERY CACHE" => {
            Ok(())
        }
        _ => Err(Error::not_implemented(format!("SYSTEM {words}"))),
    }
}
