//! Power cuts at every call of statements and jobs: views that change or are filled, copies, TTL,
//! ALTER, branches, merges.
//!
//! Goal: nothing doubled, nothing lost. Method: a scenario is a list of steps, each of which takes hold
//! at one instant. It runs once without faults, and what a reader sees is noted behind each step. Then
//! it is cut at each call that changes the disk, and each disk that may be found must show what was
//! noted behind the last acknowledged step or behind the one under way; the steps that are left lead
//! to the same end.
//!
//! `ROOST_CRASH_FULL=1` cuts at every call and looks at more disks; by default a part is sampled.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers outside #[test] functions, where clippy.toml does not reach, end the test by panicking"
)]

use std::cell::RefCell;
use std::sync::Arc;

use roost::interpret::WriteOptions;
use roost::interpret::materialized::Stored;
use roost::session::{DatabaseOptions, QueryRequest};
use roost::{Database, Error};
use roost_engine::catalog::NewBranch;
use roost_engine::clock::TestClock;
use roost_engine::error::Result;
use roost_engine::options::Options;
use roost_engine::storage::faulty::{Cuts, FaultyStorage};

/// What steps act on.
struct Run {
    db: Database,
    clock: Arc<TestClock>,
    /// A view's source as it was when the view was made; a restart forgets it.
    stored: RefCell<Option<Stored>>,
}

#[derive(Clone, Copy)]
enum Step {
    /// Statements that take hold together.
    Sql(&'static str),
    /// The same in branch `b`.
    Branch(&'static str),
    /// Anything else.
    Do(fn(&Run) -> Result<()>),
}
use Step::{Branch, Do, Sql};

struct Scenario {
    steps: &'static [Step],
    /// Queries whose answers are what a reader sees.
    seen: &'static [&'static str],
}

fn open(disk: &FaultyStorage, clock: &Arc<TestClock>) -> Result<Run> {
    let engine = Options {
        direct_part_rows: 40,
        flush_rows: 60,
        checkpoint_bytes: 4000,
        merge_block_rows: 64,
        ..Options::manual()
    };
    let options = DatabaseOptions {
        threads: 1,
        engine,
        ..DatabaseOptions::default()
    };
    let db = Database::on(Arc::new(disk.clone()), Arc::clone(clock) as _, options)?;
    Ok(Run {
        db,
        clock: Arc::clone(clock),
        stored: RefCell::default(),
    })
}

impl Run {
    fn step(&self, step: Step) -> Result<()> {
        match step {
            Sql(sql) => self.db.execute(sql),
            Branch(sql) => self.db.branch("b")?.execute(sql),
            Do(act) => act(self),
        }
    }

