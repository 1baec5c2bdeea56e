//! Times queries over made-up flights: `suite <rows> <queries.sql> [runs]`, one query a line.
//!
//! Prints the best wall time of each query in milliseconds, the rows and the first row; the peers
//! run the same data and queries with their own scripts.

use std::time::Instant;

use roost::{Database, Result, Value};
use roost_engine::block::{Block, Field, Schema};
use roost_engine::column::{BytesBuilder, Column, Flat};
use roost_engine::types::DataType;

const BLOCK: u64 = 500_000;

/// A well mixed number for each row, the same in SQL:
/// `bitShiftRight(number * 11400714819323198485, 32)`.
fn mixed(i: u64) -> u64 {
    i.wrapping_mul(11_400_714_819_323_198_485) >> 32
}

fn strings(rows: impl Iterator<Item = String>) -> Column {
    let mut out = BytesBuilder::default();
    rows.for_each(|s| out.push(s.as_bytes()));
    Column::Flat(Flat::Bytes(out.finish()))
}

fn flights(from: u64, rows: u64) -> Result<Block> {
    let all = || from..from + rows;
    let airport =
        |n: u64| format!("{}", (b'A' + (n % 26) as u8) as char) + &format!("{:02}", n / 26 % 12);
    let schema = Schema::new(vec![
        Field::new("date", DataType::DateTime(None)),
        Field::new("delay", DataType::Int64),
        Field::new("distance", DataType::Int64),
        Field::new("origin", DataType::String),
        Field::new("destination", DataType::String),
        Field::new("user", DataType::UInt32),
        Field::new("url", DataType::String),
        Field::new("price", DataType::Float64),
    ]);
    let columns = vec![
        Column::native(
            all()
                .map(|i| 1_600_000_000 + (i * 10) as u32)
                .collect::<Vec<u32>>(),
        ),
        Column::native(
            all()
                .map(|i| (mixed(i) % 200) as i64 - 30)
                .collect::<Vec<i64>>(),
        ),
        Column::native(
            all()
                .map(|i| (mixed(i) / 200 % 3000) as i64)
                .collect::<Vec<i64>>(),
        ),
        strings(all().map(|i| airport(mixed(i) % 300))),
        strings(all().map(|i| airport(mixed(i) / 300 % 300))),
        Column::native(
            all()
                .map(|i| (mixed(i) % 1_000_003) as u32)
                .collect::<Vec<u32>>(),
        ),
        strings(all().map(|i| format!("https://example.com/{}/page", mixed(i) % 200_000))),
        Column::native(
            all()
                .map(|i| (mixed(i) % 10_000) as f64 / 100.0)
                .collect::<Vec<f64>>(),
        ),
    ];
    Block::new(schema, columns, rows as usize)
}

/// CPU milliseconds of the whole process so far.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit(") ").next().unwrap_or_default();
    let ticks = after.split(' ').skip(11).take(2);
    ticks.filter_map(|t| t.parse::<f64>().ok()).sum::<f64>() * 10.0
}

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let rows: u64 = args
        .get(1)
        .and_then(|a| a.parse().ok())
        .unwrap_or(1_000_000);
    let runs: usize = args.get(3).and_then(|a| a.parse().ok()).unwrap_or(3);
    let queries = args.get(2).and_then(|p| std::fs::read_to_string(p).ok());
    let dir = std::env::temp_dir().join(format!("roost-suite-{}", std::process::id()));
    let db = Database::open(&dir)?;
    db.execute(
        "CREATE TABLE flights (date DateTime, delay Int64, distance Int64, origin String, \
         destination String, user UInt32, url String, price Float64) \
         ENGINE = MergeTree ORDER BY date",
    )?;
    let start = Instant::now();
    let mut done = 0;
    while done < rows {
        let some = BLOCK.min(rows - done);
        db.insert("flights", flights(done, some)?, Default::default())?;
        done += some;
    }
    println!("inserted {rows} rows in {:?}", start.elapsed());
    for sql in queries
        .as_deref()
        .unwrap_or("SELECT count() FROM flights")
        .lines()
    {
        let mut best = f64::MAX;
        let mut shown = String::new();
        let before = cpu();
        for _ in 0..runs {
            let start = Instant::now();
            match db.query(sql) {
                Ok(answer) => {
                    best = best.min(start.elapsed().as_secs_f64() * 1e3);
                    let first: Option<Vec<Value>> = answer.rows().into_iter().next();
                    shown = format!("{} rows, first {first:?}", answer.row_count());
                }
                Err(error) => shown = format!("{error:?}"),
            }
        }
        let cpu = (cpu() - before) / runs as f64;
        println!("{best:9.2} ms cpu {cpu:8.1}  {sql}\n              {shown}");
    }
    drop(db);
    let _ = std::fs::remove_dir_all(dir);
    Ok(())
}
