//! Numbers as bytes: the encoding is chosen by estimated size.
//!
//! Invariant: what is read has the bits of what was written; a count is known from outside and is
//! all that is ever allocated.

mod choose;

use super::Word;
use super::word::TENS;
use crate::codec::bits::{pick_packed, put_packed, read_packed, width_of};
use crate::codec::blob::Blob;
use crate::codec::cursor::put_varint;
use crate::codec::{CodecChoice, Cursor, Encoding, blob};
use crate::column::Native;
use crate::error::{Error, Result};
use choose::{Plan, Survey};

const PLAIN: u8 = 0;
const CONSTANT: u8 = 1;
const RUNS: u8 = 2;
const DICTIONARY: u8 = 3;
const FRAME: u8 = 4;
const DELTA: u8 = 5;
const DOUBLE_DELTA: u8 = 6;
const SCALED: u8 = 7;

/// Whether numbers may be runs: those inside runs may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Outer,
    Inner,
}

/// Appends numbers.
pub fn put_numbers<T: Word>(out: &mut Vec<u8>, values: &[T], choice: CodecChoice) {
    put(out, values, choice, Level::Outer);
}

fn put<T: Word>(out: &mut Vec<u8>, values: &[T], choice: CodecChoice, level: Level) {
    let inner = CodecChoice {
        encoding: Encoding::Auto,
        ..choice
    };
    let compression = choice.compression;
    let plan = choose::plan(values, choice.encoding, level);
    match plan {
        Plan::Plain => {
            out.push(PLAIN);
            blob::put(out, &plain_bytes(values), compression);
        }
        Plan::Constant(value) => {
            out.push(CONSTANT);
            value.write_le(out);
        }
        Plan::Runs(Runs { lengths, values }) => {
            out.push(RUNS);
            put_varint(out, values.len() as u64);
            put(out, &lengths, inner, Level::Inner);
            put(out, &values, inner, Level::Inner);
        }
        Plan::Dictionary { entries, codes } => {
            out.push(DICTIONARY);
            put_varint(out, entries.len() as u64);
            blob::put(out, &plain_bytes(&entries), compression);
            let width = width_of(entries.len() as u64 - 1);
            put_packed(out, codes.iter().map(|c| u64::from(*c)), width, compression);
        }
        Plan::Frame(Survey { min, span, .. }) => {
            out.push(FRAME);
            min.write_le(out);
            let offsets = values.iter().map(|v| v.offset_from(min).unwrap_or(0));
            put_packed(out, offsets, width_of(span), compression);
        }
        Plan::Delta(Survey { delta, .. }) => {
            out.push(DELTA);
            values[0].write_le(out);
            delta.low.write_le(out);
            let packed = values.windows(2).map(|w| delta.above(w[1].minus(w[0])));
            put_packed(out, packed, delta.width(), compression);
        }
        Plan::DoubleDelta(Survey { second, .. }) => {
            out.push(DOUBLE_DELTA);
            values[0].write_le(out);
            values[1].minus(values[0]).write_le(out);
            second.low.write_le(out);
            let packed = values
                .windows(3)
                .map(|w| second.above(w[2].minus(w[1]).wrapping_sub(w[1].minus(w[0]))));
            put_packed(out, packed, second.width(), compression);
        }
        Plan::Scaled { digits, values } => {
            out.push(SCALED);
            out.push(digits);
            put(out, &values, inner, level);
        }
    }
}

/// Equal neighbours taken together.
struct Runs<T> {
    lengths: Vec<u32>,
    values: Vec<T>,
}

fn plain_bytes<T: Word>(values: &[T]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(values.len() * T::WIDTH);
    values.iter().for_each(|v| v.write_le(&mut bytes));
    bytes
}

/// Reads `count` numbers and appends them.
pub fn read_numbers<T: Word>(
    cursor: &mut Cursor<'_>,
    count: usize,
    out: &mut Vec<T>,
) -> Result<()> {
    read(cursor, count, out, Level::Outer)
}

