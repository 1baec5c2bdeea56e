//! Kafka: data sources that read topics, and the client that sinks write with.
//!
//! - [`connection`]: what a connection of the workspace says; [`source`]: what a data source does;
//! - [`client`]: topics, partitions, messages, over the crate `rskafka`;
//! - [`consumers`]: one reader for each data source that reads a topic; [`reader`]: such a reader.
//!
//! Invariant: how far a topic was read is committed with the rows that came out of it, in the log of
//! the database; what the broker believes about consumer groups plays no part.

mod connection;
mod source;

#[cfg(feature = "kafka")]
mod client;
#[cfg(feature = "kafka")]
mod consumers;
#[cfg(feature = "kafka")]
mod reader;
#[cfg(not(feature = "kafka"))]
mod without;

pub use connection::Connection;
pub use source::Subscription;

#[cfg(feature = "kafka")]
pub use client::{Client, Producer, Topic};
#[cfg(feature = "kafka")]
pub use consumers::Consumers;
#[cfg(not(feature = "kafka"))]
pub use without::{Client, Consumers, Producer, Topic};
