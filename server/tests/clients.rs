//! The real clients against the real binary.
//!
//! Goal: what users have keeps working. Method: each test starts the server on free ports and an
//! empty directory and runs a script of `tests/clients/` with the Python of the test environment
//! (`make test` sets ROOST_PYTHON; without it there is no client to run and the test fails).

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

struct Server {
    child: Child,
    api: String,
    clickhouse_port: u16,
    _data: tempfile::TempDir,
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

impl Server {
    fn start() -> Server {
        let data = tempfile::tempdir().expect("a directory");
        let (port, clickhouse_port) = (free_port(), free_port());
        let child = Command::new(env!("CARGO_BIN_EXE_roost"))
            .args(["serve", "--port", &port.to_string()])
            .args(["--clickhouse-port", &clickhouse_port.to_string(), "--data"])
            .arg(data.path())
            .stderr(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("the server starts");
        let started = Instant::now();
        for port in [port, clickhouse_port] {
            while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
                assert!(
                    started.elapsed() < Duration::from_secs(30),
                    "the server does not listen"
                );
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        let api = format!("http://127.0.0.1:{port}");
        Server {
            child,
            api,
            clickhouse_port,
            _data: data,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn run(script: &str) {
    run_with(script, &[]);
}

fn run_with(script: &str, arguments: &[&str]) {
    let python = std::env::var("ROOST_PYTHON").unwrap_or_else(|_| {
        let venv = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.venv/bin/python");
        venv.to_string_lossy().into_owned()
    });
    let server = Server::start();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/clients");
    let child = Command::new(python)
        .arg(folder.join(script))
        .args(arguments)
        .env("ROOST_API", &server.api)
        .env("ROOST_BINARY", env!("CARGO_BIN_EXE_roost"))
        .env("ROOST_CLICKHOUSE_PORT", server.clickhouse_port.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python starts: run `make test`, which prepares .venv");
    let done = child.wait_with_output().expect("the script ends");
    let out = String::from_utf8_lossy(&done.stdout);
    let err = BufReader::new(&done.stderr[..])
        .lines()
        .map_while(Result::ok)
        .collect::<Vec<_>>();
    assert!(
        done.status.success(),
        "{script} failed:\n{out}\n{}",
        err.join("\n")
    );
    assert!(
        out.trim_end().ends_with("ok"),
        "{script} did not reach its end:\n{out}"
    );
}

#[test]
fn tb_pushes_feeds_and_asks_the_example() {
    run("tb_project.py");
}

#[test]
fn tb_pushes_views_that_roll_up_what_a_queue_posts() {
    run("website_events.py");
}

#[test]
fn a_subscriber_hears_who_comes_near_an_offer() {
    run("in_store.py");
}

#[test]
fn tb_keeps_to_its_script() {
    run_with("tb_session.py", &["--core"]);
}

#[test]
fn tb_pushes_a_store_whose_weather_many_ask_for() {
    run("e_store.py");
}

#[test]
fn tb_pushes_snapshots_copies_and_buckets() {
    run("insights.py");
}

#[test]
fn bad_input_is_refused_and_the_server_lives() {
    run("hostile.py");
}

#[test]
fn clickhouse_connect_moves_every_type() {
    run("connect.py");
}

#[cfg(feature = "kafka")]
#[test]
fn topics_are_read_once_and_written() {
    run("kafka_topics.py");
}

#[test]
fn curl_in_every_format() {
    run("curl.py");
}

/// What `roost` prints to standard error, and whether it succeeded.
fn roost(folder: &Path, args: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_roost"));
    let done = command.args(args).current_dir(folder).output();
    let done = done.expect("the program starts");
    let both = [done.stderr, done.stdout].concat();
    (
        done.status.success(),
        String::from_utf8_lossy(&both).into_owned(),
    )
}

#[test]
fn files_are_imported_under_the_schema_they_have() {
    let folder = tempfile::tempdir().expect("a directory");
    let at = |name: &str| folder.path().join(name);
    let text = "id,who,score\n1,\"a, b\",0.5\n70000,c,\n";
    std::fs::write(at("plain.csv"), text).expect("a file");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, text.as_bytes()).expect("memory");
    std::fs::write(at("packed.csv.gz"), packed.finish().expect("memory")).expect("a file");
    std::fs::write(
        at("packed.csv.zst"),
        zstd::encode_all(text.as_bytes(), 1).expect("memory"),
    )
    .expect("a file");
    let select = "SELECT number AS n, toString(number) AS s FROM numbers(3) FORMAT Parquet";
    let parquet = Command::new(env!("CARGO_BIN_EXE_roost"))
        .args(["sql", "-q", select])
        .output()
        .expect("the program starts");
    std::fs::write(at("rows.parquet"), &parquet.stdout).expect("a file");
    std::fs::write(at("cut.parquet"), &parquet.stdout[..40]).expect("a file");
    std::fs::write(at("empty.csv"), "").expect("a file");
    std::fs::write(at("bad.ndjson"), "{\"a\":1}\n{\"a\":").expect("a file");
    let import = |file: &str, table: &str| {
        roost(
            folder.path(),
            &["import", file, "--data", "d", "--table", table],
        )
    };
    for file in ["plain.csv", "packed.csv.gz", "packed.csv.zst"] {
        let (ok, said) = import(file, "t");
        assert!(
            ok && said.contains("`id` Int64, `who` String, `score`"),
            "{said}"
        );
        assert!(said.contains("2 rows written"), "{said}");
    }
    let (ok, said) = import("rows.parquet", "p");
    assert!(ok && said.contains("`n` UInt64, `s` String"), "{said}");
    let query = "SELECT (SELECT sum(id), count() FROM t), (SELECT sum(n) FROM p)";
    let (ok, said) = roost(folder.path(), &["sql", "--data", "d", "-q", query]);
    assert!(ok && said.contains("(210003,6)\t3"), "{said}");
    for (file, code) in [
        ("cut.parquet", "INCORRECT_DATA"),
        ("empty.csv", "CANNOT_EXTRACT_TABLE_STRUCTURE"),
        ("bad.ndjson", "row 2"),
    ] {
        let (ok, said) = import(file, "broken");
        assert!(!ok && said.contains(file) && said.contains(code), "{said}");
        assert!(said.contains("Code: "), "{said}");
    }
}
