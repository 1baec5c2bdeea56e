//! Messages of streams as rows, and back out of the quarantine.

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
