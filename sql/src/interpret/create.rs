//! CREATE TABLE to a definition.
//!
//! Invariant: what the engine gets has every type resolved, and every expression as ClickHouse's
//! canonical text, already compiled once.

use roost_engine::catalog::CreateMode;
use roost_engine::error::{Code, Error, Result};
use roost_engine::table::{
    ColumnDefinition, DefaultKind, IndexDefinition, TableDefinition, TableEngine,
};
use roost_engine::types::{DataType, text};

use super::context::StatementContext;
use super::{insert, names, select};
use crate::parse::SqlText;
use crate::parse::ast::{self, ColumnDef, CreateTable, Expr};
use crate::{bind, exec};

/// Runs CREATE TABLE.
pub fn run(create: &CreateTable, context: &StatementContext) -> Result<()> {
    context.require_writable()?;
    if create.temporary {
        return Err(Error::not_implemented("CREATE TEMPORARY TABLE"));
    }
    if !create.constraints.is_empty() {
        return Err(Error::not_implemented("CONSTRAINT"));
    }
    let name = create
        .name
        .as_ref()
        .ok_or_else(|| Error::bug("CREATE TABLE without a name"))?;
    let (database, table_name) = names::full(context, name)?;
    let engine = &context.shared.engine;
    if super::views::text_of(engine, &database, &table_name).is_some()
        || super::materialized::exists(engine, &database, &table_name)
    {
        let message = format!("Table {database}.{table_name} already exists (a view)");
        return Err(Error::new(Code::TABLE_ALREADY_EXISTS, message));
    }
    if create.if_not_exists && engine.table(&database, &table_name).is_some() {
        return Ok(());
    }
    let mut definition = definition(create, context)?;
    definition.database = database;
    definition.name = table_name;
    let mode = match (create.if_not_exists, create.or_replace) {
        (true, _) => CreateMode::IfNotExists,
        (_, true) => CreateMode::OrReplace,
        _ => CreateMode::Fail,
    };
    engine.create_table(definition, mode)?;
    if let Some(query) = &create.query {
        let statement = ast::Insert {
            table: name.clone(),
            columns: Vec::new(),
            except: Vec::new(),
            settings: Vec::new(),
            source: ast::InsertSource::Query(query.clone()),
            data_at: None,
        };
        insert::run(&statement, Box::new(std::io::empty()), context)?;
    }
    Ok(())
}

/// The definition that a CREATE TABLE describes, without its name.
pub fn definition(create: &CreateTable, context: &StatementContext) -> Result<TableDefinition> {
    let mut d = match &create.like {
        Some(other) => copy_of(other, context)?,
        None => TableDefinition::default(),
    };
    if !create.columns.is_empty() {
        d.columns = columns(&create.columns, context)?;
    } else if let Some(query) = &create.query {
        d.columns = columns_of_query(query, context)?;
    }
    let e = &create.engine;
    if e.name.is_some() || create.like.is_none() {
        (d.engine, d.engine_text) = table_engine(e)?;
    }
    let text = |e: &Expr| SqlText(e).to_string();
    let set = |place: &mut Option<String>, expr: &Option<Expr>| {
        if let Some(expr) = expr {
            *place = Some(text(expr));
        }
    };
    set(&mut d.partition_by, &e.partition_by);
    set(&mut d.primary_key, &create.primary_key);
    set(&mut d.sample_by, &e.sample_by);
    if let Some(order) = &e.order_by {
        d.order_by = text(order);
    } else if let (Some(key), true) = (&create.primary_key, d.order_by.is_empty()) {
        d.order_by = text(key);
    } else if d.engine.is_durable() && d.order_by.is_empty() {
        let message = "You must provide an ORDER BY or PRIMARY KEY expression in the table definition. If you don't want this table to be sorted, use ORDER BY/PRIMARY KEY ()";
        return Err(Error::new(Code::BAD_ARGUMENTS, message));
    }
    if let Some((key, n)) = &e.bucket_by {
        d.bucket_by = Some((text(key), *n));
    }
    d.ttl = ttl(&e.ttl)?.or(d.ttl);
    for index in &create.indexes {
        d.indexes.push(index_definition(index));
    }
    for setting in &e.settings {
        d.settings
            .push((setting.name.clone(), setting_text(&setting.value)));
    }
    if let Some(comment) = &create.comment {
        d.comment = comment.clone();
    }
    d.uid = 0;
    d.uuid = 0;
    Ok(d)
}

