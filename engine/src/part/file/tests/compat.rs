//! Files of released formats stay readable: fixtures are written once and never again.

use super::*;

const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/v1/part.bin");
const ROWS: usize = 500;

#[test]
#[ignore = "writes the fixture, which is done once per format version"]
fn create_fixture() {
    let storage = memory();
    write(&storage, &sample(ROWS), 100, ROWS, Compression::Lz4);
    assert!(
        !std::fs::exists(FIXTURE).unwrap(),
        "a fixture is never written again"
    );
    std::fs::write(FIXTURE, storage.read("part").unwrap()).unwrap();
}

#[test]
fn version_1_opens() {
    let bytes = std::fs::read(FIXTURE).unwrap();
    let storage = memory();
    storage.create("part").unwrap().write(&bytes).unwrap();
    let info = PartInfo {
        rows: ROWS as u64,
        bytes: bytes.len() as u64,
        ..info()
    };
    let part = Part::open(&storage, "part", info).unwrap();
    part.verify().unwrap();
    let block = sample(ROWS);
    for c in 0..COLUMNS.len() {
        same(&part.read(c, 0..ROWS).unwrap(), &block, c, 0..ROWS);
    }
    let ranges = part.prune(&[between("k", Value::UInt(100), Value::UInt(100))]);
    assert_eq!(ranges.first(), Some(&(300..400)));
    assert_eq!(part.column_stats("dict").unwrap().distinct_estimate, 11);
}
