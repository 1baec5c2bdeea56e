//! Frames: what is written and synced at once.
//!
//! ```text
//! magic "RfR1" │ length of body u32 │ sequence u64 │ crc32 of length, sequence, body u32 │ body
//! body: kind u8 (0 batch, 1 checkpoint) │ records, each behind its length
//! ```
//! Invariant: sequences count up by one; a frame whose checksum fails was never synced, or the disk
//! lost bytes.

use super::bytes::{Reader, put_bytes};
use super::record::Record;
use crate::error::{Error, Result};

const MAGIC: [u8; 4] = *b"RfR1";
const LENGTH_AT: usize = MAGIC.len();
const SEQUENCE_AT: usize = LENGTH_AT + 4;
const CRC_AT: usize = SEQUENCE_AT + 8;
/// Bytes in front of a frame's body.
pub const HEADER_BYTES: usize = CRC_AT + 4;
/// Largest body.
pub const BODY_BYTES_MAX: usize = 1 << 30;

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameKind {
    /// Commit records that share an fsync. None: a seal, written when nothing else is.
    Batch,
    /// One record that rebuilds the store from nothing.
    Checkpoint,
}

/// The bytes of a frame of `records` (encoded).
///
/// # Errors
/// TOO_LARGE_ARRAY_SIZE when the body passes [`BODY_BYTES_MAX`].
pub fn encode(kind: FrameKind, sequence: u64, records: &[Vec<u8>]) -> Result<Vec<u8>> {
    let bytes: usize = records.iter().map(|r| r.len() + 10).sum();
    let mut out = Vec::with_capacity(HEADER_BYTES + 1 + bytes);
    out.extend_from_slice(&MAGIC);
    out.resize(HEADER_BYTES, 0);
    out.push(u8::from(kind == FrameKind::Checkpoint));
    records.iter().for_each(|r| put_bytes(&mut out, r));
    let body = out.len() - HEADER_BYTES;
    if body > BODY_BYTES_MAX {
        return Err(crate::err!(
            TOO_LARGE_ARRAY_SIZE,
            "a commit of {body} bytes passes the log's limit of {BODY_BYTES_MAX}"
        ));
    }
    out[LENGTH_AT..SEQUENCE_AT].copy_from_slice(&(body as u32).to_le_bytes());
    out[SEQUENCE_AT..CRC_AT].copy_from_slice(&sequence.to_le_bytes());
    let crc = checksum(&out);
    out[CRC_AT..HEADER_BYTES].copy_from_slice(&crc.to_le_bytes());
    Ok(out)
}

fn checksum(frame: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&frame[LENGTH_AT..CRC_AT]);
    hasher.update(&frame[HEADER_BYTES..]);
    hasher.finalize()
}

/// A frame as it was found.
#[derive(Debug)]
pub struct Frame {
    /// What it is.
    pub kind: FrameKind,
    /// Its records.
    pub records: Vec<Record>,
    /// Its bytes, with the header.
    pub bytes: usize,
}

/// The frame with `sequence` at the start of `bytes`; `None` when there is none (torn or damaged).
///
/// # Errors
/// CORRUPTED_DATA when the checksum is right and the content is not.
pub fn decode(bytes: &[u8], sequence: u64) -> Result<Option<Frame>> {
    match intact(bytes) {
        Some((found, len)) if found == sequence => {
            let mut reader = Reader::new(&bytes[HEADER_BYTES..len]);
            let kind = match reader.u8()? {
                0 => FrameKind::Batch,
                1 => FrameKind::Checkpoint,
                other => return Err(Error::corrupt(format!("a frame of unknown kind {other}"))),
            };
            let mut records = Vec::new();
            while reader.left() > 0 {
                records.push(Record::decode(reader.bytes()?)?);
            }
            Ok(Some(Frame {
                kind,
                records,
                bytes: len,
            }))
        }
        Some((found, _)) => Err(Error::corrupt(format!(
            "frame {sequence} is expected, found frame {found}"
        ))),
        None => Ok(None),
    }
}

/// Sequence and length of the intact frame at the start of `bytes`.
fn intact(bytes: &[u8]) -> Option<(u64, usize)> {
    let header = bytes.get(..HEADER_BYTES)?;
    if header[..LENGTH_AT] != MAGIC {
        return None;
    }
    let length = u32::from_le_bytes(header[LENGTH_AT..SEQUENCE_AT].try_into().ok()?) as usize;
    let sequence = u64::from_le_bytes(header[SEQUENCE_AT..CRC_AT].try_into().ok()?);
    let crc = u32::from_le_bytes(header[CRC_AT..].try_into().ok()?);
    let frame = bytes.get(..HEADER_BYTES.checked_add(length)?)?;
    (length > 0 && checksum(frame) == crc).then_some((sequence, frame.len()))
}

/// Where in `bytes` an intact frame with a sequence above `sequence` starts: a sign that what
/// stands before it was synced and is damaged now.
pub fn find_later(bytes: &[u8], sequence: u64) -> Option<usize> {
    memchr::memmem::find_iter(bytes, &MAGIC)
        .find(|&at| intact(&bytes[at..]).is_some_and(|(found, _)| found > sequence))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(sequence: u64) -> Vec<u8> {
        let record = Record {
            commit: sequence,
            edits: Vec::new(),
        };
        let encoded = encode(FrameKind::Batch, sequence, &[record.encode()]);
        encoded.unwrap_or_default()
    }

    #[test]
    fn every_damaged_byte_is_seen() {
        let bytes = frame(3);
        let found = decode(&bytes, 3).ok().flatten();
        assert_eq!(
            found.map(|f| (f.records.len(), f.bytes)),
            Some((1, bytes.len()))
        );
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x10;
            assert!(matches!(decode(&damaged, 3), Ok(None)), "{at}");
        }
        for cut in 0..bytes.len() {
            assert!(matches!(decode(&bytes[..cut], 3), Ok(None)), "{cut}");
        }
        assert!(decode(&bytes, 4).is_err());
    }

    #[test]
    fn a_later_frame_is_found_behind_garbage() {
        let mut bytes = b"RfR1 garbage RfRfR1".to_vec();
        let at = bytes.len();
        bytes.extend(frame(8));
        assert_eq!(find_later(&bytes, 7), Some(at));
        assert_eq!(find_later(&bytes, 8), None);
    }
}
