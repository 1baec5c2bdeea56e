//! The client: topics, partitions, messages, over the crate `rskafka`.
//!
//! Threads that wait call it; its own work runs on one thread that all clients share.
//!
//! Invariant: every call ends within its time, whatever the broker does; soon when it is told to stop.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use rskafka::BackoffConfig;
use rskafka::client::error::{Error, ProtocolError};
use rskafka::client::partition::{Compression, OffsetAt, PartitionClient, UnknownTopicHandling};
use rskafka::client::{ClientBuilder, Credentials, SaslConfig};
use rskafka::record::{Record, RecordAndOffset};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio::runtime::Runtime;

use super::connection::{Connection, Mechanism};
use crate::project::ingest::Message;

/// How long a call may take, attempts included.
const CALL_TIME: Duration = Duration::from_secs(15);
/// How long a call is tried again.
const RETRY_TIME: Duration = Duration::from_secs(5);
/// How often a wait looks whether it should end.
const LOOK: Duration = Duration::from_millis(100);
/// How long a broker waits for messages before it answers that there are none.
const WAIT_MILLIS: i32 = 500;
/// Where systems keep the certificates of authorities.
const AUTHORITIES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// The thread that all clients share.
pub(super) fn runtime() -> Result<&'static Runtime, String> {
    static RUNTIME: OnceLock<Result<Runtime, String>> = OnceLock::new();
    let made = RUNTIME.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("kafka-io")
            .enable_all()
            .build();
        runtime.map_err(|e| format!("cannot start a thread for Kafka: {e}"))
    });
    made.as_ref().map_err(Clone::clone)
}

/// Tells calls to end before they have an answer.
pub(super) type Stop = Arc<AtomicBool>;

/// Waits for `call`, no longer than it may take, and not beyond `stop`.
fn wait<T>(
    stop: &Stop,
    what: &str,
    call: impl Future<Output = Result<T, Error>>,
) -> Result<T, String> {
    runtime()?.block_on(async {
        let mut call = std::pin::pin!(call);
        let started = Instant::now();
        loop {
            match tokio::time::timeout(LOOK, &mut call).await {
                Ok(done) => return done.map_err(|e| format!("{what}: {}", told(&e))),
                Err(_) if stop.load(Ordering::Relaxed) => {
                    return Err(format!("{what}: there was no time to wait for an answer"));
                }
                Err(_) if started.elapsed() > CALL_TIME => {
                    return Err(format!("{what}: no answer for {CALL_TIME:?}"));
                }
                Err(_) => {}
            }
        }
    })
}

/// An error as people read it: the innermost one says what is wrong.
pub(super) fn told(e: &Error) -> String {
    match e {
        Error::ServerError {
            protocol_error,
            error_message,
            ..
        } => match error_message {
            Some(message) => format!("{protocol_error}: {message}"),
            None => protocol_error.to_string(),
        },
        other => other.to_string(),
    }
}

/// A topic.
#[derive(Debug, Clone)]
pub struct Topic {
    /// Name.
    pub name: String,
    /// Numbers of its partitions.
    pub partitions: Vec<i32>,
}

/// A connection to a cluster.
pub struct Client {
    client: Arc<rskafka::client::Client>,
    stop: Stop,
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// When no broker answers, or does not let the user in.
    pub fn connect(connection: &Connection, stop: Arc<AtomicBool>) -> Result<Client, String> {
        let mut builder = ClientBuilder::new(connection.brokers.clone())
            .client_id("roost")
            .backoff_config(BackoffConfig {
                init_backoff: Duration::from_millis(100),
                max_backoff: Duration::from_secs(1),
                base: 2.0,
                deadline: Some(RETRY_TIME),
            });
        if connection.tls {
            builder = builder.tls_config(tls(connection)?);
        }
        if let Some((mechanism, user, password)) = &connection.login {
            let who = Credentials::new(user.clone(), password.clone());
            builder = builder.sasl_config(match mechanism {
                Mechanism::Plain => SaslConfig::Plain(who),
                Mechanism::Scram256 => SaslConfig::ScramSha256(who),
                Mechanism::Scram512 => SaslConfig::ScramSha512(who),
            });
        }
        let what = format!("cannot connect to {}", connection.brokers.join(","));
        let client = Arc::new(wait(&stop, &what, builder.build())?);
        Ok(Client { client, stop })
    }

