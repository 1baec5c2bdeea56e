//! Jobs whose rows leave the workspace: sinks to files and to a webhook.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, LazyLock, Mutex};

use roost_server::jobs::{Kind, Status};
use serde_json::{Value as Json, json};

use super::{Cut, Done, Known, Scenario, cut_everywhere};

const RUNS: usize = 2;
const FOLDER: &str = "sinks/out/deep";

fn sink(run: &Cut, sql: &str, params: &Json) -> Done<()> {
    let node = json!({ "name": "n", "sql": sql, "type": "sink", "export_params": params });
    let body = json!({ "name": "s", "nodes": [node] }).to_string();
    run.ask("POST", "/v0/pipes?force=true", &body).map(|_| ())
}

fn runs(run: &Cut, known: &mut Known) -> Done<()> {
    for n in 1..=RUNS {
        known.under_way = 1;
        run.ask("POST", "/v0/pipes/s/sink", "")?;
        run.jobs_done(n)?;
        (known.jobs, known.under_way) = (n, 0);
    }
    Ok(())
}

/// A run's files are all there, whole, when its job is done; otherwise none of them.
pub(super) const FILES: Scenario = {
    fn perform(run: &Cut, known: &mut Known) -> Done<()> {
        let params = json!({ "service": "s3", "path": "file://out/deep", "format": "csv",
            "file_template": "r_{k}", "schedule_cron": "" });
        let sql = "SELECT number % 3 AS k, number AS v FROM numbers(9)";
        sink(run, sql, &params)?;
        known.steps = 1;
        runs(run, known)
    }
    fn files(run: &Cut) -> BTreeMap<String, String> {
        let files = run.app.store().files();
        let names = files.list(FOLDER).unwrap();
        let read = |name: String| {
            let bytes = files.read(&format!("{FOLDER}/{name}")).unwrap();
            (name, String::from_utf8(bytes).unwrap())
        };
        names.into_iter().map(read).collect()
    }
    fn expected(runs: usize) -> BTreeMap<String, String> {
        let mut out = BTreeMap::new();
        for (run, k) in (0..runs).flat_map(|run| (0..3).map(move |k| (run, k))) {
            let suffix = if run == 0 {
                String::new()
            } else {
                format!("_{run}")
            };
            let rows = (0..3).map(|i| format!("{k},{}\n", k + 3 * i));
            let text = format!("\"k\",\"v\"\n{}", rows.collect::<String>());
            out.insert(format!("r_{k}{suffix}.csv"), text);
        }
        out
    }
    fn check(run: &Cut, known: &Known, place: &str) {
        let done = run.done();
        let most = known.jobs + usize::from(known.under_way > 0);
        assert!(
            (known.jobs..=most).contains(&done),
            "{place}: {done} are done"
        );
        assert_eq!(files(run), expected(done), "{place}");
        let logged = run.number("SELECT countIf(result = 'ok') FROM tinybird.sinks_ops_log");
        assert!(logged <= Some(done as u64), "{place}: {logged:?}");
        if known.steps == 1 {
            assert!(run.ask("POST", "/v0/pipes/s/sink", "").is_ok(), "{place}");
            run.wait();
            assert_eq!(files(run), expected(done + 1), "{place}");
        }
    }
    Scenario {
        kinds: &[Kind::Sink],
        perform,
        check,
    }
};

#[test]
fn files_of_sinks() {
    cut_everywhere(&FILES);
}

/// A receiver that takes everything, for the whole test: bodies by batch, all that came.
struct Receiver {
    url: String,
    taken: Arc<Mutex<Vec<(String, String)>>>,
}

static RECEIVER: LazyLock<Receiver> = LazyLock::new(|| {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let taken = Arc::<Mutex<Vec<_>>>::default();
    let all = Arc::clone(&taken);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut length, mut id, mut line) = (0, String::new(), String::new());
            while reader.read_line(&mut line).unwrap() > 2 {
                let (name, value) = line.trim_end().split_once(": ").unwrap_or_default();
                match name.to_ascii_lowercase().as_str() {
                    "content-length" => length = value.parse().unwrap(),
                    "x-roost-batch" => id = value.to_owned(),
                    _ => {}
                }
                line.clear();
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let body = String::from_utf8(body).unwrap();
            all.lock().unwrap().push((id, body));
            let ok = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            stream.write_all(ok).unwrap();
        }
    });
    Receiver { url, taken }
});

/// All batches of a run were taken when its job is done; otherwise some may have been, which the job
/// says, and another run sends all.
const WEBHOOK: Scenario = {
    fn perform(run: &Cut, known: &mut Known) -> Done<()> {
        let params = json!({ "service": "webhook", "path": RECEIVER.url, "batch_rows": "2",
            "schedule_cron": "" });
        sink(run, "SELECT number AS v FROM numbers(5)", &params)?;
        known.steps = 1;
        runs(run, known)
    }
    fn rows_of(job: &str) -> Vec<String> {
        let taken = RECEIVER.taken.lock().unwrap();
        let own = taken.iter().filter(|(id, _)| id.starts_with(job));
        own.flat_map(|(_, body)| body.lines().map(str::to_owned))
            .collect()
    }
    fn check(run: &Cut, known: &Known, place: &str) {
        let all: Vec<String> = (0..5).map(|v| format!("{{\"v\":{v}}}")).collect();
        for job in run.app.jobs.list(|j| j.kind == Kind::Sink.name()) {
            let rows = rows_of(&job.id);
            if job.status == Status::Done {
                assert_eq!(rows, all, "{place}");
            } else if job.started.is_some() {
                assert!(all.starts_with(&rows), "{place}: {rows:?}");
                let why = job.error.unwrap_or_default();
                assert!(why.contains("sends it once more"), "{place}: {why}");
            } else {
                assert!(job.error.is_some_and(|e| e.contains("nothing was done")));
            }
        }
        if known.steps == 1 {
            let again = run.ask("POST", "/v0/pipes/s/sink", "");
            assert!(again.is_ok(), "{place}");
            run.wait();
            let newest = run.app.jobs.list(|_| true).remove(0);
            assert_eq!(rows_of(&newest.id), all, "{place}");
        }
    }
    Scenario {
        kinds: &[Kind::Sink],
        perform,
        check,
    }
};

#[test]
fn webhooks() {
    cut_everywhere(&WEBHOOK);
}
