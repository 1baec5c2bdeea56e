//! DROP, TRUNCATE, RENAME, EXCHANGE, OPTIMIZE, ALTER.
//!
//! Invariant: each statement is one commit of the engine, or an error and nothing changed.

use roost_engine::catalog::Engine;
use roost_engine::error::{Code, Error, Result};
use roost_engine::table::TableDefinition;

use super::context::StatementContext;
use super::{create, materialized, mutate, names, views};
use crate::parse::SqlText;
use crate::parse::ast::{AlterCommand, ObjectKind, TableName};

/// DROP.
pub fn drop(
    kind: ObjectKind,
    names: &[TableName],
    if_exists: bool,
    context: &StatementContext,
) -> Result<()> {
    context.require_writable()?;
    let engine = &context.shared.engine;
    if kind == ObjectKind::Database {
        return names.iter().try_for_each(|n| {
            engine.drop_database(&n.name, if_exists)?;
            views::forget_database(engine, &n.name)
        });
    }
    for name in names {
        let (database, table) = match names::full(context, name) {
            Err(_) if if_exists => continue,
            other => other?,
        };
        let dropped = materialized::drop_view(engine, &database, &table)?
            || views::drop_view(engine, &database, &table)?
            || engine.table(&database, &table).is_some()
                && engine.drop_table(&database, &table).map(|()| true)?;
        if !dropped && !if_exists {
            return Err(names::unknown_table(&database, &table));
        }
    }
    Ok(())
}

/// TRUNCATE.
pub fn truncate(table: &TableName, if_exists: bool, context: &StatementContext) -> Result<()> {
    context.require_writable()?;
    let (database, name) = names::full(context, table)?;
    let engine = &context.shared.engine;
    let there =
        engine.table(&database, &name).is_some() || materialized::exists(engine, &database, &name);
    if !there && if_exists {
        return Ok(());
    }
    let definition = names::table(context, table)?.definition();
    engine.truncate(&definition.database, &definition.name)
}

type Renames = Vec<((String, String), (String, String))>;

/// RENAME, all pairs at one instant.
pub fn rename(pairs: &[(TableName, TableName)], context: &StatementContext) -> Result<()> {
    context.require_writable()?;
    let full =
        |(a, b): &(TableName, TableName)| Ok((names::full(context, a)?, names::full(context, b)?));
    let pairs = pairs.iter().map(full).collect::<Result<Renames>>()?;
    let engine = &context.shared.engine;
    let mut tables = Vec::with_capacity(pairs.len());
    for (from, to) in pairs {
        if !materialized::rename(engine, &from, &to)? {
            tables.push((from, to));
        }
    }
    match tables.is_empty() {
        true => Ok(()),
        false => engine.rename(&tables),
    }
}

/// EXCHANGE.
pub fn exchange(a: &TableName, b: &TableName, context: &StatementContext) -> Result<()> {
    context.require_writable()?;
    names::table(context, a)?;
    names::table(context, b)?;
    let (a, b) = (names::full(context, a)?, names::full(context, b)?);
    context.shared.engine.exchange(&a, &b)
}

/// OPTIMIZE.
pub fn optimize(
    table: &TableName,
    partition: Option<String>,
    is_final: bool,
    context: &StatementContext,
) -> Result<()> {
    context.require_writable()?;
    let table = names::table(context, table)?;
    context
        .shared
        .engine
        .optimize(&table, partition.as_deref(), is_final)
}

/// SYSTEM STOP (or START) MERGES: of one table, or of all that there are.
pub fn merges(stop: bool, table: Option<&TableName>, context: &StatementContext) -> Result<()> {
    context.require_writable()?;
    let engine = &context.shared.engine;
    match table {
        None => engine.tables().iter().for_each(|t| t.stop_merges(stop)),
        Some(name) => names::table(context, name)?.stop_merges(stop),
    }
    Ok(())
}

