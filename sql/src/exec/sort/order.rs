//! The order of rows by their keys: runs sorted side by side, then merged.
//!
//! Invariant: rows with equal keys keep their order.

use std::cmp::Ordering;

use parking_lot::Mutex;
use roost_engine::error::Result;

use super::encode::{Keys, Word, Words};
use crate::exec::context::ExecContext;
use crate::exec::drive;

/// Fewer rows than this are sorted by one thread.
const RUN_ROWS: usize = 100_000;

/// Row numbers in the order of the keys, the first `limit` of them.
pub(crate) fn order(
    keys: &Keys,
    rows: usize,
    limit: Option<usize>,
    ctx: &ExecContext,
) -> Result<Vec<u32>> {
    match keys.words(rows) {
        Words::Narrow(words) => order_by(keys, &words, limit, ctx),
        Words::Wide(words) => order_by(keys, &words, limit, ctx),
    }
}

fn order_by<W: Word>(
    keys: &Keys,
    words: &[W],
    limit: Option<usize>,
    ctx: &ExecContext,
) -> Result<Vec<u32>> {
    let rows = words.len();
    let wanted = limit.unwrap_or(rows).min(rows);
    let compare = |a: &(W, u32), b: &(W, u32)| -> Ordering {
        let order = a.0.cmp(&b.0);
        if order.is_ne() || keys.exact() {
            return order.then(a.1.cmp(&b.1));
        }
        keys.compare(a.1, b.1).then(a.1.cmp(&b.1))
    };
    let runs = (rows / RUN_ROWS).clamp(1, ctx.threads.max(1));
    let per_run = rows.div_ceil(runs).max(1);
    let sorted = drive::tasks(ctx, runs, |run| {
        let start = (run * per_run).min(rows);
        let end = (start + per_run).min(rows);
        let numbered = words[start..end].iter().zip(start as u32..);
        let mut pairs: Vec<(W, u32)> = numbered.map(|(w, i)| (*w, i)).collect();
        if wanted > 0 && wanted < pairs.len() / 4 {
            pairs.select_nth_unstable_by(wanted - 1, compare);
            pairs.truncate(wanted);
        }
        pairs.sort_unstable_by(compare);
        pairs.truncate(wanted);
        ctx.check()?;
        Ok(pairs)
    })?;
    let mut runs = sorted;
    while runs.len() > 1 {
        let second = runs.split_off(runs.len().div_ceil(2));
        let mut second = second.into_iter();
        let pairs: Vec<_> = runs
            .into_iter()
            .map(|first| Mutex::new((first, second.next())))
            .collect();
        runs = drive::tasks(ctx, pairs.len(), |i| {
            let (first, second) = std::mem::take(&mut *pairs[i].lock());
            Ok(match second {
                Some(second) => merge(&first, &second, wanted, compare),
                None => first,
            })
        })?;
    }
    let only = runs.pop().unwrap_or_default();
    Ok(only.into_iter().take(wanted).map(|(_, row)| row).collect())
}

fn merge<T: Copy>(a: &[T], b: &[T], wanted: usize, compare: impl Fn(&T, &T) -> Ordering) -> Vec<T> {
    let mut out = Vec::with_capacity((a.len() + b.len()).min(wanted));
    let (mut i, mut j) = (0, 0);
    while out.len() < wanted && i < a.len() && j < b.len() {
        if compare(&a[i], &b[j]).is_le() {
            out.push(a[i]);
            i += 1;
        } else {
            out.push(b[j]);
            j += 1;
        }
    }
    out.extend_from_slice(&a[i..]);
    out.extend_from_slice(&b[j..]);
    out.truncate(wanted);
    out
}
