//! The template language of data projects: Tornado's tags around Python expressions, typed for SQL.
//!
//! It is not a Python: there are no imports, no attributes beyond a closed list of methods, and every
//! step costs fuel. Invariant: a value given by a request reaches the SQL only as an escaped literal,
//! a checked number, or a quoted identifier.

mod ast;
mod builtins;
mod chunk;
mod dates;
mod evaluate;
mod functions;
mod interpret;
mod methods;
mod operators;
mod parameters;
mod parse;
mod text;
mod token;
mod typed;
mod value;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

pub use parameters::Parameter;

/// Values of a request, by name: strings from a query string, anything from a JSON body.
pub type Variables = BTreeMap<String, serde_json::Value>;

/// What went wrong with a template: the request's fault or the author's, never the server's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateError {
    /// A sentence for whoever sent the request.
    pub message: String,
    /// The line of the template, from one, when known.
    pub line: Option<usize>,
    /// The HTTP status to answer: 400, or what `custom_error` asked for.
    pub status: u16,
    /// A required parameter was not given.
    pub required: bool,
}

impl TemplateError {
    fn new(message: impl Into<String>) -> Self {
        TemplateError {
            message: message.into(),
            line: None,
            status: 400,
            required: false,
        }
    }

    /// The token may not do what the template asks for.
    pub fn forbidden(message: impl Into<String>) -> Self {
        TemplateError {
            status: 403,
            ..Self::new(message)
        }
    }

    /// An error in the client's words.
    fn syntax(message: impl fmt::Display) -> Self {
        Self::new(format!("Template Syntax Error: {message}"))
    }

    fn at(mut self, line: usize) -> Self {
        self.line.get_or_insert(line);
        self
    }
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for TemplateError {}

pub(crate) type Result<T, E = TemplateError> = std::result::Result<T, E>;

/// How to treat what the request leaves open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// A request: missing values are null.
    Run,
    /// A check of the text: missing values are placeholders that fit everywhere.
    Check,
    /// As `Check`, but every `if` takes its n-th arm (or its last): all arms get visited.
    Arm(usize),
}

/// What a rendering gets from outside.
pub struct Inputs<'a> {
    /// The request's values.
    pub variables: &'a Variables,
    /// Names of the secrets there are.
    pub secrets: &'a [String],
    /// How to treat missing values.
    pub mode: Mode,
    /// The time for `job_timestamp`, as `YYYY-MM-DD hh:mm:ss`.
    pub now: &'a str,
}

/// SQL, and what the template asked for besides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rendered {
    /// The text with every tag replaced.
    pub sql: String,
    /// `max_threads(n)`.
    pub max_threads: Option<u64>,
    /// Other hints by name: `backend_hint`, `cache_ttl`, `activate`, `disable`.
    pub hints: BTreeMap<String, String>,
    /// Secrets the SQL names as `{name: String}`.
    pub secrets: Vec<String>,
}

/// A parsed template. Parse once, render often.
#[derive(Debug, Clone)]
pub struct Template {
    chunks: Vec<ast::Chunk>,
    parameters: Vec<Parameter>,
    arms: usize,
}

impl Template {
    /// Reads `text` (without the leading `%`, or with it: it is text like any other).
    pub fn parse(text: &str) -> Result<Template> {
        let chunks = chunk::parse(text)?;
        let parameters = parameters::discover(&chunks);
        let arms = parameters::most_arms(&chunks);
        Ok(Template {
            chunks,
            parameters,
            arms,
        })
    }

    /// The parameters the template reads, in the order of their first mention.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// The largest number of arms of any `if`: `Mode::Arm(0..arms)` visits all of them.
    pub fn arms(&self) -> usize {
        self.arms
    }

    /// Renders the template.
    pub fn render(&self, inputs: &Inputs<'_>) -> Result<Rendered> {
        interpret::render(&self.chunks, &self.parameters, inputs)
    }
}

/// Renders a node's SQL if it is a template (its first visible character is `%`), and takes the `%`
/// away; other SQL comes back as it is.
pub fn render_sql(sql: &str, inputs: &Inputs<'_>) -> Result<Rendered> {
    match sql.trim_start().strip_prefix('%') {
        Some(body) => Template::parse(body)?.render(inputs),
        None => Ok(Rendered {
            sql: sql.to_owned(),
            ..Rendered::default()
        }),
    }
}
