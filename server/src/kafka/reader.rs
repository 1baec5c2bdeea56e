//! The reader of one data source: fetches each partition, writes batches, keeps going.
//!
//! Partitions are fetched beside each other into a short queue; one thread takes from it, and writes
//! what came together within a moment as one commit. When it cannot keep up, the fetches wait.
//!
//! Invariant: a batch and the step of its partitions' cursors are one commit; after an error reading
//! begins again at the cursors.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use roost::interpret::CursorMove;
use roost_engine::catalog::Table;
use serde_json::json;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::client::{Client, Fetched, Partition, runtime};
use super::source::{Begin, Subscription};
use super::{Connection, consumers::Shared};
use crate::project::ingest::{Ingested, Message, Stream, is_fault_of_rows};
use crate::project::{DataSource, ProjectError, Reading};
use crate::store::{iso_seconds, now_micros, timestamp};
use crate::tokens::new_uuid;

/// How long a batch is collected after its first message.
const LINGER: Duration = Duration::from_millis(500);
/// Bytes that make a batch full.
const BATCH_BYTES: usize = 16 << 20;
/// Messages that make a batch full.
const BATCH_MESSAGES: usize = 200_000;
/// Bytes that all fetches together ask for.
const FETCH_BYTES: usize = 32 << 20;
/// How often it is looked for new partitions.
const LOOK: Duration = Duration::from_secs(5);
/// How often a wait looks whether it should end.
const TICK: Duration = Duration::from_millis(50);
/// How long is waited after a first error; twice as long after each further one.
const PAUSE: Duration = Duration::from_millis(500);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// What a fetch has to tell.
struct Event {
    partition: i32,
    what: Result<Told, String>,
}

enum Told {
    /// Messages, the offset behind the partition's last, and how long the fetch took.
    Messages(Vec<Message>, i64, Duration),
    /// Reading went on at another offset, since that where it stood is gone.
    Jumped(i64),
}

/// A partition that is being read.
struct Place {
    fetch: JoinHandle<()>,
    /// Where its cursor is.
    at: i64,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.fetch.abort();
    }
}

/// The messages of a commit.
#[derive(Default)]
struct Batch {
    messages: Vec<Message>,
    bytes: usize,
    /// By partition: messages, bytes, time that fetching took.
    parts: BTreeMap<i32, (usize, usize, Duration)>,
}

/// Reads a topic into a data source.
pub(super) struct Reader {
    pub(super) shared: Arc<Shared>,
    pub(super) source: Arc<DataSource>,
    pub(super) stop: Arc<AtomicBool>,
}

