//! SHOW, DESCRIBE, EXISTS, EXPLAIN: statements that answer with a small table.
//!
//! Invariant: names and types of the answers are ClickHouse's.

use std::sync::Arc;

use roost_engine::block::{Block, Field, Schema};
use roost_engine::catalog::Engine;
use roost_engine::column::{Column, ColumnBuilder};
use roost_engine::error::{Error, Result};
use roost_engine::table::{DefaultKind, TableDefinition, TableEngine};
use roost_engine::types::text::{quote, quote_identifier};
use roost_engine::types::{DataType, Value};

use super::catalog::StatementCatalog;
use super::context::StatementContext;
use super::materialized::{self, MaterializedView};
use super::{information_schema, names, select, views};
use crate::bind::{self, Relation};
use crate::exec;
use crate::parse::ast::{
    ExplainKind, ObjectKind, Show, Statement, TableExpr, TableName, TableSource,
};
use crate::plan::explain;

/// A block of String columns.
pub fn text_block(names: &[&str], rows: &[Vec<String>]) -> Result<Block> {
    let schema = Schema::new(
        names
            .iter()
            .map(|n| Field::new(*n, DataType::String))
            .collect(),
    );
    let columns = (0..names.len()).map(|i| {
        let mut builder = ColumnBuilder::new(&DataType::String, rows.len());
        for row in rows {
            builder.push(&Value::string(row[i].as_str()))?;
        }
        Ok(Column::Flat(builder.finish()))
    });
    Block::new(schema, columns.collect::<Result<_>>()?, rows.len())
}

/// SHOW.
pub fn show(show: &Show, context: &StatementContext) -> Result<Block> {
    let engine = &context.shared.engine;
    let one_column = |name: &str, mut all: Vec<String>, like: &Option<String>| {
        all.retain(|n| like.as_ref().is_none_or(|p| like_matches(n, p)));
        all.sort();
        text_block(
            &[name],
            &all.into_iter().map(|n| vec![n]).collect::<Vec<_>>(),
        )
    };
    match show {
        Show::Databases { like } => {
            let mut all = engine.databases();
            all.extend(["system", "information_schema", "INFORMATION_SCHEMA"].map(String::from));
            one_column("name", all, like)
        }
        Show::Tables { database, like } => {
            let database = database.as_deref().unwrap_or(&context.database);
            if database == "system" {
                let all = super::system::names().map(str::to_string).collect();
                return one_column("name", all, like);
            }
            if information_schema::is_schema(database) {
                let names = information_schema::names(false).chain(information_schema::names(true));
                return one_column("name", names.collect(), like);
            }
            if !engine.databases().iter().any(|d| d == database) {
                return Err(names::unknown_database(database));
            }
            let tables = engine.tables();
            let tables = tables
                .iter()
                .map(|t| t.definition())
                .filter(|d| d.database == database);
            let mut all: Vec<String> = tables.map(|d| d.name.clone()).collect();
            let views = views::all(engine).into_iter().filter(|v| v.0 == database);
            all.extend(views.map(|v| v.1));
            let views = materialized::all(engine)?.into_iter();
            all.extend(views.filter(|v| v.database == database).map(|v| v.name));
            one_column("name", all, like)
        }
        Show::Columns { table } => describe_name(table, context),
        Show::Create {
            kind: ObjectKind::Database,
            name,
        } => {
            let text = format!(
                "CREATE DATABASE {}\nENGINE = Atomic",
                quote_identifier(&name.name)
            );
            text_block(&["statement"], &[vec![text]])
        }
        Show::Create { name, .. } => {
            let database = name.database.as_deref().unwrap_or(&context.database);
            if let Some(query) = views::text_of(engine, database, &name.name) {
                let name = TableName {
                    database: Some(database.into()),
                    name: name.name.clone(),
                };
                let text = format!("CREATE VIEW {name}\nAS {query}");
                return text_block(&["statement"], &[vec![text]]);
            }
            let table = names::table(context, name)?;
            if let Some(view) = materialized::find(engine, database, &name.name)? {
                let text = materialized_text(&view, engine);
                return text_block(&["statement"], &[vec![text]]);
            }
            text_block(&["statement"], &[vec![create_text(&table.definition())]])
        }
        Show::ProcessList => super::system::block("processes", context),
        Show::Functions { like } => {
            let all = crate::functions::registry::scalar_functions().map(|f| f.name.to_string());
            let aggregates = crate::functions::registry::aggregate_functions();
            let all = all.chain(aggregates.map(|f| f.name.to_string())).collect();
            one_column("name", all, like)
        }
        Show::Settings { like } => {
            let rows = crate::settings::DEFINITIONS.iter();
            let rows = rows.filter(|d| like.as_ref().is_none_or(|p| like_matches(d.name, p)));
            let value = |d: &crate::settings::Definition| context.settings.text(d.name).to_string();
            let rows: Vec<_> = rows
                .map(|d| vec![d.name.into(), d.kind.name().into(), value(d)])
                .collect();
            text_block(&["name", "type", "value"], &rows)
        }
    }
}

