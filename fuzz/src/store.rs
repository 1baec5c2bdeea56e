//! The files of a store: log and parts.
//!
//! Invariant: a damaged store is refused with an error, or answers as the whole one does.

use std::sync::{Arc, OnceLock};

use roost::Database;
use roost::session::DatabaseOptions;
use roost_engine::clock::TestClock;
use roost_engine::storage::{MemoryStorage, Storage};

const QUERIES: &[&str] = &[
    "SELECT * FROM t ORDER BY n",
    "SELECT count(), sum(n), max(s) FROM t WHERE n > 20",
    "SELECT k, sum(v) FROM u FINAL GROUP BY k ORDER BY k",
];

struct Whole {
    files: Vec<(String, Vec<u8>)>,
    answers: Vec<String>,
}

fn options() -> DatabaseOptions {
    DatabaseOptions {
        threads: 1,
        ..DatabaseOptions::default()
    }
}

fn open_on(storage: Arc<dyn Storage>) -> roost::Result<Database> {
    Database::on(
        storage,
        Arc::new(TestClock::at(1_600_000_000_000_000)),
        options(),
    )
}

fn answers(db: &Database) -> Vec<Result<String, roost::Error>> {
    let ask = |sql: &&str| db.query(sql).map(|r| format!("{:?}", r.rows()));
    QUERIES.iter().map(ask).collect()
}

fn files(storage: &dyn Storage, folder: &str, out: &mut Vec<(String, Vec<u8>)>) {
    for name in storage.list(folder).unwrap_or_default() {
        let path = if folder.is_empty() {
            name
        } else {
            format!("{folder}/{name}")
        };
        match storage.read(&path) {
            Ok(bytes) => out.push((path, bytes)),
            Err(_) => files(storage, &path, out),
        }
    }
}

fn whole() -> &'static Whole {
    static WHOLE: OnceLock<Whole> = OnceLock::new();
    WHOLE.get_or_init(|| {
        let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
        let db = open_on(Arc::clone(&storage)).unwrap_or_else(|e| unreachable!("{e}"));
        let set_up = "CREATE TABLE t (n UInt64, s String, lc LowCardinality(String), f Nullable(Float64), a Array(String), m Map(String, Int32), d DateTime64(3), c Decimal64(2), u UUID, INDEX i s TYPE bloom_filter GRANULARITY 1) ENGINE = MergeTree PARTITION BY n % 2 ORDER BY n SETTINGS index_granularity = 16;
            INSERT INTO t SELECT number, toString(number % 9), toString(number % 3), if(number % 3 = 0, NULL, number / 7), [toString(number)], map('k', toInt32(number)), toDateTime64(number, 3), number / 3, toUUID('00000000-0000-0000-0000-00000000000a') FROM numbers(100);
            CREATE TABLE u (k UInt8, v Int64) ENGINE = ReplacingMergeTree ORDER BY k;
            INSERT INTO u SELECT number % 5, number FROM numbers(20);
            INSERT INTO u SELECT number % 7, -number FROM numbers(20)";
        db.execute(set_up).unwrap_or_else(|e| unreachable!("{e}"));
        let flushed = db.engine().flush();
        flushed.unwrap_or_else(|e| unreachable!("{e}"));
        db.execute("INSERT INTO t (n) VALUES (1000)").unwrap_or_else(|e| unreachable!("{e}"));
        let answers = answers(&db).into_iter();
        let answers = answers.map(|a| a.unwrap_or_else(|e| unreachable!("{e}"))).collect();
        let mut all = Vec::new();
        files(storage.as_ref(), "", &mut all);
        Whole { files: all, answers }
    })
}

/// Each file, after a byte with its number.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let files = whole().files.iter().enumerate();
    files
        .map(|(n, (_, bytes))| [&[n as u8], bytes.as_slice()].concat())
        .collect()
}

pub(crate) fn open(data: &[u8]) {
    let Some((first, damaged)) = data.split_first() else {
        return;
    };
    let whole = whole();
    let chosen = *first as usize % whole.files.len();
    let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
    for (n, (path, bytes)) in whole.files.iter().enumerate() {
        if let Some((folder, _)) = path.rsplit_once('/') {
            let mut at = 0;
            while let Some(next) = folder[at..].find('/') {
                let _ = storage.create_dir(&folder[..at + next]);
                at += next + 1;
            }
            let _ = storage.create_dir(folder);
        }
        let bytes = if n == chosen { damaged } else { bytes };
        let written = storage
            .create(path)
            .and_then(|mut f| f.write(bytes).and_then(|()| f.sync()));
        written.unwrap_or_else(|e| unreachable!("{path}: {e}"));
    }
    let Ok(db) = open_on(storage) else {
        return;
    };
    let path = &whole.files[chosen].0;
    for (answer, right) in answers(&db).into_iter().zip(&whole.answers) {
        match answer {
            // A log whose end is cut off is a store of an earlier time: fewer rows, none wrong.
            Ok(text) if !path.starts_with("log") => assert_eq!(&text, right, "{path}"),
            Ok(_) | Err(_) => {}
        }
    }
}
