//! Materialized views come and go.
//!
//! Invariant: a view that is there binds to its source and fits its target; one that is being made
//! is seen with all rows it was to be filled with, or not at all.

use std::sync::Arc;

use roost_engine::block::Schema;
use roost_engine::catalog::{CreateMode, Engine};
use roost_engine::error::{Code, Error, Result};
use roost_engine::table::Table;

use super::super::context::StatementContext;
use super::super::source::SnapshotSource;
use super::super::trigger::TriggerSource;
use super::super::{create as tables, names, views};
use super::compiled::{fit, plan};
use super::definition::{self, MaterializedView, key, leftmost, name_text};
use super::gate::Name;
use super::populate::{Stored, fill};
use crate::bind::Relation;
use crate::exec;
use crate::parse::ast::{ColumnDef, CreateTable, CreateView, Expr, Query, TableSource};
use crate::parse::walk::{Found, walk};

/// Runs CREATE MATERIALIZED VIEW.
pub fn create(create: &CreateView, context: &StatementContext) -> Result<()> {
    context.require_writable()?;
    let Some(new) = prepare(create, context)? else {
        return Ok(());
    };
    let made = match (&new.source, create.populate) {
        (Some(source), true) => populated(&new.view, source, context),
        _ => keep(&new.view, &context.shared.engine),
    };
    tidy_up(made, &new.view, context)
}

/// Whether a view with a TO table can be made; nothing is.
pub fn check(create: &CreateView, context: &StatementContext) -> Result<()> {
    prepare(create, context).map(drop)
}

/// Makes a view, and says what its source held at that instant: the view follows what came later.
/// `None` when the view was there (IF NOT EXISTS) or has no source.
pub(super) fn create_following(
    create: &CreateView,
    context: &StatementContext,
) -> Result<Option<Stored>> {
    context.require_writable()?;
    let Some(new) = prepare(create, context)? else {
        return Ok(None);
    };
    let Some(source) = &new.source else {
        keep(&new.view, &context.shared.engine)?;
        return Ok(None);
    };
    let gates = &context.shared.views.gates;
    let hold = gates.close(name_of(source), &context.exec.cancel)?;
    let snapshot = source.snapshot();
    let made = keep(&new.view, &context.shared.engine);
    drop(hold);
    tidy_up(made, &new.view, context)?;
    Ok(Some(Stored {
        view: new.view,
        source: Arc::clone(source),
        snapshot,
    }))
}

/// A view that can be made.
struct New {
    view: MaterializedView,
    source: Option<Arc<Table>>,
}

fn name_of(table: &Table) -> Name {
    let definition = table.definition();
    (definition.database.clone(), definition.name.clone())
}

fn prepare(create: &CreateView, context: &StatementContext) -> Result<Option<New>> {
    let engine = &context.shared.engine;
    let (database, name) = names::full(context, &create.name)?;
    let is_view = definition::exists(engine, &database, &name);
    let taken = is_view
        || engine.table(&database, &name).is_some()
        || views::text_of(engine, &database, &name).is_some();
    if taken {
        if create.if_not_exists {
            return Ok(None);
        }
        if !create.or_replace || !is_view {
            let message = format!("Table {database}.{name} already exists");
            return Err(Error::new(Code::TABLE_ALREADY_EXISTS, message));
        }
    }
    let query = written_out(&create.query, &context.database)?;
    let mut view = MaterializedView {
        source: match leftmost(&query) {
            None => None,
            Some((table, source, select)) => {
                if table.is_final || table.sample.is_some() || select.prewhere.is_some() {
                    return Err(Error::new(
                        Code::QUERY_IS_NOT_SUPPORTED_IN_MATERIALIZED_VIEW,
                        "MATERIALIZED VIEW cannot have PREWHERE, SAMPLE or FINAL",
                    ));
                }
                let database = source.database.clone().unwrap_or_else(|| database.clone());
                Some((database, source.name.clone()))
            }
        },
        target: (database.clone(), free_inner(engine, &database, &name)?),
        database,
        name,
        query: Arc::new(query),
        columns: Vec::new(),
    };
    let source = source_table(&view, context)?;
    let schema = outputs(&view, source.as_ref(), context)?;
    let target = match &create.to {
        Some(to) => {
            view.target = names::full(context, to)?;
            names::table(context, to)?
        }
        None => inner_table(create, &view, &schema, context)?,
    };
    view.target = name_of(&target);
    let checked = fit(&schema, &target, context)
        .map(drop)
        .and_then(|()| refuse_loop(&view, source.as_ref(), context));
    if checked.is_err() {
        tidy_up(checked, &view, context)?;
    }
    view.columns = match view.owns_target() {
        false => columns_of(&schema),
        true => columns_of(&target.stored_schema()),
    };
    Ok(Some(New { view, source }))
}

