//! JSON paths of schemas: `$.a.b`, `$.a[:]`, `$.a[:].b`, `$`.
//!
//! Invariant: a path that does not lead anywhere gives nothing, never an error.

use serde_json::Value as Json;

/// A step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// `.key`.
    Key(String),
    /// `[:]`: each element.
    Each,
    /// `[n]`.
    At(usize),
}

/// A parsed path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path(Vec<Step>);

impl Path {
    /// Reads a path; a text without `$` is a key.
    pub(super) fn parse(text: &str) -> Path {
        let Some(mut rest) = text.trim().strip_prefix('$') else {
            return Path(vec![Step::Key(text.trim().to_owned())]);
        };
        let mut steps = Vec::new();
        while let Some(c) = rest.chars().next() {
            rest = &rest[c.len_utf8()..];
            match c {
                '.' => {
                    let quote = rest
                        .chars()
                        .next()
                        .filter(|q| matches!(q, '"' | '`' | '\''));
                    let (key, after) = match quote {
                        Some(q) => rest[1..].split_once(q).unwrap_or((&rest[1..], "")),
                        None => {
                            let end = rest.find(['.', '[']).unwrap_or(rest.len());
                            rest.split_at(end)
                        }
                    };
                    if !key.is_empty() {
                        steps.push(Step::Key(key.to_owned()));
                    }
                    rest = after;
                }
                '[' => {
                    let (inner, after) = rest.split_once(']').unwrap_or((rest, ""));
                    let inner = inner.trim();
                    let key = inner.trim_matches(['"', '\'', '`']);
                    steps.push(match inner.parse() {
                        Ok(at) => Step::At(at),
                        Err(_) if matches!(inner, ":" | "*") => Step::Each,
                        Err(_) => Step::Key(key.to_owned()),
                    });
                    rest = after;
                }
                _ => {}
            }
        }
        // `$.a[:]` is the array itself.
        if steps.last() == Some(&Step::Each) {
            steps.pop();
        }
        Path(steps)
    }

    /// Whether the path is the plain key `name`.
    pub(super) fn is_key(&self, name: &str) -> bool {
        matches!(&self.0[..], [Step::Key(key)] if key == name)
    }

    /// What the path leads to.
    pub(super) fn find(&self, root: &Json) -> Option<Json> {
        follow(root, &self.0)
    }
}

fn follow(value: &Json, steps: &[Step]) -> Option<Json> {
    let Some((step, rest)) = steps.split_first() else {
        return Some(value.clone());
    };
    match step {
        Step::Key(key) => follow(value.get(key)?, rest),
        Step::At(at) => follow(value.get(at)?, rest),
        Step::Each => {
            let items = value.as_array()?;
            Some(
                items
                    .iter()
                    .map(|i| follow(i, rest).unwrap_or(Json::Null))
                    .collect(),
            )
        }
    }
}
