//! The log: the only truth about what the store holds. See `docs/format/log.md`.
//!
//! ```text
//! log/000007.log        magic, version, then frames; the newest segment is the whole truth
//!   frame 1             checkpoint: edits that rebuild everything from nothing
//!   frame 2..           batches of commit records, one frame per fsync
//! ```
//! - [`record`]: what a commit says; [`rows`]: rows of memory parts as bytes;
//! - [`frame`]: length, sequence and checksum around a batch;
//! - [`segment`]: files of the log: create, append, read, cut a torn tail;
//! - [`state`]: the sum of all records, as far as later commits are checked against it;
//! - [`contents`]: the sum of all records, as recovery needs it;
//! - [`group`]: many committers, one leader, one fsync.
//!
//! Invariant: a frame is written only after the fsync of the frame before it succeeded, so at most
//! the last frame of the newest segment can be torn.

pub mod bytes;
pub mod contents;
pub mod frame;
pub mod group;
pub mod record;
pub mod rows;
pub mod segment;
pub mod state;

pub use contents::Contents;
pub use group::Group;
pub use record::{BranchCopy, Edit, Record};
pub use segment::Segment;
pub use state::State;
