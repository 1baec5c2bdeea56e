//! Power cuts and failing calls at every point of every scenario.
//!
//! A scenario runs once to count its calls; then once for each call that changes the disk, with the
//! power cut there, and the disk as it may be found afterwards is opened by the ordinary recovery.
//! The oracle stands outside of the store: what was acknowledged must be there, what was under way
//! is wholly there or wholly absent, and a second recovery changes nothing.
//!
//! `ROOST_CRASH_FULL=1` cuts at every call and looks at more disks; by default a part is sampled.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers outside #[test] functions, where clippy.toml does not reach, end the test by panicking"
)]

#[path = "crash/run.rs"]
mod run;
#[path = "crash/scenarios.rs"]
mod scenarios;
mod support;

use std::sync::Arc;

use roost_engine::catalog::CreateMode;
use roost_engine::storage::Storage;
use roost_engine::storage::faulty::{Call, CallKind, Fault, FaultyStorage, Image, is_full};
use run::*;
use scenarios::*;
use support::*;

/// Opens a disk twice and checks it against what a run knows.
fn check(disk: &FaultyStorage, run: &Run, place: &str) {
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    let engine = match open(&storage, &small()) {
        Ok(engine) => engine,
        Err(e) => panic!("{place}: the store does not open: {e:?}"),
    };
    let found = world(&engine);
    let fits = found == run.known || run.maybe.as_ref() == Some(&found);
    assert!(fits, "{place}: {}", difference(&found, run));
    for token in &run.tokens {
        assert!(
            engine.token_used(token).is_some(),
            "{place}: token {token} is forgotten"
        );
    }
    drop(engine);
    let before = files(&storage);
    let engine = open(&storage, &small()).unwrap();
    assert!(
        world(&engine) == found,
        "{place}: a second recovery shows something else"
    );
    drop(engine);
    assert!(
        files(&storage) == before,
        "{place}: a second recovery changes files"
    );
    // The store is as good as new.
    let engine = open(&storage, &small()).unwrap();
    let table = engine
        .create_table(definition("after"), CreateMode::OrReplace)
        .unwrap();
    let mut tx = engine.begin();
    tx.insert(&table, block(&rows(0, 160, "after"))).unwrap();
    tx.commit().unwrap();
}

fn difference(found: &World, run: &Run) -> String {
    let show = |w: &World| {
        let tables = w
            .tables
            .iter()
            .map(|(n, r)| format!("{n}: {} rows", r.len()));
        format!(
            "{:?} {:?} {:?}, branches {:?}",
            w.databases,
            tables.collect::<Vec<_>>(),
            w.values,
            w.branches.keys()
        )
    };
    let maybe = run.maybe.as_ref().map(show);
    format!(
        "found {}\nacknowledged {}\nor {maybe:?}",
        show(found),
        show(&run.known)
    )
}

/// Runs a scenario on `disk` until it ends or the power goes.
fn perform(disk: &FaultyStorage, scenario: Scenario, goes_on: bool) -> Run {
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    let mut run = match Run::start(Arc::clone(&storage), goes_on) {
        Ok(run) => run,
        Err(e) => {
            expected_error(&e);
            let mut fresh = World::default();
            fresh.databases.push("default".into());
            return Run {
                storage,
                options: small(),
                clock: Arc::default(),
                engine: None,
                known: fresh,
                maybe: None,
                tokens: Vec::new(),
                goes_on,
            };
        }
    };
    if let Err(e) = scenario.1(&mut run) {
        expected_error(&e);
    }
    run
}

fn cut_everywhere(scenario: Scenario) -> u64 {
    let disk = FaultyStorage::new();
    let whole = perform(&disk, scenario, false);
    assert!(whole.maybe.is_none(), "{} ends without faults", scenario.0);
    assert_eq!(
        whole.engine.as_ref().map(|e| world(e) == whole.known),
        Some(true)
    );
    drop(whole);
    let calls = disk.trace();
    let changing = calls.iter().zip(1u64..).filter(|(c, _)| c.kind.changes());
    let changing: Vec<u64> = changing.map(|(_, n)| n).collect();
    let step = if is_full() {
        1
    } else {
        changing.len().div_ceil(16)
    };
    let mut images = 0;
    for n in changing.into_iter().step_by(step.max(1)) {
        let disk = FaultyStorage::new();
        disk.cut_at(n);
        let run = perform(&disk, scenario, false);
        assert!(disk.is_off(), "the power goes at call {n}");
        let chosen = Image::several(n * 31);
        let few = [
            chosen[0],
            chosen[1],
            chosen[2 + n as usize % 2],
            chosen[4 + n as usize % 2],
        ];
        let all = Image::many(n * 31);
        let chosen = if is_full() { &all[..] } else { &few[..] };
        for image in chosen {
            let place = format!(
                "{} cut at call {n} {:?}, {image:?}",
                scenario.0,
                calls[n as usize - 1]
            );
            check(&disk.image(*image), &run, &place);
            images += 1;
        }
    }
    images
}

fn fail_everywhere(scenario: Scenario, fault: Fault) {
    let disk = FaultyStorage::new();
    drop(perform(&disk, scenario, false));
    let calls = disk.trace();
    let step = if is_full() {
        1
    } else {
        calls.len().div_ceil(16)
    };
    for n in (1..=calls.len()).step_by(step.max(1)) {
        fail_once(scenario, fault, n as u64, &calls[n - 1]);
    }
}

fn fail_once(scenario: Scenario, fault: Fault, n: u64, call: &Call) {
    let disk = FaultyStorage::new();
    disk.fail_at(n, fault);
    let mut run = perform(&disk, scenario, true);
    let place = format!("{} {fault:?} at call {n} {call:?}", scenario.0);
    if let Some(engine) = run.engine.take() {
        let found = world(&engine);
        assert!(
            found == run.known,
            "{place}: reads go on; {}",
            difference(&found, &run)
        );
    }
    check(&disk.image(Image::Flushed), &run, &place);
    check(&disk.image(Image::Synced), &run, &place);
}

/// A checkpoint's segment whose name was not synced, because syncing failed or the process died
/// just then, is found by the next process; what that one acknowledges must not hang on the name.
#[test]
fn a_segment_found_unsynced_is_synced_before_it_is_built_on() {
    let scenario = *SCENARIOS.iter().find(|s| s.0 == "checkpoint").unwrap();
    let disk = FaultyStorage::new();
    drop(perform(&disk, scenario, false));
    for (call, n) in disk.trace().iter().zip(1..) {
        if call.kind == CallKind::SyncDir {
            fail_once(scenario, Fault::Io, n, call);
        }
    }
}

macro_rules! scenarios {
    ($($name:ident)*) => { $(
        mod $name {
            use super::*;

            fn scenario() -> Scenario {
                *SCENARIOS.iter().find(|s| s.0 == stringify!($name)).unwrap()
            }

            #[test]
            fn survives_a_power_cut_anywhere() {
                let images = cut_everywhere(scenario());
                println!("{}: {images} disks", stringify!($name));
            }

            #[test]
            fn survives_a_failed_call_anywhere() {
                for fault in [Fault::Io, Fault::NoSpace, Fault::ShortWrite] {
                    fail_everywhere(scenario(), fault);
                }
            }
        }
    )* };
}

scenarios! { insert cascade cursor flush merge ddl checkpoint replace held tokens alter rewrite branch ttl housekeeping }

#[test]
fn every_scenario_is_run() {
    assert_eq!(SCENARIOS.len(), 15);
}
