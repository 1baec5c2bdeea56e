//! Python expressions and assignments, by recursive descent.
//!
//! Invariant: nesting deeper than [`DEPTH`] is an error, never a stack overflow.

use super::ast::{Binary, Compare, Expr, Statement};
use super::token::{Token, tokens};
use super::{Result, TemplateError};

/// How deep brackets and operators may nest.
const DEPTH: usize = 60;
/// How many terms a sum or product may have: they nest to the left.
const TERMS: usize = 200;

const KEYWORDS: &[&str] = &[
    "and", "or", "not", "in", "is", "if", "else", "for", "lambda", "import", "from", "while",
    "def", "class", "return", "yield", "with", "try", "except", "elif", "del", "global", "await",
    "async",
];

/// An expression that fills the whole text; a top-level comma makes a tuple.
pub(super) fn expression(text: &str) -> Result<Expr> {
    let mut parser = Parser::new(text)?;
    let expr = parser.tuple()?;
    parser.end()?;
    Ok(expr)
}

/// `targets in expression`, the head of a `for`.
pub(super) fn for_head(text: &str) -> Result<(Expr, Expr)> {
    let mut parser = Parser::new(text)?;
    let target = parser.targets()?;
    parser.keyword_or_error("in")?;
    let iterable = parser.tuple()?;
    parser.end()?;
    Ok((target, iterable))
}

/// What stands in `{% set … %}`.
pub(super) fn statement(text: &str) -> Result<Statement> {
    let mut parser = Parser::new(text)?;
    let left = parser.tuple()?;
    let operator = match parser.peek() {
        Token::Op("=") => None,
        Token::Op("+=") => Some(Binary::Add),
        Token::Op("-=") => Some(Binary::Subtract),
        Token::Op("*=") => Some(Binary::Multiply),
        Token::Op("/=") => Some(Binary::Divide),
        Token::Op("//=") => Some(Binary::FloorDivide),
        Token::Op("%=") => Some(Binary::Modulo),
        Token::Op("**=") => Some(Binary::Power),
        _ => {
            parser.end()?;
            return Ok(Statement::Expr(left));
        }
    };
    parser.at += 1;
    let right = parser.tuple()?;
    parser.end()?;
    check_target(&left)?;
    Ok(match operator {
        None => Statement::Assign(left, right),
        Some(operator) => Statement::Augment(left, operator, right),
    })
}

fn check_target(target: &Expr) -> Result<()> {
    match target {
        Expr::Name(_) | Expr::Index(..) => Ok(()),
        Expr::Tuple(items) | Expr::List(items) => items.iter().try_for_each(check_target),
        _ => Err(TemplateError::syntax(
            "invalid syntax: cannot assign to this expression",
        )),
    }
}

