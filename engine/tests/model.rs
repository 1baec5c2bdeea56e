//! Random operations against a model of the store: inserts, replacements, renames, housekeeping,
//! branches, restarts and power cuts, from a seed. In the model a branch is a deep copy.
//!
//! `ROOST_MODEL_SEEDS=10000` runs more seeds; a failing one is named and can be kept as a test.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers outside #[test] functions, where clippy.toml does not reach, end the test by panicking"
)]

mod support;

use std::sync::Arc;

use roost_engine::catalog::{CreateMode, Engine, NewBranch};
use roost_engine::clock::TestClock;
use roost_engine::error::Result;
use roost_engine::options::Options;
use roost_engine::storage::Storage;
use roost_engine::storage::faulty::{FaultyStorage, Image};
use support::*;

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

struct Model {
    random: Random,
    disk: FaultyStorage,
    clock: Arc<TestClock>,
    options: Options,
    engine: Engine,
    known: World,
}

fn name(name: &str) -> (String, String) {
    ("default".into(), name.into())
}

fn full(name: &str) -> String {
    format!("default.{name}")
}

impl Model {
    fn start(seed: u64) -> Model {
        let mut random = Random(seed);
        let disk = FaultyStorage::new();
        let clock = Arc::new(TestClock::at(0));
        let options = Options {
            direct_part_rows: 10 + random.below(100) as usize,
            flush_rows: 20 + random.below(200),
            flush_inserts: 3 + random.below(30) as usize,
            checkpoint_bytes: 500 + random.below(9000),
            merge_block_rows: 1 + random.below(40) as usize,
            merge_bytes_max: 3000 + random.below(1 << 20),
            tokens_max: 1000,
            ..small()
        };
        let engine = open_at(&(Arc::new(disk.clone()) as _), &options, &clock).unwrap();
        let mut known = World::default();
        known.databases.push("default".into());
        Model {
            random,
            disk,
            clock,
            options,
            engine,
            known,
        }
    }

