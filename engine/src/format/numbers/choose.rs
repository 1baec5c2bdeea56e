//! Which encoding numbers take: one pass looks at them, sizes are compared, close calls go to the
//! encoding that is read faster.
//!
//! Invariant: a plan can be written for exactly the values it was made of.

use hashbrown::HashTable;

use super::super::Word;
use super::{Level, Runs};
use crate::codec::Encoding;
use crate::codec::bits::{packed_bytes, width_of};

/// How values will be written, with what was computed on the way.
pub(super) enum Plan<T> {
    Plain,
    Constant(T),
    Runs(Runs<T>),
    Dictionary { entries: Vec<T>, codes: Vec<u32> },
    Frame(Survey<T>),
    Delta(Survey<T>),
    DoubleDelta(Survey<T>),
    Scaled { digits: u8, values: Vec<i64> },
}

/// A span of signed differences.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) low: i64,
    high: i64,
}

impl Span {
    const EMPTY: Span = Span {
        low: i64::MAX,
        high: i64::MIN,
    };

    #[inline]
    fn add(&mut self, value: i64) {
        self.low = self.low.min(value);
        self.high = self.high.max(value);
    }

    fn or_zero(self) -> Span {
        if self.low > self.high {
            Span { low: 0, high: 0 }
        } else {
            self
        }
    }

    #[inline]
    pub(super) fn above(self, value: i64) -> u64 {
        value.wrapping_sub(self.low) as u64
    }

    pub(super) fn width(self) -> u32 {
        width_of(self.above(self.high))
    }
}

/// What one pass over the values finds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Survey<T> {
    pub(super) min: T,
    /// Largest minus smallest; `framed` says whether it fits.
    pub(super) span: u64,
    framed: bool,
    runs: usize,
    pub(super) delta: Span,
    pub(super) second: Span,
}

impl<T: Word> Survey<T> {
    /// Of at least one value.
    fn of(values: &[T]) -> Self {
        let (mut min, mut max) = (values[0], values[0]);
        let runs = 1 + values.windows(2).filter(|w| !w[0].same(w[1])).count();
        let (mut delta, mut second) = (Span::EMPTY, Span::EMPTY);
        if T::INT {
            for &v in values {
                min = if v < min { v } else { min };
                max = if v > max { v } else { max };
            }
        }
        if T::INT && T::SMALL {
            values.windows(2).for_each(|w| delta.add(w[1].minus(w[0])));
            values
                .windows(3)
                .for_each(|w| second.add(w[2].minus(w[1]).wrapping_sub(w[1].minus(w[0]))));
        }
        let span = max.offset_from(min);
        Survey {
            min,
            span: span.unwrap_or(0),
            framed: T::INT && span.is_some(),
            runs,
            delta: delta.or_zero(),
            second: second.or_zero(),
        }
    }
}

const HEADER: usize = 4;

/// How much smaller the slower encoding must be, in sixteenths.
fn clearly_smaller(slow: usize, fast: usize) -> bool {
    slow * 16 < fast * 13
}