/// LIKE over names.
fn like_matches(name: &str, pattern: &str) -> bool {
    fn go(name: &[u8], pattern: &[u8]) -> bool {
        match pattern.split_first() {
            None => name.is_empty(),
            Some((b'%', rest)) => (0..=name.len()).any(|i| go(&name[i..], rest)),
            Some((b'_', rest)) => !name.is_empty() && go(&name[1..], rest),
            Some((c, rest)) => name.first() == Some(c) && go(&name[1..], rest),
        }
    }
    go(name.as_bytes(), pattern.as_bytes())
}

/// DESCRIBE.
pub fn describe(table: &TableExpr, context: &StatementContext) -> Result<Block> {
    match &table.source {
        TableSource::Name(name) => describe_name(name, context),
        TableSource::Query(query) => {
            let schema = exec::schema_of(&select::plan(query, context)?)?;
            describe_fields(&schema)
        }
        TableSource::Function { name, args } => {
            let mut values = Vec::new();
            for arg in args {
                let crate::parse::ast::Expr::Literal(literal) = arg else {
                    return Err(Error::not_implemented(
                        "DESCRIBE of a table function with expressions",
                    ));
                };
                values.push((literal.value(), DataType::Nothing));
            }
            let catalog = StatementCatalog::new(context);
            match bind::BindCatalog::table_function(&catalog, name, &values)? {
                Some(source) => describe_fields(source.schema()),
                None => Err(roost_engine::err!(
                    UNKNOWN_FUNCTION,
                    "Unknown table function {name}"
                )),
            }
        }
        TableSource::Join(_) => Err(Error::not_implemented("DESCRIBE of a join")),
    }
}

const DESCRIBE: [&str; 7] = [
    "name",
    "type",
    "default_type",
    "default_expression",
    "comment",
    "codec_expression",
    "ttl_expression",
];

fn describe_fields(schema: &Arc<Schema>) -> Result<Block> {
    let row = |f: &Field| {
        let mut row = vec![f.name.clone(), f.ty.to_string()];
        row.resize(DESCRIBE.len(), String::new());
        row
    };
    text_block(
        &DESCRIBE,
        &schema.fields.iter().map(row).collect::<Vec<_>>(),
    )
}

fn describe_name(name: &TableName, context: &StatementContext) -> Result<Block> {
    let database = name.database.as_deref().unwrap_or(&context.database);
    if let Some(table) = context.shared.engine.table(database, &name.name) {
        let definition = table.definition();
        let row = |c: &roost_engine::table::ColumnDefinition| {
            let (kind, text) = match &c.default {
                None => (String::new(), String::new()),
                Some((kind, text)) => (kind_word(*kind).to_string(), text.clone()),
            };
            let codec = c
                .codec
                .as_ref()
                .map_or(String::new(), |t| format!("CODEC({t})"));
            vec![
                c.name.clone(),
                c.ty.to_string(),
                kind,
                text,
                c.comment.clone(),
                codec,
                String::new(),
            ]
        };
        return text_block(
            &DESCRIBE,
            &definition.columns.iter().map(row).collect::<Vec<_>>(),
        );
    }
    match StatementCatalog::new(context).expect(name.database.as_deref(), &name.name)? {
        Relation::Table(source) => {
            let fields = source.schema().fields[..source.visible_columns()].to_vec();
            describe_fields(&Schema::new(fields))
        }
        Relation::View(query) => {
            describe_fields(&exec::schema_of(&select::plan(&query, context)?)?)
        }
    }
}

/// EXISTS.
pub fn exists(kind: ObjectKind, name: &TableName, context: &StatementContext) -> Result<Block> {
    let engine = &context.shared.engine;
    let database = name.database.as_deref().unwrap_or(&context.database);
    let found = match kind {
        ObjectKind::Database => name.name == "system" || engine.databases().contains(&name.name),
        ObjectKind::View => {
            views::text_of(engine, database, &name.name).is_some()
                || materialized::exists(engine, database, &name.name)
        }
        ObjectKind::Dictionary => false,
        ObjectKind::Table => StatementCatalog::new(context)
            .expect(name.database.as_deref(), &name.name)
            .is_ok(),
    };
    let schema = Schema::new(vec![Field::new("result", DataType::UInt8)]);
    Block::new(schema, vec![Column::native(vec![u8::from(found)])], 1)
}

