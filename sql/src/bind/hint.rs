//! "Maybe you meant": names close to one that was not found.
//!
//! Invariant: a hint is never the name itself, and never costs more than a look at each candidate.

/// ` Maybe you meant: ['a', 'b'].`, or nothing.
pub(super) fn maybe_you_meant<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> String {
    let lower = name.to_lowercase();
    let allowed = (lower.chars().count() / 3).clamp(1, 4);
    let mut near: Vec<(usize, &str)> = candidates
        .into_iter()
        .filter(|c| c.len().abs_diff(name.len()) <= allowed * 4)
        .map(|c| (distance(&lower, &c.to_lowercase()), c))
        .filter(|(d, c)| *d <= allowed && *c != name)
        .collect();
    near.sort_unstable();
    near.dedup();
    if near.is_empty() {
        return String::new();
    }
    let names: Vec<String> = near.iter().take(2).map(|(_, c)| format!("'{c}'")).collect();
    format!(". Maybe you meant: [{}]", names.join(","))
}

/// Levenshtein distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let change = corner + usize::from(x != *y);
            corner = row[j + 1];
            row[j + 1] = change.min(corner + 1).min(row[j] + 1);
        }
    }
    row.last().copied().unwrap_or(0)
}
