//! Webhooks: a query's rows, in batches, posted to an address.
//!
//! A batch that is not taken is sent again a few times: after 429, a status from 500 on, or a connection
//! that fails. Whoever receives it tells the second from the first by its id.
//!
//! Invariant: batches go one at a time, in the order of the rows; a batch has the same id and the same
//! bytes whenever it is sent; what was taken is told even when a later batch is not.

use std::sync::Arc;
use std::time::{Duration, Instant};

use roost::exec::Totals;
use roost::formats::{self, BlockWriter, FormatSettings, ResultStats};
use roost::interpret::RowSink;
use roost_engine::block::{Block, Schema};
use roost_engine::error::{Code, Error, Result as SqlResult};
use ureq::Agent;

use super::Running;
use crate::project::Node;

/// How often a batch is sent at most.
const ATTEMPTS: u32 = 5;
/// How long is waited before the second attempt; four times as long before each further one.
const PAUSE: Duration = Duration::from_millis(100);
/// The longest pause that a receiver may ask for.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// How long a receiver may take.
const ANSWER_TIME: Duration = Duration::from_secs(30);
/// How often a pause looks whether the job was cancelled.
const LOOK: Duration = Duration::from_millis(20);
/// Rows of a batch when the sink does not say.
const ROWS: usize = 1000;
/// Most rows that a batch may have.
const ROWS_MAX: usize = 100_000;

/// Where a webhook goes, and how.
pub(super) struct Hook {
    pub(super) url: String,
    format: &'static str,
    content_type: &'static str,
    rows: usize,
}

impl Hook {
    /// The webhook that a sink is, if it is one.
    pub(super) fn of(node: &Node) -> Option<Result<Hook, String>> {
        let url = node.setting("url").or_else(|| node.setting("path"));
        let url = url.unwrap_or_default();
        let is_address = url.starts_with("http://") || url.starts_with("https://");
        let is_hook = node.setting("service") == Some("webhook");
        if !is_hook && !is_address {
            return None;
        }
        Some(match is_address {
            true => Hook::to(url, node),
            false => Err(format!(
                "a webhook goes to an http or https address (EXPORT_BUCKET_URI), found '{url}'"
            )),
        })
    }

    fn to(url: &str, node: &Node) -> Result<Hook, String> {
        let (format, content_type) = match node.setting("format").unwrap_or("ndjson") {
            "ndjson" => ("JSONEachRow", "application/x-ndjson"),
            "csv" => ("CSVWithNames", "text/csv"),
            other => {
                return Err(format!(
                    "unknown format '{other}' of a webhook; known are ndjson, csv"
                ));
            }
        };
        let rows = match node.setting("batch_rows") {
            None => ROWS,
            Some(text) => match text.parse() {
                Ok(rows @ 1..=ROWS_MAX) => rows,
                _ => {
                    return Err(format!(
                        "EXPORT_BATCH_ROWS is 1 to {ROWS_MAX}, found '{text}'"
                    ));
                }
            },
        };
        Ok(Hook {
            url: url.to_owned(),
            format,
            content_type,
            rows,
        })
    }
}

/// Rows into posts.
pub(super) struct Posts<'a> {
    hook: &'a Hook,
    running: &'a Running,
    agent: Agent,
    schema: Arc<Schema>,
    /// The batch that is being written.
    writer: Option<Box<dyn BlockWriter>>,
    body: Vec<u8>,
    rows: usize,
    /// Batches that were taken.
    pub(super) batches: usize,
    /// Their rows.
    pub(super) rows_sent: u64,
    /// Their bytes.
    pub(super) bytes: u64,
}

impl<'a> Posts<'a> {
    /// Nothing sent yet.
    pub(super) fn new(hook: &'a Hook, running: &'a Running) -> Self {
        Posts {
            hook,
            running,
            agent: Agent::config_builder()
                .http_status_as_error(false)
                .timeout_global(Some(ANSWER_TIME))
                .build()
                .into(),
            schema: Arc::default(),
            writer: None,
            body: Vec::new(),
            rows: 0,
            batches: 0,
            rows_sent: 0,
            bytes: 0,
        }
    }

