//! How many nanoseconds a row of a part file costs to write and to read, by kind of column:
//! `cargo run --profile quick -p roost-engine --example part_speed [column]`.

use std::sync::Arc;
use std::time::Instant;

use roost_engine::block::{Block, Field, Schema};
use roost_engine::column::{Column, Flat};
use roost_engine::error::Result;
use roost_engine::part::{Part, PartInfo, PartSpec, PartWriter};
use roost_engine::storage::{MemoryStorage, Storage};
use roost_engine::types::DataType;

const ROWS: usize = 2_000_000;
const BLOCK_ROWS: usize = 65_536;
const ROUNDS: usize = 5;

type Maker = fn() -> Column;

const COLUMNS: &[(&str, DataType, Maker)] = &[
    ("sequence", DataType::Int64, || {
        ints(|i| i as i64 * 1000 + (noise(i) % 500) as i64)
    }),
    ("small", DataType::Int64, || {
        ints(|i| (noise(i) % 1000) as i64)
    }),
    ("random", DataType::Int64, || ints(|i| noise(i) as i64)),
    ("price", DataType::Float64, || {
        floats(|i| (noise(i) % 100_000) as f64 / 100.0)
    }),
    ("float", DataType::Float64, || {
        floats(|i| (noise(i) >> 11) as f64)
    }),
    ("country", DataType::String, || {
        strings(|i| format!("country {}", noise(i) % 200))
    }),
    ("url", DataType::String, || {
        strings(|i| {
            format!(
                "https://example.com/{}/{}",
                noise(i) % 100_000,
                noise(i + 7) % 1000
            )
        })
    }),
    ("hex", DataType::String, || {
        strings(|i| format!("{:016x}", noise(i)))
    }),
];

fn noise(i: u64) -> u64 {
    let z = i.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z ^ (z >> 31)
}

fn ints(value: fn(u64) -> i64) -> Column {
    Column::native((0..ROWS as u64).map(value).collect::<Vec<i64>>())
}

fn floats(value: fn(u64) -> f64) -> Column {
    Column::native((0..ROWS as u64).map(value).collect::<Vec<f64>>())
}

fn strings(value: fn(u64) -> String) -> Column {
    Column::Flat(Flat::Bytes((0..ROWS as u64).map(value).collect()))
}

fn main() -> Result<()> {
    let only = std::env::args().nth(1);
    for (name, ty, make) in COLUMNS {
        if only.as_deref().is_none_or(|o| o == *name) {
            measure(name, ty, make())?;
        }
    }
    Ok(())
}

fn measure(name: &str, ty: &DataType, column: Column) -> Result<()> {
    let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
    let schema = Schema::new(vec![Field::new(name, ty.clone())]);
    let block = Block::new(Arc::clone(&schema), vec![column], ROWS)?;
    let starts = || (0..ROWS).step_by(BLOCK_ROWS);
    let (mut write, mut read) = (f64::MAX, f64::MAX);
    let mut info = PartInfo::default();
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let spec = PartSpec::new(&schema, Vec::new(), PartInfo::default());
        let mut writer = PartWriter::create(&storage, "part", spec)?;
        for at in starts() {
            writer.write(&block.slice(at, BLOCK_ROWS.min(ROWS - at)), &[])?;
        }
        info = writer.finish()?;
        write = write.min(start.elapsed().as_secs_f64());
    }
    let part = Part::open(&storage, "part", info.clone())?;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for at in starts() {
            std::hint::black_box(part.read(0, at..(at + BLOCK_ROWS).min(ROWS))?);
        }
        read = read.min(start.elapsed().as_secs_f64());
    }
    let per_row = |seconds: f64| seconds * 1e9 / ROWS as f64;
    println!(
        "{name:10} {:6.2} bytes/row  write {:6.1} ns/row  read {:6.2} ns/row",
        info.bytes as f64 / ROWS as f64,
        per_row(write),
        per_row(read)
    );
    Ok(())
}