/// ALTER.
pub fn alter(
    name: &TableName,
    commands: &[AlterCommand],
    context: &StatementContext,
) -> Result<()> {
    context.require_writable()?;
    let table = names::table(context, name)?;
    let mut definition = table.definition().as_ref().clone();
    let before = definition.clone();
    let mut renames = Vec::new();
    for command in commands {
        if let AlterCommand::DropPartition(expr) = command {
            drop_partition(&context.shared.engine, &table, &partition_text(expr))?;
            continue;
        }
        match command {
            AlterCommand::Delete(predicate) => {
                mutate::delete(names::versioned(context, name)?, predicate, context)?;
            }
            AlterCommand::Update(assignments, predicate) => {
                let table = names::versioned(context, name)?;
                mutate::update(table, assignments, predicate, context)?;
            }
            _ => change(&mut definition, command, &mut renames, context)?,
        }
    }
    if definition == before {
        return Ok(());
    }
    context
        .shared
        .engine
        .alter_renaming(&table, definition, &renames)
}

fn drop_partition(
    engine: &Engine,
    table: &std::sync::Arc<roost_engine::table::Table>,
    id: &str,
) -> Result<()> {
    let mut tx = engine.begin();
    tx.drop_partition(table, id);
    tx.commit().map(|_| ())
}

/// The id that a PARTITION expression names: a literal's text.
pub fn partition_text(expr: &crate::parse::ast::Expr) -> String {
    use crate::parse::ast::{Expr, Literal};
    match expr {
        Expr::Literal(Literal::String(s)) => String::from_utf8_lossy(s).into_owned(),
        Expr::Function(f) if f.name == "tuple" && f.args.is_empty() => "all".into(),
        other => other.to_string(),
    }
}

fn change(
    d: &mut TableDefinition,
    command: &AlterCommand,
    renames: &mut Vec<(String, String)>,
    context: &StatementContext,
) -> Result<()> {
    match command {
        AlterCommand::AddColumn {
            column,
            after,
            first,
            if_not_exists,
        } => {
            if d.columns.iter().any(|c| c.name == column.name) {
                let message = format!(
                    "Cannot add column {}: column with this name already exists",
                    column.name
                );
                return match if_not_exists {
                    true => Ok(()),
                    false => Err(Error::new(Code::DUPLICATE_COLUMN, message)),
                };
            }
            let place = match after {
                _ if *first => 0,
                Some(after) => position(d, after)? + 1,
                None => d.columns.len(),
            };
            let column = create::column(column, &d.stored_schema(), context)?;
            d.columns.insert(place, column);
        }
        AlterCommand::DropColumn { name, if_exists } => {
            if *if_exists && position(d, name).is_err() {
                return Ok(());
            }
            let place = position(d, name)?;
            refuse_key_column(d, name)?;
            if let Some(other) = dependent(d, name)? {
                let message =
                    format!("Cannot drop column {name}, because column {other} depends on it");
                return Err(Error::new(Code::ILLEGAL_COLUMN, message));
            }
            d.columns.remove(place);
        }
        AlterCommand::ModifyColumn { column, if_exists } => {
            if *if_exists && position(d, &column.name).is_err() {
                return Ok(());
            }
            let place = position(d, &column.name)?;
            let mut changed = column.clone();
            changed.ty = changed.ty.or_else(|| Some(d.columns[place].ty.to_string()));
            let mut changed = create::column(&changed, &d.stored_schema(), context)?;
            if column.default.is_none() {
                changed.default = d.columns[place].default.clone();
            }
            if changed.ty != d.columns[place].ty {
                refuse_key_column(d, &column.name)?;
            }
            d.columns[place] = changed;
        }
        AlterCommand::RenameColumn {
            from,
            to,
            if_exists,
        } => {
            if *if_exists && position(d, from).is_err() {
                return Ok(());
            }
            let place = position(d, from)?;
            if position(d, to).is_ok() {
                let message =
                    format!("Cannot rename to {to}: column with this name already exists");
                return Err(Error::new(Code::DUPLICATE_COLUMN, message));
            }
            refuse_key_column(d, from)?;
            if let Some(other) = dependent(d, from)? {
                let message = format!("renaming column {from}, on which column {other} depends,");
                return Err(Error::not_implemented(message));
            }
            d.columns[place].name = to.clone();
            renames.push((from.clone(), to.clone()));
        }
        AlterCommand::CommentColumn { name, comment } => {
            let place = position(d, name)?;
            d.columns[place].comment = comment.clone();
        }
        AlterCommand::ModifyComment(comment) => d.comment = comment.clone(),
        AlterCommand::ModifyTtl(items) => d.ttl = create::ttl(items)?,
        AlterCommand::RemoveTtl => d.ttl = None,
        AlterCommand::ModifySetting(settings) => {
            for setting in settings {
                d.settings.retain(|(name, _)| *name != setting.name);
                d.settings
                    .push((setting.name.clone(), create::setting_text(&setting.value)));
            }
        }
        AlterCommand::AddIndex(index) => d.indexes.push(create::index_definition(index)),
        AlterCommand::DropIndex { name, if_exists } => {
            let before = d.indexes.len();
            d.indexes.retain(|i| i.name != *name);
            if d.indexes.len() == before && !if_exists {
                let message = format!("Wrong index name. Cannot find index {name} to drop");
                return Err(Error::new(Code::BAD_ARGUMENTS, message));
            }
        }
        AlterCommand::ModifyOrderBy(expr) => {
            let message = format!("ALTER TABLE ... MODIFY ORDER BY {}", SqlText(expr));
            return Err(Error::not_implemented(message));
        }
        AlterCommand::Other(words) => {
            return Err(Error::not_implemented(format!("ALTER TABLE ... {words}")));
        }
        AlterCommand::DropPartition(_) | AlterCommand::Delete(_) | AlterCommand::Update(..) => {}
    }
    Ok(())
}