fn too_long() -> TemplateError {
    TemplateError::syntax(format!("an expression has more than {TERMS} terms"))
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn new(text: &str) -> Result<Self> {
        Ok(Parser {
            tokens: tokens(text)?,
            at: 0,
            depth: 0,
        })
    }

    fn peek(&self) -> &Token {
        self.tokens.get(self.at).unwrap_or(&Token::End)
    }

    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    fn op(&mut self, op: &str) -> bool {
        let found = matches!(self.peek(), Token::Op(o) if *o == op);
        self.at += usize::from(found);
        found
    }

    fn op_or_error(&mut self, op: &str) -> Result<()> {
        if self.op(op) {
            Ok(())
        } else {
            Err(self.unexpected(&format!("{op:?}")))
        }
    }

    fn is_keyword(&self, word: &str) -> bool {
        matches!(self.peek(), Token::Name(n) if n == word)
    }

    fn keyword(&mut self, word: &str) -> bool {
        let found = self.is_keyword(word);
        self.at += usize::from(found);
        found
    }

    fn keyword_or_error(&mut self, word: &str) -> Result<()> {
        if self.keyword(word) {
            Ok(())
        } else {
            Err(self.unexpected(&format!("{word:?}")))
        }
    }

    fn end(&mut self) -> Result<()> {
        match self.peek() {
            Token::End => Ok(()),
            _ => Err(self.unexpected("the end of the tag")),
        }
    }

    fn unexpected(&self, expected: &str) -> TemplateError {
        let found = match self.peek() {
            Token::Name(n) => format!("{n:?}"),
            Token::Int(n) => n.to_string(),
            Token::Float(n) => n.to_string(),
            Token::Str(s) => format!("the string {s:?}"),
            Token::Op(op) => format!("{op:?}"),
            Token::End => "the end of the tag".to_owned(),
        };
        TemplateError::syntax(format!(
            "invalid syntax: expected {expected}, found {found}"
        ))
    }

    /// Runs `inner` one level deeper.
    fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth >= DEPTH {
            return Err(TemplateError::syntax(format!(
                "an expression nests deeper than {DEPTH} levels"
            )));
        }
        self.depth += 1;
        let out = inner(self);
        self.depth -= 1;
        out
    }

    fn tuple(&mut self) -> Result<Expr> {
        let first = self.ternary()?;
        if !matches!(self.peek(), Token::Op(",")) {
            return Ok(first);
        }
        let mut items = vec![first];
        while self.op(",") {
            if matches!(self.peek(), Token::End | Token::Op(")" | "=")) {
                break;
            }
            items.push(self.ternary()?);
        }
        Ok(Expr::Tuple(items))
    }

    /// Names before `in`: plain ones, or several, with or without brackets.
    fn targets(&mut self) -> Result<Expr> {
        let mut items = Vec::new();
        let mut many = false;
        loop {
            let item = if self.op("(") {
                let inner = self.nested(Parser::targets)?;
                self.op_or_error(")")?;
                inner
            } else {
                Expr::Name(self.name()?)
            };
            items.push(item);
            if !self.op(",") {
                break;
            }
            many = true;
            if self.is_keyword("in") {
                break;
            }
        }
        match items.pop() {
            Some(only) if items.is_empty() && !many => Ok(only),
            Some(last) => {
                items.push(last);
                Ok(Expr::Tuple(items))
            }
            None => Err(self.unexpected("a name")),
        }
    }

    fn name(&mut self) -> Result<String> {
        match self.peek() {
            Token::Name(n) if !KEYWORDS.contains(&n.as_str()) => {
                let name = n.clone();
                self.at += 1;
                Ok(name)
            }
            _ => Err(self.unexpected("a name")),
        }
    }

    fn ternary(&mut self) -> Result<Expr> {
        self.nested(|p| {
            let then = p.or()?;
            if !p.keyword("if") {
                return Ok(then);
            }
            let test = p.or()?;
            p.keyword_or_error("else")?;
            let otherwise = p.ternary()?;
            Ok(Expr::Ternary {
                test: Box::new(test),
                then: Box::new(then),
                otherwise: Box::new(otherwise),
            })
        })
    }

    fn or(&mut self) -> Result<Expr> {
        let first = self.and()?;
        if !self.is_keyword("or") {
            return Ok(first);
        }
        let mut items = vec![first];
        while self.keyword("or") {
            items.push(self.and()?);
        }
        Ok(Expr::Or(items))
    }

    fn and(&mut self) -> Result<Expr> {
        let first = self.not()?;
        if !self.is_keyword("and") {
            return Ok(first);
        }
        let mut items = vec![first];
        while self.keyword("and") {
            items.push(self.not()?);
        }
        Ok(Expr::And(items))
    }

    fn not(&mut self) -> Result<Expr> {
        if self.keyword("not") {
            let inner = self.nested(Parser::not)?;
            return Ok(Expr::Not(Box::new(inner)));
        }
        let first = self.sum()?;
        let mut rest = Vec::new();
        while let Some(compare) = self.comparison()? {
            rest.push((compare, self.sum()?));
        }
        Ok(if rest.is_empty() {
            first
        } else {
            Expr::Compare(Box::new(first), rest)
        })
    }

    fn comparison(&mut self) -> Result<Option<Compare>> {
        let compare = match self.peek() {
            Token::Op("==") => Compare::Equal,
            Token::Op("!=") => Compare::NotEqual,
            Token::Op("<") => Compare::Less,
            Token::Op("<=") => Compare::LessEqual,
            Token::Op(">") => Compare::Greater,
            Token::Op(">=") => Compare::GreaterEqual,
            Token::Name(n) if n == "in" => Compare::In,
            Token::Name(n) if n == "is" => {
                self.at += 1;
                return Ok(Some(if self.keyword("not") {
                    Compare::IsNot
                } else {
                    Compare::Is
                }));
            }
            Token::Name(n) if n == "not" => {
                self.at += 1;
                self.keyword_or_error("in")?;
                return Ok(Some(Compare::NotIn));
            }
            _ => return Ok(None),
        };
        self.at += 1;
        Ok(Some(compare))
    }

    fn sum(&mut self) -> Result<Expr> {
        let mut left = self.product()?;
        for _ in 0..TERMS {
            let operator = match self.peek() {
                Token::Op("+") => Binary::Add,
                Token::Op("-") => Binary::Subtract,
                _ => return Ok(left),
            };
            self.at += 1;
            let right = self.product()?;
            left = Expr::Binary(operator, Box::new(left), Box::new(right));
        }
        Err(too_long())
    }

    fn product(&mut self) -> Result<Expr> {
        let mut left = self.unary()?;
        for _ in 0..TERMS {
            let operator = match self.peek() {
                Token::Op("*") => Binary::Multiply,
                Token::Op("/") => Binary::Divide,
                Token::Op("//") => Binary::FloorDivide,
                Token::Op("%") => Binary::Modulo,
                _ => return Ok(left),
            };
            self.at += 1;
            let right = self.unary()?;
            left = Expr::Binary(operator, Box::new(left), Box::new(right));
        }
        Err(too_long())
    }

    fn unary(&mut self) -> Result<Expr> {
        if self.op("-") {
            let inner = self.nested(Parser::unary)?;
            return Ok(Expr::Negate(Box::new(inner)));
        }
        if self.op("+") {
            return self.nested(Parser::unary);
        }
        let base = self.postfix()?;
        if self.op("**") {
            let power = self.nested(Parser::unary)?;
            return Ok(Expr::Binary(Binary::Power, Box::new(base), Box::new(power)));
        }
        Ok(base)
    }

    fn postfix(&mut self) -> Result<Expr> {
        let mut expr = self.atom()?;
        let mut links = 0;
        loop {
            if self.op(".") {
                let name = self.name()?;
                expr = Expr::Attribute(Box::new(expr), name);
            } else if self.op("(") {
                let (args, named) = self.nested(Parser::arguments)?;
                expr = Expr::Call {
                    function: Box::new(expr),
                    args,
                    named,
                };
            } else if self.op("[") {
                expr = self.nested(|p| p.subscript(expr))?;
            } else {
                return Ok(expr);
            }
            links += 1;
            if links > DEPTH {
                return Err(TemplateError::syntax(format!(
                    "an expression chains more than {DEPTH} calls"
                )));
            }
        }
    }

    #[allow(
        clippy::type_complexity,
        reason = "positional and named arguments, once"
    )]
    fn arguments(&mut self) -> Result<(Vec<Expr>, Vec<(String, Expr)>)> {
        let mut args = Vec::new();
        let mut named = Vec::new();
        while !self.op(")") {
            let is_named = matches!(self.peek(), Token::Name(_))
                && matches!(self.tokens.get(self.at + 1), Some(Token::Op("=")));
            if is_named {
                if let Token::Name(name) = self.next() {
                    self.at += 1;
                    named.push((name, self.ternary()?));
                }
            } else {
                if !named.is_empty() {
                    return Err(TemplateError::syntax(
                        "positional argument follows keyword argument",
                    ));
                }
                let item = self.ternary()?;
                args.push(self.comprehension(item)?);
            }
            if !self.op(",") {
                self.op_or_error(")")?;
                break;
            }
        }
        Ok((args, named))
    }

    fn subscript(&mut self, base: Expr) -> Result<Expr> {
        let mut bounds = [None, None, None];
        let mut colons = 0;
        loop {
            match self.peek() {
                Token::Op("]") => {
                    self.at += 1;
                    break;
                }
                Token::Op(":") if colons < 2 => {
                    self.at += 1;
                    colons += 1;
                }
                _ if bounds[colons].is_none() => bounds[colons] = Some(Box::new(self.tuple()?)),
                _ => return Err(self.unexpected("\"]\"")),
            }
        }
        if colons > 0 {
            return Ok(Expr::Slice(Box::new(base), bounds));
        }
        let [index, ..] = bounds;
        let index = index.ok_or_else(|| self.unexpected("an index"))?;
        Ok(Expr::Index(Box::new(base), index))
    }

    /// `item`, or a comprehension that starts with it.
    fn comprehension(&mut self, item: Expr) -> Result<Expr> {
        if !self.keyword("for") {
            return Ok(item);
        }
        let target = self.targets()?;
        self.keyword_or_error("in")?;
        let iterable = self.or()?;
        let mut conditions = Vec::new();
        while self.keyword("if") {
            conditions.push(self.or()?);
        }
        Ok(Expr::Comprehension {
            item: Box::new(item),
            target: Box::new(target),
            iterable: Box::new(iterable),
            conditions,
        })
    }

    fn atom(&mut self) -> Result<Expr> {
        match self.peek() {
            Token::Int(n) => {
                let n = *n;
                self.at += 1;
                Ok(Expr::Int(n))
            }
            Token::Float(n) => {
                let n = *n;
                self.at += 1;
                Ok(Expr::Float(n))
            }
            Token::Str(s) => {
                let s = s.clone();
                self.at += 1;
                Ok(Expr::Str(s))
            }
            Token::Name(n) => {
                let constant = match n.as_str() {
                    "None" => Expr::None,
                    "True" => Expr::Bool(true),
                    "False" => Expr::Bool(false),
                    _ => return self.name().map(Expr::Name),
                };
                self.at += 1;
                Ok(constant)
            }
            Token::Op("(") => {
                self.at += 1;
                self.nested(Parser::parenthesis)
            }
            Token::Op("[") => {
                self.at += 1;
                self.nested(Parser::list)
            }
            Token::Op("{") => {
                self.at += 1;
                self.nested(Parser::dict)
            }
            _ => Err(self.unexpected("an expression")),
        }
    }

    fn parenthesis(&mut self) -> Result<Expr> {
        if self.op(")") {
            return Ok(Expr::Tuple(Vec::new()));
        }
        let inner = self.tuple()?;
        let inner = self.comprehension(inner)?;
        self.op_or_error(")")?;
        Ok(inner)
    }

    fn list(&mut self) -> Result<Expr> {
        let mut items = Vec::new();
        while !self.op("]") {
            let item = self.ternary()?;
            if items.is_empty() && self.is_keyword("for") {
                let out = self.comprehension(item)?;
                self.op_or_error("]")?;
                return Ok(out);
            }
            items.push(item);
            if !self.op(",") {
                self.op_or_error("]")?;
                break;
            }
        }
        Ok(Expr::List(items))
    }

    fn dict(&mut self) -> Result<Expr> {
        let mut pairs = Vec::new();
        while !self.op("}") {
            let key = self.ternary()?;
            self.op_or_error(":")?;
            pairs.push((key, self.ternary()?));
            if !self.op(",") {
                self.op_or_error("}")?;
                break;
            }
        }
        Ok(Expr::Dict(pairs))
    }
}
