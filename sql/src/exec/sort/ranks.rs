//! Strings as numbers of the same order, when all rows are at hand: short ones by their bytes,
//! repeating ones by their rank.
//!
//! Invariant: numbers compare as the strings do, and are equal exactly when those are.

use roost_engine::column::{BytesColumn, Column, Flat};
use roost_engine::kernels::compare::compare_flat;
use roost_engine::kernels::sort::{SortKey, short, sort_permutation};
use roost_engine::types::DataType;

use crate::eval::groups::Groups;

/// Rows that are looked at to see whether strings repeat.
const SAMPLE_ROWS: usize = 4096;

/// Puts numbers in the place of the key's strings, where it is worth it.
pub(super) fn to_numbers(key: &mut SortKey) {
    if short::to_numbers(key) {
        return;
    }
    let numbers = match &key.column {
        Column::Dict(d) if d.dict().len() <= d.codes().len() => match d.dict().as_ref() {
            Flat::Bytes(_) => {
                let ranks = ranks(d.dict());
                Some(d.codes().iter().map(|c| ranks[*c as usize]).collect())
            }
            _ => None,
        },
        Column::Flat(Flat::Bytes(strings)) => repeating(strings),
        _ => None,
    };
    if let Some(numbers) = numbers {
        key.column = Column::native::<u32>(numbers);
    }
}

/// Rank of each entry; equal entries share one.
fn ranks(entries: &Flat) -> Vec<u32> {
    let key = SortKey::ascending(Column::Flat(entries.clone()));
    let order = sort_permutation(std::slice::from_ref(&key), entries.len());
    let mut ranks = vec![0u32; order.len()];
    let mut rank = 0;
    for pair in order.windows(2) {
        let (a, b) = (pair[0] as usize, pair[1] as usize);
        rank += u32::from(compare_flat(entries, a, entries, b).is_ne());
        ranks[b] = rank;
    }
    ranks
}

/// Ranks of strings that repeat often.
fn repeating(strings: &BytesColumn) -> Option<Vec<u32>> {
    let rows = strings.len();
    let sample = SAMPLE_ROWS.min(rows);
    let mut groups = Groups::new(&[DataType::String]);
    let mut ids = Vec::new();
    let step = (rows / sample.max(1)).max(1);
    let some: BytesColumn = (0..sample).map(|i| strings.get(i * step)).collect();
    groups
        .assign(&[Column::Flat(Flat::Bytes(some))], sample, &mut ids)
        .ok()?;
    if groups.len() * 4 > sample {
        return None;
    }
    let all = Column::Flat(Flat::Bytes(strings.clone()));
    groups.assign(&[all], rows, &mut ids).ok()?;
    let entries = groups.keys().ok()?.first()?.to_flat();
    let ranks = ranks(&entries);
    Some(ids.iter().map(|id| ranks[*id as usize]).collect())
}
