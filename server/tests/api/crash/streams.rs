//! Streams that are read: the rows, what is set aside and the cursor are one commit.

use roost_server::project::ingest::{Message, Stream};
use serde_json::json;

use super::super::harness::form;
use super::{Cut, Done, Known, Off, Scenario, cut_everywhere};

/// Messages of a stream: each is in the table with its view, or set aside, as far as the cursor says.
const STREAMS: Scenario = {
    const ALL: i64 = 80;
    fn message(offset: i64) -> Message {
        let value = match offset % 9 {
            4 => b"poison".to_vec(),
            7 => format!("{{\"a\":\"{offset}x\"}}").into_bytes(),
            _ => format!("{{\"a\":{offset}}}").into_bytes(),
        };
        Message {
            value: Some(value),
            offset,
            ..Message::default()
        }
    }
    /// Reads on from the cursor, as after any restart.
    fn read_on(run: &Cut, known: &mut Known) -> Done<()> {
        let (project, store) = (&run.app.project, run.app.store());
        let source = project.snapshot().data_source("t").cloned().ok_or(Off)?;
        let table = store.table("t").ok_or(Off)?;
        loop {
            let at = store.cursor(&table, "stream").map_err(|_| Off)?;
            let from = at.unwrap_or(0);
            if from >= ALL {
                return Ok(());
            }
            let to = (from * 2 + 5).min(ALL);
            let messages: Vec<Message> = (from..to).map(message).collect();
            let step = [store.cursor_move(&table, "stream", at, to)];
            let stream = Stream::of(project, &source, "topic");
            known.under_way = (to - from) as u64;
            let written = stream.write(project, &messages, &step).map_err(|_| Off)?;
            let fits = |offset: &i64| !matches!(offset % 9, 4 | 7);
            let good = (from..to).filter(fits).count() as u64;
            assert_eq!(
                (written.rows, written.quarantined),
                (good, known.under_way - good)
            );
            (known.sent, known.under_way) = (to as u64, 0);
            // Another reader that began at the same place writes nothing.
            assert!(stream.write(project, &messages, &step).is_err());
        }
    }
    fn perform(run: &Cut, known: &mut Known) -> Done<()> {
        let fields = [
            ("name", "t"),
            ("schema", "`a` UInt64 `json:$.a`"),
            ("service", "kafka"),
            ("engine", "MergeTree"),
            ("engine_sorting_key", "__offset"),
        ];
        run.ask("POST", "/v0/datasources", &form(&fields))?;
        let nodes = json!([{ "name": "out", "sql": "SELECT a % 3 AS m, countState() AS n FROM t GROUP BY m",
            "type": "materialized", "datasource": "counts", "engine": "AggregatingMergeTree",
            "engine_sorting_key": "m" }]);
        let body = json!({ "name": "p", "nodes": nodes }).to_string();
        run.ask("POST", "/v0/pipes", &body)?;
        known.steps += 1;
        read_on(run, known)
    }
    fn check(run: &Cut, known: &Known, place: &str) {
        let count =
            |what: &str, table: &str| run.number(&format!("SELECT {what} FROM default.{table}"));
        let agree = |place: &str| {
            let (good, aside) = (count("count()", "t")?, count("count()", "t_quarantine")?);
            let offsets =
                count("uniqExact(__offset)", "t")? + count("uniqExact(__offset)", "t_quarantine")?;
            assert_eq!(good + aside, offsets, "{place}: doubled");
            let table = run.app.store().table("t")?;
            let at = run
                .app
                .store()
                .cursor(&table, "stream")
                .unwrap()
                .unwrap_or(0) as u64;
            assert_eq!(good + aside, at, "{place}: the cursor says something else");
            if known.steps > 0 {
                assert_eq!(count("countMerge(n)", "counts"), Some(good), "{place}");
            }
            Some(at)
        };
        let Some(at) = agree(place) else {
            assert_eq!(known.steps, 0, "{place}");
            return;
        };
        if known.steps == 0 {
            // The table may be there before what says that it is a data source.
            return;
        }
        assert!(
            at >= known.sent && at <= known.sent + known.under_way,
            "{place}: read {at}"
        );
        assert!(read_on(run, &mut Known::default()).is_ok(), "{place}");
        assert_eq!(agree(place), Some(ALL as u64), "{place}");
    }
    Scenario {
        kinds: &[],
        perform,
        check,
    }
};

#[test]
fn streams_are_read_once() {
    cut_everywhere(&STREAMS);
}

/// Reads so many messages on from the cursor.
fn read(run: &Cut, name: &str, count: i64) -> Done<()> {
    let (project, store) = (&run.app.project, run.app.store());
    let source = project.snapshot().data_source(name).cloned().ok_or(Off)?;
    let table = store.table(name).ok_or(Off)?;
    let at = store.cursor(&table, "stream").map_err(|_| Off)?;
    let from = at.unwrap_or(0);
    let messages = (from..from + count).map(|offset| Message {
        value: Some(format!("{{\"a\":{offset}}}").into_bytes()),
        offset,
        ..Message::default()
    });
    let step = [store.cursor_move(&table, "stream", at, from + count)];
    let stream = Stream::of(project, &source, "topic");
    let messages: Vec<Message> = messages.collect();
    let written = stream.write(project, &messages, &step);
    written.map(|_| ()).map_err(|_| Off)
}

