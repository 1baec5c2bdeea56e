//! How many nanoseconds a row costs in the kernels that queries spend their time in:
//! `cargo bench -p roost-benches`. Best of several rounds, so that a busy machine does not matter.

use std::hint::black_box;
use std::time::Instant;

use roost_engine::column::{BytesBuilder, Column, Flat};
use roost_engine::kernels::sort::{SortKey, sort_permutation};
use roost_engine::kernels::table::KeyTable;
use roost_engine::kernels::{filter, take};

const ROWS: usize = 65_536;
const ROUNDS: usize = 30;

fn noise(i: usize) -> u64 {
    let mixed = (i as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed ^ mixed >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 7
}

fn numbers(of: impl Fn(usize) -> u64) -> Vec<u64> {
    (0..ROWS).map(of).collect()
}

fn measure(what: &str, rows: usize, mut work: impl FnMut()) {
    let mut best = f64::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        work();
        best = best.min(start.elapsed().as_secs_f64());
    }
    println!("{what:<48} {:7.2} ns a row", best * 1e9 / rows as f64);
}

fn main() {
    let some = Column::native(
        (0..ROWS)
            .map(|i| u8::from(noise(i).is_multiple_of(3)))
            .collect::<Vec<u8>>(),
    );
    measure("filter: a mask that keeps a third", ROWS, || {
        let _ = black_box(filter::selection(&some));
    });
    let kept: Vec<u32> = (0..ROWS as u32)
        .filter(|i| noise(*i as usize).is_multiple_of(3))
        .collect();
    let wide = Column::native(numbers(noise));
    measure("take: a third of 64-bit numbers", ROWS, || {
        black_box(take::take(&wide, &kept));
    });
    let mut words = BytesBuilder::default();
    (0..ROWS).for_each(|i| words.push(format!("word {}", noise(i) % 5000).as_bytes()));
    let words = Column::Flat(Flat::Bytes(words.finish()));
    measure("take: a third of short strings", ROWS, || {
        black_box(take::take(&words, &kept));
    });
    for groups in [100u64, 10_000, 1 << 20] {
        let keys: Vec<u64> = (0..ROWS * 16).map(|i| noise(i) % groups).collect();
        let mut table = KeyTable::default();
        table.insert_all(&keys, &mut Vec::new());
        measure(
            &format!("hash aggregation: ids of {groups} known keys"),
            keys.len(),
            || {
                let mut ids = Vec::with_capacity(keys.len());
                table.insert_all(&keys, &mut ids);
                black_box(ids);
            },
        );
    }
    let fresh: Vec<u128> = (0..ROWS * 16).map(|i| u128::from(noise(i)) << 40).collect();
    measure(
        "hash aggregation: a million new keys of 16 bytes",
        fresh.len(),
        || {
            let (mut table, mut ids) = (KeyTable::default(), Vec::new());
            table.insert_all(&fresh, &mut ids);
            black_box((table, ids));
        },
    );
    let keys = [SortKey::ascending(words), SortKey::ascending(wide)];
    measure("sort: by a string and a number", ROWS, || {
        black_box(sort_permutation(&keys, ROWS));
    });
}