fn position(d: &TableDefinition, name: &str) -> Result<usize> {
    d.columns
        .iter()
        .position(|c| c.name == name)
        .ok_or_else(|| {
            let message = format!("Wrong column name. Cannot find column {name} to change");
            Error::new(Code::NOT_FOUND_COLUMN_IN_BLOCK, message)
        })
}

/// A column that a key reads keeps its name and type.
pub(super) fn refuse_key_column(d: &TableDefinition, name: &str) -> Result<()> {
    let keys = [
        Some(&d.order_by),
        d.partition_by.as_ref(),
        d.primary_key.as_ref(),
    ];
    for key in keys.into_iter().flatten().filter(|k| !k.is_empty()) {
        let expr = crate::parse::parse_expression(key)?;
        let mut names = Vec::new();
        identifiers(&expr, &mut names);
        if names.iter().any(|n| n == name) {
            let message = format!("Trying to ALTER key {name} column");
            return Err(Error::new(Code::ALTER_OF_COLUMN_IS_FORBIDDEN, message));
        }
    }
    Ok(())
}

/// A column whose default reads column `name`.
fn dependent(d: &TableDefinition, name: &str) -> Result<Option<String>> {
    for column in d.columns.iter().filter(|c| c.name != name) {
        if let Some((_, text)) = &column.default {
            let mut names = Vec::new();
            identifiers(&crate::parse::parse_expression(text)?, &mut names);
            if names.iter().any(|n| n == name) {
                return Ok(Some(column.name.clone()));
            }
        }
    }
    Ok(None)
}

fn identifiers(expr: &crate::parse::ast::Expr, out: &mut Vec<String>) {
    use crate::parse::ast::Expr;
    match expr {
        Expr::Identifier(parts) => out.push(parts.join(".")),
        Expr::Function(f) => f.args.iter().for_each(|a| identifiers(a, out)),
        Expr::Alias(inner, _) => identifiers(inner, out),
        Expr::Lambda { body, .. } => identifiers(body, out),
        _ => {}
    }
}
