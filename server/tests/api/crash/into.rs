//! Jobs that bring rows in: imports from a URL, and data of the workspace for a branch.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::LazyLock;

use roost_server::jobs::Kind;
use serde_json::json;

use super::{Cut, Done, Known, Scenario, cut_everywhere};

/// Where a server answers `/N.ndjson` with N good rows and one that does not fit.
static ADDRESS: LazyLock<String> = LazyLock::new(|| {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut first, mut line) = (String::new(), String::new());
            reader.read_line(&mut first).unwrap();
            while reader.read_line(&mut line).unwrap() > 2 {
                line.clear();
            }
            let path = first
                .split([' ', '/', '.'])
                .find(|w| w.parse::<u64>().is_ok());
            let rows: u64 = path.unwrap().parse().unwrap();
            let mut body: String = (0..rows).map(|a| format!("{{\"a\":{a}}}\n")).collect();
            body.push_str("{\"a\":\"x\"}\n");
            let length = body.len();
            write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            )
            .unwrap();
        }
    });
    address
});

/// An import's rows, those set aside, and the end of its job come together.
pub(super) const IMPORTS: Scenario = {
    const IMPORTS: [(&str, u64); 4] = [
        ("append", 5),
        ("append", 60),
        ("replace", 50),
        ("append", 2),
    ];
    fn perform(run: &Cut, known: &mut Known) -> Done<()> {
        run.data_source("t", "`a` UInt64 `json:$.a`")?;
        for (n, (mode, rows)) in IMPORTS.iter().enumerate() {
            let url = format!("{}/{rows}.ndjson", *ADDRESS);
            let path = format!("/v0/datasources?name=t&mode={mode}&format=ndjson&url={url}");
            known.under_way = 1;
            run.ask("POST", &path, "")?;
            run.jobs_done(n + 1)?;
            (known.jobs, known.under_way) = (n + 1, 0);
        }
        Ok(())
    }
    fn check(run: &Cut, known: &Known, place: &str) {
        let done = run.done();
        let most = known.jobs + known.under_way as usize;
        assert!(
            (known.jobs..=most).contains(&done),
            "{place}: {done} are done"
        );
        let there = (
            run.count("t").unwrap_or(0),
            run.count("t_quarantine").unwrap_or(0),
        );
        let expected = [(0, 0), (5, 1), (65, 2), (50, 3), (52, 4)];
        assert_eq!(there, expected[done], "{place}");
        let left = "SELECT count() FROM system.tables WHERE name LIKE '%replace%'";
        assert_eq!(run.number(left), Some(0), "{place}");
    }
    Scenario {
        kinds: &[Kind::Import],
        perform,
        check,
    }
};

#[test]
fn imports() {
    cut_everywhere(&IMPORTS);
}

/// The rows that come into a branch come all at once, with the end of the job.
pub(super) const BRANCH_DATA: Scenario = {
    fn send(run: &Cut, table: &str, rows: u64) -> Done<()> {
        let rows: String = (0..rows).map(|a| format!("{{\"a\":{a}}}\n")).collect();
        let path = format!("/v0/events?name={table}&wait=true");
        run.ask("POST", &path, &rows).map(|_| ())
    }
    fn perform(run: &Cut, known: &mut Known) -> Done<()> {
        for (table, rows) in [("t", 60), ("u", 5)] {
            run.data_source(table, "`a` UInt64 `json:$.a`")?;
            send(run, table, rows)?;
        }
        known.under_way = 1;
        let name = "name=b&data=all_partitions";
        run.ask("POST", "/v0/environments", name)?;
        run.jobs_done(1)?;
        (known.jobs, known.under_way) = (1, 0);
        send(run, "t", 45)?;
        known.under_way = 1;
        let mode = "/v0/environments/b/data?mode=all_partitions";
        run.ask("POST", mode, "")?;
        run.jobs_done(2)?;
        (known.jobs, known.under_way) = (2, 0);
        Ok(())
    }
    fn check(run: &Cut, known: &Known, place: &str) {
        let done = run.done();
        let most = known.jobs + known.under_way as usize;
        assert!(
            (known.jobs..=most).contains(&done),
            "{place}: {done} are done"
        );
        let database = run.app.store().database();
        let there = database.branches().first().map(|b| {
            let branch = database.branch(b).unwrap();
            let sql = "SELECT (SELECT count() FROM t) * 100 + (SELECT count() FROM u)";
            branch.query(sql).unwrap().rows()[0][0].as_u64().unwrap()
        });
        let expected = [0, 6005, 10505];
        assert_eq!(there.unwrap_or(0), expected[done], "{place}");
        let shown = run.ask("GET", "/v0/environments", "");
        let names = shown.map_or(json!([]), |s| s["environments"].clone());
        assert_eq!(
            names.as_array().unwrap().len(),
            usize::from(there.is_some()),
            "{place}"
        );
    }
    Scenario {
        kinds: &[Kind::DataBranch],
        perform,
        check,
    }
};

#[test]
fn data_of_branches() {
    cut_everywhere(&BRANCH_DATA);
}