/// EXPLAIN.
pub fn explain(
    kind: ExplainKind,
    statement: &Statement,
    context: &StatementContext,
) -> Result<Block> {
    let text = match (kind, statement) {
        (ExplainKind::Syntax, Statement::Query(query)) => query.to_string(),
        (ExplainKind::Ast, other) => format!("{other:#?}"),
        (
            ExplainKind::Plan | ExplainKind::Pipeline | ExplainKind::QueryTree,
            Statement::Query(query),
        ) => {
            let (planned, rules) = match select::settings_of(query, context)? {
                Some(own) => select::explained(query, &own)?,
                None => select::explained(query, context)?,
            };
            let rules = match rules.is_empty() {
                true => "none".to_string(),
                false => rules.join(", "),
            };
            format!(
                "{}Rules that changed the plan: {rules}\n",
                explain::explain(&planned)
            )
        }
        (kind, _) => {
            return Err(Error::not_implemented(format!(
                "EXPLAIN {kind:?} of this statement"
            )));
        }
    };
    let rows: Vec<Vec<String>> = text.lines().map(|l| vec![l.to_string()]).collect();
    text_block(&["explain"], &rows)
}

/// The word of a kind of default.
pub fn kind_word(kind: DefaultKind) -> &'static str {
    match kind {
        DefaultKind::Default => "DEFAULT",
        DefaultKind::Materialized => "MATERIALIZED",
        DefaultKind::Alias => "ALIAS",
        DefaultKind::Ephemeral => "EPHEMERAL",
    }
}

/// The CREATE TABLE statement of a table.
pub fn create_text(d: &TableDefinition) -> String {
    let mut lines = Vec::new();
    for c in &d.columns {
        let mut line = format!("    {} {}", quote_identifier_always(&c.name), c.ty);
        if let Some((kind, text)) = &c.default {
            line.push_str(&format!(" {} {text}", kind_word(*kind)));
        }
        if !c.comment.is_empty() {
            line.push_str(&format!(" COMMENT {}", quote(&c.comment)));
        }
        if let Some(codec) = &c.codec {
            line.push_str(&format!(" CODEC({codec})"));
        }
        lines.push(line);
    }
    for i in &d.indexes {
        lines.push(format!(
            "    INDEX {} {} TYPE {} GRANULARITY {}",
            i.name, i.expr, i.ty, i.granularity
        ));
    }
    format!(
        "CREATE TABLE {}.{}\n(\n{}\n)\n{}",
        quote_identifier(&d.database),
        quote_identifier(&d.name),
        lines.join(",\n"),
        engine_text(d)
    )
}

/// The statement of a materialized view.
pub(super) fn materialized_text(view: &MaterializedView, engine: &Engine) -> String {
    let own = match view.owns_target() {
        true => engine.table(&view.target.0, &view.target.1),
        false => None,
    };
    view.create_text(own.map(|t| engine_text(&t.definition())).as_deref())
}

/// ENGINE and what follows it.
fn engine_text(d: &TableDefinition) -> String {
    let mut text = format!("ENGINE = {}", d.engine_text);
    let keyed = !matches!(d.engine, TableEngine::Memory | TableEngine::Null);
    let mut clause = |word: &str, value: Option<&String>| {
        if let Some(value) = value {
            text.push_str(&format!("\n{word} {value}"));
        }
    };
    clause("PARTITION BY", d.partition_by.as_ref());
    let bucket = d
        .bucket_by
        .as_ref()
        .map(|(key, n)| format!("{key} INTO {n}"));
    clause("BUCKET BY", bucket.as_ref());
    clause("PRIMARY KEY", d.primary_key.as_ref());
    let order = if d.order_by.is_empty() {
        "tuple()".to_string()
    } else {
        d.order_by.clone()
    };
    clause("ORDER BY", keyed.then_some(&order));
    clause("SAMPLE BY", d.sample_by.as_ref());
    clause("TTL", d.ttl.as_ref());
    let settings = d.settings.iter().map(|(n, v)| match v.parse::<f64>() {
        Ok(_) => format!("{n} = {v}"),
        Err(_) => format!("{n} = {}", quote(v)),
    });
    let mut settings: Vec<String> = settings.collect();
    if keyed && !d.settings.iter().any(|s| s.0 == "index_granularity") {
        settings.push("index_granularity = 8192".into());
    }
    let settings = (!settings.is_empty()).then(|| settings.join(", "));
    clause("SETTINGS", settings.as_ref());
    let comment = (!d.comment.is_empty()).then(|| quote(&d.comment));
    clause("COMMENT", comment.as_ref());
    text
}

fn quote_identifier_always(name: &str) -> String {
    let quoted = quote_identifier(name);
    match quoted.starts_with('`') {
        true => quoted,
        false => format!("`{quoted}`"),
    }
}