impl Reader {
    /// Reads until stopped.
    pub(super) fn run(&self) {
        let mut pause = PAUSE;
        while !self.is_stopped() {
            let mut went_well = false;
            match self.read(&mut went_well) {
                Ok(()) => return,
                Err(why) if self.is_stopped() => {
                    tracing::debug!("reading into {} ended: {why}", self.source.name);
                    return;
                }
                Err(why) => {
                    tracing::warn!("reading into {}: {why}", self.source.name);
                    self.note(None, "error", &why);
                    self.tell(|reading| reading.error = Some(why));
                }
            }
            if went_well {
                pause = PAUSE;
            }
            self.rest(pause);
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn rest(&self, pause: Duration) {
        let started = Instant::now();
        while !self.is_stopped() && started.elapsed() < pause {
            std::thread::sleep(TICK.min(pause));
        }
    }

    fn table(&self) -> Result<Arc<Table>, String> {
        let table = self.shared.project.store.table(&self.source.name);
        table.ok_or_else(|| format!("Data Source \"{}\" has no table", self.source.name))
    }

    /// Reads until stopped, or something goes wrong.
    fn read(&self, went_well: &mut bool) -> Result<(), String> {
        let Some(subscription) = Subscription::of(&self.source) else {
            return Ok(());
        };
        let subscription = subscription?;
        let state = self.shared.project.snapshot();
        let connection = Connection::find(&state, &subscription.connection)?;
        let table = self.table()?;
        let client = Client::connect(&connection, Arc::clone(&self.stop))?;
        let stream = Stream::of(&self.shared.project, &self.source, &subscription.topic);
        let (sender, mut events) = mpsc::channel(2);
        let mut places: BTreeMap<i32, Place> = BTreeMap::new();
        let mut looked: Option<Instant> = None;
        while !self.is_stopped() {
            if looked.is_none_or(|at| at.elapsed() >= LOOK) {
                self.look(&client, &subscription, &table, &sender, &mut places)?;
                if looked.is_none() {
                    self.tell(|reading| reading.error = None);
                }
                looked = Some(Instant::now());
            }
            let batch = self.collect(&mut events, &subscription)?;
            if !batch.messages.is_empty() {
                self.write(&stream, &subscription, &table, &batch, &mut places)?;
                *went_well = true;
            }
        }
        Ok(())
    }

    /// Begins to read partitions that are not read yet.
    fn look(
        &self,
        client: &Client,
        subscription: &Subscription,
        table: &Table,
        sender: &mpsc::Sender<Event>,
        places: &mut BTreeMap<i32, Place>,
    ) -> Result<(), String> {
        let numbers = client.partitions(&subscription.topic)?;
        let bytes = (FETCH_BYTES / numbers.len().max(1)).clamp(256 << 10, 4 << 20);
        let store = &self.shared.project.store;
        let mut known = false;
        for number in &numbers {
            let at = store.cursor(table, &subscription.cursor(*number));
            known |= at.map_err(|e| e.to_string())?.is_some();
        }
        for number in numbers {
            if places.contains_key(&number) {
                continue;
            }
            let partition = client.partition(&subscription.topic, number)?;
            let at = self.begin(&partition, subscription, table, known)?;
            let fetch = fetch_on(partition, at, bytes as i32, sender.clone());
            let fetch = runtime()?.spawn(fetch);
            places.insert(number, Place { fetch, at });
            self.note(
                Some(number),
                "info",
                &format!("reading begins at offset {at}"),
            );
        }
        Ok(())
    }

    /// Where reading a partition begins: at its cursor, which is put where there is none.
    fn begin(
        &self,
        partition: &Partition,
        subscription: &Subscription,
        table: &Table,
        is_new: bool,
    ) -> Result<i64, String> {
        let store = &self.shared.project.store;
        let cursor = subscription.cursor(partition.number);
        if let Some(at) = store.cursor(table, &cursor).map_err(|e| e.to_string())? {
            return Ok(at);
        }
        // What is in a partition that came while the topic was read is news.
        let at = match subscription.begin {
            Begin::Latest if !is_new => partition.end()?,
            _ => partition.first()?,
        };
        let step = store.cursor_move(table, &cursor, None, at);
        store.move_cursor(step).map_err(|e| e.to_string())?;
        Ok(at)
    }

    /// What comes within a moment after the first messages, at most a batch.
    fn collect(
        &self,
        events: &mut mpsc::Receiver<Event>,
        subscription: &Subscription,
    ) -> Result<Batch, String> {
        let mut batch = Batch::default();
        let mut until = Instant::now() + TICK;
        let runtime = runtime()?;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || self.is_stopped() {
                return Ok(batch);
            }
            let next = runtime
                .block_on(async { tokio::time::timeout(left.min(TICK), events.recv()).await });
            let Ok(Some(event)) = next else { continue };
            match event.what? {
                Told::Messages(messages, end, took) => {
                    if batch.messages.is_empty() && !messages.is_empty() {
                        until = Instant::now() + LINGER;
                    }
                    self.lag(event.partition, &messages, end);
                    batch.add(event.partition, messages, took);
                }
                Told::Jumped(at) => {
                    let why = format!(
                        "OFFSET_OUT_OF_RANGE: what came behind the last message that was read is \
                         gone; reading goes on at the earliest offset {at}"
                    );
                    tracing::warn!(
                        "topic {} into {}: {why}",
                        subscription.topic,
                        self.source.name
                    );
                    self.note(Some(event.partition), "warning", &why);
                }
            }
            if batch.bytes >= BATCH_BYTES || batch.messages.len() >= BATCH_MESSAGES {
                return Ok(batch);
            }
        }
    }

    fn lag(&self, partition: i32, messages: &[Message], end: i64) {
        let lag = messages.last().map_or(0, |m| (end - m.offset - 1).max(0));
        let mut reading = self.shared.project.reading.lock();
        if let Some(reading) = reading.get_mut(&self.source.id) {
            reading.lag.insert(partition, lag);
        }
    }

    /// Commits a batch: at once, or in halves when one of its messages is refused as a whole.
    fn write(
        &self,
        stream: &Stream<'_>,
        subscription: &Subscription,
        table: &Table,
        batch: &Batch,
        places: &mut BTreeMap<i32, Place>,
    ) -> Result<(), String> {
        let started = Instant::now();
        let project = &self.shared.project;
        let mut waiting = vec![batch.messages.as_slice()];
        while let Some(messages) = waiting.pop() {
            let ends: BTreeMap<i32, i64> = messages
                .iter()
                .map(|m| (m.partition, m.offset + 1))
                .collect();
            let steps: Vec<CursorMove> = ends
                .iter()
                .map(|(number, to)| {
                    let at = places.get(number).map(|p| p.at);
                    let cursor = subscription.cursor(*number);
                    project.store.cursor_move(table, &cursor, at, *to)
                })
                .collect();
            let outcome = match (stream.write(project, messages, &steps), messages) {
                (Err(e), [message]) if is_of_rows(&e) => {
                    stream.set_aside(project, message, e.to_string(), &steps)
                }
                (Err(e), _) if is_of_rows(&e) => {
                    let (first, second) = messages.split_at(messages.len() / 2);
                    waiting.extend([second, first]);
                    continue;
                }
                (outcome, _) => outcome,
            };
            self.note_import(&outcome, started);
            let done = outcome.map_err(|e| e.to_string())?;
            self.shared
                .metrics
                .ingested(done.rows, done.quarantined, done.bytes);
            for (number, to) in ends {
                if let Some(place) = places.get_mut(&number) {
                    place.at = to;
                }
            }
        }
        for (number, part) in &batch.parts {
            self.note_part(subscription, *number, part, started.elapsed());
        }
        self.tell(|reading| reading.error = None);
        Ok(())
    }

    /// Changes how the reading goes, for those who ask.
    fn tell(&self, change: impl FnOnce(&mut Reading)) {
        let mut all = self.shared.project.reading.lock();
        let reading = all.entry(self.source.id.clone()).or_default();
        change(reading);
        reading.at = timestamp();
    }

    fn note_import(&self, outcome: &crate::project::Result<Ingested>, started: Instant) {
        let done = outcome.as_ref().ok().cloned().unwrap_or_default();
        self.shared.log.note(
            "datasources_ops_log",
            json!({
                "timestamp": iso_seconds(now_micros(), ' '),
                "event_type": "append-kafka",
                "datasource_id": self.source.id,
                "datasource_name": self.source.name,
                "result": if outcome.is_err() { "error" } else { "ok" },
                "elapsed_time": started.elapsed().as_secs_f32(),
                "error": outcome.as_ref().err().map(ToString::to_string),
                "import_id": done.import_id,
                "rows": done.rows,
                "rows_quarantine": done.quarantined,
                "operation_id": new_uuid(),
                "written_rows": done.rows,
                "written_bytes": done.bytes,
                "written_rows_quarantine": done.quarantined,
            }),
        );
    }

    fn note_part(
        &self,
        subscription: &Subscription,
        partition: i32,
        (messages, bytes, read): &(usize, usize, Duration),
        wrote: Duration,
    ) {
        let lag = {
            let all = self.shared.project.reading.lock();
            let reading = all.get(&self.source.id);
            reading.and_then(|r| r.lag.get(&partition).copied())
        };
        self.shared.log.note(
            "kafka_ops_log",
            json!({
                "timestamp": iso_seconds(now_micros(), ' '),
                "datasource_id": self.source.id,
                "topic": subscription.topic,
                "partition": partition,
                "msg_type": "info",
                "lag": lag.unwrap_or_default(),
                "processed_messages": messages,
                "processed_bytes": bytes,
                "committed_messages": messages,
                "time_read": read.as_secs_f32(),
                "time_write": wrote.as_secs_f32(),
                "msg": "",
            }),
        );
    }

    fn note(&self, partition: Option<i32>, kind: &str, message: &str) {
        self.shared.log.note(
            "kafka_ops_log",
            json!({
                "timestamp": iso_seconds(now_micros(), ' '),
                "datasource_id": self.source.id,
                "topic": self.source.setting("kafka_topic").unwrap_or_default(),
                "partition": partition.unwrap_or(-1),
                "msg_type": kind,
                "msg": message,
            }),
        );
    }
}

/// Whether the messages are at fault, not the server.
fn is_of_rows(e: &ProjectError) -> bool {
    matches!(e, ProjectError::Database(e) if is_fault_of_rows(e))
}

impl Batch {
    fn add(&mut self, partition: i32, messages: Vec<Message>, took: Duration) {
        if messages.is_empty() {
            return;
        }
        let bytes = messages.iter().map(Message::size).sum::<usize>();
        let part = self.parts.entry(partition).or_default();
        part.0 += messages.len();
        part.1 += bytes;
        part.2 += took;
        self.bytes += bytes;
        self.messages.extend(messages);
    }
}

/// Where a partition is fetched from; what [`fetch_on`] needs of it.
pub(super) trait Log {
    /// Its number.
    fn number(&self) -> i32;
    /// The messages from an offset on, about so many bytes.
    fn fetch(
        &self,
        offset: i64,
        bytes: i32,
    ) -> impl Future<Output = Result<Fetched, String>> + Send;
    /// The offset of the oldest message that is kept.
    fn first_now(&self) -> impl Future<Output = Result<i64, String>> + Send;
    /// The offset up to which everything can be read.
    fn stable_now(&self) -> impl Future<Output = Result<i64, String>> + Send;
}

impl Log for Partition {
    fn number(&self) -> i32 {
        self.number
    }