/// Two data sources that are read change places, twice: each goes on with its own rows where it was.
const EXCHANGES: Scenario = {
    fn perform(run: &Cut, known: &mut Known) -> Done<()> {
        for name in ["t", "u"] {
            let fields = [
                ("name", name),
                ("schema", "`a` UInt64"),
                ("service", "kafka"),
                ("engine", "MergeTree"),
                ("engine_sorting_key", "__offset"),
            ];
            run.ask("POST", "/v0/datasources", &form(&fields))?;
        }
        for _ in 0..2 {
            read(run, "t", 60)?;
            read(run, "u", 7)?;
            let pair = form(&[("name", ""), ("datasource_a", "t"), ("datasource_b", "u")]);
            run.ask("POST", "/v0/datasources/exchange", &pair)?;
            known.steps += 1;
        }
        read(run, "u", 5)
    }
    fn check(run: &Cut, known: &Known, place: &str) {
        let store = run.app.store();
        let mut all = Vec::new();
        if run.app.project.snapshot().data_sources.len() < 2 {
            assert_eq!(known.steps, 0, "{place}");
            return;
        }
        for name in ["t", "u"] {
            let number = |what: &str| run.number(&format!("SELECT {what} FROM default.{name}"));
            let (Some(rows), Some(table)) = (number("count()"), store.table(name)) else {
                assert_eq!(known.steps, 0, "{place}");
                return;
            };
            let at = store.cursor(&table, "stream").unwrap().unwrap_or(0) as u64;
            assert_eq!(
                (rows, number("uniqExact(__offset)")),
                (at, Some(at)),
                "{place}: {name}"
            );
            assert!(read(run, name, 3).is_ok(), "{place}");
            assert_eq!(
                number("uniqExact(__offset)"),
                Some(at + 3),
                "{place}: {name}"
            );
            all.push(at);
        }
        all.sort_unstable();
        let expected: &[[u64; 2]] = &[[0, 0], [0, 60], [7, 60], [60, 67], [67, 67], [67, 72]];
        assert!(expected.iter().any(|e| all == e), "{place}: {all:?}");
    }
    Scenario {
        kinds: &[],
        perform,
        check,
    }
};

#[test]
fn streams_change_places() {
    cut_everywhere(&EXCHANGES);
}

/// A data source that reads a stream moves to another key, and back: it goes on where it was, reading
/// what it read.
const MOVES: Scenario = {
    fn build(run: &Cut, key: &str) -> Done<()> {
        let kind = "TYPE kafka\nKAFKA_CONNECTION_NAME c\nKAFKA_TOPIC topic\n";
        let text = format!(
            "SCHEMA >\n    `a` UInt8 `json:$.a`\n\nENGINE \"MergeTree\"\nENGINE_SORTING_KEY \"{key}\"\n{kind}"
        );
        let part = |name: &str, text: &str| {
            format!(
                "--X\r\nContent-Disposition: form-data; name=\"data_project://\"; \
                 filename=\"{name}\"\r\n\r\n{text}\r\n"
            )
        };
        let connection = "TYPE kafka\nKAFKA_BOOTSTRAP_SERVERS 127.0.0.1:1\n";
        let body = part("t.datasource", &text) + &part("c.connection", connection) + "--X--\r\n";
        let answer = run.ask("POST", "/v1/build", &body)?;
        match answer["result"] == "failed" {
            true => {
                println!("{answer}");
                Err(Off)
            }
            false => Ok(()),
        }
    }
    fn perform(run: &Cut, known: &mut Known) -> Done<()> {
        build(run, "a")?;
        known.steps += 1;
        for (key, count) in [("a, __offset", 60), ("a", 7), ("__offset", 0)] {
            known.under_way = count;
            read(run, "t", count as i64)?;
            (known.sent, known.under_way) = (known.sent + count, 0);
            build(run, key)?;
        }
        Ok(())
    }
    fn check(run: &Cut, known: &Known, place: &str) {
        let state = run.app.project.snapshot();
        let Some(source) = state.data_source("t") else {
            assert_eq!(known.steps, 0, "{place}");
            return;
        };
        let subscribed = (&*source.kind, source.setting("kafka_topic"));
        assert_eq!(subscribed, ("kafka", Some("topic")), "{place}: it reads");
        let number = |what: &str| run.number(&format!("SELECT {what} FROM default.t"));
        let store = run.app.store();
        let table = store.table("t").unwrap();
        let at = store.cursor(&table, "stream").unwrap().unwrap_or(0) as u64;
        assert_eq!(
            (number("count()"), number("uniqExact(__offset)")),
            (Some(at), Some(at)),
            "{place}"
        );
        assert!(
            at >= known.sent && at <= known.sent + known.under_way,
            "{place}: {at}"
        );
        let key = format!("({})", source.engine_arg("sorting_key").unwrap_or_default());
        let real =
            "SELECT count() FROM system.tables WHERE database = 'default' AND name = 't' AND '('";
        let real = run.number(&format!("{real} || sorting_key || ')' = '{key}'"));
        assert_eq!(
            real,
            Some(1),
            "{place}: the table is as its data source says, {key}"
        );
        let left = "SELECT count() FROM system.tables WHERE database = 'default'";
        assert_eq!(run.number(left), Some(2), "{place}: nothing is left");
        assert!(read(run, "t", 3).is_ok(), "{place}");
        assert!(build(run, "__offset, a").is_ok(), "{place}");
        assert_eq!(number("uniqExact(__offset)"), Some(at + 3), "{place}");
    }
    Scenario {
        kinds: &[],
        perform,
        check,
    }
};

#[test]
fn a_stream_moves_to_another_key() {
    cut_everywhere(&MOVES);
}
