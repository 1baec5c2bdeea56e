//! Damaged, misplaced and half-written part files are noticed, and nothing panics.

use super::*;
use crate::storage::LocalStorage;
use crate::storage::faulty::{Fault, FaultyStorage, Image};

#[test]
fn the_wrong_part_is_refused() {
    let storage = memory();
    let info = write(&storage, &sample(10), 100, 10, Compression::Lz4);
    let other = PartInfo {
        id: 43,
        ..info.clone()
    };
    let error = Part::open(&storage, "part", other).unwrap_err();
    assert!(
        error.message().starts_with("part file part: found part 42"),
        "{error}"
    );
    let mut bytes = storage.read("part").unwrap();
    bytes[8] = 9;
    storage.create("part").unwrap().write(&bytes).unwrap();
    let error = Part::open(&storage, "part", info).unwrap_err();
    assert_eq!(
        error.message(),
        "part file part: part file format version 9 is not known: this build reads 1 to 1"
    );
}

fn flip(step: impl Fn(usize, usize) -> bool) {
    let block = sample(120);
    let storage = memory();
    let info = write(&storage, &block, 50, 120, Compression::Lz4);
    let good = storage.read("part").unwrap();
    let damaged = |bytes: &[u8]| {
        let storage = memory();
        storage.create("part").unwrap().write(bytes).unwrap();
        Part::open(&storage, "part", info.clone()).and_then(|p| p.verify())
    };
    damaged(&good).unwrap();
    for at in (0..good.len()).filter(|at| step(*at, good.len())) {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        assert!(damaged(&bad).is_err(), "byte {at}");
        assert!(at % 64 != 0 || damaged(&good[..at]).is_err(), "cut to {at}");
    }
}

#[test]
fn flipped_bytes_are_noticed() {
    flip(|at, len| at < 16 || at + 40 > len || at % 17 == 0);
}

#[test]
#[ignore = "the whole file takes seconds without optimisation"]
fn every_flipped_byte_is_noticed() {
    flip(|_, _| true);
}

/// With the checksums made right again, nothing else stands between damage and the decoders.
#[test]
fn damage_behind_right_checksums_never_panics() {
    let block = sample(120);
    let storage = memory();
    let info = write(&storage, &block, 50, 120, Compression::None);
    let good = storage.read("part").unwrap();
    let frame = frame::check(&good).unwrap();
    for at in (frame.footer_at..frame.footer_end).step_by(3) {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        let trailer = frame::trailer(&bad[..16], &bad[frame.footer_at..frame.footer_end]);
        bad[frame.footer_end..].copy_from_slice(&trailer);
        let storage = memory();
        storage.create("part").unwrap().write(&bad).unwrap();
        if let Ok(part) = Part::open(&storage, "part", info.clone()) {
            for c in 0..part.schema().len() {
                part.page_stats(c);
            }
            part.prune(&[between("k", Value::UInt(1), Value::UInt(5))]);
            let _ = part.verify();
        }
    }
}

#[test]
fn a_failing_disk_is_a_clean_error() {
    let block = sample(120);
    let attempt = |disk: &FaultyStorage| {
        let storage: Arc<dyn Storage> = Arc::new(disk.clone());
        let spec = PartSpec {
            granule_rows: 50,
            ..PartSpec::new(
                block.schema(),
                vec![KeyColumn::new("k", DataType::UInt32)],
                info(),
            )
        };
        let mut writer = PartWriter::create(&storage, "part", spec)?;
        writer.write(&block, &[block.column(0).clone()])?;
        let info = writer.finish()?;
        storage.sync_dir("")?;
        Part::open(&storage, "part", info.clone())?.verify()?;
        Ok::<PartInfo, Error>(info)
    };
    let whole = FaultyStorage::new();
    let info = attempt(&whole).unwrap();
    for n in 1..=whole.calls() {
        for fault in [
            Fault::Io,
            Fault::NoSpace,
            Fault::ShortWrite,
            Fault::PowerCut,
        ] {
            let disk = FaultyStorage::new();
            disk.fail_at(n, fault);
            assert!(attempt(&disk).is_err(), "call {n} {fault:?}");
            for image in Image::several(n) {
                let after: Arc<dyn Storage> = Arc::new(disk.image(image));
                if let Ok(part) = Part::open(&after, "part", info.clone()) {
                    // Damage behind a whole footer is found by the pages' checksums.
                    let _ = part.verify();
                }
            }
        }
    }
    let synced: Arc<dyn Storage> = Arc::new(whole.image(Image::Synced));
    Part::open(&synced, "part", info).unwrap().verify().unwrap();
}

#[test]
fn a_mapped_file_outlives_its_removal() {
    let dir = tempfile::tempdir().unwrap();
    let storage: Arc<dyn Storage> = Arc::new(LocalStorage::open(dir.path()).unwrap());
    let block = sample(1000);
    let info = write(&storage, &block, 100, 1000, Compression::Lz4);
    let part = Part::open(&storage, "part", info).unwrap();
    storage.remove("part").unwrap();
    part.verify().unwrap();
    same(&part.read(7, 0..1000).unwrap(), &block, 7, 0..1000);
}