    /// The topics of the cluster, by name.
    ///
    /// # Errors
    /// What the broker says.
    pub fn topics(&self) -> Result<Vec<Topic>, String> {
        let all = wait(&self.stop, "cannot list topics", self.client.list_topics())?;
        let mut all: Vec<Topic> = all
            .into_iter()
            .map(|t| Topic {
                name: t.name,
                partitions: t.partitions.into_iter().collect(),
            })
            .collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(all)
    }

    /// The partitions of a topic.
    ///
    /// # Errors
    /// When there is no such topic.
    pub(super) fn partitions(&self, topic: &str) -> Result<Vec<i32>, String> {
        let found = self.topics()?.into_iter().find(|t| t.name == topic);
        let found = found.map(|t| t.partitions).filter(|p| !p.is_empty());
        found.ok_or_else(|| format!("the cluster has no topic '{topic}'"))
    }

    /// A partition to read or write.
    ///
    /// # Errors
    /// When its leader cannot be reached.
    pub(super) fn partition(&self, topic: &str, number: i32) -> Result<Partition, String> {
        let what = format!("partition {number} of topic '{topic}'");
        let unknown = UnknownTopicHandling::Error;
        let client = wait(
            &self.stop,
            &what,
            self.client.partition_client(topic, number, unknown),
        )?;
        Ok(Partition {
            client: Arc::new(client),
            what,
            number,
            stop: Arc::clone(&self.stop),
        })
    }

    /// The last messages of a topic, at most `count` of each partition.
    ///
    /// # Errors
    /// What the broker says.
    pub fn sample(&self, topic: &str, count: usize) -> Result<Vec<Message>, String> {
        let mut out = Vec::new();
        for number in self.partitions(topic)? {
            let partition = self.partition(topic, number)?;
            let (first, end) = (partition.offset(OffsetAt::Earliest)?, partition.end()?);
            let mut from = end.saturating_sub(count as i64).max(first);
            // A broker may answer with one batch at a time; one without messages ends a transaction.
            while from < end {
                let fetch = partition
                    .client
                    .fetch_records(from, 1..1 << 20, WAIT_MILLIS);
                let (records, _) = wait(&partition.stop, &partition.what, fetch)?;
                from = records.last().map_or(from, |last| last.offset.max(from)) + 1;
                out.extend(records.into_iter().map(|r| message_of(number, r)));
            }
        }
        Ok(out)
    }

    /// Writes to a topic.
    ///
    /// # Errors
    /// When there is no such topic.
    pub fn producer(&self, topic: &str) -> Result<Producer, String> {
        let numbers = self.partitions(topic)?;
        let all = numbers.into_iter().map(|n| self.partition(topic, n));
        Ok(Producer {
            partitions: all.collect::<Result<_, _>>()?,
            next: 0,
        })
    }
}

/// What became of a fetch.
pub(super) enum Fetched {
    /// Messages, and the offset behind the partition's last.
    Messages(Vec<Message>, i64),
    /// What was asked for is not there: older than what is kept, or behind the end.
    OutOfRange,
    /// The library cannot take apart what is there, and why: of a batch it gives all messages or none.
    Unreadable(String),
}

/// Whether the library refuses a batch for what is in one of its messages: it will for ever.
fn is_unreadable(why: &str) -> bool {
    let time = [
        "Not a valid timestamp",
        "Timestamp overflow",
        "Ambiguous timestamp",
    ];
    time.iter().any(|t| why.starts_with(t))
}

/// A partition.
#[derive(Clone)]
pub(super) struct Partition {
    client: Arc<PartitionClient>,
    what: String,
    pub(super) number: i32,
    stop: Stop,
}

impl Partition {
    fn offset(&self, at: OffsetAt) -> Result<i64, String> {
        wait(&self.stop, &self.what, self.client.get_offset(at))
    }

    /// The offset of the oldest message that is kept.
    pub(super) fn first(&self) -> Result<i64, String> {
        self.offset(OffsetAt::Earliest)
    }