fn read<T: Word>(
    cursor: &mut Cursor<'_>,
    count: usize,
    out: &mut Vec<T>,
    level: Level,
) -> Result<()> {
    let tag = cursor.u8()?;
    read_as(tag, cursor, count, out, level)
}

fn read_as<T: Word>(
    tag: u8,
    cursor: &mut Cursor<'_>,
    count: usize,
    out: &mut Vec<T>,
    level: Level,
) -> Result<()> {
    match tag {
        PLAIN => read_plain(cursor, count, out),
        CONSTANT => {
            let value = cursor.number::<T>()?;
            out.resize(out.len() + count, value);
            Ok(())
        }
        RUNS if level == Level::Outer => read_runs(cursor, count, out),
        DICTIONARY => read_dictionary(cursor, count, out),
        FRAME if T::INT => {
            let base = cursor.number::<T>()?;
            read_packed(cursor, count, out, |v| base.plus(v))
        }
        DELTA if T::INT && T::SMALL && count > 0 => {
            let mut last = cursor.number::<T>()?;
            let low = cursor.number::<i64>()? as u64;
            out.reserve(count);
            out.push(last);
            read_packed(cursor, count - 1, out, |v| {
                last = last.plus(low.wrapping_add(v));
                last
            })
        }
        DOUBLE_DELTA if T::INT && T::SMALL && count > 1 => {
            let mut last = cursor.number::<T>()?;
            let mut delta = cursor.number::<i64>()? as u64;
            let low = cursor.number::<i64>()? as u64;
            out.reserve(count);
            out.push(last);
            last = last.plus(delta);
            out.push(last);
            read_packed(cursor, count - 2, out, |v| {
                delta = delta.wrapping_add(low).wrapping_add(v);
                last = last.plus(delta);
                last
            })
        }
        SCALED if !T::INT => read_scaled(cursor, count, out, level),
        tag => Err(cursor.broken(format!("found encoding {tag} for {count} {}s", T::NAME))),
    }
}

/// Of `count` numbers appends those at `picks`, which ascend and are below `count`.
pub(super) fn pick_numbers<T: Word>(
    cursor: &mut Cursor<'_>,
    count: usize,
    picks: &[u32],
    out: &mut Vec<T>,
) -> Result<()> {
    pick(cursor, count, picks, out, Level::Outer)
}

fn pick<T: Word>(
    cursor: &mut Cursor<'_>,
    count: usize,
    picks: &[u32],
    out: &mut Vec<T>,
    level: Level,
) -> Result<()> {
    match cursor.u8()? {
        PLAIN => {
            let raw = plain(cursor, count, T::WIDTH)?;
            let value = |p: &u32| T::read_le(&raw[*p as usize * T::WIDTH..][..T::WIDTH]);
            out.extend(picks.iter().map(value));
            Ok(())
        }
        CONSTANT => {
            let value = cursor.number::<T>()?;
            out.resize(out.len() + picks.len(), value);
            Ok(())
        }
        DICTIONARY => {
            let n = cursor.count(count, "dictionary entries")?;
            let raw = plain(cursor, n, T::WIDTH)?;
            let mut codes = Vec::with_capacity(picks.len());
            pick_packed(cursor, count, picks, &mut codes, |code| code)?;
            for code in codes {
                let at = usize::try_from(code).ok().filter(|c| *c < n);
                let at = at.ok_or_else(|| no_entry(cursor, code, n))?;
                out.push(T::read_le(&raw[at * T::WIDTH..][..T::WIDTH]));
            }
            Ok(())
        }
        FRAME if T::INT => {
            let base = cursor.number::<T>()?;
            pick_packed(cursor, count, picks, out, |v| base.plus(v))
        }
        SCALED if !T::INT => {
            let digits = digits(cursor)?;
            let mut whole = Vec::<i64>::new();
            pick(cursor, count, picks, &mut whole, level)?;
            out.extend(whole.iter().map(|v| T::from_scaled(*v, digits)));
            Ok(())
        }
        DELTA if T::INT && T::SMALL && count > 0 && is_even(cursor, T::WIDTH) => {
            let (first, step) = (cursor.number::<T>()?, cursor.number::<i64>()? as u64);
            cursor.u8()?;
            let value = |p: &u32| first.plus(step.wrapping_mul(u64::from(*p)));
            out.extend(picks.iter().map(value));
            Ok(())
        }
        // A number stands on those before it.
        tag => {
            let mut all: Vec<T> = Vec::with_capacity(count);
            read_as(tag, cursor, count, &mut all, level)?;
            out.extend(picks.iter().map(|p| all[*p as usize]));
            Ok(())
        }
    }
}

