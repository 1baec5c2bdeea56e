//! Splits a datafile into directives.
//!
//! Invariant: a line is a directive when its first word, at the very start of the line, is a known
//! keyword; inside a block every other line is content, indented or not.

use super::DatafileError;

/// One directive.
pub(super) struct Directive {
    /// The keyword in lower case.
    pub(super) key: String,
    /// The words after it, unquoted; the only one, if it was a `>` block, is the block.
    pub(super) args: Vec<String>,
    /// It was a `>` block.
    pub(super) block: bool,
    /// Its line, from one.
    pub(super) line: usize,
}

impl Directive {
    /// The words as one text.
    pub(super) fn text(&self) -> String {
        let joined = self.args.join(" ");
        unquote(joined.trim()).to_owned()
    }
}

const KEYWORDS: &[&str] = &[
    "from",
    "source",
    "maintainer",
    "schema",
    "indexes",
    "indices",
    "engine",
    "partition_key",
    "sorting_key",
    "primary_key",
    "sampling_key",
    "ttl",
    "settings",
    "node",
    "scope",
    "description",
    "type",
    "datasource",
    "tags",
    "target_datasource",
    "copy_schedule",
    "copy_mode",
    "mode",
    "resource",
    "filter",
    "token",
    "include",
    "sql",
    "version",
    "shared_with",
    "forward_query",
    "backfill",
    "cache",
    "deployment_method",
];

const FAMILIES: &[&str] = &["engine_", "kafka_", "import_", "export_"];

fn is_keyword(word: &str) -> bool {
    KEYWORDS.contains(&word) || FAMILIES.iter().any(|f| word.starts_with(f))
}

/// All directives of `text`.
pub(super) fn directives(file: &str, text: &str) -> Result<Vec<Directive>, DatafileError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut out: Vec<Directive> = Vec::new();
    let mut in_block = false;
    for (at, line) in text.lines().enumerate() {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let indented = line.starts_with([' ', '\t']);
        let word = line.split_whitespace().next().unwrap_or("");
        let key = word.to_ascii_lowercase();
        if in_block && (indented || !is_keyword(&key)) {
            let comment = !indented && word.starts_with('#');
            if let (false, Some(block)) = (comment, out.last_mut().and_then(|d| d.args.last_mut()))
            {
                block.push_str(line);
                block.push('\n');
            }
            continue;
        }
        if word.is_empty() || word.starts_with('#') {
            continue;
        }
        if !is_keyword(&key) {
            return Err(DatafileError {
                file: file.to_owned(),
                line: at + 1,
                message: format!("{} is not a valid option", word.to_uppercase()),
            });
        }
        let rest = line.trim_start().get(word.len()..).unwrap_or("");
        in_block = rest.trim() == ">" || rest.trim().starts_with("> ");
        let args = if in_block {
            vec![String::new()]
        } else {
            words(rest).ok_or_else(|| DatafileError {
                file: file.to_owned(),
                line: at + 1,
                message: format!("{} has a quote that is not closed", key.to_uppercase()),
            })?
        };
        out.push(Directive {
            key,
            args,
            block: in_block,
            line: at + 1,
        });
    }
    Ok(out)
}

/// Words separated by blanks; quotes hold words together and a `#` at the start of a word ends the
/// line. None where a quote is not closed.
fn words(text: &str) -> Option<Vec<String>> {
    let mut out = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    for c in text.chars() {
        match quote {
            Some(q) => {
                word.push(c);
                if c == q {
                    quote = None;
                }
            }
            None if c.is_whitespace() => {
                if !word.is_empty() {
                    out.push(std::mem::take(&mut word));
                }
            }
            None if c == '#' && word.is_empty() => return Some(out),
            None => {
                if c == '"' || c == '\'' {
                    quote = Some(c);
                }
                word.push(c);
            }
        }
    }
    if !word.is_empty() {
        out.push(word);
    }
    quote.is_none().then_some(out)
}

/// Takes one pair of quotes away.
pub(super) fn unquote(text: &str) -> &str {
    for quote in ['"', '\''] {
        let inner = text
            .strip_prefix(quote)
            .and_then(|rest| rest.strip_suffix(quote));
        if let Some(inner) = inner {
            return inner;
        }
    }
    text
}

/// Removes what all lines with content have in common at their start, and blank lines around.
pub(super) fn dedent(text: &str) -> String {
    let blank = |line: &&str| line.trim().is_empty();
    let indent = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let lines: Vec<&str> = text.lines().collect();
    let common = lines
        .iter()
        .filter(|l| !blank(l))
        .map(|l| indent(l))
        .min()
        .unwrap_or(0);
    let body: Vec<&str> = lines
        .iter()
        .map(|l| {
            if blank(l) {
                ""
            } else {
                l.get(common..).unwrap_or(l)
            }
        })
        .map(str::trim_end)
        .collect();
    body.join("\n").trim_matches('\n').to_owned()
}