fn columns_of(schema: &Schema) -> Vec<(String, String)> {
    let fields = schema.fields.iter();
    fields.map(|f| (f.name.clone(), f.ty.to_string())).collect()
}

/// The query with its databases written out, and without what belongs to an answer.
fn written_out(query: &Query, current: &str) -> Result<Query> {
    let mut query = query.clone();
    query.format = None;
    query.outfile = None;
    walk(&mut query, &mut |found| {
        if let Found::Table(table) = found
            && let TableSource::Name(name) = &mut table.source
        {
            name.database.get_or_insert_with(|| current.to_string());
        }
        Ok(())
    })?;
    Ok(query)
}

/// The table whose inserts a view follows; none when its query reads none.
pub(super) fn source_table(
    view: &MaterializedView,
    context: &StatementContext,
) -> Result<Option<Arc<Table>>> {
    let engine = &context.shared.engine;
    let Some((database, name)) = &view.source else {
        return Ok(None);
    };
    if let Some(table) = engine.table(database, name) {
        return Ok(Some(table));
    }
    match definition::find(engine, database, name)? {
        None => Ok(None),
        Some(other) => Ok(engine.table(&other.target.0, &other.target.1)),
    }
}

/// What a view's query answers.
fn outputs(
    view: &MaterializedView,
    source: Option<&Arc<Table>>,
    context: &StatementContext,
) -> Result<Arc<Schema>> {
    let query = match source {
        Some(source) => {
            let rows = TriggerSource::new(&source.definition())?;
            let rows = Relation::Table(Arc::new(rows));
            plan(view, &name_of(source), rows, context)?.0
        }
        None => super::super::select::plan(&view.query, context)?,
    };
    let schema = exec::schema_of(&query)?;
    for (i, field) in schema.fields.iter().enumerate() {
        if schema.fields[..i].iter().any(|f| f.name == field.name) {
            let message = format!("the view's query answers two columns {}", field.name);
            return Err(Error::new(Code::DUPLICATE_COLUMN, message));
        }
    }
    Ok(schema)
}

/// Makes the table of a view without TO.
fn inner_table(
    create: &CreateView,
    view: &MaterializedView,
    schema: &Schema,
    context: &StatementContext,
) -> Result<Arc<Table>> {
    let columns = match create.columns.is_empty() {
        false => create.columns.clone(),
        true => {
            let column = |(name, ty): (String, String)| ColumnDef {
                name,
                ty: Some(ty),
                ..ColumnDef::default()
            };
            columns_of(schema).into_iter().map(column).collect()
        }
    };
    let mut statement = CreateTable {
        columns,
        engine: create.engine.clone(),
        ..CreateTable::default()
    };
    if statement.engine.name.is_none() && statement.engine.order_by.is_none() {
        statement.engine.order_by = Some(Expr::call("tuple", Vec::new()));
    }
    let mut definition = tables::definition(&statement, context)?;
    (definition.database, definition.name) = view.target.clone();
    // One that is there was left by a view that is gone.
    let engine = &context.shared.engine;
    engine.create_table(definition, CreateMode::OrReplace)
}

