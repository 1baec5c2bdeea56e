//! Live endpoints: a pipe's result, then each change of it, as server-sent events.
//!
//! Invariant: what a reader is told held after the commit that the event's id names; a reader that
//! goes away, a refusal and the end of the server each end the work.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::app::App;
use super::call::Call;
use super::outlet::{Head, HeadBody, Outlet};
use super::reply::{Failure, Handled};
use super::v0;

/// How often commits are looked for; the result is computed no more often than twice that.
const LOOK: Duration = Duration::from_millis(50);
/// How often a quiet stream says that it lives.
const ALIVE: Duration = Duration::from_secs(15);
/// The largest result that is watched.
const BYTES_MAX: usize = 16 << 20;
/// Events that may wait for a slow reader.
const WAITING_MAX: usize = 4;

/// Whether live endpoints go on.
#[derive(Debug, Default)]
pub(super) struct Live {
    closing: AtomicBool,
}

impl Live {
    /// Ends all streams.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Release);
    }

    fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }
}

/// Whether a request subscribes: an endpoint's `.json` for a reader of event streams.
pub(super) fn wants(call: &Call) -> bool {
    let reads_events = call
        .header("accept")
        .is_some_and(|a| a.contains("text/event-stream"));
    let [version, pipes, file] = &call.segments[..] else {
        return false;
    };
    reads_events && version == "v0" && pipes == "pipes" && file.ends_with(".json")
}

/// A result: rows as JSON texts, and the commit up to which it is right.
struct Result {
    commit: u64,
    rows: Vec<String>,
}

/// Answers with a stream of events, or with the refusal that the plain endpoint gives.
pub(super) async fn subscribe(app: Arc<App>, mut call: Call) -> Head {
    let app = app.for_token(call.token());
    if let Some(file) = call.segments.last_mut() {
        // One row a line: rows are compared and sent as they are.
        *file = file.replace(".json", ".ndjson");
    }
    let call = Arc::new(call);
    let first = match compute(&app, &call).await {
        Ok(first) => first,
        Err(failure) => return super::entry::refused(failure),
    };
    let seen = call.header("last-event-id").and_then(|id| id.parse().ok());
    let (sender, receiver) = mpsc::channel(WAITING_MAX);
    let text = match seen == Some(first.commit) {
        true => ": nothing new\n\n".to_owned(),
        false => whole(&first),
    };
    let _ = sender.try_send(Ok(Bytes::from(text)));
    tokio::spawn(follow(app, call, first, sender));
    let header = |name, value: &str| (name, value.to_owned());
    Head {
        status: 200,
        headers: vec![
            header("Content-Type", "text/event-stream"),
            header("Cache-Control", "no-cache"),
        ],
        body: HeadBody::Pieces(receiver),
    }
}

type Sender = mpsc::Sender<std::result::Result<Bytes, std::io::Error>>;

async fn follow(app: Arc<App>, call: Arc<Call>, mut last: Result, sender: Sender) {
    let mut spoken = Instant::now();
    while !app.live.is_closing() {
        tokio::time::sleep(LOOK).await;
        if sender.is_closed() {
            break;
        }
        let mut text = None;
        if data_commit(&app) != last.commit {
            match compute(&app, &call).await {
                Ok(now) => {
                    text = difference(&last, &now);
                    last = now;
                }
                Err(failure) => {
                    let error = serde_json::json!({ "error": failure.message });
                    let _ = sender
                        .send(Ok(Bytes::from(format!("event: error\ndata: {error}\n\n"))))
                        .await;
                    break;
                }
            }
            tokio::time::sleep(LOOK).await;
        } else if spoken.elapsed() > ALIVE {
            text = Some(": alive\n\n".to_owned());
        }
        if let Some(text) = text {
            spoken = Instant::now();
            if sender.send(Ok(Bytes::from(text))).await.is_err() {
                break;
            }
        }
    }
    call.cancel.cancel();
}

