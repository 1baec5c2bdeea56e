//! Runs the tags of a template.
//!
//! Invariant: every chunk and every expression costs fuel, and the output is bounded, so that no
//! template runs for ever or fills the memory.

use std::collections::HashMap;

use super::ast::{Chunk, Expr, Statement};
use super::parameters::Parameter;
use super::value::Value;
use super::{Inputs, Mode, Rendered, Result, TemplateError, Variables, text, typed};

/// Steps a rendering may take.
const FUEL: u64 = 2_000_000;
/// Bytes a rendering, or a string inside it, may have.
pub(super) const MAX_BYTES: usize = 16 << 20;

/// Names that can never be parameters.
const FORBIDDEN: [&str; 2] = ["format", "q"];

/// Renders `chunks`.
pub(super) fn render(
    chunks: &[Chunk],
    parameters: &[Parameter],
    inputs: &Inputs<'_>,
) -> Result<Rendered> {
    if let Some(p) = parameters
        .iter()
        .find(|p| FORBIDDEN.contains(&p.name.as_str()))
    {
        return Err(TemplateError::new(format!(
            "\"{}\" can not be used as a variable name, line {}",
            p.name, p.line
        )));
    }
    let mut machine = Machine {
        inputs,
        arrays: typed::preprocess(inputs.variables, parameters),
        locals: HashMap::new(),
        out: Rendered::default(),
        fuel: FUEL,
    };
    match machine.run(chunks) {
        Ok(_) => Ok(machine.out),
        Err(e) if e.required => Err(explain_required(e, parameters)),
        Err(e) => Err(e),
    }
}

/// Names the parameters that may be meant.
fn explain_required(mut e: TemplateError, parameters: &[Parameter]) -> TemplateError {
    let mut names: Vec<&str> = Vec::new();
    for p in parameters {
        if p.needs_value() && p.name != "job_timestamp" && !names.contains(&p.name.as_str()) {
            names.push(&p.name);
        }
    }
    let list = match names.split_last() {
        None => return e,
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    };
    e.message = format!(
        "Template Syntax Error: {}. Check the parameters {list}. Please provide a value or set a \
         default value in the pipe code.",
        typed::REQUIRED
    );
    e
}

/// How a body ended.
#[derive(PartialEq, Eq)]
enum Flow {
    Next,
    Break,
    Continue,
}

/// The state of one rendering.
pub(super) struct Machine<'a> {
    pub(super) inputs: &'a Inputs<'a>,
    /// Request values that were split because their parameter is an Array.
    arrays: Variables,
    pub(super) locals: HashMap<String, Value>,
    pub(super) out: Rendered,
    fuel: u64,
}

