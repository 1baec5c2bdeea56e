//! Settings: one row each, with type, default and documentation.
//!
//! Invariant: a value is kept as it was checked: whoever reads a setting gets the type of its row.

pub mod definition;
pub mod defs;

use std::collections::HashMap;
use std::sync::Arc;

use roost_engine::error::{Code, Error, Result};

pub use definition::{Definition, Kind};
pub use defs::DEFINITIONS;

use crate::Value;

/// The settings of one session or query: changed ones over defaults.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// By name. Mostly there are few, and readers ask for dozens that are not there.
    changed: Vec<(&'static str, String)>,
}

impl Settings {
    /// Checks and keeps a value given as text.
    ///
    /// # Errors
    /// UNKNOWN_SETTING with a hint, CANNOT_PARSE_BOOL, CANNOT_PARSE_NUMBER.
    ///
    /// ```
    /// let mut s = roost::settings::Settings::default();
    /// s.set("max_threads", "2").unwrap();
    /// assert_eq!(s.uint("max_threads"), 2);
    /// assert!(s.set("max_thread", "2").is_err());
    /// ```
    pub fn set(&mut self, name: &str, value: &str) -> Result<()> {
        let Some(definition) = defs::find(name) else {
            return Err(unknown(name));
        };
        let value = definition.check(value)?;
        let mut changed = self.changed.iter_mut();
        match changed.find(|(n, _)| *n == definition.name) {
            Some((_, old)) => *old = value,
            None => self.changed.push((definition.name, value)),
        }
        Ok(())
    }

    /// Checks and keeps a literal.
    pub fn set_value(&mut self, name: &str, value: &Value) -> Result<()> {
        let text = match value {
            Value::Bytes(b) => String::from_utf8_lossy(b).into_owned(),
            Value::UInt(n) => n.to_string(),
            Value::Int(n) => n.to_string(),
            Value::Float(x) => x.to_string(),
            Value::Null => String::new(),
            other => {
                let message = format!("setting {name} cannot be {other:?}");
                return Err(Error::new(Code::INVALID_SETTING_VALUE, message));
            }
        };
        self.set(name, &text)
    }

    /// Whether the setting was changed.
    pub fn is_changed(&self, name: &str) -> bool {
        self.changed.iter().any(|(n, _)| *n == name)
    }

    /// Names of the settings whose value is not the default.
    pub fn unusual(&self) -> impl Iterator<Item = &'static str> {
        let usual = |name: &str| defs::find(name).map(|d| d.default);
        let changed = self.changed.iter();
        let unusual = changed.filter(move |(name, value)| usual(name) != Some(value.as_str()));
        unusual.map(|(name, _)| *name)
    }

    /// The value as text; empty for a name without a row.
    pub fn text(&self, name: &str) -> &str {
        match self.changed.iter().find(|(n, _)| *n == name) {
            Some((_, value)) => value,
            None => defs::find(name).map_or("", |d| d.default),
        }
    }

    /// The value of a whole number (or of a Bool as 0 and 1).
    pub fn uint(&self, name: &str) -> u64 {
        self.text(name).parse().unwrap_or(0)
    }

    /// The value of a Bool.
    pub fn bool(&self, name: &str) -> bool {
        self.uint(name) != 0
    }

    /// The value of a number with a fraction.
    pub fn float(&self, name: &str) -> f64 {
        self.text(name).parse().unwrap_or(0.0)
    }

    /// Changed values by name, as functions see them while they bind.
    pub fn changed(&self) -> Arc<HashMap<String, String>> {
        let pairs = self
            .changed
            .iter()
            .map(|(k, v)| ((*k).to_string(), v.clone()));
        Arc::new(pairs.collect())
    }
}

fn unknown(name: &str) -> Error {
    let near = DEFINITIONS
        .iter()
        .map(|d| (distance(name, d.name), d.name))
        .min()
        .filter(|(far, _)| *far <= 3);
    let hint = near.map_or(String::new(), |(_, n)| format!(". Maybe you meant ['{n}']"));
    let message = format!(
        "Setting {name} is neither a builtin setting nor started with the prefix 'SQL_' registered for user-defined settings{hint}"
    );
    Error::new(Code::UNKNOWN_SETTING, message)
}

/// Edit distance of short names.
pub fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() > 64 || b.len() > 64 || a.len().abs_diff(b.len()) > 4 {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let cost = diagonal + usize::from(!x.eq_ignore_ascii_case(y));
            diagonal = row[j + 1];
            row[j + 1] = cost.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
