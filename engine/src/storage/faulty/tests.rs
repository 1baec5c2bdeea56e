//! The simulated disk keeps its promises: synced stays, unsynced may go, later calls fail.

use super::*;

fn write(store: &dyn Storage, path: &str, bytes: &[u8], sync: bool) {
    let mut file = store.create(path).unwrap();
    file.write(bytes).unwrap();
    if sync {
        file.sync().unwrap();
    }
}

#[test]
fn contents_and_names_are_synced_apart() {
    let disk = FaultyStorage::new();
    disk.create_dir("d").unwrap();
    write(&disk, "d/named", b"unsynced bytes", false);
    disk.sync_dir("d").unwrap();
    write(&disk, "d/nameless", b"synced bytes", true);
    let synced = disk.image(Image::Synced);
    assert_eq!(synced.list("d").unwrap(), ["named"]);
    assert_eq!(synced.read("d/named").unwrap(), b"");
    let flushed = disk.image(Image::Flushed);
    assert_eq!(flushed.list("d").unwrap(), ["named", "nameless"]);
    assert_eq!(flushed.read("d/nameless").unwrap(), b"synced bytes");
}

#[test]
fn every_image_keeps_what_was_synced() {
    let disk = FaultyStorage::new();
    let mut file = disk.create("log").unwrap();
    file.write(&[7; 1000]).unwrap();
    file.sync().unwrap();
    disk.sync_dir("").unwrap();
    file.write(&[8; 3000]).unwrap();
    let mut lengths = BTreeSet::new();
    for seed in 0..100 {
        for image in Image::several(seed) {
            let bytes = disk.image(image).read("log").unwrap();
            assert!(
                bytes.len() >= 1000 && bytes[..1000].iter().all(|b| *b == 7),
                "{image:?}"
            );
            lengths.insert(bytes.len());
        }
    }
    assert!(lengths.len() > 5, "images differ: {lengths:?}");
}

#[test]
fn a_rename_is_old_or_new() {
    let disk = FaultyStorage::new();
    write(&disk, "a", b"old", true);
    write(&disk, "b", b"new", true);
    disk.sync_dir("").unwrap();
    disk.rename("b", "a").unwrap();
    for seed in 0..20 {
        let image = disk.image(Image::Subset(seed));
        let found = image.read("a").unwrap();
        assert!(found == b"old" || found == b"new");
        assert_eq!(found == b"new", image.read("b").is_err());
    }
}

#[test]
fn a_cut_stops_every_later_call() {
    let disk = FaultyStorage::new();
    disk.cut_at(2);
    let mut file = disk.create("x").unwrap();
    assert!(file.write(b"abc").is_err());
    assert!(file.sync().is_err() && disk.read("x").is_err() && disk.is_off());
    assert_eq!(disk.image(Image::Flushed).read("x").unwrap(), b"abc");
    assert!(disk.image(Image::Synced).read("x").is_err());
    assert_eq!(disk.calls(), 2);
    assert_eq!(
        disk.trace()[1],
        Call {
            kind: CallKind::Write,
            path: "x".into()
        }
    );
}

#[test]
fn faults_pass() {
    let disk = FaultyStorage::new();
    disk.fail_at(2, Fault::ShortWrite);
    disk.fail_at(3, Fault::NoSpace);
    disk.fail_at(4, Fault::Io);
    let mut file = disk.create("x").unwrap();
    assert!(file.write(b"abcd").is_err());
    assert_eq!(file.write(b"x").unwrap_err().code(), Code::NOT_ENOUGH_SPACE);
    assert_eq!(file.sync().unwrap_err().code(), Code::CANNOT_FSYNC);
    file.sync().unwrap();
    assert_eq!(disk.read("x").unwrap(), b"ab");
}
