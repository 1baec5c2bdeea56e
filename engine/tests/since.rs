//! A table that readers read bit by bit, each into a table of its own, while rows come, go, and are put
//! together; from a seed.
//!
//! Goal: every row that was inserted, and was not deleted before it was read, is read exactly once.
//! `ROOST_MODEL_SEEDS=10000` runs more seeds.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers outside #[test] functions, where clippy.toml does not reach, end the test by panicking"
)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use roost_engine::block::Block;
use roost_engine::catalog::{CreateMode, Engine, Rewrite, Since, Table};
use roost_engine::clock::TestClock;
use roost_engine::options::Options;
use roost_engine::storage::Storage;
use roost_engine::storage::faulty::{FaultyStorage, Image};
use support::*;

/// The rows that a reader is given.
fn given(since: &Since) -> Vec<Block> {
    let columns = since.snapshot().layout.columns();
    let parts = since.snapshot().parts.iter();
    parts
        .map(|p| columns.read(p, 0..p.rows()).unwrap())
        .collect()
}

fn insert(engine: &Engine, table: &Arc<Table>, new: &[Row]) {
    let mut tx = engine.begin();
    tx.insert(table, block(new)).unwrap();
    tx.commit().unwrap();
}

/// A reader, the rows that it has had and those that it has to come to.
struct Reader {
    name: &'static str,
    had: Vec<Row>,
    due: Vec<Row>,
}

struct Model {
    random: Random,
    disk: FaultyStorage,
    options: Options,
    engine: Engine,
    readers: [Reader; 2],
    rows: u64,
}

impl Model {
    fn start(seed: u64) -> Model {
        let mut random = Random(seed);
        let options = Options {
            direct_part_rows: 10 + random.below(100) as usize,
            flush_rows: 20 + random.below(200),
            flush_inserts: 3 + random.below(30) as usize,
            checkpoint_bytes: 500 + random.below(9000),
            merge_block_rows: 1 + random.below(40) as usize,
            ..small()
        };
        let disk = FaultyStorage::new();
        let engine = open(&(Arc::new(disk.clone()) as _), &options).unwrap();
        for name in ["s", "a", "b"] {
            let made = engine.create_table(definition(name), CreateMode::Fail);
            made.unwrap();
        }
        let reader = |name| Reader {
            name,
            had: Vec::new(),
            due: Vec::new(),
        };
        Model {
            random,
            disk,
            options,
            engine,
            readers: [reader("a"), reader("b")],
            rows: 0,
        }
    }

    fn table(&self, name: &str) -> Arc<Table> {
        self.engine.table("default", name).unwrap()
    }

    fn insert(&mut self) {
        let n = match self.random.below(4) {
            0 => self.random.below(150),
            _ => 1 + self.random.below(6),
        };
        let new: Vec<Row> = (self.rows..self.rows + n)
            .map(|i| (self.random.below(60), format!("{i:05}")))
            .collect();
        self.rows += n;
        insert(&self.engine, &self.table("s"), &new);
        for reader in &mut self.readers {
            reader.due.extend(new.iter().cloned());
        }
    }

    fn tidy_up(&mut self) {
        let table = self.table("s");
        match self.random.below(4) {
            0 => self.engine.flush().unwrap(),
            1 => self.engine.optimize(&table, None, true).unwrap(),
            2 => self.engine.checkpoint().unwrap(),
            _ => while self.engine.run_background_once().unwrap() {},
        }
    }

    fn delete(&mut self) {
        let goes = self.random.below(7);
        let change = Rewrite {
            definition: None,
            touches: &|_| Ok(true),
            rows: &|b| {
                let keys = b.column(0).clone();
                let stays = |i: &u32| keys.value(*i as usize).as_u64().unwrap() % 7 != goes;
                let keep: Vec<u32> = (0..b.rows() as u32).filter(stays).collect();
                Ok(b.take(&keep))
            },
        };
        self.engine.rewrite(&self.table("s"), &change).unwrap();
        for reader in &mut self.readers {
            reader.due.retain(|r| r.0 % 7 != goes);
        }
    }

