//! Header and trailer of a part file, and the versions they may name.
//!
//! Invariant: every byte of header, footer and trailer is either compared or checksummed.

use xxhash_rust::xxh3::Xxh3;

use crate::codec::Cursor;
use crate::error::{Code, Error, Result};

/// Versions of the part file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u16)]
pub enum FormatVersion {
    /// `docs/format/v1.md`.
    V1 = 1,
}

impl FormatVersion {
    /// What is written.
    pub const LATEST: FormatVersion = FormatVersion::V1;

    fn read(number: u16) -> Result<FormatVersion> {
        match number {
            1 => Ok(FormatVersion::V1),
            other => Err(Error::new(
                Code::NOT_IMPLEMENTED,
                format!(
                    "part file format version {other} is not known: this build reads 1 to {}",
                    Self::LATEST as u16
                ),
            )),
        }
    }
}

const HEADER_MAGIC: &[u8; 8] = b"ROOSTPRT";
const TRAILER_MAGIC: &[u8; 8] = b"ROOSTEND";

/// Bytes of the header.
pub const HEADER_BYTES: usize = 16;
/// Bytes of the trailer.
pub const TRAILER_BYTES: usize = 32;

/// Largest number of rows of a granule.
pub const GRANULE_ROWS_MAX: u32 = 1 << 20;

/// The header of a file with granules of `granule_rows` rows.
pub fn header(granule_rows: u32) -> [u8; HEADER_BYTES] {
    let mut bytes = [0; HEADER_BYTES];
    bytes[..8].copy_from_slice(HEADER_MAGIC);
    bytes[8..10].copy_from_slice(&(FormatVersion::LATEST as u16).to_le_bytes());
    bytes[12..].copy_from_slice(&granule_rows.to_le_bytes());
    bytes
}

/// The trailer behind `footer`.
pub fn trailer(header: &[u8], footer: &[u8]) -> [u8; TRAILER_BYTES] {
    let mut version = [0; 8];
    version[..2].copy_from_slice(&(FormatVersion::LATEST as u16).to_le_bytes());
    let mut bytes = [0; TRAILER_BYTES];
    bytes[..8].copy_from_slice(&(footer.len() as u64).to_le_bytes());
    bytes[8..16].copy_from_slice(&checksum(header, footer, &version).to_le_bytes());
    bytes[16..24].copy_from_slice(&version);
    bytes[24..].copy_from_slice(TRAILER_MAGIC);
    bytes
}

fn checksum(header: &[u8], footer: &[u8], version: &[u8]) -> u64 {
    let mut hash = Xxh3::new();
    [header, footer, version]
        .iter()
        .for_each(|bytes| hash.update(bytes));
    hash.digest()
}

/// What header and trailer say of a file.
#[derive(Debug, Clone, Copy)]
pub struct Frame {
    /// Rows of a granule.
    pub granule_rows: usize,
    /// Where the footer starts.
    pub footer_at: usize,
    /// Where it ends.
    pub footer_end: usize,
}

/// Checks header, trailer and footer checksum of a whole file.
pub fn check(file: &[u8]) -> Result<Frame> {
    let footer_end = file
        .len()
        .checked_sub(TRAILER_BYTES)
        .filter(|end| *end >= HEADER_BYTES);
    let Some(footer_end) = footer_end else {
        return Err(Error::corrupt(format!(
            "found {} bytes, expected at least {} of a part file",
            file.len(),
            HEADER_BYTES + TRAILER_BYTES
        )));
    };
    let (head, trailer) = (&file[..HEADER_BYTES], &file[footer_end..]);
    if head[..8] != *HEADER_MAGIC {
        return Err(Error::corrupt(
            "expected ROOSTPRT at byte 0: not a part file",
        ));
    }
    if trailer[24..] != *TRAILER_MAGIC {
        return Err(Error::corrupt(format!(
            "expected ROOSTEND at byte {}: the file is cut or damaged",
            footer_end + 24
        )));
    }
    FormatVersion::read(Cursor::new(&head[8..]).number::<u16>()?)?;
    let granule_rows = Cursor::new(&head[12..]).number::<u32>()?;
    let mut cursor = Cursor::new(trailer);
    let len = cursor.number::<u64>()?;
    let stored = cursor.number::<u64>()?;
    let footer_at = usize::try_from(len)
        .ok()
        .and_then(|len| footer_end.checked_sub(len))
        .filter(|at| *at >= HEADER_BYTES)
        .ok_or_else(|| {
            Error::corrupt(format!(
                "found a footer of {len} bytes in a file of {}",
                file.len()
            ))
        })?;
    let found = checksum(head, &file[footer_at..footer_end], &trailer[16..24]);
    if found != stored {
        return Err(Error::corrupt(format!(
            "checksum of the footer at byte {footer_at}: stored {stored:016x}, computed {found:016x}"
        )));
    }
    if granule_rows == 0 || granule_rows > GRANULE_ROWS_MAX {
        return Err(Error::corrupt(format!(
            "found granules of {granule_rows} rows"
        )));
    }
    Ok(Frame {
        granule_rows: granule_rows as usize,
        footer_at,
        footer_end,
    })
}
