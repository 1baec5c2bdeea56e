//! Strings as bytes: lengths, then all bytes.
//!
//! Invariant: lengths come first, so the size of the byte run is known before it is read.

use super::numbers::{put_numbers, read_numbers};
use crate::codec::{CodecChoice, Cursor, Encoding, blob};
use crate::column::{Buffer, BytesColumn};
use crate::error::{Code, Error, Result};

/// Lengths are encoded as it fits, whatever the codec asks for numbers.
pub(super) fn lengths_choice(choice: CodecChoice) -> CodecChoice {
    CodecChoice {
        encoding: Encoding::Auto,
        ..choice
    }
}

/// Lengths of consecutive offsets.
pub(super) fn lengths_of(offsets: &[u64]) -> Result<Vec<u32>> {
    let length = |w: &[u64]| {
        u32::try_from(w[1] - w[0]).map_err(|_| {
            Error::new(
                Code::TOO_LARGE_STRING_SIZE,
                format!(
                    "a value of {} bytes or elements is too long to store",
                    w[1] - w[0]
                ),
            )
        })
    };
    offsets.windows(2).map(length).collect()
}

/// Reads `rows` lengths as offsets from zero.
pub(super) fn read_offsets(cursor: &mut Cursor<'_>, rows: usize) -> Result<Vec<u64>> {
    let mut lengths: Vec<u32> = Vec::new();
    read_numbers(cursor, rows, &mut lengths)?;
    let mut offsets = Vec::with_capacity(rows + 1);
    let mut end = 0u64;
    offsets.push(0);
    offsets.extend(lengths.iter().map(|n| {
        end += u64::from(*n);
        end
    }));
    Ok(offsets)
}

/// Appends strings.
pub fn put_strings(out: &mut Vec<u8>, strings: &BytesColumn, choice: CodecChoice) -> Result<()> {
    let offsets = strings.offsets();
    put_numbers(out, &lengths_of(offsets)?, lengths_choice(choice));
    let (start, end) = (offsets[0] as usize, offsets[strings.len()] as usize);
    blob::put(out, &strings.data()[start..end], choice.compression);
    Ok(())
}

/// Reads `rows` strings.
pub fn read_strings(cursor: &mut Cursor<'_>, rows: usize) -> Result<BytesColumn> {
    let offsets = read_offsets(cursor, rows)?;
    let bytes = offsets.last().map_or(0, |n| *n as usize);
    let data = blob::read_vec(cursor, bytes)?;
    BytesColumn::new(Buffer::from(offsets), Buffer::from(data))
}

/// Of `rows` strings those at `picks`, which are below `rows`.
pub(super) fn pick_strings(
    cursor: &mut Cursor<'_>,
    rows: usize,
    picks: &[u32],
) -> Result<BytesColumn> {
    let offsets = read_offsets(cursor, rows)?;
    let bytes = offsets.last().map_or(0, |n| *n as usize);
    let raw = blob::read(cursor, bytes)?;
    let (mut ends, mut data) = (Vec::with_capacity(picks.len() + 1), Vec::new());
    ends.push(0);
    for pick in picks {
        let at = *pick as usize;
        data.extend_from_slice(&raw[offsets[at] as usize..offsets[at + 1] as usize]);
        ends.push(data.len() as u64);
    }
    BytesColumn::new(Buffer::from(ends), Buffer::from(data))
}
