//! Power cuts in the middle of jobs of the server, of every kind; see [`scenario_of`].
//!
//! Goal: nothing doubled, nothing lost, and the job says what happened. Method: as the engine's crash
//! tests, with the whole server on the simulated disk; what must hold after a restart is counted from
//! what was acknowledged.
//!
//! `ROOST_CRASH_FULL=1` cuts at every call and looks at more disks; by default a part is sampled.

mod inside;
mod into;
mod out;
mod streams;

use std::sync::Arc;
use std::time::{Duration, Instant};

use roost::session::DatabaseOptions;
use roost_engine::clock::TestClock;
use roost_engine::options::Options;
use roost_engine::storage::faulty::{Cuts, FaultyStorage};
use roost_server::config::Config;
use roost_server::http::{App, Asked, ask};
use roost_server::jobs::{Kind, Status};
use roost_server::store::Store;
use serde_json::Value as Json;

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
            // Sinks write where the database is.
            data: Some("/disk".into()),
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
            false if body.starts_with("--X") => "multipart/form-data; boundary=X",
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
            false => {
                println!(
                    "{method} {target}: {status} {}",
                    String::from_utf8_lossy(&body)
                );
                Err(Off)
            }
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
        self.app.log.write_waiting(self.app.store());
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
            false => {
                println!("{:?}", self.app.jobs.list(|j| j.status == Status::Error));
                Err(Off)
            }
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

    /// Rows of a table of the workspace.
    fn count(&self, table: &str) -> Option<u64> {
        self.number(&format!("SELECT count() FROM default.{table}"))
    }

    /// All jobs are over and say how, to whoever asks.
    fn jobs_say(&self, place: &str) {
        self.app.log.write_waiting(self.app.store());
        for job in self.app.jobs.list(|_| true) {
            let noted = format!(
                "SELECT count() FROM tinybird.jobs_log_states WHERE job_id = '{}' AND status = '{}'",
                job.id,
                job.status.name()
            );
            assert_eq!(self.number(&noted), Some(1), "{place}: {job:?} in jobs_log");
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
#[derive(Debug, Default)]
struct Known {
    /// Steps that were acknowledged.
    steps: usize,
    /// Jobs that were done.
    jobs: usize,
    /// Rows that were sent and acknowledged, and those under way.
    sent: u64,
    under_way: u64,
}

/// Something that is cut everywhere.
struct Scenario {
    /// Kinds of the jobs in it.
    kinds: &'static [Kind],
    perform: fn(&Cut, &mut Known) -> Done<()>,
    check: fn(&Cut, &Known, &str),
}

/// Where jobs of a kind are cut.
fn scenario_of(kind: Kind) -> &'static Scenario {
    match kind {
        Kind::Copy => &inside::REPLACEMENTS,
        Kind::DeleteData | Kind::PopulateView => &inside::POPULATIONS_AND_DELETES,
        Kind::ReplayQuarantine => &inside::QUARANTINE_REPLAY,
        Kind::Import => &into::IMPORTS,
        Kind::DataBranch => &into::BRANCH_DATA,
        Kind::Sink => &out::FILES,
    }
}

#[test]
fn every_kind_of_job_is_cut() {
    for kind in Kind::ALL {
        assert!(scenario_of(kind).kinds.contains(&kind), "{kind:?}");
    }
}

fn cut_everywhere(scenario: &Scenario) {
    let clock = || Arc::new(TestClock::at(1_709_164_710_000_000));
    let disk = FaultyStorage::new();
    let whole = Cut::open(&disk, &clock()).unwrap();
    // The server is there already: its beginning is the same for all.
    let from = disk.calls();
    let mut known = Known::default();
    assert!(
        (scenario.perform)(&whole, &mut known).is_ok(),
        "it ends without faults"
    );
    for kind in scenario.kinds {
        let of_kind = whole.app.jobs.list(|j| j.kind == kind.name());
        assert!(!of_kind.is_empty(), "there is a job of kind {kind:?}");
    }
    (scenario.check)(&whole, &known, "without faults");
    drop(whole);
    let cuts = Cuts {
        from,
        calls: 6,
        images: 1..3,
    };
    let perform = |disk: &FaultyStorage| {
        let (clock, mut known) = (clock(), Known::default());
        if let Ok(run) = Cut::open(disk, &clock) {
            let _ = (scenario.perform)(&run, &mut known);
            run.wait();
        }
        (clock, known)
    };
    let disks = cuts.run(&disk, &perform, &|disk, (clock, known), place| {
        let run = Cut::open(disk, clock).unwrap_or_else(|e| panic!("{place}: {e}"));
        run.jobs_say(place);
        (scenario.check)(&run, known, place);
    });
    println!("{disks} disks");
}
