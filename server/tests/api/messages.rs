//! Messages of streams as rows, and back out of the quarantine.

use std::collections::BTreeMap;
use std::sync::Arc;

use roost_engine::clock::SystemClock;
use roost_server::config::Config;
use roost_server::http::App;
use roost_server::project::NewDataSource;
use roost_server::project::ingest::{Ingested, Message, Stream, replay};

/// A workspace whose data source `t` reads a topic.
struct Reads(Arc<App>);

impl Reads {
    fn with(schema: &str) -> Reads {
        let app = Arc::new(App::on(Config::in_memory(), Arc::new(SystemClock)).unwrap());
        let new = NewDataSource {
            name: "t".to_owned(),
            kind: "kafka".to_owned(),
            schema: schema.to_owned(),
            engine_args: vec![("sorting_key".to_owned(), "__offset".to_owned())],
            ..NewDataSource::default()
        };
        app.project.create_data_source(new).unwrap();
        Reads(app)
    }

    fn set(&self, key: &str, value: &str) {
        let set = |source: &mut roost_server::project::DataSource| {
            source.settings.insert(key.to_owned(), value.to_owned());
        };
        self.0.project.update_data_source("t", set).unwrap();
    }

    fn write(&self, values: &[&[u8]]) -> Ingested {
        let source = self.0.project.snapshot().data_source("t").cloned().unwrap();
        let stream = Stream::of(&self.0.project, &source, "topic");
        let messages = values.iter().zip(0..).map(|(value, offset)| Message {
            value: Some(value.to_vec()),
            offset,
            ..Message::default()
        });
        let messages: Vec<Message> = messages.collect();
        stream.write(&self.0.project, &messages, &[]).unwrap()
    }

    fn texts(&self, sql: &str) -> Vec<String> {
        let found = self.0.store().query(sql).unwrap().rows();
        let text = |row: &Vec<roost::Value>| {
            String::from_utf8_lossy(row[0].as_bytes().unwrap_or_default()).into_owned()
        };
        found.iter().map(text).collect()
    }
}

#[test]
fn a_data_source_of_raw_values_takes_any_bytes() {
    let reads = Reads::with("`__value` String, `__offset` Int64");
    let all: [&[u8]; 5] = [b"{broken", b"plain", b"{\"a\":1}", b"{}", b"{\"a\":1}{"];
    let done = reads.write(&all);
    assert_eq!((done.rows, done.quarantined), (5, 0), "{done:?}");
    let found = reads.texts("SELECT __value FROM default.t ORDER BY __offset");
    assert_eq!(found, ["{broken", "plain", "{\"a\":1}", "{}", "{\"a\":1}{"]);
}

#[test]
fn messages_are_replayed_into_a_table_that_has_no_headers() {
    let reads = Reads::with("`a` Int8 `json:$.a`");
    assert_eq!(reads.write(&[b"{\"a\":1000}"]).quarantined, 1);
    // Headers that are asked for later have no column.
    reads.set("kafka_store_headers", "True");
    assert_eq!(reads.write(&[b"{\"a\":1}"]).rows, 1);
    let source = reads
        .0
        .project
        .snapshot()
        .data_source("t")
        .cloned()
        .unwrap();
    let done = replay(&reads.0.project, &source, None, &mut || Ok(())).unwrap();
    assert_eq!((done.rows, done.quarantined), (0, 1), "{done:?}");
}

#[test]
fn nesting_without_an_end_is_set_aside() {
    let reads = Reads::with("`a` Int8 `json:$.a`");
    let deep = [
        b"{\"a\":1,\"b\":".to_vec(),
        vec![b'['; 900_000],
        vec![b']'; 900_000],
        b"}".to_vec(),
    ];
    let deep = deep.concat();
    let done = reads.write(&[&deep, b"{\"a\":2}"]);
    assert_eq!(done.rows + done.quarantined, 2, "{done:?}");
    assert!(done.rows >= 1);
}

/// What is set aside is the message to the byte, and so is what comes back.
#[test]
fn keys_and_tombstones_are_replayed_exactly() {
    let reads = Reads::with("`a` Int8 `json:$.a`");
    let project = &reads.0.project;
    let source = || project.snapshot().data_source("t").cloned().unwrap();
    let messages = [
        (None, b"\xff\x00".to_vec(), None),
        (Some(b"{\"a\":1000}".to_vec()), b"\xff\"".to_vec(), None),
        (None, Vec::new(), Some("nobody can read it".to_owned())),
    ];
    let all = messages.into_iter().zip(0..);
    let all = all.map(|((value, key, fault), offset)| Message {
        value,
        key: Some(key),
        offset,
        fault,
        ..Message::default()
    });
    let all: Vec<Message> = all.collect();
    let before = source();
    let stream = Stream::of(project, &before, "topic");
    let done = stream.write(project, &all, &[]).unwrap();
    assert_eq!((done.rows, done.quarantined), (0, 3));
    let aside = "SELECT concat(toString(__offset), ' ', hex(__key), ' ', ifNull(__value, 'none')) \
        FROM default.t_quarantine ORDER BY __offset";
    assert_eq!(
        reads.texts(aside),
        ["0 FF00 none", "1 FF22 {\"a\":1000}", "2  none"]
    );
    let wider = BTreeMap::from([("schema".to_owned(), "`a` Int16 `json:$.a`".to_owned())]);
    project.alter_data_source("t", &wider).unwrap();
    let done = replay(project, &source(), None, &mut || Ok(())).unwrap();
    assert_eq!((done.rows, done.quarantined), (1, 2), "{done:?}");
    let key = "SELECT concat(toString(a), ' ', hex(__key)) FROM default.t";
    assert_eq!(reads.texts(key), ["1000 FF22"]);
    assert_eq!(reads.texts(aside)[..1], ["0 FF00 none"]);
    let why = reads.texts("SELECT c__error[1] FROM default.t_quarantine ORDER BY __offset");
    assert!(
        why[0].contains("no value") && why[1].contains("never read"),
        "{why:?}"
    );
}
