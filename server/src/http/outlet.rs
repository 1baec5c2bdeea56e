//! The way out of a blocking handler: small answers leave whole, large ones as a stream.
//!
//! Invariant: the head leaves exactly once; nothing is written after the end.

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use super::reply::{Failure, Reply};

/// What leaves first.
pub(super) struct Head {
    /// HTTP status.
    pub(super) status: u16,
    /// Headers.
    pub(super) headers: Vec<(&'static str, String)>,
    /// What follows.
    pub(super) body: HeadBody,
}

/// The body behind a head.
pub(super) enum HeadBody {
    /// All of it.
    Whole(Vec<u8>),
    /// It comes in pieces; an error breaks the connection.
    Pieces(mpsc::Receiver<Result<Bytes, std::io::Error>>),
}

/// The reader went away.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gone;

/// Bytes that are kept before an answer becomes a stream.
const WHOLE_MAX: usize = 1 << 20;
/// Pieces that may wait for a slow reader.
const WAITING_MAX: usize = 8;

/// Where a handler writes a body it does not want to hold.
pub(super) struct Outlet {
    head: Option<oneshot::Sender<Head>>,
    pieces: Option<mpsc::Sender<Result<Bytes, std::io::Error>>>,
    buffer: Vec<u8>,
    status: u16,
    headers: Vec<(&'static str, String)>,
    /// Bytes that are kept before an answer becomes a stream.
    whole_max: usize,
}

impl Outlet {
    /// An outlet whose head goes to `head`.
    pub(super) fn new(head: oneshot::Sender<Head>) -> Outlet {
        Outlet {
            whole_max: WHOLE_MAX,
            head: Some(head),
            pieces: None,
            buffer: Vec::new(),
            status: 200,
            headers: Vec::new(),
        }
    }

    /// An outlet whose answers leave whole, however large they are.
    pub(super) fn held(head: oneshot::Sender<Head>) -> Outlet {
        Outlet {
            whole_max: usize::MAX,
            ..Outlet::new(head)
        }
    }

    /// Sets a header; after the head has left this does nothing.
    pub(super) fn header(&mut self, name: &'static str, value: impl Into<String>) {
        self.headers.retain(|(n, _)| *n != name);
        self.headers.push((name, value.into()));
    }

    /// Some of the body.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), Gone> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() < self.whole_max && self.pieces.is_none() {
            return Ok(());
        }
        self.send()
    }

    fn send(&mut self) -> Result<(), Gone> {
        if let Some(head) = self.head.take() {
            let (sender, receiver) = mpsc::channel(WAITING_MAX);
            self.pieces = Some(sender);
            head.send(Head {
                status: self.status,
                headers: std::mem::take(&mut self.headers),
                body: HeadBody::Pieces(receiver),
            })
            .map_err(|_| Gone)?;
        }
        let piece = Bytes::from(std::mem::take(&mut self.buffer));
        match &self.pieces {
            Some(pieces) => send_waiting(pieces, Ok(piece)),
            None => Err(Gone),
        }
    }

    /// Whether the head has left.
    pub(super) fn has_left(&self) -> bool {
        self.head.is_none()
    }

    /// Takes what was written back, to answer something else.
    pub(super) fn clear(&mut self) {
        self.buffer.clear();
        self.headers.clear();
    }

    /// Ends with what was written.
    pub(super) fn finish(mut self) {
        match self.head.take() {
            Some(head) => {
                let _ = head.send(Head {
                    status: self.status,
                    headers: std::mem::take(&mut self.headers),
                    body: HeadBody::Whole(std::mem::take(&mut self.buffer)),
                });
            }
            None => {
                if !self.buffer.is_empty() {
                    let _ = self.send();
                }
            }
        }
    }

    /// Ends with `reply` instead of what was written, or breaks the stream if it is too late.
    pub(super) fn reply(mut self, reply: Reply) {
        match self.head.take() {
            Some(head) => {
                let _ = head.send(Head {
                    status: reply.status,
                    headers: reply.headers,
                    body: HeadBody::Whole(reply.body),
                });
            }
            None => self.abort(),
        }
    }

    /// Ends with a refusal.
    pub(super) fn fail(self, failure: Failure) {
        self.reply(failure.into_reply());
    }

    /// Breaks the connection, so that the reader does not take the answer for complete.
    fn abort(mut self) {
        if !self.buffer.is_empty() {
            let _ = self.send();
        }
        if let Some(pieces) = &self.pieces {
            let broken = std::io::Error::other("the query failed after its answer had begun");
            let _ = send_waiting(pieces, Err(broken));
        }
    }
}

/// Sends a piece, as soon as the reader has taken enough of those before it.
fn send_waiting(
    pieces: &mpsc::Sender<Result<Bytes, std::io::Error>>,
    piece: Result<Bytes, std::io::Error>,
) -> Result<(), Gone> {
    // The handler may be a task on a thread that serves connections.
    tokio::task::block_in_place(|| pieces.blocking_send(piece)).map_err(|_| Gone)
}
