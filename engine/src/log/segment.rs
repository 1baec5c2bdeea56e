//! Files of the log.
//!
//! Invariant: a segment appears under its name only when its checkpoint is synced; every byte of a
//! segment belongs to its header, to a frame or to zeros behind the last one, after recovery cut
//! what was torn.

use std::sync::Arc;

use super::bytes::Reader;
use super::frame::{self, Frame, FrameKind};
use crate::error::{Error, Result};
use crate::storage::{Storage, WriteFile};

/// Folder of the log.
pub const FOLDER: &str = "log";
const MAGIC: [u8; 8] = *b"ROOSTLOG";
const VERSION: u8 = 1;
const HEADER_BYTES: usize = MAGIC.len() + 1;

/// The path of segment `number`.
pub fn path(number: u64) -> String {
    format!("{FOLDER}/{number:06}.log")
}

/// The number in a segment's file name.
pub fn number_of(name: &str) -> Option<u64> {
    name.strip_suffix(".log")?.parse().ok()
}

/// The segment that is being appended to.
pub struct Segment {
    number: u64,
    file: Box<dyn WriteFile>,
    bytes: u64,
    next_sequence: u64,
}

impl std::fmt::Debug for Segment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "segment {} of {} bytes", self.number, self.bytes)
    }
}

/// A segment that has no name yet.
#[derive(Debug)]
pub struct Draft {
    number: u64,
    sequence: u64,
    bytes: u64,
}

impl Draft {
    /// Writes segment `number` with a checkpoint under another name, and syncs it.
    pub fn write(
        storage: &Arc<dyn Storage>,
        number: u64,
        sequence: u64,
        checkpoint: Vec<u8>,
    ) -> Result<Draft> {
        let mut bytes = MAGIC.to_vec();
        bytes.push(VERSION);
        bytes.extend(frame::encode(
            FrameKind::Checkpoint,
            sequence,
            &[checkpoint],
        )?);
        let mut file = storage.create(&draft_path(number))?;
        file.write(&bytes)?;
        file.sync()?;
        Ok(Draft {
            number,
            sequence,
            bytes: bytes.len() as u64,
        })
    }

    /// Bytes of the checkpoint.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Gives the segment its name: from now on it is the truth. After an error it is not known
    /// which segment recovery will find, so nothing may be appended to either.
    pub fn publish(self, storage: &Arc<dyn Storage>) -> Result<Segment> {
        let name = path(self.number);
        storage.rename(&draft_path(self.number), &name)?;
        storage.sync_dir(FOLDER)?;
        Ok(Segment {
            number: self.number,
            file: storage.append(&name, self.bytes)?,
            bytes: self.bytes,
            next_sequence: self.sequence + 1,
        })
    }
}

fn draft_path(number: u64) -> String {
    format!("{}.tmp", path(number))
}

impl Segment {
    /// Writes and publishes a segment.
    pub fn create(
        storage: &Arc<dyn Storage>,
        number: u64,
        sequence: u64,
        checkpoint: Vec<u8>,
    ) -> Result<Segment> {
        Draft::write(storage, number, sequence, checkpoint)?.publish(storage)
    }

    /// Appends a frame of encoded records and syncs it. Without records it is a seal: it proves
    /// that the frame before it was synced.
    pub fn append(&mut self, records: &[Vec<u8>]) -> Result<()> {
        let bytes = frame::encode(FrameKind::Batch, self.next_sequence, records)?;
        self.file.write(&bytes)?;
        self.file.sync()?;
        self.bytes += bytes.len() as u64;
        self.next_sequence += 1;
        Ok(())
    }

    /// The segment's number.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Bytes written so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Sequence of the next frame.
    pub fn next_sequence(&self) -> u64 {
        self.next_sequence
    }
}

/// Reads a segment: hands each frame to `visit`, the checkpoint first; cuts a torn tail, durably;
/// and opens the segment for appending.
///
/// # Errors
/// CORRUPTED_DATA naming file and offset when anything but the very end is damaged.
pub fn recover(
    storage: &Arc<dyn Storage>,
    number: u64,
    mut visit: impl FnMut(Frame) -> Result<()>,
) -> Result<Segment> {
    let name = path(number);
    let bytes = storage.read(&name)?;
    let place = |at: usize, e: Error| e.context(format!("{name} at offset {at}"));
    check_header(&bytes).map_err(|e| place(0, e))?;
    let mut at = HEADER_BYTES;
    let mut sequence = first_sequence(&bytes).map_err(|e| place(at, e))?;
    while at < bytes.len() {
        let rest = &bytes[at..];
        match frame::decode(rest, sequence).map_err(|e| place(at, e))? {
            Some(frame) => {
                let expected = match at {
                    HEADER_BYTES => FrameKind::Checkpoint,
                    _ => FrameKind::Batch,
                };
                if frame.kind != expected {
                    let found = format!("{expected:?} is expected, found {:?}", frame.kind);
                    return Err(place(at, Error::corrupt(found)));
                }
                let len = frame.bytes;
                visit(frame).map_err(|e| place(at, e))?;
                at += len;
                sequence += 1;
            }
            None if at == HEADER_BYTES => {
                return Err(place(at, Error::corrupt("the checkpoint is damaged")));
            }
            None => {
                if let Some(later) = frame::find_later(rest, sequence) {
                    let sound = at + later;
                    let found = format!("frame {sequence} is damaged; the log goes on at {sound}");
                    return Err(place(at, Error::corrupt(found)));
                }
                break;
            }
        }
    }
    let mut file = storage.append(&name, at as u64)?;
    // The process before may have died, or failed, between writing and syncing: what was read here
    // may stand in no more than the system's cache. New commits must not rest on that.
    file.sync()?;
    storage.sync_dir(FOLDER)?;
    Ok(Segment {
        number,
        file,
        bytes: at as u64,
        next_sequence: sequence,
    })
}

fn check_header(bytes: &[u8]) -> Result<()> {
    let mut reader = Reader::new(bytes);
    if reader.take(MAGIC.len())? != MAGIC {
        return Err(Error::corrupt("not a segment of the log"));
    }
    match reader.u8()? {
        VERSION => Ok(()),
        other => Err(Error::corrupt(format!(
            "a log of version {other}, known is {VERSION}"
        ))),
    }
}

/// The checkpoint may carry any sequence; the frames behind it count on from there.
fn first_sequence(bytes: &[u8]) -> Result<u64> {
    let mut reader = Reader::new(bytes);
    reader.take(HEADER_BYTES + 8)?;
    let sequence = <[u8; 8]>::try_from(reader.take(8)?);
    sequence
        .map(u64::from_le_bytes)
        .map_err(|_| Error::corrupt("a frame without a sequence"))
}
