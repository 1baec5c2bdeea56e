//! What a setting is: name, kind of value, default.
//!
//! Invariant: a checked value has one spelling.

use roost_engine::error::{Code, Error, Result};

/// What values a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 0, 1, true, false.
    Bool,
    /// A whole number.
    UInt64,
    /// A number.
    Float,
    /// A length of time in seconds, with a fraction.
    Seconds,
    /// Any text.
    String,
}

impl Kind {
    /// ClickHouse's name of the type in `system.settings`.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Bool => "Bool",
            Kind::UInt64 => "UInt64",
            Kind::Float => "Float",
            Kind::Seconds => "Seconds",
            Kind::String => "String",
        }
    }
}

/// One setting.
#[derive(Debug)]
pub struct Definition {
    /// ClickHouse's name.
    pub name: &'static str,
    /// Values.
    pub kind: Kind,
    /// Default as text.
    pub default: &'static str,
    /// Whether Roost does anything with it; the others are accepted because clients send them.
    pub effective: bool,
    /// What it does.
    pub doc: &'static str,
}

impl Definition {
    /// The value in its one spelling.
    pub fn check(&self, value: &str) -> Result<String> {
        let trimmed = value.trim();
        let bad = |code| {
            let message = format!(
                "Cannot parse '{value}' as {} of setting {}",
                self.kind.name(),
                self.name
            );
            Error::new(code, message)
        };
        match self.kind {
            Kind::String => Ok(value.to_string()),
            Kind::Bool => match trimmed.to_ascii_lowercase().as_str() {
                "1" | "true" | "yes" | "on" => Ok("1".into()),
                "0" | "false" | "no" | "off" => Ok("0".into()),
                _ => Err(bad(Code::CANNOT_PARSE_BOOL)),
            },
            Kind::UInt64 => match trimmed {
                "true" => Ok("1".into()),
                "false" => Ok("0".into()),
                // A negative number or `auto` asks for the default, as clients do.
                "auto" | "" => Ok(self.default.into()),
                number => number
                    .parse::<u64>()
                    .map(|n| n.to_string())
                    .map_err(|_| bad(Code::CANNOT_PARSE_NUMBER)),
            },
            Kind::Float | Kind::Seconds => trimmed
                .parse::<f64>()
                .ok()
                .filter(|x| x.is_finite())
                .map(|x| x.to_string())
                .ok_or_else(|| bad(Code::CANNOT_PARSE_NUMBER)),
        }
    }
}
