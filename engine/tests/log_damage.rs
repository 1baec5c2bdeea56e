//! Damage of the log: found and named, or harmless.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers outside #[test] functions, where clippy.toml does not reach, end the test by panicking"
)]

mod support;

use std::sync::Arc;

use roost_engine::catalog::CreateMode;
use roost_engine::clock::TestClock;
use roost_engine::error::Code;
use roost_engine::storage::{MemoryStorage, Storage};
use support::*;

/// A store whose log has a checkpoint, some commits and a seal; and its contents.
fn store() -> (Arc<dyn Storage>, String, Vec<u8>, World) {
    let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
    let clock = Arc::new(TestClock::at(0));
    let engine = open_at(&storage, &small(), &clock).unwrap();
    let table = engine
        .create_table(definition("t"), CreateMode::Fail)
        .unwrap();
    engine.checkpoint().unwrap();
    for i in 0..4 {
        let mut tx = engine.begin();
        tx.insert(&table, block(&rows(i, 3, "x"))).unwrap();
        tx.put("k", Some(vec![i as u8]));
        tx.commit().unwrap();
    }
    clock.advance(1_000_000);
    engine.run_background_once().unwrap();
    let name = format!("log/{}", storage.list("log").unwrap()[0]);
    let bytes = storage.read(&name).unwrap();
    (storage, name, bytes, world(&engine))
}

fn with_log(name: &str, bytes: &[u8]) -> Arc<dyn Storage> {
    let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
    storage.create_dir("log").unwrap();
    storage.create(name).unwrap().write(bytes).unwrap();
    storage
}

#[test]
fn every_flipped_byte_is_found_or_harmless() {
    let (_, name, bytes, expected) = store();
    let seal = 21;
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x41;
        match open(&with_log(&name, &damaged), &small()) {
            Ok(engine) => {
                assert!(
                    at >= bytes.len() - seal,
                    "byte {at} of {} is not missed",
                    bytes.len()
                );
                assert!(world(&engine) == expected);
            }
            Err(e) => {
                assert_eq!(e.code(), Code::CORRUPTED_DATA, "byte {at}: {e}");
                assert!(
                    e.message().contains(&name) && e.message().contains("offset"),
                    "{e}"
                );
            }
        }
    }
}

#[test]
fn a_torn_end_is_cut_once() {
    let (_, name, bytes, expected) = store();
    for garbage in [&b"RfR1"[..], &[0; 700], &[0xFF; 30], &bytes[9..60]] {
        let storage = with_log(&name, &[&bytes, garbage].concat());
        let engine = open(&storage, &small());
        if garbage.starts_with(&bytes[9..30]) && engine.is_err() {
            continue;
        }
        assert!(world(&engine.unwrap()) == expected);
        assert_eq!(storage.read(&name).unwrap(), bytes);
    }
    for cut in 0..bytes.len() {
        match open(&with_log(&name, &bytes[..cut]), &small()) {
            Ok(engine) => assert!(engine.tables().len() == 1, "the checkpoint is whole"),
            Err(e) => assert_eq!(e.code(), Code::CORRUPTED_DATA, "cut at {cut}: {e}"),
        }
    }
}

#[test]
fn a_missing_part_file_is_named() {
    let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
    let engine = open(&storage, &small()).unwrap();
    let table = engine
        .create_table(definition("t"), CreateMode::Fail)
        .unwrap();
    let mut tx = engine.begin();
    tx.insert(&table, block(&rows(0, 300, "x"))).unwrap();
    tx.commit().unwrap();
    drop((engine, table));
    let part = format!("parts/{}", storage.list("parts").unwrap()[0]);
    storage.remove(&part).unwrap();
    let found = open(&storage, &small()).unwrap_err();
    assert!(
        found.message().contains(&part) && found.message().contains("default.t"),
        "{found}"
    );
}

#[test]
fn zeros_behind_the_last_frame_are_its_end() {
    let (_, name, bytes, expected) = store();
    for zeros in [1, 20, 4096, 1 << 20] {
        let mut longer = bytes.clone();
        longer.resize(bytes.len() + zeros, 0);
        let storage = with_log(&name, &longer);
        let engine = open(&storage, &small()).unwrap();
        assert_eq!(world(&engine), expected, "{zeros} zeros");
        let mut tx = engine.begin();
        tx.put("k", Some(vec![9]));
        tx.commit().unwrap();
        drop(engine);
        let engine = open(&storage, &small()).unwrap();
        assert_eq!(engine.get("k"), Some(vec![9]));
    }
}
