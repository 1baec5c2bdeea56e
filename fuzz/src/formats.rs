//! Data in every input format, against a table of every kind of type.
//!
//! Invariant: the first byte chooses the format; a reader ends, whatever the rest says of lengths.

use std::io::Cursor;
use std::sync::{Arc, OnceLock};

use roost::Database;
use roost::formats::{FormatSettings, all, infer_schema, reader};
use roost::session::QueryRequest;
use roost_engine::block::Schema;

const QUERY: &str = "SELECT number AS n, toString(number) AS s, toNullable(number / 3) AS f, [number, 1] AS a, toDate(number) AS d, toDateTime64(number, 3) AS t, map('k', number) AS m, (number, 'x') AS p, toLowCardinality('lc') AS l, toUUID('00000000-0000-0000-0000-00000000000a') AS u, toDecimal64(number, 2) AS c, CAST('a', 'Enum8(\\'a\\' = 1)') AS e, toFixedString('ab', 3) AS x, toIPv4('1.2.3.4') AS i, number = 1 AS b FROM numbers(3)";

fn inputs() -> Vec<&'static str> {
    let readable = all().iter().filter(|f| f.is_input());
    readable.map(|f| f.name).collect()
}

fn database() -> &'static (Database, Arc<Schema>) {
    static DB: OnceLock<(Database, Arc<Schema>)> = OnceLock::new();
    DB.get_or_init(|| {
        let db = Database::in_memory().unwrap_or_else(|e| unreachable!("opens: {e}"));
        let result = db.query(QUERY).unwrap_or_else(|e| unreachable!("{e}"));
        let schema = Arc::clone(result.schema());
        (db, schema)
    })
}

/// Three rows in every format that is written and read.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (number, name) in inputs().into_iter().enumerate() {
        let mut out = vec![number as u8];
        let mut request = QueryRequest::new(QUERY);
        request.default_format = Some(name.to_string());
        if database().0.run(request, &mut out).is_ok() && out.len() > 1 {
            seeds.push(out);
        }
    }
    seeds
}

fn split(data: &[u8]) -> Option<(&'static str, Vec<u8>)> {
    let (first, rest) = data.split_first()?;
    let names = inputs();
    let name = names.get(*first as usize % names.len().max(1))?;
    Some((name, rest.to_vec()))
}

pub(crate) fn read(data: &[u8]) {
    let Some((name, bytes)) = split(data) else {
        return;
    };
    let settings = FormatSettings::default();
    let schema = &database().1;
    let Ok(mut reader) = reader(name, Box::new(Cursor::new(bytes)), schema, &settings) else {
        return;
    };
    let mut rows = 0;
    while let Ok(Some(read)) = reader.next() {
        let block = &read.block;
        assert!(
            block.columns().iter().all(|c| c.len() == block.rows()),
            "{name}"
        );
        rows += block.rows();
        assert!(rows < 100_000_000, "{name} does not end");
    }
}

pub(crate) fn infer(data: &[u8]) {
    if let Some((name, bytes)) = split(data) {
        let _ = infer_schema(
            name,
            Box::new(Cursor::new(bytes)),
            &FormatSettings::default(),
        );
    }
}