/// A setting's value as text.
pub fn setting_text(value: &crate::Value) -> String {
    match value {
        crate::Value::Bytes(b) => String::from_utf8_lossy(b).into_owned(),
        crate::Value::UInt(n) => n.to_string(),
        crate::Value::Int(n) => n.to_string(),
        crate::Value::Float(x) => x.to_string(),
        other => format!("{other:?}"),
    }
}

/// An INDEX clause.
pub fn index_definition(index: &ast::IndexDef) -> IndexDefinition {
    IndexDefinition {
        name: index.name.clone(),
        expr: SqlText(&index.expr).to_string(),
        ty: index.ty.clone(),
        granularity: index.granularity,
    }
}

/// A TTL clause as text.
pub fn ttl(items: &[ast::TtlItem]) -> Result<Option<String>> {
    match items {
        [] => Ok(None),
        [one] => {
            let mut text = SqlText(&one.expr).to_string();
            if let Some(filter) = &one.filter {
                text = format!("{text} WHERE {}", SqlText(filter));
            }
            Ok(Some(text))
        }
        _ => Err(Error::not_implemented("several TTL expressions")),
    }
}

fn copy_of(name: &ast::TableName, context: &StatementContext) -> Result<TableDefinition> {
    let table = names::table(context, name)?;
    Ok(table.definition().as_ref().clone())
}

fn columns_of_query(
    query: &ast::Query,
    context: &StatementContext,
) -> Result<Vec<ColumnDefinition>> {
    let schema = exec::schema_of(&select::plan(query, context)?)?;
    Ok(schema
        .fields
        .iter()
        .map(|f| ColumnDefinition::new(f.name.clone(), f.ty.clone()))
        .collect())
}

/// Columns with types resolved.
pub fn columns(defs: &[ColumnDef], context: &StatementContext) -> Result<Vec<ColumnDefinition>> {
    // A column without a type takes its default's, which may read the typed columns.
    let typed: Vec<_> = defs
        .iter()
        .filter_map(|c| c.ty.as_ref().map(|ty| (c, ty)))
        .map(|(c, ty)| {
            Ok(roost_engine::block::Field::new(
                c.name.clone(),
                column_type(ty, c.null)?,
            ))
        })
        .collect::<Result<_>>()?;
    let schema = roost_engine::block::Schema::new(typed);
    let mut all: Vec<ColumnDefinition> = Vec::with_capacity(defs.len());
    for c in defs {
        if all.iter().any(|other| other.name == c.name) {
            let message = format!(
                "Cannot add column {}: column with this name already exists",
                c.name
            );
            return Err(Error::new(Code::DUPLICATE_COLUMN, message));
        }
        all.push(column(c, &schema, context)?);
    }
    Ok(all)
}

