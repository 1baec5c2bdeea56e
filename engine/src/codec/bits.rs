//! Bit-packed numbers of one width.
//!
//! Invariant: `unpack(pack(v, w), w) == v` when every value fits w bits; eight values always start
//! at a byte, so the loops run over groups of eight with constant shifts.

use super::Cursor;
use super::blob::{self, Blob, Compression};
use crate::error::Result;

/// Widths up to this are all there; above it only whole bytes.
const FINE_WIDTH_MAX: u32 = 32;

/// The smallest width that is stored for values up to `max`.
pub fn width_of(max: u64) -> u32 {
    let bits = u64::BITS - max.leading_zeros();
    if bits <= FINE_WIDTH_MAX {
        bits
    } else {
        bits.next_multiple_of(8)
    }
}

/// Bytes of `count` values of `width` bits.
pub fn packed_bytes(count: usize, width: u32) -> usize {
    (count * width as usize).div_ceil(8)
}

/// Appends width and values, which fit `width` (a result of [`width_of`]).
pub fn put_packed(
    out: &mut Vec<u8>,
    values: impl ExactSizeIterator<Item = u64>,
    width: u32,
    compression: Compression,
) {
    out.push(width as u8);
    if width == 0 {
        return;
    }
    let bytes = packed_bytes(values.len(), width);
    let mut packed = Vec::with_capacity(bytes + 8);
    let (mut pending, mut bits) = (0u128, 0);
    for value in values {
        pending |= u128::from(value) << bits;
        bits += width;
        if bits >= u64::BITS {
            packed.extend_from_slice(&(pending as u64).to_le_bytes());
            pending >>= u64::BITS;
            bits -= u64::BITS;
        }
    }
    packed.extend_from_slice(&(pending as u64).to_le_bytes());
    packed.truncate(bytes);
    blob::put(out, &packed, compression);
}

/// Reads `count` packed values and appends `make(value)` of each, in order.
pub fn read_packed<T: Copy>(
    cursor: &mut Cursor<'_>,
    count: usize,
    out: &mut Vec<T>,
    mut make: impl FnMut(u64) -> T,
) -> Result<()> {
    let Some((width, raw)) = packed(cursor, count)? else {
        out.extend((0..count).map(|_| make(0)));
        return Ok(());
    };
    out.reserve(count);
    let mut values = [0; STRIDE];
    for start in (0..count).step_by(STRIDE) {
        unpack(
            width,
            raw.get(packed_bytes(start, width)..).unwrap_or(&[]),
            &mut values,
        );
        let values = &values[..STRIDE.min(count - start)];
        out.extend(values.iter().map(|v| make(*v)));
    }
    Ok(())
}

/// Of `count` packed values appends `make(value)` of those at `picks` (below `count`).
pub fn pick_packed<T>(
    cursor: &mut Cursor<'_>,
    count: usize,
    picks: &[u32],
    out: &mut Vec<T>,
    mut make: impl FnMut(u64) -> T,
) -> Result<()> {
    let Some((width, raw)) = packed(cursor, count)? else {
        out.extend(picks.iter().map(|_| make(0)));
        return Ok(());
    };
    let mask = u64::MAX >> (u64::BITS - width);
    out.extend(picks.iter().map(|pick| {
        let bit = *pick as usize * width as usize;
        let rest = raw.get(bit / 8..).unwrap_or(&[]);
        let mut word = [0u8; 8];
        let len = rest.len().min(word.len());
        word[..len].copy_from_slice(&rest[..len]);
        // Widths past 56 bits are whole bytes, so eight bytes always hold the value.
        make((u64::from_le_bytes(word) >> (bit % 8)) & mask)
    }));
    Ok(())
}

/// Width and bytes of `count` packed values; none when they are all zero.
fn packed<'a>(cursor: &mut Cursor<'a>, count: usize) -> Result<Option<(u32, Blob<'a>)>> {
    let width = u32::from(cursor.u8()?);
    if width == 0 {
        return Ok(None);
    }
    if width_of(u64::MAX >> (u64::BITS - width.min(u64::BITS))) != width {
        return Err(cursor.broken(format!("found packed values of {width} bits")));
    }
    let raw = blob::read(cursor, packed_bytes(count, width))?;
    Ok(Some((width, raw)))
}

