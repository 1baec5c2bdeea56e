//! What the engine's tests share: a compiler of simple keys, rows, and a reader of everything.
#![allow(dead_code, reason = "each test crate uses its part")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers outside #[test] functions, where clippy.toml does not reach, end the test by panicking"
)]

use std::collections::BTreeMap;
use std::sync::Arc;

use roost_engine::block::{Block, Field, Schema};
use roost_engine::catalog::{
    ColumnDefinition, Engine, EngineParts, Table, TableDefinition, TableEngine,
};
use roost_engine::clock::TestClock;
use roost_engine::column::{BytesColumn, Column, Flat};
use roost_engine::error::{Code, Error, Result};
use roost_engine::hooks::{BlockExpr, Compiler};
use roost_engine::kernels::hash::hash_rows;
use roost_engine::options::Options;
use roost_engine::storage::Storage;
use roost_engine::types::{DataType, Value};

/// Knows column names, `modulo(x, n)` and `modulo(cityHash64(x), n)` (with another hash).
#[derive(Debug)]
pub(crate) struct TestCompiler;

#[derive(Debug)]
enum Shape {
    Plain,
    Modulo(u64),
    Hash(u64),
}

#[derive(Debug)]
struct TestExpr {
    text: String,
    ty: DataType,
    inputs: Vec<String>,
    shape: Shape,
}

impl BlockExpr for TestExpr {
    fn evaluate(&self, block: &Block) -> Result<Column> {
        let column = block
            .column_named(&self.inputs[0])
            .ok_or_else(|| Error::bug("missing input"))?;
        let number = |n: u64| {
            let values = (0..column.len()).map(|i| column.value(i).as_u64().unwrap_or(0) % n);
            Column::native(values.collect::<Vec<u64>>())
        };
        Ok(match self.shape {
            Shape::Plain => column.clone(),
            Shape::Modulo(n) => number(n),
            Shape::Hash(n) => {
                let hashes = hash_rows(std::slice::from_ref(column), column.len());
                Column::native(hashes.into_iter().map(|h| h % n).collect::<Vec<u64>>())
            }
        })
    }

    fn data_type(&self) -> &DataType {
        &self.ty
    }

    fn inputs(&self) -> &[String] {
        &self.inputs
    }

    fn text(&self) -> &str {
        &self.text
    }
}

impl Compiler for TestCompiler {
    fn expression(&self, text: &str, schema: &Schema) -> Result<Arc<dyn BlockExpr>> {
        let modulo = |prefix: &str, suffix: &str| -> Option<(String, u64)> {
            let (name, n) = text.strip_prefix(prefix)?.split_once(suffix)?;
            Some((name.to_string(), n.strip_suffix(')')?.parse().ok()?))
        };
        let (input, shape) = if let Some((name, n)) = modulo("modulo(cityHash64(", "), ") {
            (name, Shape::Hash(n))
        } else if let Some((name, n)) = modulo("modulo(", ", ") {
            (name, Shape::Modulo(n))
        } else {
            (text.to_string(), Shape::Plain)
        };
        let at = schema.index_of(&input);
        let at = at.ok_or_else(|| Error::new(Code::UNKNOWN_IDENTIFIER, format!("no {input}")))?;
        let ty = match shape {
            Shape::Plain => schema.fields[at].ty.clone(),
            _ => DataType::UInt64,
        };
        Ok(Arc::new(TestExpr {
            text: text.to_string(),
            ty,
            inputs: vec![input],
            shape,
        }))
    }

    fn key_elements(&self, text: &str) -> Result<Vec<String>> {
        if text == "tuple()" {
            return Ok(Vec::new());
        }
        let inner = text
            .strip_prefix('(')
            .and_then(|t| t.strip_suffix(')'))
            .unwrap_or(text);
        let (mut depth, mut start, mut found) = (0, 0, Vec::new());
        for (i, c) in inner.char_indices() {
            match c {
                '(' => depth += 1,
                ')' => depth -= 1,
                ',' if depth == 0 => {
                    found.push(inner[start..i].trim().to_string());
                    start = i + 1;
                }
                _ => {}
            }
        }
        found.push(inner[start..].trim().to_string());
        Ok(found)
    }

    fn text_of(&self, value: &Value, _ty: &DataType) -> String {
        format!("{value:?}")
    }
}

/// Opens an engine on `storage` that does nothing on its own.
pub(crate) fn open(storage: &Arc<dyn Storage>, options: &Options) -> Result<Engine> {
    open_at(storage, options, &Arc::new(TestClock::at(1_000_000)))
}

/// [`open`] with a clock.
pub(crate) fn open_at(
    storage: &Arc<dyn Storage>,
    options: &Options,
    clock: &Arc<TestClock>,
) -> Result<Engine> {
    Engine::open(EngineParts {
        storage: Arc::clone(storage),
        clock: Arc::clone(clock) as _,
        compiler: Arc::new(TestCompiler),
        options: options.clone(),
    })
}

/// Small numbers: files, merges and flushes come soon.
pub(crate) fn small() -> Options {
    Options {
        direct_part_rows: 50,
        insert_rows_max: 400,
        flush_rows: 60,
        flush_inserts: 20,
        checkpoint_bytes: 6000,
        merge_block_rows: 16,
        granule_rows: 32,
        tokens_max: 100,
        ..Options::manual()
    }
}