pub(super) fn plan<T: Word>(values: &[T], encoding: Encoding, level: Level) -> Plan<T> {
    let n = values.len();
    let Some(&first) = values.first() else {
        return Plan::Plain;
    };
    if encoding == Encoding::Plain {
        return Plan::Plain;
    }
    let survey = Survey::of(values);
    if survey.runs == 1 {
        return Plan::Constant(first);
    }
    let small = T::INT && T::SMALL;
    match encoding {
        Encoding::Delta if small => return Plan::Delta(survey),
        Encoding::DoubleDelta if small && n > 1 => return Plan::DoubleDelta(survey),
        Encoding::Frame if survey.framed => return Plan::Frame(survey),
        _ => {}
    }
    let (mut best, mut size) = (Plan::Plain, n * T::WIDTH + HEADER);
    if survey.framed {
        let frame = packed_bytes(n, width_of(survey.span)) + T::WIDTH + HEADER;
        if frame < size {
            (best, size) = (Plan::Frame(survey), frame);
        }
    }
    if small && n > 2 {
        let delta = packed_bytes(n - 1, survey.delta.width()) + T::WIDTH + 8 + HEADER;
        if clearly_smaller(delta, size) {
            (best, size) = (Plan::Delta(survey), delta);
        }
        let second = packed_bytes(n - 2, survey.second.width()) + T::WIDTH + 16 + HEADER;
        if clearly_smaller(second, size) {
            (best, size) = (Plan::DoubleDelta(survey), second);
        }
    }
    if level == Level::Outer {
        let value_bits = if survey.framed {
            width_of(survey.span)
        } else {
            T::WIDTH as u32 * 8
        };
        let length_bits = width_of(n as u64) / 2 + 2;
        let runs = packed_bytes(survey.runs, value_bits + length_bits) + T::WIDTH + 4 * HEADER;
        if runs < size && survey.runs * 4 <= n {
            (best, size) = (Plan::Runs(take_runs(values, survey.runs)), runs);
        }
    }
    if !T::INT
        && let Some((digits, scaled)) = scale(values)
    {
        let inner = Survey::of(&scaled);
        let frame = packed_bytes(n, width_of(inner.span)) + 8 + 2 * HEADER;
        if clearly_smaller(frame, size) {
            (best, size) = (
                Plan::Scaled {
                    digits,
                    values: scaled,
                },
                frame,
            );
        }
    }
    if size * 8 > n * 12
        && let Some((entries, codes)) = dictionary(values, size)
    {
        best = Plan::Dictionary { entries, codes };
    }
    best
}

fn take_runs<T: Word>(values: &[T], runs: usize) -> Runs<T> {
    let mut taken = Runs {
        lengths: Vec::with_capacity(runs),
        values: Vec::with_capacity(runs),
    };
    for run in values.chunk_by(|a, b| a.same(*b)) {
        taken.lengths.push(run.len() as u32);
        taken.values.push(run[0]);
    }
    taken
}

/// Values tried before all of them are.
const SAMPLE: usize = 32;

/// The fewest digits after which all values are whole numbers, and those numbers.
fn scale<T: Word>(values: &[T]) -> Option<(u8, Vec<i64>)> {
    let step = (values.len() / SAMPLE).max(1);
    let fits = |d: u8| {
        values
            .iter()
            .step_by(step)
            .all(|v| v.to_scaled(d).is_some())
    };
    let first = (0..super::TENS.len() as u8).find(|d| fits(*d))?;
    for digits in first..super::TENS.len() as u8 {
        let scaled: Option<Vec<i64>> = values.iter().map(|v| v.to_scaled(digits)).collect();
        if let Some(scaled) = scaled {
            return Some((digits, scaled));
        }
    }
    None
}

/// Values that hardly repeat at first are not looked at to the end.
const SAMPLE_ROWS: usize = 512;
const SAMPLE_ENTRIES_MAX: usize = 448;

/// Largest dictionary of numbers.
const ENTRIES_MAX: usize = 4096;

/// Entries in order of appearance and codes, when that is clearly smaller than `size`.
fn dictionary<T: Word>(values: &[T], size: usize) -> Option<(Vec<T>, Vec<u32>)> {
    let n = values.len();
    let bytes = |entries: usize| {
        entries * T::WIDTH + packed_bytes(n, width_of(entries as u64)) + 2 * HEADER
    };
    let hash = |v: T| {
        let bits = v.bits();
        (bits as u64 ^ (bits >> 64) as u64)
            .wrapping_mul(0x9E37_79B9_7F4A_7C15)
            .rotate_left(29)
    };
    let mut table: HashTable<u32> = HashTable::with_capacity(256);
    let (mut entries, mut codes): (Vec<T>, Vec<u32>) = (Vec::new(), Vec::with_capacity(n));
    for &v in values {
        if codes.len() == SAMPLE_ROWS && entries.len() > SAMPLE_ENTRIES_MAX {
            return None;
        }
        let code = match table.find(hash(v), |c| entries[*c as usize].same(v)) {
            Some(code) => *code,
            None => {
                if entries.len() == ENTRIES_MAX || !clearly_smaller(bytes(entries.len() + 1), size)
                {
                    return None;
                }
                let code = entries.len() as u32;
                entries.push(v);
                table.insert_unique(hash(v), code, |c| hash(entries[*c as usize]));
                code
            }
        };
        codes.push(code);
    }
    Some((entries, codes))
}