    /// What a reader sees; the code of the error where there is no answer.
    fn seen(&self, scenario: &Scenario) -> Vec<String> {
        let answer = |sql: &str| {
            let (db, sql) = match sql.strip_prefix("b: ") {
                Some(sql) => (self.db.branch("b"), sql),
                None => (Ok(self.db.clone()), sql),
            };
            match db.and_then(|db| db.query(sql)) {
                Ok(found) => format!("{:?}", found.rows()),
                Err(e) => format!("{:?}", e.code()),
            }
        };
        let tables = "SELECT name FROM system.tables WHERE database = 'default' \
            AND NOT startsWith(name, '.inner') ORDER BY name";
        let seen = scenario.seen.iter().copied().chain([tables]);
        let keys = self.db.engine().scan("job/");
        let keys = std::iter::once(format!("{keys:?}"));
        seen.map(answer).chain(keys).collect()
    }
}

/// The clock of a run; those of all runs go alike.
fn clock() -> Arc<TestClock> {
    Arc::new(TestClock::at(1_000_000_000_000))
}

/// Runs steps until one fails; how many were acknowledged.
fn perform(run: &Run, steps: &[Step]) -> (usize, Option<Error>) {
    for (i, step) in steps.iter().enumerate() {
        if let Err(e) = run.step(*step) {
            return (i, Some(e));
        }
    }
    (steps.len(), None)
}

fn cut_everywhere(scenario: &Scenario) {
    let disk = FaultyStorage::new();
    let whole = open(&disk, &clock()).unwrap();
    let mut notes = vec![whole.seen(scenario)];
    for step in scenario.steps {
        whole.step(*step).unwrap();
        notes.push(whole.seen(scenario));
    }
    drop(whole);
    let cuts = Cuts {
        from: 0,
        calls: 4,
        images: 1..3,
    };
    let cut = |disk: &FaultyStorage| {
        let clock = clock();
        let known = open(disk, &clock).map_or(0, |run| perform(&run, scenario.steps).0);
        assert!(disk.is_off(), "the power goes");
        (clock, known)
    };
    let disks = cuts.run(&disk, &cut, &|disk, (clock, known), place| {
        check(disk, clock, scenario, (*known, &notes), place);
    });
    println!("{disks} disks");
}

/// Opens a disk, looks, and goes on from there to the end.
fn check(
    disk: &FaultyStorage,
    clock: &Arc<TestClock>,
    scenario: &Scenario,
    (known, notes): (usize, &[Vec<String>]),
    place: &str,
) {
    let run = open(disk, clock).unwrap_or_else(|e| panic!("{place}: {e:?}"));
    let seen = run.seen(scenario);
    let next = (known + 1).min(scenario.steps.len());
    let done = match () {
        // What left no trace is done again.
        () if seen == notes[known] => known,
        () if seen == notes[next] => next,
        () => panic!(
            "{place}:\n{seen:?}\nis neither\n{:?}\nnor\n{:?}",
            notes[known], notes[next]
        ),
    };
    let (_, failed) = perform(&run, &scenario.steps[done..]);
    assert!(failed.is_none(), "{place}: {failed:?}");
    let end = run.seen(scenario);
    assert!(
        end == notes[scenario.steps.len()],
        "{place}: gone on, it ends with\n{end:?}\ninstead of\n{:?}",
        notes[scenario.steps.len()]
    );
}

const T: &str = "CREATE TABLE IF NOT EXISTS t (k UInt64, v UInt64) ORDER BY k";
const A: &str = "CREATE TABLE IF NOT EXISTS a (k UInt64) ORDER BY k";
const FEW: &str = "INSERT INTO t (k, v) SELECT number, 1 FROM numbers(5)";
const MANY: &str = "INSERT INTO t (k, v) SELECT 1000 + number, 2 FROM numbers(70)";
const SOME: &str = "INSERT INTO t (k, v) SELECT 2000 + number, 3 FROM numbers(12)";
const LAST: &str = "INSERT INTO t (k, v) SELECT 3000 + number, 4 FROM numbers(50)";
const SEEN_T: &str = "SELECT count(), sum(k), sum(v) FROM t";
const SEEN_A: &str = "SELECT count(), sum(k), uniqExact(k) FROM a";

fn flush(run: &Run) -> Result<()> {
    run.db.engine().flush()
}

fn checkpoint(run: &Run) -> Result<()> {
    run.db.engine().checkpoint()
}

fn background(run: &Run) -> Result<()> {
    run.db.engine().run_background_once().map(|_| ())
}

/// The table under a view changes, the view is replaced, and goes.
#[test]
fn alter_of_view() {
    cut_everywhere(&Scenario {
        steps: &[
            Sql(T),
            Sql(A),
            Sql("CREATE MATERIALIZED VIEW IF NOT EXISTS w TO a AS SELECT k FROM t"),
            Sql(FEW),
            Sql("ALTER TABLE t ADD COLUMN IF NOT EXISTS n UInt64 DEFAULT v + 1"),
            Sql(MANY),
            Sql("CREATE OR REPLACE MATERIALIZED VIEW w TO a AS SELECT k * 10 + n AS k FROM t"),
            Sql(SOME),
            Do(checkpoint),
            Sql("ALTER TABLE a ADD COLUMN IF NOT EXISTS late UInt8 DEFAULT 9"),
            Sql(LAST),
            Sql("DROP VIEW IF EXISTS w"),
            Sql(FEW),
        ],
        seen: &[
            SEEN_T,
            SEEN_A,
            "SELECT table, name, type FROM system.columns WHERE database = 'default' ORDER BY ALL",
            "SELECT sum(n) FROM t",
            "SELECT sum(late) FROM a",
            "SHOW CREATE TABLE w",
        ],
    });
}

/// A view with a table of its own is replaced, also with what it is filled with.
#[test]
fn replaced_view() {
    cut_everywhere(&Scenario {
        steps: &[
            Sql(T),
            Sql(FEW),
            Sql("CREATE OR REPLACE MATERIALIZED VIEW p ORDER BY k AS SELECT k FROM t"),
            Sql(MANY),
            Sql("CREATE OR REPLACE MATERIALIZED VIEW p ORDER BY k AS SELECT k, v * 2 AS w FROM t"),
            Sql(SOME),
            Sql(
                "CREATE OR REPLACE MATERIALIZED VIEW p ORDER BY k POPULATE AS SELECT k, v AS x FROM t",
            ),
            Sql(FEW),
            Sql("RENAME TABLE p TO q"),
            Sql(SOME),
            Sql("CREATE OR REPLACE MATERIALIZED VIEW q ORDER BY k POPULATE AS SELECT k FROM t"),
            Sql("DROP VIEW IF EXISTS q"),
            Sql(FEW),
        ],
        seen: &[
            SEEN_T,
            "SELECT count(), sum(k) FROM p",
            "SELECT sum(w) FROM p",
            "SELECT sum(x) FROM p",
            "SELECT count(), sum(k) FROM q",
            "SHOW CREATE TABLE p",
        ],
    });
}

/// A view is filled by its statement, and by a job while inserts go on.
#[test]
fn populate() {
    cut_everywhere(&Scenario {
        steps: &[
            Sql(T),
            Sql(A),
            Sql(FEW),
            Sql(MANY),
            Do(|run| {
                let made = run
                    .db
                    .create_view("CREATE MATERIALIZED VIEW w TO a AS SELECT k FROM t")?;
                *run.stored.borrow_mut() = made;
                Ok(())
            }),
            Sql(SOME),
            Do(|run| {
                let held = run.stored.borrow_mut().take();
                // After a restart the job is over; the next one starts from nothing.
                let held = match held {
                    Some(held) => held,
                    None => run.db.view_source("default", "w", true)?,
                };
                let filled = run.db.populate(&held, None, &Default::default(), None);
                filled.map(|_| ())
            }),
            Sql(LAST),
            Sql("CREATE MATERIALIZED VIEW p ORDER BY k POPULATE AS SELECT k, v + 1 AS v FROM t"),
            Sql(FEW),
            Sql("RENAME TABLE p TO q"),
            Sql(FEW),
        ],
        seen: &[
            SEEN_T,
            SEEN_A,
            "SELECT count(), sum(k), sum(v) FROM p",
            "SELECT count(), sum(k), sum(v) FROM q",
        ],
    });
}

fn written(sql: &str, write: WriteOptions, run: &Run) -> Result<()> {
    let request = QueryRequest {
        sql: sql.to_owned(),
        write,
        ..QueryRequest::default()
    };
    run.db.run(request, &mut Vec::new()).map(|_| ())
}

/// A copy's rows, with the end of its job and its cursor in the same commit.
fn copy(sql: &str, job: &'static str, replaces: bool, run: &Run) -> Result<()> {
    let engine = run.db.engine();
    let target = engine.table("default", "a").unwrap();
    let replace = match replaces {
        true => Some(engine.hold(&target, &mut || Ok(()))?),
        false => None,
    };
    let write = WriteOptions {
        replace,
        also: Some(Arc::new(move |w| {
            let text = format!("{} rows", w.rows);
            vec![(format!("job/{job}"), Some(text.into_bytes()))]
        })),
        ..WriteOptions::default()
    };
    written(sql, write, run)
}

/// A copy of the rows that it has not read yet.
fn increment(run: &Run) -> Result<()> {
    let engine = run.db.engine();
    let source = engine.table("default", "t").unwrap();
    let write = WriteOptions {
        since: Some(Arc::new(engine.since(&source, "copy")?)),
        ..WriteOptions::default()
    };
    written("INSERT INTO a SELECT k FROM t", write, run)
}

#[test]
fn copies() {
    cut_everywhere(&Scenario {
        steps: &[
            Sql(T),
            Sql(A),
            Sql("CREATE TABLE IF NOT EXISTS c (n UInt64) ORDER BY n"),
            Sql("CREATE MATERIALIZED VIEW IF NOT EXISTS w TO c AS SELECT count() AS n FROM a"),
            Sql(FEW),
            Sql(MANY),
            Do(|run| copy("INSERT INTO a SELECT k FROM t", "append", false, run)),
            Sql(SOME),
            Do(|run| copy("INSERT INTO a SELECT k + 1 FROM t", "replace", true, run)),
            Sql(LAST),
            // What it has not read yet of its source, by its own rows and by its mark.
            Do(|run| {
                let sql = "INSERT INTO a SELECT k FROM t WHERE k > (SELECT max(k) FROM a)";
                copy(sql, "new", false, run)
            }),
            Do(increment),
            Do(background),
            Sql(MANY),
            Do(flush),
            Do(increment),
            Do(increment),
            Do(|run| {
                copy(
                    "INSERT INTO a SELECT k * 2 FROM a WHERE k % 2 = 0",
                    "own",
                    true,
                    run,
                )
            }),
            Do(background),
            Do(|run| {
                copy(
                    "INSERT INTO a SELECT k FROM t WHERE k < 0",
                    "nothing",
                    true,
                    run,
                )
            }),
        ],
        seen: &[SEEN_T, SEEN_A, "SELECT count(), sum(n) FROM c"],
    });
}

/// Rows move to a table with another key, those that come meanwhile follow, and the tables change places.
#[test]
fn moved_key() {
    fn follow(run: &Run) -> Result<()> {
        let engine = run.db.engine();
        let old = engine.table("default", "t").unwrap();
        let write = WriteOptions {
            since: Some(Arc::new(engine.since(&old, "moved")?)),
            ..WriteOptions::default()
        };
        written("INSERT INTO b (k, v) SELECT k, v FROM t", write, run)
    }
    fn exchange(run: &Run) -> Result<()> {
        let engine = run.db.engine();
        let old = engine.table("default", "t").unwrap();
        let _closed = old.close();
        let name = |name: &str| ("default".to_owned(), name.to_owned());
        let job = vec![("job/moved".to_owned(), Some(b"1".to_vec()))];
        engine.exchange_fenced(&name("t"), &name("b"), job, &|| true)
    }
    cut_everywhere(&Scenario {
        steps: &[
            Sql(T),
            Sql(MANY),
            Sql(FEW),
            Sql("CREATE TABLE IF NOT EXISTS b (k UInt64, v UInt64) ORDER BY (v, k)"),
            Do(follow),
            Sql(SOME),
            Do(background),
            Do(follow),
            Sql(LAST),
            Do(follow),
            Do(exchange),
            Sql(FEW),
            Do(background),
            Sql("DROP TABLE IF EXISTS b"),
            Sql(SOME),
        ],
        seen: &[SEEN_T, "SELECT count(), sum(k), sum(v) FROM b"],
    });
}

#[test]
fn ttl() {
    fn later(run: &Run) -> Result<()> {
        run.clock.advance(100_000 * 1_000_000);
        background(run)
    }
    cut_everywhere(&Scenario {
        steps: &[
            Sql(
                "CREATE TABLE IF NOT EXISTS t (k UInt64, v UInt64, d DateTime DEFAULT 1000000) ORDER BY k TTL d + INTERVAL 1 DAY",
            ),
            Sql(MANY),
            Sql(
                "INSERT INTO t SELECT number, number, if(number % 2 = 0, 1000000, 4000000000) FROM numbers(60)",
            ),
            Sql("INSERT INTO t SELECT number + 100, number, 4000000000 FROM numbers(45)"),
            Do(later),
            Do(background),
            Sql("ALTER TABLE t MODIFY TTL d + INTERVAL 2 YEAR"),
            Sql(SOME),
            Do(flush),
            Do(background),
            Sql("ALTER TABLE t MODIFY TTL d"),
            // One part at a time; there may be more of them after a restart.
            Do(background),
            Do(background),
            Do(background),
            Do(background),
            Do(background),
            Do(background),
            Sql(FEW),
        ],
        seen: &[SEEN_T],
    });
}

#[test]
fn alter() {
    cut_everywhere(&Scenario {
        steps: &[
            Sql(T),
            Sql(FEW),
            Sql(MANY),
            Sql("ALTER TABLE t ADD COLUMN IF NOT EXISTS s String DEFAULT toString(v)"),
            Sql(SOME),
            Sql("ALTER TABLE t MODIFY COLUMN v UInt32"),
            Sql("ALTER TABLE t RENAME COLUMN s TO r"),
            Sql(LAST),
            Sql("DELETE FROM t WHERE k % 3 = 0"),
            Sql("ALTER TABLE t ADD INDEX i v TYPE minmax GRANULARITY 1"),
            Sql("ALTER TABLE t DROP COLUMN r"),
            Sql("CREATE TABLE u (k UInt64, v UInt64) ORDER BY k"),
            Sql("EXCHANGE TABLES t AND u"),
            Sql(FEW),
            Sql("RENAME TABLE u TO x"),
            Sql("TRUNCATE TABLE t"),
            Sql(SOME),
            Sql("DROP TABLE x"),
        ],
        seen: &[
            SEEN_T,
            "SELECT count(), sum(k), sum(v) FROM u",
            "SELECT count(), sum(k), sum(v) FROM x",
            "SELECT table, name, type FROM system.columns WHERE database = 'default' ORDER BY ALL",
            "SELECT max(s) FROM t",
            "SELECT max(r) FROM t",
        ],
    });
}

#[test]
fn branch() {
    fn token(run: &Run) -> Result<()> {
        run.db
            .execute("INSERT INTO t (k, v) SETTINGS insert_deduplication_token = 'o' VALUES (7, 7)")
    }
    fn token_in_branch(run: &Run) -> Result<()> {
        let branch = run.db.branch("b")?;
        branch
            .execute("INSERT INTO t (k, v) SETTINGS insert_deduplication_token = 'o' VALUES (7, 7)")
    }
    cut_everywhere(&Scenario {
        steps: &[
            Sql(T),
            Sql(A),
            Sql("CREATE MATERIALIZED VIEW IF NOT EXISTS w TO a AS SELECT k FROM t"),
            Sql(FEW),
            Sql(MANY),
            Do(token),
            Do(|run| run.db.create_branch("b", NewBranch::default()).map(|_| ())),
            // The origin's inserts before it are the branch's own; a retry lands on neither side.
            Do(token_in_branch),
            Do(token),
            Branch(SOME),
            Sql(LAST),
            Branch("ALTER TABLE t ADD COLUMN n UInt8 DEFAULT 3"),
            Branch("DELETE FROM t WHERE k < 3"),
            Sql("DROP VIEW w"),
            Branch(LAST),
            Do(flush),
            Branch("OPTIMIZE TABLE a FINAL"),
            Sql("OPTIMIZE TABLE t FINAL"),
            Do(checkpoint),
            Sql("DROP TABLE a"),
            Branch(FEW),
            Do(|run| run.db.drop_branch("b")),
            Sql(FEW),
        ],
        seen: &[
            SEEN_T,
            SEEN_A,
            "b: SELECT count(), sum(k), sum(v) FROM t",
            "b: SELECT count(), sum(k), uniqExact(k) FROM a",
            "b: SELECT sum(n) FROM t",
        ],
    });
}

#[test]
fn merges_again() {
    cut_everywhere(&Scenario {
        steps: &[
            Sql(
                "CREATE TABLE IF NOT EXISTS t (k UInt64, v UInt64) ENGINE = ReplacingMergeTree(v) ORDER BY k",
            ),
            Sql(
                "CREATE TABLE IF NOT EXISTS a (g UInt64, s AggregateFunction(sum, UInt64)) ENGINE = AggregatingMergeTree ORDER BY g",
            ),
            Sql(
                "CREATE MATERIALIZED VIEW IF NOT EXISTS w TO a AS SELECT k % 3 AS g, sumState(v) AS s FROM t GROUP BY g",
            ),
            Sql("INSERT INTO t SELECT number, 1 FROM numbers(60)"),
            Sql("INSERT INTO t SELECT number * 2, 2 FROM numbers(50)"),
            Sql("OPTIMIZE TABLE t FINAL"),
            Sql("INSERT INTO t SELECT number * 3, 3 FROM numbers(45)"),
            Sql("INSERT INTO t SELECT number * 3, 0 FROM numbers(5)"),
            Sql("OPTIMIZE TABLE a FINAL"),
            Do(background),
            Sql("OPTIMIZE TABLE t FINAL"),
            Sql("OPTIMIZE TABLE t FINAL"),
            Sql("INSERT INTO t SELECT number, 9 FROM numbers(41)"),
            Sql("OPTIMIZE TABLE a FINAL"),
        ],
        seen: &[
            "SELECT count(), sum(k), sum(v) FROM t FINAL",
            "SELECT g, sumMerge(s) FROM a GROUP BY g ORDER BY g",
        ],
    });
}