const GROUP: usize = 8;

/// Values unpacked at once: few enough to stay in the nearest cache until they are used.
const STRIDE: usize = 256;

/// The first values of `raw`; what is not there is zero. By width, and not by type as well, so
/// that there are few loops to compile.
fn unpack(width: u32, raw: &[u8], out: &mut [u64; STRIDE]) {
    macro_rules! widths {
        ($($w:literal)*) => {
            match width { $($w => unpack_width::<$w>(raw, out),)* _ => {} }
        };
    }
    widths!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32
        40 48 56 64);
}

fn unpack_width<const W: usize>(raw: &[u8], out: &mut [u64; STRIDE]) {
    // A value is read as the eight bytes from its first one, which may reach past its group.
    let safe = (raw.len().saturating_sub(8) / W).min(STRIDE / GROUP);
    let (fast, slow) = out.split_at_mut(safe * GROUP);
    for (i, values) in fast.chunks_exact_mut(GROUP).enumerate() {
        values.copy_from_slice(&one_group::<W>(&raw[i * W..i * W + W + 8]));
    }
    for (i, values) in slow.chunks_exact_mut(GROUP).enumerate() {
        let rest = raw.get((safe + i) * W..).unwrap_or(&[]);
        if rest.is_empty() {
            break;
        }
        let mut padded = [0u8; 64 + 8];
        let len = rest.len().min(W);
        padded[..len].copy_from_slice(&rest[..len]);
        values.copy_from_slice(&one_group::<W>(&padded[..W + 8]));
    }
}

#[inline(always)]
fn one_group<const W: usize>(group: &[u8]) -> [u64; GROUP] {
    let mask = u64::MAX >> (64 - W);
    std::array::from_fn(|i| {
        let bit = i * W;
        let mut word = [0u8; 8];
        word.copy_from_slice(&group[bit / 8..bit / 8 + 8]);
        (u64::from_le_bytes(word) >> (bit % 8)) & mask
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_width_and_count_comes_back() {
        for width in (0..=32).chain([40, 48, 56, 64]) {
            for count in [0usize, 1, 7, 8, 9, 64, 255, 256, 257, 700] {
                let mask = if width == 0 {
                    0
                } else {
                    u64::MAX >> (64 - width)
                };
                let values: Vec<u64> = (0..count as u64)
                    .map(|i| (i + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) & mask)
                    .collect();
                let mut bytes = Vec::new();
                put_packed(&mut bytes, values.iter().copied(), width, Compression::None);
                let (mut cursor, mut found) = (Cursor::new(&bytes), Vec::new());
                read_packed(&mut cursor, count, &mut found, |v| v).unwrap();
                cursor.end().unwrap();
                assert_eq!(found, values, "width {width} count {count}");
                let picks: Vec<u32> = (0..count as u32).filter(|p| p % 5 != 1).collect();
                let (mut cursor, mut picked) = (Cursor::new(&bytes), Vec::new());
                pick_packed(&mut cursor, count, &picks, &mut picked, |v| v).unwrap();
                cursor.end().unwrap();
                let wanted: Vec<u64> = picks.iter().map(|p| values[*p as usize]).collect();
                assert_eq!(picked, wanted, "width {width} count {count}");
                if count * width as usize > 0 {
                    let short = &bytes[..bytes.len() - 1];
                    assert!(
                        read_packed(&mut Cursor::new(short), count, &mut found, |v| v).is_err()
                    );
                }
            }
        }
        assert!(read_packed(&mut Cursor::new(&[33, 0, 0]), 1, &mut vec![], |v| v).is_err());
        assert!(read_packed(&mut Cursor::new(&[255, 0, 0]), 1, &mut vec![], |v| v).is_err());
    }
}
