//! Jobs whose rows stay in the workspace: copies, a quarantine that is replayed, a view that is filled,
//! rows that are deleted or replaced.

use serde_json::json;

use super::super::harness::form;
use super::{Cut, Done, Known, Off, Scenario, TEN_MINUTES, cut_everywhere};
use roost_server::jobs::{Kind, Status};

/// Ticks of a schedule and runs by hand: each adds a row, and a run that is done added one.
const SCHEDULE_TICKS: Scenario = {
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
    Scenario {
        kinds: &[Kind::Copy],
        perform,
        check,
    }
};

#[test]
fn schedule_ticks() {
    cut_everywhere(&SCHEDULE_TICKS);
}

/// Every row that was sent is in the data source or in its quarantine, once.
pub(super) const QUARANTINE_REPLAY: Scenario = {
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
    Scenario {
        kinds: &[Kind::ReplayQuarantine],
        perform,
        check,
    }
};

#[test]
fn quarantine_replay() {
    cut_everywhere(&QUARANTINE_REPLAY);
}

/// A view that is filled by a job, and rows that are deleted by one.
pub(super) const POPULATIONS_AND_DELETES: Scenario = {
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
        // The end of a job comes with what it did.
        let done = |kind: Kind| {
            let found = run.app.jobs.list(|j| j.kind == kind.name());
            found.first().is_some_and(|j| j.status == Status::Done)
        };
        let filled = run.number("SELECT countMerge(n) FROM default.counts");
        assert_eq!(
            filled.unwrap_or(0) >= 60,
            done(Kind::PopulateView),
            "{place}: {filled:?}"
        );
        assert_eq!(
            rows == Some(30),
            done(Kind::DeleteData),
            "{place}: {rows:?}"
        );
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
    Scenario {
        kinds: &[Kind::PopulateView, Kind::DeleteData],
        perform,
        check,
    }
};

#[test]
fn populations_and_deletes() {
    cut_everywhere(&POPULATIONS_AND_DELETES);
}

/// A data source whose rows are replaced, and by a copy: the old rows or the new ones, and nothing else
/// is left.
pub(super) const REPLACEMENTS: Scenario = {
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
    Scenario {
        kinds: &[Kind::Copy],
        perform,
        check,
    }
};

#[test]
fn replacements() {
    cut_everywhere(&REPLACEMENTS);
}

/// A copy of what is new: each row of its source comes once, in as many runs as were done.
const INCREMENTS: Scenario = {
    const SIZES: [u64; 4] = [60, 5, 0, 45];
    fn perform(run: &Cut, known: &mut Known) -> Done<()> {
        run.data_source("t", "`a` UInt64 `json:$.a`")?;
        run.data_source("out", "`a` UInt64 `json:$.a`")?;
        let nodes = json!([{ "name": "n", "sql": "SELECT a FROM t", "type": "copy",
            "target_datasource": "out", "mode": "incremental" }]);
        let body = json!({ "name": "c", "nodes": nodes }).to_string();
        run.ask("POST", "/v0/pipes", &body)?;
        known.steps = 1;
        for (n, size) in SIZES.into_iter().enumerate() {
            let rows = (0..size).map(|i| format!("{{\"a\":{}}}\n", known.sent + i));
            known.under_way = size;
            let path = "/v0/events?name=t&wait=true";
            run.ask("POST", path, &rows.collect::<String>())?;
            (known.sent, known.under_way) = (known.sent + size, 0);
            run.ask("POST", "/v0/pipes/c/copy", "")?;
            run.jobs_done(n + 1)?;
            known.jobs = n + 1;
            let engine = run.app.store().database().engine();
            engine.run_background_once().map_err(|_| Off)?;
        }
        Ok(())
    }
    fn check(run: &Cut, known: &Known, place: &str) {
        let there = || {
            let sql = "SELECT toUInt64(uniqExact(a) = count()) * count() FROM default.out";
            run.number(sql).unwrap_or(0)
        };
        let done = run.done();
        assert!(
            done == known.jobs || done == known.jobs + 1,
            "{place}: {done}"
        );
        assert_eq!(there(), SIZES[..done].iter().sum::<u64>(), "{place}");
        if known.steps == 1 {
            assert!(run.ask("POST", "/v0/pipes/c/copy", "").is_ok(), "{place}");
            run.wait();
            assert_eq!(Some(there()), run.count("t"), "{place}");
        }
    }
    Scenario {
        kinds: &[Kind::Copy],
        perform,
        check,
    }
};

#[test]
fn increments() {
    cut_everywhere(&INCREMENTS);
}

/// Two data sources of different columns change places, again and again: the definitions fit the tables.
const EXCHANGES: Scenario = {
    fn perform(run: &Cut, known: &mut Known) -> Done<()> {
        run.data_source("t", "`a` UInt64 `json:$.a`")?;
        run.data_source("u", "`b` String `json:$.b`")?;
        run.ask("POST", "/v0/events?name=t&wait=true", "{\"a\":1}")?;
        known.steps = 1;
        for _ in 0..3 {
            let both = "datasource_a=t&datasource_b=u";
            run.ask("POST", &format!("/v0/datasources/exchange?{both}"), "")?;
            known.steps += 1;
        }
        Ok(())
    }
    fn check(run: &Cut, known: &Known, place: &str) {
        if known.steps == 0 {
            return;
        }
        let state = run.app.project.snapshot();
        let rows: u64 = ["t", "u"].iter().filter_map(|n| run.count(n)).sum();
        assert_eq!(rows, 1, "{place}: the row is in one of them");
        for name in ["t", "u"] {
            let says = &state.data_source(name).unwrap().columns[0].name;
            let real = "SELECT count() FROM system.columns WHERE database = 'default'";
            let real = format!("{real} AND table = '{name}' AND name = '{says}'");
            let fits = run.number(&real);
            assert_eq!(fits, Some(1), "{place}: {name} has its column {says}");
            let body = format!("{{\"{says}\":\"7\"}}");
            let path = format!("/v0/events?name={name}&wait=true");
            assert!(run.ask("POST", &path, &body).is_ok(), "{place}");
        }
    }
    Scenario {
        kinds: &[],
        perform,
        check,
    }
};

#[test]
fn exchanges() {
    cut_everywhere(&EXCHANGES);
}