/// A row of test tables.
pub(crate) type Row = (u64, String);

/// `k UInt64, v String`, sorted by k, partitioned by `k % 3`.
pub(crate) fn definition(name: &str) -> TableDefinition {
    let columns = vec![
        ColumnDefinition::new("k", DataType::UInt64),
        ColumnDefinition::new("v", DataType::String),
    ];
    TableDefinition {
        partition_by: Some("modulo(k, 3)".into()),
        ..TableDefinition::new("default", name, columns, "k")
    }
}

/// A table of rows in memory only.
pub(crate) fn memory_definition(name: &str) -> TableDefinition {
    TableDefinition {
        engine: TableEngine::Memory,
        partition_by: None,
        order_by: String::new(),
        ..definition(name)
    }
}

/// Rows as a block.
pub(crate) fn block(rows: &[Row]) -> Block {
    let schema = Schema::new(vec![
        Field::new("k", DataType::UInt64),
        Field::new("v", DataType::String),
    ]);
    let keys = Column::native(rows.iter().map(|r| r.0).collect::<Vec<u64>>());
    let texts: BytesColumn = rows.iter().map(|r| r.1.as_bytes()).collect();
    Block::new(
        schema,
        vec![keys, Column::Flat(Flat::Bytes(texts))],
        rows.len(),
    )
    .unwrap()
}

/// `n` rows from `first` on that say who wrote them.
pub(crate) fn rows(first: u64, n: u64, by: &str) -> Vec<Row> {
    (first..first + n)
        .map(|k| (k * 7 % 101, format!("{by}-{k}")))
        .collect()
}

/// All rows of a table, sorted; checks the order inside of parts on the way.
pub(crate) fn read(table: &Table) -> Vec<Row> {
    let mut all = Vec::new();
    for part in &table.snapshot().parts {
        let read = |name: &str| {
            let c = part.schema().index_of(name).unwrap();
            part.read(c, 0..part.rows()).unwrap()
        };
        let (keys, texts) = (read("k"), read("v"));
        let own: Vec<Row> = (0..part.rows())
            .map(|i| {
                let text = texts.value(i).as_bytes().unwrap().to_vec();
                (
                    keys.value(i).as_u64().unwrap(),
                    String::from_utf8(text).unwrap(),
                )
            })
            .collect();
        let sorted = own.windows(2).all(|w| w[0].0 <= w[1].0);
        assert!(
            sorted || table.definition().order_by.is_empty(),
            "a part is sorted"
        );
        all.extend(own);
    }
    all.sort();
    all
}

/// Everything a reader of the store sees.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct World {
    pub(crate) databases: Vec<String>,
    pub(crate) tables: BTreeMap<String, Vec<Row>>,
    pub(crate) values: BTreeMap<String, Vec<u8>>,
    /// Of the store itself: what is in each branch.
    pub(crate) branches: BTreeMap<String, World>,
}

/// Reads everything.
pub(crate) fn world(engine: &Engine) -> World {
    World {
        databases: engine.databases(),
        tables: engine
            .tables()
            .iter()
            .map(|t| (t.full_name(), read(t)))
            .collect(),
        values: engine.scan("").into_iter().collect(),
        branches: match engine.branch_name() {
            Some(_) => BTreeMap::new(),
            None => {
                let all = engine.branches().into_iter();
                all.map(|b| (b.clone(), world(&engine.branch(&b).unwrap())))
                    .collect()
            }
        },
    }
}

/// All files of a store.
pub(crate) fn files(storage: &Arc<dyn Storage>) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for folder in storage.list("").unwrap() {
        for name in storage.list(&folder).unwrap() {
            let path = format!("{folder}/{name}");
            let bytes = storage.read(&path).unwrap();
            found.insert(path, bytes);
        }
    }
    found
}

/// A small random generator, seeded.
pub(crate) struct Random(pub u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }
}

/// Fails with a short text when two lists of rows differ.
#[track_caller]
pub(crate) fn same_rows(found: &[Row], expected: &[Row]) {
    if found != expected {
        let at = found
            .iter()
            .zip(expected)
            .take_while(|(a, b)| a == b)
            .count();
        panic!(
            "{} rows are found, {} expected; at {at}: {:?} instead of {:?}",
            found.len(),
            expected.len(),
            found.get(at),
            expected.get(at)
        );
    }
}

/// The rows of a table that FINAL shows, sorted.
pub(crate) fn read_final(table: &Table) -> Vec<Row> {
    let mut all = Vec::new();
    for (one, _) in table.snapshot().prune_final(&[]).unwrap() {
        let rows = match &one.rows {
            Some(rows) => rows.numbers(0),
            None => (0..one.part.rows() as u32).collect(),
        };
        let (keys, texts) = (
            one.part.read_rows(0, &rows).unwrap(),
            one.part.read_rows(1, &rows).unwrap(),
        );
        all.extend((0..rows.len()).map(|i| {
            let text = texts.value(i).as_bytes().unwrap().to_vec();
            (
                keys.value(i).as_u64().unwrap(),
                String::from_utf8(text).unwrap(),
            )
        }));
    }
    all.sort();
    all
}
