//! Power cuts in the middle of jobs of the server: ticks of a schedule, copies, a quarantine that is
//! replayed, a view that is filled, rows that are deleted.
//!
//! Goal: nothing doubled, nothing lost, and the job says what happened. Method: as the engine's crash
//! tests, with the whole server on the simulated disk; what must hold after a restart is counted from
//! what was acknowledged.
//!
//! `ROOST_CRASH_FULL=1` cuts at every call and looks at more disks; by default a part is sampled.

use std::sync::Arc;
use std::time::{Duration, Instant};

use roost::session::DatabaseOptions;
use roost_engine::clock::TestClock;
use roost_engine::options::Options;
use roost_engine::storage::faulty::{FaultyStorage, Image};
use roost_server::config::Config;
use roost_server::http::{App, Asked, ask};
use roost_server::jobs::Status;
use roost_server::store::Store;
use serde_json::{Value as Json, json};

use super::harness::form;

/// A server on a simulated disk.
struct Cut {
    app: Arc<App>,
    clock: Arc<TestClock>,
    admin: String,
}

/// The power went, or a request was refused because of it.
struct Off;

type Done<T> = Result<T, Off>;

const TEN_MINUTES: i64 = 600_000_000;

impl Cut {
    fn open(disk: &FaultyStorage, clock: &Arc<TestClock>) -> Result<Cut, String> {
        let config = Config {
            workspace: "test".to_owned(),
            ..Config::in_memory()
        };
        let options = DatabaseOptions {
            threads: 1,
            engine: Options {
                direct_part_rows: 40,
                checkpoint_bytes: 60_000,
                ..Options::manual()
            },
            ..DatabaseOptions::default()
        };
        let store = Store::over(Arc::new(disk.clone()), Arc::clone(clock) as _, options);
        let store = store.map_err(|e| format!("{e:?}"))?;
        let app = App::over(config, store).map_err(|e| format!("{e:?}"))?;
        Ok(Cut {
            admin: app.project.admin_token(),
            app: Arc::new(app),
            clock: Arc::clone(clock),
        })
    }

    fn ask(&self, method: &str, target: &str, body: &str) -> Done<Json> {
        let content_type = match body.starts_with("name=") || body.starts_with("dry=") {
            true => "application/x-www-form-urlencoded",
            false => "",
        };
        let asked = Asked {
            method,
            target,
            token: &self.admin,
            content_type,
            body: body.as_bytes(),
        };
        let (status, body) = ask(&self.app, &asked);
        match status < 300 {
            true => Ok(serde_json::from_slice(&body).unwrap_or(Json::Null)),
            false => Err(Off),
        }
    }

    fn data_source(&self, name: &str, schema: &str) -> Done<()> {
        let fields = [
            ("name", name),
            ("schema", schema),
            ("format", "ndjson"),
            ("engine", "MergeTree"),
            ("engine_sorting_key", "tuple()"),
        ];
        self.ask("POST", "/v0/datasources", &form(&fields))
            .map(|_| ())
    }