    fn read(&mut self) {
        let at = self.random.below(2) as usize;
        let (source, target) = (self.table("s"), self.table(self.readers[at].name));
        let name = self.readers[at].name;
        let since = self.engine.since(&source, name).unwrap();
        assert!(
            self.engine.since(&source, name).is_err(),
            "one reads at a time"
        );
        let due = std::mem::take(&mut self.readers[at].due);
        for _ in 0..self.random.below(4) {
            self.insert();
            self.tidy_up();
        }
        if self.random.below(4) == 0 {
            // It gives up, and begins again later.
            let later = std::mem::replace(&mut self.readers[at].due, due);
            self.readers[at].due.extend(later);
            return;
        }
        let mut tx = self.engine.begin();
        for block in given(&since) {
            tx.insert(&target, block).unwrap();
        }
        tx.come_to(&since);
        tx.commit().unwrap();
        drop(since);
        self.readers[at].had.extend(due);
        self.readers[at].had.sort();
        same_rows(&read(&target), &self.readers[at].had);
    }

    fn restart(&mut self) {
        let image = match self.random.below(3) {
            0 => Image::Flushed,
            1 => Image::Synced,
            _ => Image::Subset(self.random.next()),
        };
        self.disk = self.disk.image(image);
        let storage: Arc<dyn Storage> = Arc::new(self.disk.clone());
        self.engine = open(&storage, &self.options).unwrap();
    }
}

#[test]
fn every_row_is_read_once() {
    let seeds = std::env::var("ROOST_MODEL_SEEDS").ok();
    let seeds = seeds.and_then(|s| s.parse().ok()).unwrap_or(4);
    for seed in 0..seeds {
        println!("seed {seed}");
        let mut model = Model::start(seed);
        for _ in 0..60 {
            match model.random.below(12) {
                0..=3 => model.insert(),
                4..=6 => model.tidy_up(),
                7 => model.delete(),
                8 => model.restart(),
                _ => model.read(),
            }
        }
    }
}

/// Parts behind a mark become one, those before it another.
#[test]
fn a_mark_parts_what_is_merged_and_goes_with_its_reader() {
    let storage: Arc<dyn Storage> = Arc::new(FaultyStorage::new());
    let engine = open(&storage, &small()).unwrap();
    let table = engine.create_table(definition("s"), CreateMode::Fail);
    let table = table.unwrap();
    let one = |n: u64| insert(&engine, &table, &[(3 * n, format!("{n}"))]);
    let parts = || {
        engine.optimize(&table, None, true).unwrap();
        table.snapshot().parts.len()
    };
    (0..30).for_each(one);
    let since = engine.since(&table, "r").unwrap();
    assert!(since.is_first() && since.snapshot().rows() == 30);
    (30..60).for_each(one);
    assert_eq!(parts(), 2, "while it reads");
    let mut tx = engine.begin();
    tx.come_to(&since);
    tx.commit().unwrap();
    drop(since);
    (60..90).for_each(one);
    assert_eq!(parts(), 2, "when it has read");
    let since = engine.since(&table, "r").unwrap();
    assert!(!since.is_first() && since.snapshot().rows() == 60);
    drop(since);
    let whole = engine.since_ever(&table, "r").unwrap();
    assert_eq!(whole.snapshot().rows(), 90);
    drop(whole);
    let readers = engine.readers(|r| r == "r");
    assert_eq!(readers.len(), 1);
    assert_eq!(readers[0].1, table.uid());
    let mut tx = engine.begin();
    tx.put(&readers[0].0, None);
    tx.commit().unwrap();
    assert_eq!(parts(), 1, "when nobody reads any more");
    assert!(engine.since(&table, "r").unwrap().is_first());
}

/// With the store's own threads at work.
#[test]
fn a_reader_beside_a_writer_and_merges() {
    let storage: Arc<dyn Storage> = Arc::new(FaultyStorage::new());
    let options = Options {
        background: true,
        flush_age_micros: 0,
        ..small()
    };
    let clock = Arc::new(TestClock::at(0));
    let engine = open_at(&storage, &options, &clock).unwrap();
    let (source, target) = ["s", "t"]
        .map(|n| {
            engine
                .create_table(definition(n), CreateMode::Fail)
                .unwrap()
        })
        .into();
    let (source, target): (Arc<Table>, Arc<Table>) = (source, target);
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0..150 {
                insert(&engine, &source, &rows(n * 10, 1 + n % 9, "w"));
            }
            over.store(true, Ordering::SeqCst);
        });
        loop {
            let last = over.load(Ordering::SeqCst);
            let since = engine.since(&source, "r").unwrap();
            let mut tx = engine.begin();
            for block in given(&since) {
                tx.insert(&target, block).unwrap();
            }
            tx.come_to(&since);
            tx.commit().unwrap();
            if last {
                break;
            }
        }
    });
    same_rows(&read(&target), &read(&source));
}