/// A view whose target feeds its source would never end.
fn refuse_loop(
    view: &MaterializedView,
    source: Option<&Arc<Table>>,
    context: &StatementContext,
) -> Result<()> {
    let shared = &context.shared;
    let reached = shared.views.graph(&shared.engine)?.reach(&view.target);
    if source.is_some_and(|s| reached.contains(&name_of(s))) {
        let message = format!(
            "view {} would feed its own source: its target {} reaches it",
            view.full_name(),
            name_text(&view.target)
        );
        return Err(Error::new(Code::INFINITE_LOOP, message));
    }
    Ok(())
}

fn keep(view: &MaterializedView, engine: &Engine) -> Result<()> {
    let (key, value) = view.stored();
    let mut tx = engine.begin();
    tx.define(&key, Some(value));
    tx.commit().map(drop)
}

/// The view and the rows of its source, in one commit.
fn populated(
    view: &MaterializedView,
    source: &Arc<Table>,
    context: &StatementContext,
) -> Result<()> {
    let gates = &context.shared.views.gates;
    let _hold = gates.close(name_of(source), &context.exec.cancel)?;
    let rows = Arc::new(SnapshotSource::new(source.snapshot())?);
    fill(view, source, rows, context, &mut |tx| {
        let (key, value) = view.stored();
        tx.define(&key, Some(value));
        Ok(())
    })
    .map(drop)
}

/// A name for a view's own table that is not that of the view which it replaces: readers see the old
/// one until the new one is whole.
fn free_inner(engine: &Engine, database: &str, name: &str) -> Result<String> {
    let old = definition::find(engine, database, name)?.map(|view| view.target);
    let usual = MaterializedView::inner_name(name);
    let taken = old == Some((database.to_string(), usual.clone()));
    let [other, _] = MaterializedView::inner_names(name);
    Ok(if taken { other } else { usual })
}

/// Drops own tables of a view that is not made, was replaced, or is gone: those that it does not name.
fn tidy_up(made: Result<()>, view: &MaterializedView, context: &StatementContext) -> Result<()> {
    let engine = &context.shared.engine;
    let tidied = drop_inner(engine, &view.database, &view.name);
    made.and(tidied)
}

fn drop_inner(engine: &Engine, database: &str, name: &str) -> Result<()> {
    let target = definition::find(engine, database, name)?.map(|view| view.target);
    for inner in MaterializedView::inner_names(name) {
        let inner = (database.to_string(), inner);
        if target.as_ref() != Some(&inner) && engine.table(&inner.0, &inner.1).is_some() {
            engine.drop_table(&inner.0, &inner.1)?;
        }
    }
    Ok(())
}

/// Forgets a view, with the target that it made for itself; whether there was one.
pub fn drop_view(engine: &Engine, database: &str, name: &str) -> Result<bool> {
    if definition::find(engine, database, name)?.is_none() {
        return Ok(false);
    }
    let mut tx = engine.begin();
    tx.define(&key(database, name), None);
    tx.commit()?;
    drop_inner(engine, database, name)?;
    Ok(true)
}

/// Gives a view another name; whether there was one.
pub fn rename(engine: &Engine, from: &Name, to: &Name) -> Result<bool> {
    let Some(mut view) = definition::find(engine, &from.0, &from.1)? else {
        return Ok(false);
    };
    if engine.table(&to.0, &to.1).is_some() || definition::exists(engine, &to.0, &to.1) {
        let message = format!("Table {} already exists", name_text(to));
        return Err(Error::new(Code::TABLE_ALREADY_EXISTS, message));
    }
    let mut renames = Vec::new();
    if view.owns_target() {
        // What an interrupted statement left under the new name.
        drop_inner(engine, &to.0, &to.1)?;
        let target = (to.0.clone(), MaterializedView::inner_name(&to.1));
        renames.push((view.target.clone(), target.clone()));
        view.target = target;
    }
    (view.database, view.name) = to.clone();
    let (key_to, value) = view.stored();
    let values = vec![(key(&from.0, &from.1), None), (key_to, Some(value))];
    engine.rename_defining(&renames, values).map(|()| true)
}