    /// Waits until all jobs are over, and the next of each pipe may begin.
    fn wait(&self) {
        let begun = Instant::now();
        let going = || {
            let state = self.app.project.snapshot();
            let mut pipes = state.pipes.values();
            let open = self.app.jobs.list(|j| !j.status.is_over());
            !open.is_empty() || pipes.any(|p| self.app.jobs.is_busy(&p.id))
        };
        while going() {
            assert!(begun.elapsed() < Duration::from_secs(20), "jobs do not end");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Waits until so many jobs are done.
    fn jobs_done(&self, all: usize) -> Done<()> {
        self.wait();
        match self.done() == all {
            true => Ok(()),
            false => Err(Off),
        }
    }

    fn done(&self) -> usize {
        self.app.jobs.list(|j| j.status == Status::Done).len()
    }

    /// A number that a query gives; none when it fails.
    fn number(&self, sql: &str) -> Option<u64> {
        let found = self.app.store().query(sql).ok()?;
        found.rows().first()?.first()?.as_u64()
    }

    /// All jobs are over and say how.
    fn jobs_say(&self, place: &str) {
        for job in self.app.jobs.list(|_| true) {
            match job.status {
                Status::Done => {}
                Status::Error => {
                    let why = job.error.unwrap_or_default();
                    assert!(why.contains("server was stopped"), "{place}: {why}");
                }
                other => panic!("{place}: a job is {other:?}"),
            }
        }
    }
}

/// What a run heard before the power went.
#[derive(Debug, Default, Clone)]
struct Known {
    /// Steps that were acknowledged.
    steps: usize,
    /// Jobs that were done.
    jobs: usize,
    /// Rows that were sent and acknowledged, and those under way.
    sent: u64,
    under_way: u64,
}

type Perform = fn(&Cut, &mut Known) -> Done<()>;
type Check = fn(&Cut, &Known, &str);

fn cut_everywhere(perform: Perform, check: Check) {
    let clock = || Arc::new(TestClock::at(1_709_164_710_000_000));
    let disk = FaultyStorage::new();
    let whole = Cut::open(&disk, &clock()).unwrap();
    // The server is there already: its beginning is the same for all.
    let before = disk.calls();
    let mut known = Known::default();
    assert!(
        perform(&whole, &mut known).is_ok(),
        "it ends without faults"
    );
    check(&whole, &known, "without faults");
    drop(whole);
    let trace = disk.trace();
    let changing = trace.iter().zip(1u64..).skip(before as usize);
    let all: Vec<u64> = changing
        .filter(|(c, _)| c.kind.changes())
        .map(|(_, n)| n)
        .collect();
    let full = std::env::var_os("ROOST_CRASH_FULL").is_some();
    let step = if full { 1 } else { all.len().div_ceil(4) };
    let mut images = 0;
    for n in all.into_iter().step_by(step.max(1)) {
        let (disk, clock) = (FaultyStorage::new(), clock());
        disk.cut_at(n);
        let mut known = Known::default();
        if let Ok(run) = Cut::open(&disk, &clock) {
            let _ = perform(&run, &mut known);
            run.wait();
        }
        // Threads may have needed fewer calls this time.
        disk.cut();
        let several = Image::many(n * 31);
        let chosen = if full { &several[..] } else { &several[1..3] };
        for image in chosen {
            let place = format!(
                "cut at call {n} {:?}, {image:?}, {known:?}",
                trace[n as usize - 1]
            );
            let disk = disk.image(*image);
            let run = Cut::open(&disk, &clock).unwrap_or_else(|e| panic!("{place}: {e}"));
            run.jobs_say(&place);
            check(&run, &known, &place);
            images += 1;
        }
    }
    println!("{images} disks");
}

/// Ticks of a schedule and runs by hand: each adds a row, and a run that is done added one.
#[test]
fn schedule_ticks() {
    fn perform(run: &Cut, known: &mut Known) -> Done<()> {
        run.data_source("out", "`a` UInt64 `json:$.a`")?;
        let nodes = json!([{ "name": "n", "sql": "SELECT count() AS a FROM out", "type": "copy",
                             "target_datasource": "out" }]);
        let body = json!({ "name": "c", "nodes": nodes }).to_string();
        run.ask("POST", "/v0/pipes", &body)?;
        let put = "/v0/pipes/c/nodes/n/copy?schedule_cron=*/10+*+*+*+*&mode=append";
        run.ask("PUT", put, "")?;
        run.app.schedules.run_due();
        for round in 0..3 {
            run.clock.advance(TEN_MINUTES);
            run.app.schedules.run_due();
            run.wait();
            known.jobs = run.done();
            if round == 1 {
                run.ask("POST", "/v0/pipes/c/copy", "")?;
                run.wait();
                known.jobs = run.done();
            }
            known.steps += 1;
        }
        Ok(())
    }
    fn check(run: &Cut, known: &Known, place: &str) {
        let rows = || run.number("SELECT count() FROM default.out");
        let Some(there) = rows() else { return };
        let done = run.done();
        assert_eq!(
            there, done as u64,
            "{place}: each run that is done added a row"
        );
        assert!(
            done == known.jobs || done == known.jobs + 1,
            "{place}: {done} are done"
        );
        if run
            .app
            .project
            .snapshot()
            .pipe("c")
            .is_none_or(|p| p.schedule().is_none())
        {
            return;
        }
        // A time that was missed is made up for once, and the next comes once.
        run.app.schedules.run_due();
        run.wait();
        let caught_up = rows().unwrap();
        assert!(caught_up - there <= 1, "{place}: {caught_up} after {there}");
        run.clock.advance(TEN_MINUTES);
        run.app.schedules.run_due();
        run.app.schedules.run_due();
        run.wait();
        assert_eq!(rows(), Some(caught_up + 1), "{place}");
    }
    cut_everywhere(perform, check);
}

/// Every row that was sent is in the data source or in its quarantine, once.
#[test]
fn quarantine_replay() {
    fn perform(run: &Cut, known: &mut Known) -> Done<()> {
        run.data_source("t", "`a` Int16 `json:$.a`,`s` String `json:$.s`")?;
        for round in 0..2 {
            let body = "{\"a\":1,\"s\":\"good\"}\n{\"a\":\"1.5\",\"s\":\"later\"}\n{\"a\":\"x\",\"s\":\"never\"}\n";
            known.under_way = 3;
            run.ask("POST", "/v0/events?name=t&wait=true", body)?;
            (known.sent, known.under_way) = (known.sent + 3, 0);
            known.steps += 1;
            if round == 0 {
                run.ask("POST", "/v0/datasources/t/quarantine/replay", "")?;
                run.wait();
            }
        }
        let wider = "`a` Float64 `json:$.a`,`s` String `json:$.s`";
        let altered = form(&[("dry", "false"), ("schema", wider)]);
        run.ask("POST", "/v0/datasources/t/alter", &altered)?;
        known.steps += 1;
        run.ask("POST", "/v0/datasources/t/quarantine/replay", "")?;
        run.wait();
        known.jobs = run.done();
        Ok(())
    }
    fn check(run: &Cut, known: &Known, place: &str) {
        let count = |table: &str| run.number(&format!("SELECT count() FROM default.{table}"));
        let (Some(good), Some(aside)) = (count("t"), count("t_quarantine")) else {
            assert_eq!(known.sent, 0, "{place}");
            return;
        };
        let all = good + aside;
        assert!(
            all >= known.sent && all <= known.sent + known.under_way,
            "{place}: {good} rows and {aside} in quarantine"
        );
        if known.steps < 3 {
            return;
        }
        assert!(
            run.ask("POST", "/v0/datasources/t/quarantine/replay", "")
                .is_ok()
        );
        run.wait();
        assert_eq!(
            (count("t"), count("t_quarantine")),
            (Some(4), Some(2)),
            "{place}"
        );
    }
    cut_everywhere(perform, check);
}

/// A view that is filled by a job, and rows that are deleted by one.
#[test]
fn populations_and_deletes() {
    fn perform(run: &Cut, known: &mut Known) -> Done<()> {
        run.data_source("t", "`a` UInt64 `json:$.a`")?;
        let rows: String = (0..60).map(|a| format!("{{\"a\":{a}}}\n")).collect();
        run.ask("POST", "/v0/events?name=t&wait=true", &rows)?;
        known.steps += 1;
        let nodes = json!([{ "name": "out", "sql": "SELECT a % 3 AS m, countState() AS n FROM t GROUP BY m",
            "type": "materialized", "datasource": "counts", "engine": "AggregatingMergeTree",
            "engine_sorting_key": "m" }]);
        let body = json!({ "name": "p", "nodes": nodes }).to_string();
        run.ask("POST", "/v0/pipes?populate=true", &body)?;
        run.jobs_done(1)?;
        known.steps += 1;
        run.ask(
            "POST",
            "/v0/events?name=t&wait=true",
            "{\"a\":7}\n{\"a\":8}\n",
        )?;
        known.steps += 1;
        let condition = form(&[("delete_condition", "a < 30")]);
        run.ask("POST", &format!("/v0/datasources/t/delete?{condition}"), "")?;
        run.jobs_done(2)?;
        known.steps += 1;
        Ok(())
    }
    fn check(run: &Cut, known: &Known, place: &str) {
        let rows = run.number("SELECT count() FROM default.t");
        let counted = || run.number("SELECT countMerge(n) FROM default.counts");
        let expected: &[u64] = match known.steps {
            0 => &[0, 60],
            1 => &[60],
            2 => &[60, 62],
            3 => &[62, 30],
            _ => &[30],
        };
        match rows {
            None => assert_eq!(known.steps, 0, "{place}"),
            Some(rows) => assert!(expected.contains(&rows), "{place}: {rows} rows"),
        }
        if known.steps < 2 {
            // Not filled, or filled.
            assert!(
                matches!(counted(), None | Some(0 | 60)),
                "{place}: {:?}",
                counted()
            );
            return;
        }
        // Filled, and following: every row that came, once.
        let all: &[u64] = if known.steps == 2 { &[60, 62] } else { &[62] };
        assert!(
            counted().is_some_and(|n| all.contains(&n)),
            "{place}: {:?}",
            counted()
        );
        let again = "/v0/pipes/p/nodes/out/population?truncate=true";
        assert!(run.ask("POST", again, "").is_ok(), "{place}");
        run.wait();
        assert_eq!(
            counted(),
            run.number("SELECT count() FROM default.t"),
            "{place}"
        );
    }
    cut_everywhere(perform, check);
}

/// A data source whose rows are replaced, and by a copy: the old rows or the new ones, and nothing else
/// is left.
#[test]
fn replacements() {
    const SIZES: [u64; 4] = [5, 70, 3, 50];
    fn perform(run: &Cut, known: &mut Known) -> Done<()> {
        run.data_source("t", "`a` UInt64 `json:$.a`")?;
        let nodes = json!([{ "name": "n", "sql": "SELECT a + 1 AS a FROM t WHERE a < 49", "type": "copy",
                             "target_datasource": "t" }]);
        let body = json!({ "name": "c", "nodes": nodes }).to_string();
        run.ask("POST", "/v0/pipes", &body)?;
        for n in SIZES {
            let rows: String = (0..n).map(|a| format!("{{\"a\":{a}}}\n")).collect();
            known.under_way = n;
            let path = "/v0/datasources?name=t&mode=replace&format=ndjson";
            run.ask("POST", path, &rows)?;
            (known.sent, known.under_way) = (n, 0);
        }
        known.under_way = 48;
        run.ask("POST", "/v0/pipes/c/copy?_mode=replace", "")?;
        run.jobs_done(1)?;
        (known.sent, known.under_way) = (48, 0);
        Ok(())
    }
    fn check(run: &Cut, known: &Known, place: &str) {
        let rows = run.number("SELECT count() FROM default.t").unwrap_or(0);
        assert!(
            rows == known.sent || rows == known.under_way,
            "{place}: {rows} rows"
        );
        let left = "SELECT count() FROM system.tables WHERE name LIKE '%replace%'";
        assert_eq!(run.number(left), Some(0), "{place}");
    }
    cut_everywhere(perform, check);
}
