//! Topics: a query's rows out to Kafka, each as one message.
//!
//! A row of `csv` is its line without names of columns and without the line's end; one of `json` is an
//! object. Batches that the broker does not take are sent again for a while by the client.
//!
//! Invariant: messages go in the order of the rows of a block, a batch to one partition; what was taken
//! is told even when a later batch is not.

use std::sync::Arc;

use roost::exec::Totals;
use roost::formats::{self, FormatSettings, ResultStats};
use roost::interpret::RowSink;
use roost_engine::block::{Block, Schema};
use roost_engine::error::{Code, Error, Result as SqlResult};

use super::Running;
use crate::kafka::{Client, Connection, Producer};
use crate::project::{Node, Snapshot};

/// Rows of a batch.
const ROWS: usize = 1000;
/// Bytes of a batch: brokers take a megabyte unless they are told otherwise.
const BYTES: usize = 512 << 10;

/// A topic that a sink writes to.
pub(super) struct Topic {
    pub(super) name: String,
    connection: Connection,
    format: &'static str,
}

impl Topic {
    /// The topic that a sink writes to, if it is one of Kafka.
    pub(super) fn of(node: &Node, state: &Snapshot) -> Option<Result<Topic, String>> {
        (node.setting("service") == Some("kafka")).then(|| Topic::read(node, state))
    }

    fn read(node: &Node, state: &Snapshot) -> Result<Topic, String> {
        let name = node.setting("kafka_topic");
        let name = name.ok_or("a sink to Kafka needs EXPORT_KAFKA_TOPIC")?;
        let connection = node.setting("connection");
        let connection = connection.ok_or("a sink to Kafka needs EXPORT_CONNECTION_NAME")?;
        let format = match node.setting("format").unwrap_or("json") {
            "json" | "ndjson" => "JSONEachRow",
            "csv" => "CSV",
            other => {
                return Err(format!(
                    "unknown format '{other}' of a sink to Kafka; known are json, ndjson, csv"
                ));
            }
        };
        Ok(Topic {
            name: name.to_owned(),
            connection: Connection::find(state, connection)?,
            format,
        })
    }

    /// Rows into messages.
    pub(super) fn open<'a>(&'a self, running: &'a Running) -> Result<Messages<'a>, String> {
        // Who cancels the job does not wait for the broker.
        let client = Client::connect(&self.connection, running.cancel.flag())?;
        Ok(Messages {
            topic: self,
            running,
            producer: client.producer(&self.name)?,
            schema: Arc::default(),
            batch: Vec::new(),
            waiting: 0,
            rows_sent: 0,
            bytes: 0,
        })
    }
}

/// Rows into messages.
pub(super) struct Messages<'a> {
    topic: &'a Topic,
    running: &'a Running,
    producer: Producer,
    schema: Arc<Schema>,
    batch: Vec<Vec<u8>>,
    /// Bytes of the batch.
    waiting: usize,
    /// Messages that were taken.
    pub(super) rows_sent: u64,
    /// Their bytes.
    pub(super) bytes: u64,
}

impl Messages<'_> {
    fn send(&mut self) -> SqlResult<()> {
        if self.batch.is_empty() {
            return Ok(());
        }
        self.running.go_on()?;
        let batch = std::mem::take(&mut self.batch);
        let rows = batch.len() as u64;
        self.producer.send(batch).map_err(|why| {
            let (topic, taken) = (&self.topic.name, self.rows_sent);
            Error::new(
                Code::CANNOT_WRITE_TO_FILE_DESCRIPTOR,
                format!("cannot write to topic '{topic}': {why}; {taken} rows before were taken"),
            )
        })?;
        self.rows_sent += rows;
        self.bytes += std::mem::take(&mut self.waiting) as u64;
        Ok(())
    }
}

/// The lines of a text; line ends inside of quotes are part of a line.
fn lines(text: &[u8], quotes: bool) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut inside = false;
        let ends = |b: &u8| {
            inside ^= quotes && *b == b'"';
            *b == b'\n' && !inside
        };
        let end = rest.iter().position(ends).unwrap_or(rest.len());
        let line = &rest[..end];
        rest = rest.get(end + 1..).unwrap_or_default();
        Some(line)
    })
}

impl RowSink for Messages<'_> {
    fn start(&mut self, schema: &Arc<Schema>) -> SqlResult<()> {
        self.schema = Arc::clone(schema);
        Ok(())
    }

    fn block(&mut self, block: Block) -> SqlResult<()> {
        let mut text = Vec::new();
        let mut writer = formats::writer(self.topic.format, &FormatSettings::default())?;
        writer.start(&self.schema, &mut text)?;
        writer.block(&block, &mut text)?;
        writer.finish(&ResultStats::default(), &mut text)?;
        for line in lines(&text, self.topic.format == "CSV") {
            self.waiting += line.len();
            self.batch.push(line.to_vec());
            if self.batch.len() >= ROWS || self.waiting >= BYTES {
                self.send()?;
            }
        }
        Ok(())
    }

    fn end(&mut self, _: &Totals) -> SqlResult<()> {
        self.send()
    }
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn a_line_ends_outside_of_quotes() {
        let all = |text: &'static [u8], quotes| lines(text, quotes).collect::<Vec<_>>();
        assert_eq!(
            all(b"1,\"a\nb\"\n2,\"\"\"\n\"\n", true),
            [&b"1,\"a\nb\""[..], b"2,\"\"\"\n\""]
        );
        assert_eq!(
            all(b"{\"a\":\"\\\"\"}\n{}\n", false),
            [&b"{\"a\":\"\\\"\"}"[..], b"{}"]
        );
        assert_eq!(all(b"\nx", true), [&b""[..], b"x"]);
        assert!(all(b"", true).is_empty());
    }
}