    async fn fetch(&self, offset: i64, bytes: i32) -> Result<Fetched, String> {
        Partition::fetch(self, offset, bytes).await
    }

    async fn first_now(&self) -> Result<i64, String> {
        Partition::first_now(self).await
    }

    async fn stable_now(&self) -> Result<i64, String> {
        Partition::stable_now(self).await
    }
}

/// Fetches a partition from `at` on, until nobody listens or it fails.
async fn fetch_on(partition: impl Log, at: i64, bytes: i32, sender: mpsc::Sender<Event>) {
    let number = partition.number();
    let mut at = at;
    // Up to where there was something to fetch before it was fetched.
    let mut known = at;
    loop {
        let started = Instant::now();
        let what = match partition.fetch(at, bytes).await {
            Ok(Fetched::Messages(messages, end)) => {
                let last = messages.last().map(|m| m.offset);
                match last {
                    Some(last) => at = last + 1,
                    // Something was there, and it was no message: the end of a transaction.
                    None if at < known => at += 1,
                    None if at < end => {
                        // Is it there, or a transaction that is still open?
                        match partition.stable_now().await {
                            Ok(stable) if stable > at => known = stable,
                            Ok(_) => tokio::time::sleep(TICK).await,
                            // The next fetch says what is wrong.
                            Err(_) => tokio::time::sleep(TICK).await,
                        }
                    }
                    None => {}
                }
                Ok(Told::Messages(messages, end.max(at), started.elapsed()))
            }
            Ok(Fetched::Unreadable(why)) => {
                let message = Message {
                    partition: number,
                    offset: at,
                    fault: Some(format!(
                        "this message, or one behind it in its batch, cannot be read: {why}; the \
                         topic still has it"
                    )),
                    ..Message::default()
                };
                at += 1;
                Ok(Told::Messages(vec![message], at, started.elapsed()))
            }
            Ok(Fetched::OutOfRange) => {
                let found = partition.first_now().await;
                found.map(|first| {
                    at = first;
                    Told::Jumped(first)
                })
            }
            Err(why) => Err(why),
        };
        let failed = what.is_err();
        let event = Event {
            partition: number,
            what,
        };
        if sender.send(event).await.is_err() || failed {
            return;
        }
    }
}

#[cfg(test)]
mod tests;
