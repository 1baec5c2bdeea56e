//! A catalog of four small tables and `numbers`, and running a query's text in it.

use std::collections::HashMap;
use std::sync::Arc;

use roost_engine::block::{Block, Field, Schema};
use roost_engine::column::{Column, ColumnBuilder};
use roost_engine::error::Result;
use roost_engine::types::{DataType, Tz, Value, text};

use crate::bind::{BindCatalog, Relation, bind_query};
use crate::exec::{ExecContext, collect};
use crate::functions::BindContext;
use crate::functions::text::{Escaping, Style, write_column};
use crate::optimize::optimize;
use crate::parse::{ast, parse_query};
use crate::plan::{MemorySource, Query, SeriesSource, TableSource};

/// The test's surroundings.
pub(crate) struct Tables {
    tables: HashMap<&'static str, Arc<dyn TableSource>>,
    views: HashMap<&'static str, Arc<ast::Query>>,
    context: BindContext,
}

/// A table of textual cells.
fn table(name: &str, columns: &[(&str, &str)], rows: &[Vec<Value>]) -> Arc<dyn TableSource> {
    let fields: Vec<Field> = columns
        .iter()
        .map(|(n, ty)| Field::new(*n, text::parse(ty).expect("a type")))
        .collect();
    let columns = fields.iter().enumerate().map(|(i, field)| {
        let mut builder = ColumnBuilder::new(&field.ty, rows.len());
        for row in rows {
            builder.push(&row[i]).expect("a value of the type");
        }
        Column::Flat(builder.finish())
    });
    let columns = columns.collect();
    let schema = Schema::new(fields);
    let block = Block::new(Arc::clone(&schema), columns, rows.len()).expect("a block");
    Arc::new(MemorySource::new(
        format!("default.{name}"),
        schema,
        vec![block],
    ))
}

fn n(v: u64) -> Value {
    Value::UInt(v)
}

fn s(v: &str) -> Value {
    Value::string(v)
}

impl Tables {
    /// The tables `a`, `b`, `c` and `r` of the golden files, with settings.
    pub(crate) fn new(settings: &[(&str, &str)]) -> Self {
        let a = [vec![n(1), s("a1")], vec![n(2), s("a2")]];
        let b = [
            vec![n(2), s("b2"), Value::Int(22)],
            vec![n(3), s("b3"), Value::Int(33)],
        ];
        let c = [vec![n(2), s("c2")], vec![n(9), s("c9")]];
        let list = |v: Vec<Value>| Value::Array(v);
        let r = [
            vec![n(1), list(vec![n(10), n(20)]), list(vec![s("a"), s("b")])],
            vec![n(2), list(vec![]), list(vec![])],
        ];
        let tables = [
            ("a", table("a", &[("id", "UInt8"), ("x", "String")], &a)),
            (
                "b",
                table(
                    "b",
                    &[("id", "UInt16"), ("y", "String"), ("x", "Int32")],
                    &b,
                ),
            ),
            ("c", table("c", &[("id", "UInt32"), ("z", "String")], &c)),
            (
                "r",
                table(
                    "r",
                    &[
                        ("k", "UInt8"),
                        ("arr", "Array(UInt8)"),
                        ("brr", "Array(String)"),
                    ],
                    &r,
                ),
            ),
        ];
        let view = parse_query("SELECT id AS vid, x AS vx FROM a").expect("a query");
        let settings: HashMap<String, String> = settings
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        Tables {
            tables: tables.into_iter().collect(),
            views: HashMap::from([("v", Arc::new(view))]),
            context: BindContext {
                now_micros: 1_700_000_000_000_000,
                settings: Arc::new(settings),
                ..BindContext::default()
            },
        }
    }

    /// The plan before optimization.
    pub(crate) fn bound(&self, sql: &str) -> Result<Query> {
        bind_query(&parse_query(sql)?, self)
    }

    /// The plan that runs.
    pub(crate) fn optimized(&self, sql: &str) -> Result<Query> {
        optimize(self.bound(sql)?, &self.context)
    }

    /// The answer in TabSeparatedWithNamesAndTypes, without and with optimization.
    pub(crate) fn answer(&self, sql: &str, optimized: bool) -> Result<String> {
        let query = match optimized {
            true => self.optimized(sql)?,
            false => self.bound(sql)?,
        };
        let context = ExecContext {
            threads: 1,
            ..ExecContext::default()
        };
        let block = collect(&query, &context)?;
        Ok(tab_separated(&block))
    }
}

fn tab_separated(block: &Block) -> String {
    let fields = &block.schema().fields;
    let names: Vec<String> = fields.iter().map(|f| escaped(&f.name)).collect();
    let types: Vec<String> = fields.iter().map(|f| escaped(&f.ty.to_string())).collect();
    let mut lines = vec![names.join("\t"), types.join("\t")];
    let style = Style::new(Escaping::Escaped, Tz::UTC);
    let columns: Vec<_> = fields
        .iter()
        .zip(block.columns())
        .map(|(f, c)| write_column(c, &f.ty, style))
        .collect();
    for row in 0..block.rows() {
        let cells = columns
            .iter()
            .map(|c| String::from_utf8_lossy(c.get(row)).into_owned());
        lines.push(cells.collect::<Vec<_>>().join("\t"));
    }
    lines.join("\n")
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('\'', "\\'")
        .replace('\n', "\\n")
}

impl BindCatalog for Tables {
    fn relation(&self, database: Option<&str>, name: &str) -> Result<Option<Relation>> {
        if !matches!(database, None | Some("default" | "system")) {
            return Ok(None);
        }
        if let Some(view) = self.views.get(name) {
            return Ok(Some(Relation::View(Arc::clone(view))));
        }
        Ok(self
            .tables
            .get(name)
            .map(|t| Relation::Table(Arc::clone(t))))
    }

    fn similar_tables(&self, _name: &str) -> Vec<String> {
        self.tables.keys().map(|k| (*k).to_owned()).collect()
    }

    fn table_function(
        &self,
        name: &str,
        args: &[(Value, DataType)],
    ) -> Result<Option<Arc<dyn TableSource>>> {
        let count = args.first().and_then(|(v, _)| v.as_u64()).unwrap_or(0);
        Ok((name == "numbers")
            .then(|| Arc::new(SeriesSource::numbers(0, count, 1)) as Arc<dyn TableSource>))
    }

    fn run(&self, query: &Query, _row_limit: u64) -> Result<Block> {
        let query = optimize(query.clone(), &self.context)?;
        collect(&query, &ExecContext::default())
    }

    fn parameter(&self, name: &str) -> Option<String> {
        (name == "p").then(|| "7".to_owned())
    }

    fn context(&self) -> &BindContext {
        &self.context
    }
}