/// One column with its type resolved; a default without a type is bound over `schema`.
pub fn column(
    c: &ColumnDef,
    schema: &roost_engine::block::Schema,
    context: &StatementContext,
) -> Result<ColumnDefinition> {
    let default = match &c.default {
        None => None,
        Some((kind, expr)) => {
            let kind = match kind {
                ast::DefaultKind::Default => DefaultKind::Default,
                ast::DefaultKind::Materialized => DefaultKind::Materialized,
                ast::DefaultKind::Alias => DefaultKind::Alias,
                ast::DefaultKind::Ephemeral => DefaultKind::Ephemeral,
            };
            Some((kind, expr.clone()))
        }
    };
    if c.ttl.is_some() {
        return Err(Error::not_implemented("TTL of a column"));
    }
    let bound = |expr: &Expr| {
        let catalog = super::catalog::StatementCatalog::new(context);
        bind::bind_expression(expr, schema, &catalog)
    };
    let ty = match (&c.ty, &default) {
        (Some(ty), _) => column_type(ty, c.null)?,
        (None, Some((_, Some(expr)))) => bound(expr)?.0.ty().clone(),
        _ => {
            let message = format!("column {} has neither a type nor a default", c.name);
            return Err(Error::new(Code::SYNTAX_ERROR, message));
        }
    };
    let default = match default {
        None => None,
        Some((kind, Some(expr))) => {
            bound(&expr).map_err(|e| e.context(format!("default of column {}", c.name)))?;
            Some((kind, SqlText(&expr).to_string()))
        }
        Some((kind, None)) => Some((kind, default_text(&ty))),
    };
    Ok(ColumnDefinition {
        name: c.name.clone(),
        ty,
        default,
        codec: c.codec.clone(),
        comment: c.comment.clone().unwrap_or_default(),
    })
}

fn default_text(ty: &DataType) -> String {
    format!("defaultValueOfTypeName({})", text::quote(&ty.to_string()))
}

fn column_type(written: &str, null: Option<bool>) -> Result<DataType> {
    let ty = text::parse(written)?;
    match null {
        Some(true) => text::nullable_of(ty),
        _ => Ok(ty),
    }
}

/// The engine with its arguments, and its text.
fn table_engine(e: &ast::Engine) -> Result<(TableEngine, String)> {
    let name = e.name.as_deref().unwrap_or("MergeTree");
    let args: Vec<String> = e.args.iter().map(|a| SqlText(a).to_string()).collect();
    let text = match args.is_empty() {
        true => name.to_string(),
        false => format!("{name}({})", args.join(", ")),
    };
    let column = |i: usize| match e.args.get(i) {
        Some(Expr::Identifier(parts)) => Ok(parts.last().cloned()),
        None => Ok(None),
        Some(other) => {
            let message = format!("engine {name} takes column names, found {other}");
            Err(Error::new(Code::BAD_ARGUMENTS, message))
        }
    };
    let plain = name
        .strip_prefix("Replicated")
        .or(name.strip_prefix("Shared"))
        .unwrap_or(name);
    let engine = match plain {
        "MergeTree" => TableEngine::MergeTree,
        "ReplacingMergeTree" => TableEngine::Replacing {
            version: column(0)?,
            is_deleted: column(1)?,
        },
        "SummingMergeTree" => TableEngine::Summing {
            columns: match e.args.first() {
                Some(Expr::Function(f)) if f.name == "tuple" => {
                    f.args.iter().map(ToString::to_string).collect()
                }
                _ => column(0)?.into_iter().collect(),
            },
        },
        "AggregatingMergeTree" => TableEngine::Aggregating,
        "Memory" => TableEngine::Memory,
        "Null" => TableEngine::Null,
        known if UNBUILT.contains(&known) => {
            return Err(Error::not_implemented(format!("table engine {known}")));
        }
        unknown => {
            return Err(Error::new(
                Code::UNKNOWN_STORAGE,
                format!("Unknown table engine {unknown}"),
            ));
        }
    };
    Ok((engine, text))
}

/// Engines that ClickHouse has and Roost does not.
const UNBUILT: &[&str] = &[
    "CollapsingMergeTree",
    "VersionedCollapsingMergeTree",
    "GraphiteMergeTree",
    "Log",
    "TinyLog",
    "StripeLog",
    "Buffer",
    "Distributed",
    "Merge",
    "Join",
    "Set",
    "File",
    "URL",
    "Kafka",
    "View",
    "MaterializedView",
    "Dictionary",
    "S3",
    "MySQL",
    "PostgreSQL",
    "GenerateRandom",
];
