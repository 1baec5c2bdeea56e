//! Splits a template into text and tags as Tornado does.
//!
//! Invariant: tags nest at most [`DEPTH`] deep.

use super::ast::{Chunk, Expr};
use super::{Result, TemplateError, parse};

/// How deep `if` and `for` may nest.
const DEPTH: usize = 60;

/// Reads the whole text.
pub(super) fn parse(text: &str) -> Result<Vec<Chunk>> {
    let mut reader = Reader {
        text,
        at: 0,
        line: 1,
        depth: 0,
        loops: 0,
    };
    let (chunks, end) = reader.body(None)?;
    debug_assert!(matches!(end, Stop::EndOfText));
    Ok(chunks)
}

/// Why a body ended.
enum Stop {
    EndOfText,
    End,
    Elif(String),
    Else,
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    depth: usize,
    loops: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn consume(&mut self, bytes: usize) -> &'a str {
        let taken = &self.text[self.at..self.at + bytes];
        self.line += taken.bytes().filter(|b| *b == b'\n').count();
        self.at += bytes;
        taken
    }

    fn error(&self, message: impl std::fmt::Display) -> TemplateError {
        TemplateError::new(format!("{message} at <string>:{}", self.line)).at(self.line)
    }

    /// Where the next tag opens, counted from here.
    fn next_tag(&self) -> Option<usize> {
        let bytes = self.rest().as_bytes();
        let mut at = 0;
        loop {
            at += memchr::memchr(b'{', bytes.get(at..)?)?;
            match bytes.get(at + 1)? {
                b'{' if bytes.get(at + 2) == Some(&b'{') => at += 1,
                b'{' | b'%' | b'#' => return Some(at),
                _ => at += 1,
            }
        }
    }

    /// The text up to `close`, which is consumed as well.
    fn until(&mut self, close: &str, what: &str) -> Result<&'a str> {
        let Some(end) = self.rest().find(close) else {
            return Err(self.error(format!("Missing end {what} {close}")));
        };
        let inner = self.consume(end);
        self.consume(close.len());
        Ok(inner.trim())
    }

    /// Chunks up to the tag that ends the block `inside`.
    fn body(&mut self, inside: Option<&str>) -> Result<(Vec<Chunk>, Stop)> {
        let mut chunks = Vec::new();
        loop {
            let Some(at) = self.next_tag() else {
                if inside.is_some() {
                    return Err(TemplateError::new(format!(
                        "Missing {{% end %}} block for if at line {}",
                        self.line
                    ))
                    .at(self.line));
                }
                let text = self.rest();
                push_text(&mut chunks, text);
                self.consume(text.len());
                return Ok((chunks, Stop::EndOfText));
            };
            let text = self.consume(at);
            push_text(&mut chunks, text);
            let brace = self.consume(2);
            if self.rest().starts_with('!') {
                self.consume(1);
                push_text(&mut chunks, brace);
                continue;
            }
            let line = self.line;
            match brace {
                "{#" => {
                    self.until("#}", "comment")?;
                }
                "{{" => {
                    let source = self.until("}}", "expression")?;
                    if source.is_empty() {
                        return Err(self.error("Empty expression"));
                    }
                    let expr = parse::expression(source).map_err(|e| e.at(line))?;
                    chunks.push(Chunk::Output {
                        expr,
                        source: source.to_owned(),
                        line,
                    });
                }
                _ => {
                    if let Some(stop) = self.tag(inside, line, &mut chunks)? {
                        return Ok((chunks, stop));
                    }
                }
            }
        }
    }

    /// One `{% … %}` after its opening brace.
    fn tag(
        &mut self,
        inside: Option<&str>,
        line: usize,
        chunks: &mut Vec<Chunk>,
    ) -> Result<Option<Stop>> {
        let contents = self.until("%}", "block")?;
        if contents.is_empty() {
            return Err(self.error("Empty block tag ({% %})"));
        }
        let split = contents
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(contents.len());
        let (operator, suffix) = (&contents[..split], contents[split..].trim());
        let place = |e: TemplateError| e.at(line);
        match operator {
            "else" | "elif" => {
                let allowed = inside == Some("if") || (inside == Some("for") && operator == "else");
                if !allowed {
                    return Err(self.error(format!("{operator} outside of its block")));
                }
                let stop = if operator == "else" {
                    Stop::Else
                } else {
                    Stop::Elif(suffix.to_owned())
                };
                return Ok(Some(stop));
            }
            "end" => {
                if inside.is_none() {
                    return Err(self.error("Extra {% end %} block"));
                }
                return Ok(Some(Stop::End));
            }
            "comment" => {}
            "set" if suffix.is_empty() => return Err(self.error("set missing statement")),
            "set" => chunks.push(Chunk::Set {
                statement: parse::statement(suffix).map_err(place)?,
                line,
            }),
            "if" => {
                let condition = parse::expression(suffix).map_err(place)?;
                let arms = self.nested(|r| r.if_arms(condition))?;
                chunks.push(Chunk::If { arms, line });
            }
            "for" => {
                let (target, iterable) = parse::for_head(suffix).map_err(place)?;
                let (body, otherwise) = self.nested(Reader::for_body)?;
                chunks.push(Chunk::For {
                    target,
                    iterable,
                    body,
                    otherwise,
                    line,
                });
            }
            "while" => {
                let condition = parse::expression(suffix).map_err(place)?;
                self.loops += 1;
                let (body, _) = self.nested(|r| r.body(Some("while")))?;
                self.loops -= 1;
                chunks.push(Chunk::While {
                    condition,
                    body,
                    line,
                });
            }
            "break" | "continue" if self.loops == 0 => {
                return Err(self.error(format!("{operator} outside of a loop")));
            }
            "break" => chunks.push(Chunk::Break),
            "continue" => chunks.push(Chunk::Continue),
            "import" | "from" => return Err(self.error("import is forbidden")),
            "extends" | "include" | "autoescape" | "raw" | "module" | "apply" | "block" | "try"
            | "whitespace" => {
                return Err(self.error(format!("{operator} is forbidden")));
            }
            _ => return Err(self.error(format!("unknown operator: {operator:?}"))),
        }
        Ok(None)
    }

    fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth >= DEPTH {
            return Err(self.error(format!("blocks nest deeper than {DEPTH} levels")));
        }
        self.depth += 1;
        let out = inner(self);
        self.depth -= 1;
        out
    }

    #[allow(clippy::type_complexity, reason = "the arms of Chunk::If")]
    fn if_arms(&mut self, first: Expr) -> Result<Vec<(Option<Expr>, Vec<Chunk>)>> {
        let mut arms = Vec::new();
        let mut condition = Some(first);
        loop {
            let ended_by_else = condition.is_none();
            let (body, stop) = self.body(Some("if"))?;
            arms.push((condition.take(), body));
            match stop {
                Stop::Elif(text) if !ended_by_else => {
                    condition = Some(parse::expression(&text).map_err(|e| e.at(self.line))?);
                }
                Stop::Else if !ended_by_else => {}
                Stop::End => return Ok(arms),
                _ => return Err(self.error("an if may have one else, as its last arm")),
            }
        }
    }

    fn for_body(&mut self) -> Result<(Vec<Chunk>, Vec<Chunk>)> {
        self.loops += 1;
        let out = self.body(Some("for"));
        self.loops -= 1;
        match out? {
            (body, Stop::Else) => match self.body(Some("for"))? {
                (otherwise, Stop::End) => Ok((body, otherwise)),
                _ => Err(self.error("a for may have one else")),
            },
            (body, _) => Ok((body, Vec::new())),
        }
    }
}

fn push_text(chunks: &mut Vec<Chunk>, text: &str) {
    if !text.is_empty() {
        chunks.push(Chunk::Text(text.to_owned()));
    }
}
