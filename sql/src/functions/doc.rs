//! Documentation of one function, printed into `docs/reference/functions.md` and `system.functions`.
//!
//! Invariant: every example is a query whose answer is tested.

/// What a user reads about a function.
#[derive(Debug, Clone, Copy)]
pub struct Doc {
    /// `startsWith(s, prefix)`.
    pub syntax: &'static str,
    /// One or two sentences.
    pub text: &'static str,
    /// A SQL expression and its answer in TabSeparated.
    pub example: (&'static str, &'static str),
    /// Family: `string`, `date and time`, `array`, ...
    pub category: &'static str,
}

impl Doc {
    /// Of a function that no user meets.
    pub(crate) const NONE: Doc = Doc {
        syntax: "",
        text: "",
        example: ("", ""),
        category: "",
    };
}