/// The last commit that touched a data source. The service data sources, which every request
/// touches, do not count.
fn data_commit(app: &App) -> u64 {
    let tables = app.store().database().engine().tables();
    let data = tables
        .iter()
        .filter(|t| t.definition().database == app.store().data());
    data.map(|t| t.snapshot().commit).max().unwrap_or(0)
}

async fn compute(app: &Arc<App>, call: &Arc<Call>) -> Handled<Result> {
    // Read before the query runs: a commit in between is looked at again.
    let commit = data_commit(app);
    let (sender, receiver) = oneshot::channel();
    let (for_app, for_call) = (Arc::clone(app), Arc::clone(call));
    drop(tokio::task::spawn_blocking(move || {
        v0::handle(&for_app, &for_call, Outlet::new(sender));
    }));
    let failed = || Failure::new(500, "the request could not be completed");
    let head = receiver.await.map_err(|_| failed())?;
    let status = head.status;
    let body = match head.body {
        HeadBody::Whole(bytes) => bytes,
        HeadBody::Pieces(mut pieces) => {
            let mut all = Vec::new();
            while let Some(piece) = pieces.recv().await {
                all.extend_from_slice(&piece.map_err(|_| failed())?);
                if all.len() > BYTES_MAX {
                    let limit = format!("a live result may have {BYTES_MAX} bytes");
                    return Err(Failure::bad(limit));
                }
            }
            all
        }
    };
    let text = String::from_utf8_lossy(&body);
    if status != 200 {
        let error = serde_json::from_str::<serde_json::Value>(&text).ok();
        let message = error.and_then(|e| Some(e.get("error")?.as_str()?.to_owned()));
        return Err(Failure::new(status, message.unwrap_or(text.into_owned())));
    }
    let rows = text.lines().map(str::to_owned).collect();
    Ok(Result { commit, rows })
}

fn whole(result: &Result) -> String {
    let rows = result.rows.join(",");
    let count = result.rows.len();
    format!(
        "id: {}\nevent: result\ndata: {{\"data\":[{rows}],\"rows\":{count}}}\n\n",
        result.commit
    )
}

/// What changed, as an event; None where nothing did.
fn difference(before: &Result, now: &Result) -> Option<String> {
    if before.rows == now.rows {
        return None;
    }
    let mut counts: HashMap<&str, i64> = HashMap::new();
    for row in &before.rows {
        *counts.entry(row).or_default() -= 1;
    }
    let added: Vec<&str> = now
        .rows
        .iter()
        .map(String::as_str)
        .filter(|row| {
            let count = counts.entry(row).or_default();
            *count += 1;
            *count > 0
        })
        .collect();
    let removed: Vec<&str> = before
        .rows
        .iter()
        .map(String::as_str)
        .filter(|row| {
            let count = counts.entry(row).or_default();
            let gone = *count < 0;
            *count += i64::from(gone);
            gone
        })
        .collect();
    if added.is_empty() && removed.is_empty() {
        // The same rows in another order.
        return Some(whole(now));
    }
    Some(format!(
        "id: {}\nevent: change\ndata: {{\"added\":[{}],\"removed\":[{}],\"rows\":{}}}\n\n",
        now.commit,
        added.join(","),
        removed.join(","),
        now.rows.len()
    ))
}

#[cfg(test)]
mod tests {
    use super::{Result, difference};

    fn result(commit: u64, rows: &[&str]) -> Result {
        let rows = rows.iter().map(|r| (*r).to_owned()).collect();
        Result { commit, rows }
    }

    #[test]
    fn changes_count_rows_that_repeat() {
        let before = result(1, &["1", "2", "2"]);
        assert_eq!(difference(&before, &result(2, &["1", "2", "2"])), None);
        assert_eq!(
            difference(&before, &result(2, &["2", "2", "2", "3"])).as_deref(),
            Some("id: 2\nevent: change\ndata: {\"added\":[2,3],\"removed\":[1],\"rows\":4}\n\n")
        );
        assert_eq!(
            difference(&before, &result(3, &["2", "1", "2"])).as_deref(),
            Some("id: 3\nevent: result\ndata: {\"data\":[2,1,2],\"rows\":3}\n\n")
        );
    }
}
