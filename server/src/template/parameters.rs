//! Which parameters a template reads, found without running it.
//!
//! Invariant: one entry per name; a typed mention wins over an untyped one, the first over later ones.

use std::collections::HashSet;

use serde_json::{Map, Value as Json, json};

use super::ast::{Chunk, Expr, Statement};
use super::{builtins, functions, typed};

/// A parameter of a template.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its type as `nodes[].params` shows it: `Int32`, `Array(String)`.
    pub ty: String,
    /// Its default, or null.
    pub default: Json,
    /// `required`, `description`, `enum`, `example`, `format` as written.
    pub details: Map<String, Json>,
    /// The line of its first mention.
    pub line: usize,
    /// Only read by functions that do without a value: `defined`, `column`, `split_to_array`…
    optional: bool,
    typed: bool,
}

impl Parameter {
    /// The object in `nodes[].params`.
    pub fn to_json(&self) -> Json {
        let mut out = json!({ "name": self.name, "type": self.ty, "default": self.default });
        if let Some(map) = out.as_object_mut() {
            for (key, value) in &self.details {
                map.insert(key.clone(), value.clone());
            }
        }
        out
    }

    /// Rendering may ask for a value.
    pub(super) fn needs_value(&self) -> bool {
        self.default.is_null() && !self.optional
    }
}

const KEPT: [&str; 6] = [
    "required",
    "description",
    "enum",
    "example",
    "format",
    "defined",
];

/// All parameters in the order of their first mention.
pub(super) fn discover(chunks: &[Chunk]) -> Vec<Parameter> {
    let mut finder = Finder::default();
    finder.chunks(chunks);
    let Finder {
        found, assigned, ..
    } = finder;
    found
        .into_iter()
        .filter(|p| p.typed || !assigned.contains(p.name.as_str()))
        .collect()
}

/// The largest number of arms of an `if`, the absent `else` included.
pub(super) fn most_arms(chunks: &[Chunk]) -> usize {
    let nested = chunks.iter().map(|chunk| match chunk {
        Chunk::If { arms, .. } => arms
            .iter()
            .map(|(_, body)| most_arms(body))
            .max()
            .unwrap_or(1)
            .max(arms.len()),
        Chunk::For {
            body, otherwise, ..
        } => most_arms(body).max(most_arms(otherwise)),
        Chunk::While { body, .. } => most_arms(body),
        _ => 1,
    });
    nested.max().unwrap_or(1)
}

#[derive(Default)]
struct Finder<'a> {
    found: Vec<Parameter>,
    assigned: HashSet<&'a str>,
    line: usize,
}

impl<'a> Finder<'a> {
    fn chunks(&mut self, chunks: &'a [Chunk]) {
        for chunk in chunks {
            match chunk {
                Chunk::Text(_) | Chunk::Break | Chunk::Continue => {}
                Chunk::Output { expr, line, .. } => self.expr(expr, *line),
                Chunk::Set { statement, line } => match statement {
                    Statement::Assign(target, expr) | Statement::Augment(target, _, expr) => {
                        self.expr(expr, *line);
                        self.target(target);
                    }
                    Statement::Expr(expr) => self.expr(expr, *line),
                },
                Chunk::If { arms, line } => {
                    for (condition, body) in arms {
                        if let Some(condition) = condition {
                            self.expr(condition, *line);
                        }
                        self.chunks(body);
                    }
                }
                Chunk::For {
                    target,
                    iterable,
                    body,
                    otherwise,
                    line,
                } => {
                    self.expr(iterable, *line);
                    self.target(target);
                    self.assigned.insert("loop");
                    self.chunks(body);
                    self.chunks(otherwise);
                }
                Chunk::While {
                    condition,
                    body,
                    line,
                } => {
                    self.expr(condition, *line);
                    self.chunks(body);
                }
            }
        }
    }

    fn target(&mut self, target: &'a Expr) {
        match target {
            Expr::Name(name) => {
                self.assigned.insert(name);
            }
            Expr::Tuple(items) | Expr::List(items) => items.iter().for_each(|t| self.target(t)),
            _ => {}
        }
    }

    fn expr(&mut self, expr: &'a Expr, line: usize) {
        self.line = line;
        self.visit(expr, false);
    }