    fn add(&mut self, block: &Block) -> SqlResult<()> {
        let writer = match &mut self.writer {
            Some(writer) => writer,
            slot => {
                let mut writer = formats::writer(self.hook.format, &FormatSettings::default())?;
                writer.start(&self.schema, &mut self.body)?;
                slot.insert(writer)
            }
        };
        writer.block(block, &mut self.body)?;
        self.rows += block.rows();
        match self.rows >= self.hook.rows {
            true => self.send(),
            false => Ok(()),
        }
    }

    /// Sends the batch, if it has rows.
    fn send(&mut self) -> SqlResult<()> {
        let Some(mut writer) = self.writer.take() else {
            return Ok(());
        };
        writer.finish(&ResultStats::default(), &mut self.body)?;
        let body = std::mem::take(&mut self.body);
        let mut pause = PAUSE;
        for attempt in 1..=ATTEMPTS {
            self.running.go_on()?;
            match self.post(&body) {
                Sent::Taken => break,
                Sent::Refused(why) => return Err(self.failed(&why)),
                Sent::Again(why, _) if attempt == ATTEMPTS => {
                    return Err(self.failed(&format!("{why}, {ATTEMPTS} times")));
                }
                Sent::Again(_, asked) => {
                    self.wait(asked.unwrap_or(pause).min(PAUSE_MAX))?;
                    pause *= 4;
                }
            }
        }
        self.batches += 1;
        self.bytes += body.len() as u64;
        self.rows_sent += std::mem::take(&mut self.rows) as u64;
        Ok(())
    }

    fn post(&self, body: &[u8]) -> Sent {
        let id = format!("{}-{}", self.running.id, self.batches);
        let sent = self
            .agent
            .post(&self.hook.url)
            .header("Content-Type", self.hook.content_type)
            .header("X-Roost-Batch", &id)
            .send(body);
        let answer = match sent {
            Ok(answer) => answer,
            Err(e) => return Sent::Again(e.to_string(), None),
        };
        let status = answer.status().as_u16();
        let told = format!("it answered {status}");
        match status {
            200..300 => Sent::Taken,
            429 | 500.. => {
                let after = answer.headers().get("retry-after");
                let after = after.and_then(|v| v.to_str().ok()?.parse().ok());
                Sent::Again(told, after.map(Duration::from_secs))
            }
            _ => Sent::Refused(told),
        }
    }

    fn wait(&self, pause: Duration) -> SqlResult<()> {
        let started = Instant::now();
        while started.elapsed() < pause {
            self.running.go_on()?;
            std::thread::sleep(LOOK.min(pause));
        }
        Ok(())
    }

    fn failed(&self, why: &str) -> Error {
        let (url, taken) = (&self.hook.url, self.rows_sent);
        Error::new(
            Code::CANNOT_WRITE_TO_FILE_DESCRIPTOR,
            format!("cannot post to {url}: {why}; {taken} rows before were taken"),
        )
    }
}

/// What became of an attempt.
enum Sent {
    Taken,
    /// Sending again is of no use.
    Refused(String),
    /// It may be taken later; after how long the receiver said.
    Again(String, Option<Duration>),
}

impl RowSink for Posts<'_> {
    fn start(&mut self, schema: &Arc<Schema>) -> SqlResult<()> {
        self.schema = Arc::clone(schema);
        Ok(())
    }

    fn block(&mut self, block: Block) -> SqlResult<()> {
        let mut at = 0;
        while at < block.rows() {
            let rows = (self.hook.rows - self.rows).min(block.rows() - at);
            self.add(&block.slice(at, rows))?;
            at += rows;
        }
        Ok(())
    }

    fn end(&mut self, _: &Totals) -> SqlResult<()> {
        self.send()
    }
}