impl Machine<'_> {
    /// Pays for `steps` steps.
    pub(super) fn pay(&mut self, steps: usize) -> Result<()> {
        match self.fuel.checked_sub(steps as u64) {
            Some(left) => {
                self.fuel = left;
                Ok(())
            }
            None => Err(TemplateError::new(format!(
                "the template takes more than {FUEL} steps; it was stopped"
            ))),
        }
    }

    /// While checking, not answering a request.
    pub(super) fn checking(&self) -> bool {
        self.inputs.mode != Mode::Run
    }

    /// The value the request gives to `name`.
    pub(super) fn variable(&self, name: &str) -> Option<Value> {
        if name == "job_timestamp" && !self.inputs.variables.contains_key(name) {
            return Some(Value::str(self.inputs.now));
        }
        self.arrays
            .get(name)
            .or_else(|| self.inputs.variables.get(name))
            .map(Value::from_json)
    }

    fn run(&mut self, chunks: &[Chunk]) -> Result<Flow> {
        for chunk in chunks {
            self.pay(1)?;
            let flow = match chunk {
                Chunk::Text(text) => {
                    self.write(text)?;
                    Flow::Next
                }
                Chunk::Output { expr, source, line } => {
                    let value = self.evaluate(expr).map_err(|e| e.at(*line))?;
                    let sql = into_sql(&value, source).map_err(|e| e.at(*line))?;
                    self.write(&sql)?;
                    Flow::Next
                }
                Chunk::Set { statement, line } => {
                    self.set(statement).map_err(|e| e.at(*line))?;
                    Flow::Next
                }
                Chunk::If { arms, line } => self.choose(arms, *line)?,
                Chunk::For {
                    target,
                    iterable,
                    body,
                    otherwise,
                    line,
                } => {
                    let items = self.evaluate(iterable).and_then(|v| self.items(&v));
                    let items = items.map_err(|e| e.at(*line))?;
                    self.each(target, items, body, otherwise)
                        .map_err(|e| e.at(*line))?
                }
                Chunk::While {
                    condition,
                    body,
                    line,
                } => {
                    while self.evaluate(condition).map_err(|e| e.at(*line))?.truthy() {
                        self.pay(1)?;
                        if self.run(body)? == Flow::Break {
                            break;
                        }
                    }
                    Flow::Next
                }
                Chunk::Break => Flow::Break,
                Chunk::Continue => Flow::Continue,
            };
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn write(&mut self, sql: &str) -> Result<()> {
        if self.out.sql.len() + sql.len() > MAX_BYTES {
            return Err(TemplateError::new(format!(
                "the template renders to more than {MAX_BYTES} bytes"
            )));
        }
        self.out.sql.push_str(sql);
        Ok(())
    }

    fn choose(&mut self, arms: &[(Option<Expr>, Vec<Chunk>)], line: usize) -> Result<Flow> {
        if let Mode::Arm(n) = self.inputs.mode {
            return match arms.get(n.min(arms.len().saturating_sub(1))) {
                Some((_, body)) => self.run(body),
                None => Ok(Flow::Next),
            };
        }
        for (condition, body) in arms {
            let taken = match condition {
                Some(condition) => self.evaluate(condition).map_err(|e| e.at(line))?.truthy(),
                None => true,
            };
            if taken {
                return self.run(body);
            }
        }
        Ok(Flow::Next)
    }

    fn each(
        &mut self,
        target: &Expr,
        items: Vec<Value>,
        body: &[Chunk],
        otherwise: &[Chunk],
    ) -> Result<Flow> {
        let outer = self.locals.get("loop").cloned();
        let count = items.len();
        let mut broken = false;
        for (at, item) in items.into_iter().enumerate() {
            self.pay(1)?;
            self.assign(target, item)?;
            self.locals.insert("loop".to_owned(), loop_value(at, count));
            if self.run(body)? == Flow::Break {
                broken = true;
                break;
            }
        }
        match outer {
            Some(outer) => self.locals.insert("loop".to_owned(), outer),
            None => self.locals.remove("loop"),
        };
        if broken {
            return Ok(Flow::Next);
        }
        self.run(otherwise)
    }

    fn set(&mut self, statement: &Statement) -> Result<()> {
        match statement {
            Statement::Assign(target, expr) => {
                let value = self.evaluate(expr)?;
                self.assign(target, value)
            }
            Statement::Augment(target, operator, expr) => {
                let left = self.evaluate(target)?;
                let right = self.evaluate(expr)?;
                let value = self.binary(*operator, left, right)?;
                self.assign(target, value)
            }
            Statement::Expr(expr) => self.evaluate(expr).map(|_| ()),
        }
    }
}

/// What `loop` is inside a `for`.
fn loop_value(at: usize, count: usize) -> Value {
    let int = |n: usize| Value::Int(n as i128);
    let pairs = [
        ("first", Value::Bool(at == 0)),
        ("last", Value::Bool(at + 1 == count)),
        ("index", int(at + 1)),
        ("index0", int(at)),
        ("length", int(count)),
    ];
    Value::dict(pairs.into_iter().map(|(k, v)| (Value::str(k), v)).collect())
}

/// What `{{ value }}` writes.
fn into_sql(value: &Value, source: &str) -> Result<String> {
    match value {
        Value::Str(s) => Ok(text::quoted(s)),
        Value::Placeholder => Ok("'__no_value__'".to_owned()),
        Value::Comment => Ok("-- {x} \n".to_owned()),
        Value::None => {
            let mut name: String = source.chars().take(20).collect();
            if source.chars().count() > 20 {
                name.push_str("...");
            }
            Err(TemplateError::syntax(format!(
                "expression \"{name}\" evaluated to null"
            )))
        }
        Value::Function(name) => Err(TemplateError::syntax(format!(
            "'{name}' is a function; call it"
        ))),
        other => Ok(other.display()),
    }
}