    fn visit(&mut self, expr: &'a Expr, optional: bool) {
        match expr {
            Expr::Name(name) => self.mention(name, optional),
            Expr::Call {
                function,
                args,
                named,
            } => {
                let callee = match &**function {
                    Expr::Name(name) => Some(name.as_str()),
                    other => {
                        self.visit(other, false);
                        None
                    }
                };
                let ty = callee.and_then(typed::lookup);
                if let (Some(ty), Some(Expr::Name(name))) = (ty, args.first()) {
                    self.declare(name, ty, args, named);
                } else if ty.is_some() {
                    args.iter().for_each(|a| self.visit(a, false));
                } else {
                    let optional = callee.is_some_and(|f| functions::lookup(f).is_some());
                    args.iter().for_each(|a| self.visit(a, optional));
                }
                let rest = if ty.is_some() { args.get(1..) } else { None };
                rest.into_iter().flatten().for_each(|a| {
                    if !matches!(a, Expr::Name(_)) {
                        self.visit(a, false);
                    }
                });
                named.iter().for_each(|(_, e)| {
                    if !matches!(e, Expr::Name(n) if ty.is_some() && is_constant(n)) {
                        self.visit(e, callee == Some("sql_and"));
                    }
                });
            }
            Expr::Comprehension { target, .. } => {
                self.target(target);
                expr.for_each_child(&mut |child| self.visit(child, false));
            }
            other => other.for_each_child(&mut |child| self.visit(child, false)),
        }
    }

    /// A name without a type.
    fn mention(&mut self, name: &str, optional: bool) {
        let reserved = functions::lookup(name).is_some()
            || (builtins::lookup(name).is_some() && !builtins::shadowed(name))
            || is_constant(name);
        if reserved {
            return;
        }
        match self.found.iter_mut().find(|p| p.name == name) {
            Some(known) => known.optional &= optional || known.typed,
            None => self.found.push(Parameter {
                name: name.to_owned(),
                ty: "String".to_owned(),
                default: Json::Null,
                details: Map::new(),
                line: self.line,
                optional,
                typed: false,
            }),
        }
    }

    /// A name inside a type function.
    fn declare(&mut self, name: &str, ty: &'static str, args: &[Expr], named: &[(String, Expr)]) {
        let is_array = ty == "Array";
        let full = match (is_array, args.get(1)) {
            (true, Some(Expr::Str(element))) => format!("Array({element})"),
            (true, _) => "Array(String)".to_owned(),
            _ => ty.to_owned(),
        };
        let by_name = named.iter().find(|(n, _)| n == "default").map(|(_, e)| e);
        let default = by_name.or_else(|| args.get(if is_array { 2 } else { 1 }));
        let mut details = Map::new();
        for (key, value) in named {
            if KEPT.contains(&key.as_str()) {
                details.insert(key.clone(), literal(value));
            }
        }
        let parameter = Parameter {
            name: name.to_owned(),
            ty: full,
            default: default.map_or(Json::Null, literal),
            details,
            line: self.line,
            optional: false,
            typed: true,
        };
        match self.found.iter_mut().find(|p| p.name == name) {
            None => self.found.push(parameter),
            Some(known) if !known.typed => {
                *known = Parameter {
                    line: known.line,
                    ..parameter
                };
            }
            Some(known) => {
                if known.default.is_null() {
                    known.default = parameter.default;
                }
                for (key, value) in parameter.details {
                    known.details.entry(key).or_insert(value);
                }
            }
        }
    }
}

fn is_constant(name: &str) -> bool {
    matches!(name, "true" | "false" | "null" | "none")
}

/// A literal as JSON; anything else is null. Integers that JavaScript would round become text.
fn literal(expr: &Expr) -> Json {
    match expr {
        Expr::Bool(b) => (*b).into(),
        Expr::Int(n) => match i64::try_from(*n) {
            Ok(n) if n <= 9_007_199_254_740_991 => n.into(),
            _ => n.to_string().into(),
        },
        Expr::Float(n) => (*n).into(),
        Expr::Str(s) => s.as_str().into(),
        Expr::Name(name) => match name.as_str() {
            "true" => true.into(),
            "false" => false.into(),
            _ => Json::Null,
        },
        Expr::Negate(inner) => match literal(inner) {
            Json::Number(n) => match (n.as_i64(), n.as_f64()) {
                (Some(n), _) => (-n).into(),
                (None, Some(n)) => (-n).into(),
                _ => Json::Null,
            },
            _ => Json::Null,
        },
        Expr::List(items) | Expr::Tuple(items) => items.iter().map(literal).collect(),
        _ => Json::Null,
    }
}