    fn pick(&mut self) -> &'static str {
        NAMES[self.random.below(4) as usize]
    }

    fn some_rows(&mut self) -> Vec<Row> {
        let n = match self.random.below(4) {
            0 => self.random.below(400),
            _ => self.random.below(12),
        };
        let by = self.random.below(1000);
        (0..n)
            .map(|i| (self.random.below(90), format!("{by}-{i}")))
            .collect()
    }

    /// One operation on the engine, and the world after it.
    fn step(&mut self) -> (World, Result<()>) {
        let mut whole = self.known.clone();
        self.clock.advance(self.random.below(9_000_000) as i64);
        let branch = ["x", "y", "z"][self.random.below(3) as usize];
        let side = whole.branches.contains_key(branch) && self.random.below(2) == 0;
        if self.random.below(12) == 0 {
            let done = self.branch(&mut whole, branch);
            return (whole, done);
        }
        let (after, engine) = match side {
            true => {
                let engine = self.engine.branch(branch).unwrap();
                (whole.branches.get_mut(branch).unwrap(), engine)
            }
            false => (&mut whole, self.engine.clone()),
        };
        let done = self.change(after, &engine);
        (whole, done)
    }

    /// A branch comes, of the store or of another branch, or goes.
    fn branch(&mut self, whole: &mut World, name: &str) -> Result<()> {
        if whole.branches.remove(name).is_some() {
            return self.engine.drop_branch(name);
        }
        let other = ["x", "y", "z"][self.random.below(3) as usize];
        let (engine, mut copy) = match whole.branches.get(other) {
            Some(other_world) => (self.engine.branch(other).unwrap(), other_world.clone()),
            None => (self.engine.clone(), whole.clone()),
        };
        copy.branches.clear();
        whole.branches.insert(name.to_string(), copy);
        engine.create_branch(name, NewBranch::default()).map(|_| ())
    }

    /// One operation on one side.
    fn change(&mut self, after: &mut World, engine: &Engine) -> Result<()> {
        let (a, b) = (self.pick(), self.pick());
        match self.random.below(20) {
            0..=1 => {
                after.tables.insert(full(a), Vec::new());
                engine
                    .create_table(definition(a), CreateMode::OrReplace)
                    .map(|_| ())
            }
            2..=9 => {
                let token = self.random.below(4) == 0;
                let token = token.then(|| self.random.below(8));
                let duplicate =
                    token.is_some_and(|t| after.values.contains_key(&format!("token/{t}")));
                let mut tx = engine.begin();
                let mut any = false;
                for target in [a, b] {
                    let new = self.some_rows();
                    if let Some(table) = engine.table("default", target) {
                        any |= !new.is_empty();
                        tx.insert(&table, block(&new))?;
                        if !duplicate {
                            let all = after.tables.get_mut(&full(target)).unwrap();
                            all.extend(new);
                            all.sort();
                        }
                    }
                }
                if let Some(token) = token {
                    tx.token(token.to_string());
                    if !duplicate {
                        let value = vec![u8::from(any)];
                        tx.put(&format!("token/{token}"), Some(value.clone()));
                        after.values.insert(format!("token/{token}"), value);
                    }
                }
                tx.commit()
                    .map(|done| assert_eq!(done.duplicate, duplicate))
            }
            10 => match engine.table("default", a) {
                None => Ok(()),
                Some(table) => {
                    let mut new = self.some_rows();
                    let mut tx = engine.begin();
                    tx.replace(&table, vec![block(&new)])?;
                    new.sort();
                    after.tables.insert(full(a), new);
                    tx.commit().map(|_| ())
                }
            },
            11 => match engine.table("default", a) {
                None => Ok(()),
                Some(table) => {
                    let mut tx = engine.begin();
                    tx.drop_partition(&table, "1");
                    after
                        .tables
                        .get_mut(&full(a))
                        .unwrap()
                        .retain(|r| r.0 % 3 != 1);
                    tx.commit().map(|_| ())
                }
            },
            12 if engine.table("default", a).is_some() => {
                after.tables.remove(&full(a));
                engine.drop_table("default", a)
            }
            13 if a != b && engine.table("default", a).is_some() => {
                match engine.table("default", b) {
                    None => {
                        let rows = after.tables.remove(&full(a)).unwrap();
                        after.tables.insert(full(b), rows);
                        engine.rename(&[(name(a), name(b))])
                    }
                    Some(_) => {
                        let x = after.tables.remove(&full(a)).unwrap();
                        let y = after.tables.insert(full(b), x).unwrap();
                        after.tables.insert(full(a), y);
                        engine.exchange(&name(a), &name(b))
                    }
                }
            }
            14 => {
                let value = vec![self.random.below(256) as u8; self.random.below(50) as usize];
                after.values.insert(a.into(), value.clone());
                let mut tx = engine.begin();
                tx.put(a, Some(value));
                tx.commit().map(|_| ())
            }
            15 => engine.flush(),
            16 => engine.checkpoint(),
            17 => match engine.table("default", a) {
                Some(table) => engine.optimize(&table, None, true),
                None => Ok(()),
            },
            _ => engine.run_background_once().map(|_| ()),
        }
    }

    fn reopen(&mut self, disk: FaultyStorage) {
        self.disk = disk;
        let storage: Arc<dyn Storage> = Arc::new(self.disk.clone());
        self.engine = open_at(&storage, &self.options, &self.clock).unwrap();
    }

    fn run(&mut self, steps: u64, seed: u64) {
        for step in 0..steps {
            let place = format!("seed {seed}, step {step}");
            let cut = self.random.below(12) == 0;
            if cut {
                self.disk
                    .cut_at(self.disk.calls() + 1 + self.random.below(25));
            }
            let (after, done) = self.step();
            let before = std::mem::replace(&mut self.known, after);
            if done.is_err() || cut {
                assert!(cut, "{place}: {done:?}");
                if done.is_ok() {
                    self.disk.cut();
                }
                let images = Image::several(self.random.next());
                let image = images[self.random.below(6) as usize];
                let disk = self.disk.image(image);
                self.reopen(disk);
                let found = world(&self.engine);
                let fits = found == self.known || (done.is_err() && found == before);
                assert!(fits, "{place}: {image:?} after {done:?}");
                self.known = found;
            } else if self.random.below(15) == 0 {
                if self.random.below(2) == 0 {
                    self.engine.shutdown().unwrap();
                }
                let disk = self.disk.clone();
                let other = open_at(
                    &(Arc::new(FaultyStorage::new()) as _),
                    &self.options,
                    &self.clock,
                );
                self.engine = other.unwrap();
                self.reopen(disk);
            }
            assert!(
                world(&self.engine) == self.known,
                "{place}: the world is another"
            );
        }
    }
}

#[test]
fn random_operations_agree_with_the_model() {
    let seeds = std::env::var("ROOST_MODEL_SEEDS")
        .ok()
        .and_then(|s| s.parse().ok());
    for seed in 0..seeds.unwrap_or(25) {
        Model::start(seed).run(60, seed);
    }
}