/// Whether all steps of a DELTA are the same: their packed rests are no bits wide.
fn is_even(cursor: &Cursor<'_>, width: usize) -> bool {
    let mut ahead = cursor.clone();
    ahead.take(width + size_of::<i64>()).is_ok() && ahead.u8().is_ok_and(|bits| bits == 0)
}

/// The bytes of `count` values of `width` bytes.
fn plain<'a>(cursor: &mut Cursor<'a>, count: usize, width: usize) -> Result<Blob<'a>> {
    let bytes = count
        .checked_mul(width)
        .ok_or_else(|| cursor.broken("too many numbers"))?;
    blob::read(cursor, bytes)
}

fn no_entry(cursor: &Cursor<'_>, code: u64, entries: usize) -> Error {
    cursor.broken(format!(
        "found code {code} of a dictionary of {entries} entries"
    ))
}

fn digits(cursor: &mut Cursor<'_>) -> Result<u8> {
    let digits = cursor.u8()?;
    match usize::from(digits) < TENS.len() {
        true => Ok(digits),
        false => Err(cursor.broken(format!("found floats of {digits} digits"))),
    }
}

fn read_plain<T: Word>(cursor: &mut Cursor<'_>, count: usize, out: &mut Vec<T>) -> Result<()> {
    let raw = plain(cursor, count, T::WIDTH)?;
    out.extend(raw.chunks_exact(T::WIDTH).map(T::read_le));
    Ok(())
}

fn read_runs<T: Word>(cursor: &mut Cursor<'_>, count: usize, out: &mut Vec<T>) -> Result<()> {
    let runs = cursor.count(count, "runs")?;
    let (mut lengths, mut values) = (Vec::<u32>::new(), Vec::<T>::new());
    read(cursor, runs, &mut lengths, Level::Inner)?;
    read(cursor, runs, &mut values, Level::Inner)?;
    let total: u64 = lengths.iter().map(|n| u64::from(*n)).sum();
    if total != count as u64 {
        return Err(cursor.broken(format!("runs hold {total} values, expected {count}")));
    }
    out.reserve(count);
    for (&length, &value) in lengths.iter().zip(&values) {
        out.resize(out.len() + length as usize, value);
    }
    Ok(())
}

fn read_dictionary<T: Word>(cursor: &mut Cursor<'_>, count: usize, out: &mut Vec<T>) -> Result<()> {
    let n = cursor.count(count, "dictionary entries")?;
    let mut entries = Vec::with_capacity(n.next_power_of_two());
    read_plain(cursor, n, &mut entries)?;
    // Codes are masked while they are looked up, and judged once at the end.
    entries.resize(n.next_power_of_two(), T::default());
    let mask = entries.len() - 1;
    let mut largest = 0;
    read_packed(cursor, count, out, |code| {
        largest = largest.max(code);
        entries[code as usize & mask]
    })?;
    if count > 0 && largest >= n as u64 {
        return Err(no_entry(cursor, largest, n));
    }
    Ok(())
}

fn read_scaled<T: Word>(
    cursor: &mut Cursor<'_>,
    count: usize,
    out: &mut Vec<T>,
    level: Level,
) -> Result<()> {
    let digits = digits(cursor)?;
    let mut whole = Vec::<i64>::new();
    read(cursor, count, &mut whole, level)?;
    out.extend(whole.iter().map(|v| T::from_scaled(*v, digits)));
    Ok(())
}

#[cfg(test)]
mod tests;