    /// The offset behind the newest message.
    pub(super) fn end(&self) -> Result<i64, String> {
        self.offset(OffsetAt::Latest)
    }

    /// As [`Partition::first`], for who does not wait on a thread.
    pub(super) async fn first_now(&self) -> Result<i64, String> {
        self.offset_now(OffsetAt::Earliest).await
    }

    /// The offset up to which everything can be read: transactions that are open are behind it.
    pub(super) async fn stable_now(&self) -> Result<i64, String> {
        self.offset_now(OffsetAt::Latest).await
    }

    async fn offset_now(&self, at: OffsetAt) -> Result<i64, String> {
        let call = self.client.get_offset(at);
        match tokio::time::timeout(CALL_TIME, call).await {
            Ok(first) => first.map_err(|e| format!("{}: {}", self.what, told(&e))),
            Err(_) => Err(format!("{}: no answer for {CALL_TIME:?}", self.what)),
        }
    }

    /// The messages from `offset` on, about `bytes` of them; none when none come for a while.
    pub(super) async fn fetch(&self, offset: i64, bytes: i32) -> Result<Fetched, String> {
        let call = self.client.fetch_records(offset, 1..bytes, WAIT_MILLIS);
        match tokio::time::timeout(CALL_TIME, call).await {
            Ok(Ok((records, end))) => {
                let all = records.into_iter().map(|r| message_of(self.number, r));
                Ok(Fetched::Messages(all.collect(), end))
            }
            Ok(Err(Error::ServerError {
                protocol_error: ProtocolError::OffsetOutOfRange,
                ..
            })) => Ok(Fetched::OutOfRange),
            Ok(Err(Error::InvalidResponse(why))) if is_unreadable(&why) => {
                Ok(Fetched::Unreadable(why))
            }
            Ok(Err(e)) => Err(format!("{}: {}", self.what, told(&e))),
            Err(_) => Err(format!("{}: no answer for {CALL_TIME:?}", self.what)),
        }
    }
}

fn message_of(partition: i32, read: RecordAndOffset) -> Message {
    Message {
        value: read.record.value,
        key: read.record.key,
        headers: read.record.headers.into_iter().collect(),
        partition,
        offset: read.offset,
        timestamp: read.record.timestamp.timestamp_millis(),
        fault: None,
    }
}

/// Writes messages to a topic, batch after batch to its partitions in turn.
pub struct Producer {
    partitions: Vec<Partition>,
    next: usize,
}

impl Producer {
    /// Writes a batch; all in-sync replicas have it when this returns.
    ///
    /// # Errors
    /// What the broker says. Whether it has the batch is then not known.
    pub fn send(&mut self, batch: Vec<Vec<u8>>) -> Result<(), String> {
        let now = chrono::DateTime::from_timestamp_micros(crate::store::now_micros());
        let records = batch.into_iter().map(|value| Record {
            key: None,
            value: Some(value),
            headers: Default::default(),
            timestamp: now.unwrap_or_default(),
        });
        let partition = self
            .partitions
            .get(self.next % self.partitions.len().max(1));
        let partition = partition.ok_or("the topic has no partitions")?;
        self.next += 1;
        let call = partition
            .client
            .produce(records.collect(), Compression::NoCompression);
        wait(&partition.stop, &partition.what, call).map(|_| ())
    }
}

/// Whom a connection trusts.
fn tls(connection: &Connection) -> Result<Arc<ClientConfig>, String> {
    let pem = match &connection.authorities {
        Some(pem) => pem.clone().into_bytes(),
        None => {
            let own = std::env::var("SSL_CERT_FILE").ok();
            let all = own
                .iter()
                .map(String::as_str)
                .chain(AUTHORITIES.iter().copied());
            let found = all.map(std::fs::read).find_map(Result::ok);
            found.ok_or("the system has no certificates of authorities: give kafka_ssl_ca_pem")?
        }
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate =
            certificate.map_err(|e| format!("kafka_ssl_ca_pem is no certificate: {e:?}"))?;
        // One that this library does not read takes none of the others away.
        let _ = roots.add(certificate);
    }
    if roots.is_empty() {
        return Err("kafka_ssl_ca_pem has no certificate".to_owned());
    }
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
