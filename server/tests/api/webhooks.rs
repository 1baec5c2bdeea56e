//! Sinks to a webhook, with a receiver that does not always take what it gets.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use serde_json::{Value as Json, json};

use super::harness::Server;

/// What was received: headers of interest and the body.
#[derive(Debug)]
struct Post {
    id: String,
    kind: String,
    body: String,
}

/// A receiver that answers with these statuses, one after another, and ends.
fn receiver(statuses: &'static [u16]) -> (String, Receiver<Post>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/hook", listener.local_addr().unwrap());
    let (sender, posts) = channel();
    std::thread::spawn(move || {
        for status in statuses {
            let (mut stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut length, mut post) = (
                0,
                Post {
                    id: String::new(),
                    kind: String::new(),
                    body: String::new(),
                },
            );
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                let Some((name, value)) = line.trim_end().split_once(": ") else {
                    if line.trim().is_empty() {
                        break;
                    }
                    continue;
                };
                match name.to_ascii_lowercase().as_str() {
                    "content-length" => length = value.parse().unwrap(),
                    "content-type" => post.kind = value.to_owned(),
                    "x-roost-batch" => post.id = value.to_owned(),
                    _ => {}
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            post.body = String::from_utf8(body).unwrap();
            write!(
                stream,
                "HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
            .unwrap();
            sender.send(post).unwrap();
        }
    });
    (address, posts)
}

fn sink(server: &Server, name: &str, url: &str, more: &[(&str, &str)]) -> Json {
    let mut params = json!({ "service": "webhook", "path": url, "schedule_cron": "" });
    for (key, value) in more {
        params[*key] = (*value).into();
    }
    let node = json!({ "name": "n", "sql": "%SELECT number AS a FROM numbers({{ Int64(n, 5) }})",
                       "type": "sink", "export_params": params });
    let body = json!({ "name": name, "nodes": [node] }).to_string();
    let made = server.post("/v0/pipes?force=true", "application/json", body);
    assert_eq!(made.status, 200, "{}", made.text);
    let started = server.post(&format!("/v0/pipes/{name}/sink"), "", "");
    assert_eq!(started.status, 200, "{}", started.text);
    server.finished(&started.json())
}

#[test]
fn rows_are_posted_in_batches() {
    let server = Server::start();
    let (url, posts) = receiver(&[200, 204, 200]);
    let job = sink(&server, "b", &url, &[("batch_rows", "2")]);
    assert_eq!(job["status"], "done", "{job}");
    assert_eq!(
        (&job["batches"], &job["statistics"]["row_count"]),
        (&json!(3), &json!(5))
    );
    let posts: Vec<Post> = posts.iter().collect();
    let bodies: Vec<&str> = posts.iter().map(|p| p.body.as_str()).collect();
    assert_eq!(
        bodies,
        [
            "{\"a\":0}\n{\"a\":1}\n",
            "{\"a\":2}\n{\"a\":3}\n",
            "{\"a\":4}\n"
        ]
    );
    assert_eq!(posts[0].kind, "application/x-ndjson");
    let (url, posts) = receiver(&[200]);
    sink(&server, "c", &url, &[("format", "csv")]);
    assert_eq!(posts.recv().unwrap().body, "\"a\"\n0\n1\n2\n3\n4\n");
    let logged = "SELECT groupArray((pipe_name, service, result, written_rows, length(output))) FROM \
                  (SELECT * FROM tinybird.sinks_ops_log ORDER BY pipe_name)";
    server.becomes(
        logged,
        "[('b','webhook','ok',5,1),('c','webhook','ok',5,1)]",
    );
}

#[test]
fn a_batch_that_is_not_taken_is_sent_again() {
    let server = Server::start();
    let (url, posts) = receiver(&[200, 503, 429, 200, 200]);
    let job = sink(&server, "r", &url, &[("batch_rows", "2")]);
    assert_eq!(job["status"], "done", "{job}");
    let posts: Vec<Post> = posts.iter().collect();
    assert_eq!(posts.len(), 5);
    assert!(
        posts[1].id == posts[3].id && posts[1].body == posts[3].body,
        "{posts:?}"
    );
    assert_ne!(posts[0].id, posts[1].id);
}

#[test]
fn what_cannot_be_sent_says_why() {
    let server = Server::start();
    let (url, _posts) = receiver(&[200, 404]);
    let job = sink(&server, "e", &url, &[("batch_rows", "2")]);
    let error = job["error"].as_str().unwrap();
    assert!(
        error.contains("it answered 404; 2 rows before were taken"),
        "{error}"
    );
    for (url, more, part) in [
        ("ftp://x", &[][..], "found 'ftp://x'"),
        (
            "http://127.0.0.1:1/",
            &[("format", "parquet")],
            "unknown format 'parquet'",
        ),
        ("http://127.0.0.1:1/", &[("batch_rows", "0")], "found '0'"),
    ] {
        let job = sink(&server, "w", url, more);
        assert!(job["error"].as_str().unwrap().contains(part), "{job}");
    }
    server.becomes(
        "SELECT countIf(result = 'error') FROM tinybird.sinks_ops_log",
        "4",
    );
}
