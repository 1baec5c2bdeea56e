//! Which parts to merge.
//!
//! Neighbours of similar size go together, so that a row is rewritten about log(rows) times and
//! the number of parts stays small.
//!
//! Invariant: the choice depends on the arguments alone; chosen parts are neighbours of one
//! partition and bucket.

use std::ops::Range;

use crate::part::PartInfo;

/// Bounds of a merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all inputs.
    pub bytes_max: u64,
    /// Number of inputs.
    pub parts_max: usize,
}

/// A part that may or may not be merged now.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// The part.
    pub info: &'a PartInfo,
    /// Whether it may be merged: a file, and not busy.
    pub free: bool,
    /// Whether it must not be merged with the part before it.
    pub apart: bool,
}

/// Weight of a part beside its bytes: opening, headers, a step of every query.
const PART_BYTES: u64 = 64 << 10;

/// The best merge among `parts`, which are in the order of a snapshot; `None` when none is worth it.
pub fn select(parts: &[Candidate<'_>], limits: Limits) -> Option<Range<usize>> {
    let mut best: Option<(f64, Range<usize>)> = None;
    for group in groups(parts) {
        if let Some((score, range)) = best_of(&parts[group.clone()], limits)
            && best.as_ref().is_none_or(|(s, _)| score < *s)
        {
            best = Some((score, group.start + range.start..group.start + range.end));
        }
    }
    best.map(|(_, range)| range)
}

/// Maximal runs of free neighbours of one partition and bucket.
fn groups(parts: &[Candidate<'_>]) -> Vec<Range<usize>> {
    let mut groups: Vec<Range<usize>> = Vec::new();
    for (i, part) in parts.iter().enumerate().filter(|(_, p)| p.free) {
        let same = |j: usize| {
            let (a, b) = (parts[j].info, part.info);
            a.partition == b.partition && a.bucket == b.bucket
        };
        match groups.last_mut() {
            Some(last) if last.end == i && !part.apart && same(last.start) => last.end = i + 1,
            _ => groups.push(i..i + 1),
        }
    }
    groups
}

/// The merge of the lowest price for each part that it saves.
fn best_of(parts: &[Candidate<'_>], limits: Limits) -> Option<(f64, Range<usize>)> {
    let mut best: Option<(f64, Range<usize>)> = None;
    let ratio = wanted_ratio(parts.len());
    for start in 0..parts.len() {
        let (mut sum, mut largest) = (0u64, 0u64);
        let end_max = parts.len().min(start + limits.parts_max);
        for (end, part) in (start + 1..=end_max).zip(&parts[start..]) {
            let bytes = part.info.bytes + PART_BYTES;
            sum += bytes;
            largest = largest.max(bytes);
            let count = end - start;
            if sum > limits.bytes_max {
                break;
            }
            if count < 2 || (sum as f64) < ratio * largest as f64 {
                continue;
            }
            let score = sum as f64 / (count as f64 - 1.5);
            if best.as_ref().is_none_or(|(s, _)| score < *s) {
                best = Some((score, start..end));
            }
        }
    }
    best
}

/// How many times the largest input all inputs must be: less when there are many parts.
fn wanted_ratio(parts: usize) -> f64 {
    (5.0 - parts as f64 / 12.0).max(1.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        bytes_max: 1 << 40,
        parts_max: 32,
    };

    fn part(id: u64, partition: &str, bytes: u64) -> PartInfo {
        PartInfo {
            id,
            partition: partition.into(),
            min_block: id,
            max_block: id,
            bytes,
            ..PartInfo::default()
        }
    }

    fn choose(
        parts: &[PartInfo],
        free: impl Fn(usize) -> bool,
        limits: Limits,
    ) -> Option<Range<usize>> {
        let candidates: Vec<Candidate<'_>> = parts
            .iter()
            .enumerate()
            .map(|(i, info)| Candidate {
                info,
                free: free(i),
                apart: info.level == 9,
            })
            .collect();
        select(&candidates, limits)
    }

    #[test]
    fn only_free_neighbours_of_one_partition_go_together() {
        let mut parts: Vec<PartInfo> = (0..12).map(|i| part(i, "a", 1 << 20)).collect();
        parts.extend((12..18).map(|i| part(i, "b", 1 << 20)));
        let found = choose(&parts, |i| i != 3, LIMITS);
        assert_eq!(found, Some(4..12));
        assert_eq!(choose(&parts, |_| false, LIMITS), None);
        let small = Limits {
            bytes_max: 6 << 20,
            parts_max: 5,
        };
        assert!(choose(&parts, |_| true, small).is_some_and(|r| r.len() <= 5));
        assert_eq!(choose(&parts[..1], |_| true, LIMITS), None);
        parts[6].level = 9;
        let found = choose(&parts[..12], |_| true, LIMITS);
        assert_eq!(found, Some(0..6), "not across what is apart");
    }

    #[test]
    fn a_large_part_is_not_rewritten_for_a_small_one() {
        let parts = [
            part(1, "a", 10 << 30),
            part(2, "a", 1 << 20),
            part(3, "a", 1 << 20),
        ];
        assert_eq!(choose(&parts, |_| true, LIMITS), None);
    }

    #[test]
    fn many_inserts_leave_few_parts_and_rewrite_little() {
        let mut parts: Vec<PartInfo> = Vec::new();
        let (mut written, mut most) = (0, 0);
        for id in 0..3000u64 {
            parts.push(part(id, "a", (1 << 20) + (id % 7) * 100_000));
            while let Some(range) = choose(&parts, |_| true, LIMITS) {
                let bytes = parts[range.clone()].iter().map(|p| p.bytes).sum();
                written += bytes;
                parts.splice(range, [part(id, "a", bytes)]);
            }
            most = most.max(parts.len());
        }
        let all: u64 = parts.iter().map(|p| p.bytes).sum();
        assert!(most <= 30, "{most} parts");
        assert!(
            written / all <= 8,
            "every byte is written {} times",
            written / all
        );
    }
}
