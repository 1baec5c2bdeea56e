//! Laws that every store keeps.

use super::*;

fn stores() -> (tempfile::TempDir, Vec<Arc<dyn Storage>>) {
    let dir = tempfile::tempdir().unwrap();
    let local = LocalStorage::open(dir.path().join("new/db")).unwrap();
    (
        dir,
        vec![
            Arc::new(local),
            Arc::new(MemoryStorage::new()),
            Arc::new(FaultyStorage::new()),
        ],
    )
}

fn write(store: &dyn Storage, path: &str, bytes: &[u8]) {
    let mut file = store.create(path).unwrap();
    file.write(bytes).unwrap();
    file.sync().unwrap();
}

#[test]
fn files_come_and_go() {
    let (_dir, stores) = stores();
    for store in stores {
        assert!(store.create("no/such/folder").is_err());
        store.create_dir("t/7").unwrap();
        store.create_dir("t/7").unwrap();
        write(&*store, "t/7/b", b"bee");
        write(&*store, "t/7/a", b"ay");
        write(&*store, "top", b"");
        assert_eq!(store.list("t/7").unwrap(), ["a", "b"]);
        assert_eq!(store.list("").unwrap(), ["t", "top"]);
        assert_eq!(store.list("t").unwrap(), ["7"]);
        assert!(store.list("nowhere").unwrap().is_empty());
        store.rename("t/7/b", "t/7/a").unwrap();
        assert!(store.rename("t/7/b", "t/7/c").is_err());
        assert_eq!(store.read("t/7/a").unwrap(), b"bee");
        store.remove_dir("t/7").unwrap();
        store.sync_dir("t/7").unwrap();
        store.remove("t/7/a").unwrap();
        store.remove("t/7/a").unwrap();
        store.remove_dir("t/7").unwrap();
        assert!(store.list("t").unwrap().is_empty());
        assert!(store.read("t/7/a").is_err() && store.map("t/7/a").is_err());
        for bad in ["../x", "/etc/passwd", "a/../../b"] {
            assert_eq!(store.read(bad).unwrap_err().code() as u16, 79);
        }
    }
}

#[test]
fn appending_cuts_the_tail() {
    let (_dir, stores) = stores();
    for store in stores {
        write(&*store, "log", b"good torn");
        assert!(store.append("log", 10).is_err());
        let mut file = store.append("log", 5).unwrap();
        file.write(b"more").unwrap();
        file.sync().unwrap();
        let found = store.read("log").unwrap();
        assert_eq!(&found[..9], b"good more");
        assert!(found[9..].iter().all(|b| *b == 0));
        drop(file);
        assert_eq!(store.read("log").unwrap(), b"good more");
    }
}

#[test]
fn what_is_appended_stands_behind_each_other_whatever_its_size() {
    let (_dir, stores) = stores();
    for store in stores {
        write(&*store, "log", b"");
        let mut file = store.append("log", 0).unwrap();
        let mut all = Vec::new();
        for (i, len) in [1, 1 << 19, 7, 1 << 20, 100, (1 << 20) - 50, 3, 1 << 18]
            .into_iter()
            .enumerate()
        {
            let bytes = vec![i as u8 + 1; len];
            file.write(&bytes).unwrap();
            all.extend(bytes);
        }
        file.sync().unwrap();
        let found = store.read("log").unwrap();
        assert!(found.starts_with(&all) && found[all.len()..].iter().all(|b| *b == 0));
        drop(file);
        assert!(store.read("log").unwrap() == all);
    }
}

#[test]
fn a_map_outlives_its_name() {
    let (_dir, stores) = stores();
    for store in stores {
        let big: Vec<u8> = (0..100_000u32).map(|i| i as u8).collect();
        write(&*store, "big", &big);
        write(&*store, "small", b"s");
        write(&*store, "empty", b"");
        let (map, small) = (store.map("big").unwrap(), store.map("small").unwrap());
        store.remove("big").unwrap();
        assert_eq!(map.bytes(), big);
        assert_eq!(small.bytes(), b"s");
        assert_eq!(store.map("empty").unwrap().bytes(), b"");
    }
}

#[test]
fn one_holder_at_a_time() {
    let (_dir, stores) = stores();
    for store in stores {
        let held = store.lock().unwrap();
        assert!(store.lock().is_err());
        drop(held);
        store.lock().unwrap();
        assert!(store.list("").unwrap().is_empty());
    }
}

#[test]
fn memory_stores_share() {
    let (a, b) = (MemoryStorage::new(), MemoryStorage::new());
    let shared = a.clone();
    write(&a, "x", b"1");
    assert_eq!(shared.read("x").unwrap(), b"1");
    assert!(b.read("x").is_err());
    assert_eq!(shared.total_bytes(), 1);
}
