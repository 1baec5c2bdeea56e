//! ClickHouse's compressed blocks: checksum, method, sizes, data.
//!
//! ```text
//! 16 bytes  CityHash128 (1.0.2) of all that follows
//!  1 byte   method: 0x82 LZ4, 0x90 ZSTD, 0x02 none
//!  4 bytes  size of this header's last nine bytes and the data, little-endian
//!  4 bytes  size when unpacked, little-endian
//!  …        data
//! ```
//!
//! Invariant: sizes are checked against what is there before anything is reserved.

use naive_cityhash::cityhash128;
use roost_engine::error::{Code, Error, Result};

/// Bytes that are packed together.
pub(super) const BLOCK_BYTES: usize = 1 << 20;

const CHECKSUM_BYTES: usize = 16;
const HEADER_BYTES: usize = 9;
const LZ4: u8 = 0x82;
const ZSTD: u8 = 0x90;
const NONE: u8 = 0x02;

/// Appends `data` as one LZ4 block.
pub(super) fn pack(data: &[u8], out: &mut Vec<u8>) {
    let packed = lz4_flex::block::compress(data);
    let mut block = Vec::with_capacity(HEADER_BYTES + packed.len());
    block.push(LZ4);
    // Blocks are far below 4 GiB.
    block.extend_from_slice(&((packed.len() + HEADER_BYTES) as u32).to_le_bytes());
    block.extend_from_slice(&(data.len() as u32).to_le_bytes());
    block.extend_from_slice(&packed);
    let hash = cityhash128(&block);
    out.extend_from_slice(&hash.lo.to_le_bytes());
    out.extend_from_slice(&hash.hi.to_le_bytes());
    out.extend_from_slice(&block);
}

/// Unpacks all blocks of `bytes`, at most `limit` bytes.
pub(super) fn unpack(mut bytes: &[u8], limit: usize) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    while !bytes.is_empty() {
        let (checksum, rest) = bytes.split_at_checked(CHECKSUM_BYTES).ok_or_else(cut)?;
        let method = *rest.first().ok_or_else(cut)?;
        let packed_size = number(rest, 1)?;
        let size = number(rest, 5)?;
        if packed_size < HEADER_BYTES || out.len().saturating_add(size) > limit {
            return Err(Error::new(
                Code::TOO_LARGE_SIZE_COMPRESSED,
                format!(
                    "a compressed block says it is {packed_size} bytes, {size} unpacked; the limit is {limit}"
                ),
            ));
        }
        let (block, after) = rest.split_at_checked(packed_size).ok_or_else(cut)?;
        let hash = cityhash128(block);
        let expected = [hash.lo.to_le_bytes(), hash.hi.to_le_bytes()].concat();
        if checksum != expected {
            return Err(Error::new(
                Code::CHECKSUM_DOESNT_MATCH,
                "Checksum doesn't match: corrupted data in a compressed block of the request",
            ));
        }
        let data = block.get(HEADER_BYTES..).unwrap_or_default();
        let broken = |e: &dyn std::fmt::Display| {
            Error::new(
                Code::CANNOT_DECOMPRESS,
                format!("Cannot decompress a block: {e}"),
            )
        };
        match method {
            NONE => out.extend_from_slice(data),
            LZ4 => {
                let plain = lz4_flex::block::decompress(data, size).map_err(|e| broken(&e))?;
                out.extend_from_slice(&plain);
            }
            ZSTD => {
                let plain = zstd::bulk::decompress(data, size).map_err(|e| broken(&e))?;
                out.extend_from_slice(&plain);
            }
            other => {
                return Err(Error::new(
                    Code::UNKNOWN_COMPRESSION_METHOD,
                    format!("Unknown compression method: {other:#04x}"),
                ));
            }
        }
        bytes = after;
    }
    Ok(out)
}

fn cut() -> Error {
    Error::new(
        Code::CANNOT_READ_ALL_DATA,
        "a compressed block of the request is cut off",
    )
}

fn number(bytes: &[u8], at: usize) -> Result<usize> {
    let four = bytes
        .get(at..at + 4)
        .and_then(|b| <[u8; 4]>::try_from(b).ok());
    four.map(|b| u32::from_le_bytes(b) as usize).ok_or_else(cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_come_back_and_damage_is_seen() {
        let data: Vec<u8> = (0..50_000u32).flat_map(|n| (n / 7).to_le_bytes()).collect();
        let mut packed = Vec::new();
        pack(&data, &mut packed);
        pack(b"end", &mut packed);
        let whole = [&data[..], b"end"].concat();
        assert_eq!(unpack(&packed, 1 << 20).unwrap(), whole);
        assert!(unpack(&packed, 1000).is_err());
        for at in [0, 16, 20, 30, packed.len() - 1] {
            let mut damaged = packed.clone();
            damaged[at] ^= 1;
            assert!(unpack(&damaged, 1 << 20).is_err(), "byte {at}");
        }
        for end in [1, 16, 20, 30, packed.len() - 1] {
            assert!(unpack(&packed[..end], 1 << 20).is_err(), "cut at {end}");
        }
    }
}
