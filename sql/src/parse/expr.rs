//! Operands and operators: what the hooks of the dialect do.
//!
//! Invariant: each rule returns the tree and its depth, so that a tree deeper than ClickHouse
//! allows is refused before anything recursive walks it.

use roost_engine::error::Result;
use sqlparser::tokenizer::Token;

use super::ast::{Expr, Function, Literal};
use super::cursor::Cursor;
use super::dialect::prec;
use super::literal;

/// A tree and its depth.
pub(super) type Deep = (Expr, u32);

impl Cursor<'_, '_> {
    /// An operand with everything that binds to it from the right without being an operator.
    pub(super) fn prefix(&mut self) -> Result<Deep> {
        let operand = self.operand()?;
        self.postfix(operand)
    }

    fn operand(&mut self) -> Result<Deep> {
        match self.peek() {
            Token::Word(w) => {
                let quoted = w.quote_style.is_some();
                self.word_operand(quoted)
            }
            Token::Minus => self.minus(),
            Token::Plus => {
                self.p.advance_token();
                self.expr_depth(prec::UNARY)
            }
            Token::LParen => self.parentheses(),
            Token::LBracket => self.array_literal(),
            Token::LBrace => self.map_literal(),
            Token::Mul => Ok((self.matcher(None)?, 1)),
            Token::Placeholder(text) => {
                let (name, ty) = text.split_once(':').unwrap_or((text.as_str(), ""));
                let parameter = Expr::Parameter {
                    name: name.to_string(),
                    ty: ty.to_string(),
                };
                self.p.advance_token();
                Ok((parameter, 1))
            }
            Token::Number(number, _) if *self.peek_at(1) == Token::DoubleColon => {
                // The text of a number is cast, not its value: decimals keep their digits.
                let number = number.clone();
                self.p.advance_token();
                self.cast_of_text(number)
            }
            _ => match self.literal()? {
                Some(literal) => Ok((Expr::Literal(literal), 1)),
                None => self.unexpected("expression"),
            },
        }
    }

    /// A number or string.
    fn literal(&mut self) -> Result<Option<Literal>> {
        let literal = match self.peek() {
            Token::Number(text, _) => literal::number(text)?,
            Token::SingleQuotedString(raw) => Literal::String(literal::unescape(raw, b'\'')),
            Token::SingleQuotedRawStringLiteral(s) => Literal::String(s.clone().into_bytes()),
            Token::HexStringLiteral(s) => Literal::String(literal::hex_string(s)?),
            Token::SingleQuotedByteStringLiteral(s) => Literal::String(literal::binary_string(s)?),
            _ => return Ok(None),
        };
        self.p.advance_token();
        Ok(Some(literal))
    }

    fn minus(&mut self) -> Result<Deep> {
        self.p.advance_token();
        if let Token::Number(text, _) = self.peek() {
            let text = text.clone();
            // `-1::Int8` casts the text '-1', as in ClickHouse.
            if *self.peek_at(1) == Token::DoubleColon {
                self.p.advance_token();
                return self.cast_of_text(format!("-{text}"));
            }
            self.p.advance_token();
            return Ok((Expr::Literal(negated(literal::number(&text)?)), 1));
        }
        let (inner, depth) = self.expr_depth(prec::UNARY)?;
        Ok(match inner {
            // `-inf` is one literal, as `-1` is.
            Expr::Literal(Literal::Float(x)) if x == f64::INFINITY => {
                (Expr::Literal(Literal::Float(-x)), depth)
            }
            inner => (Expr::operator("negate", vec![inner]), depth + 1),
        })
    }

    fn parentheses(&mut self) -> Result<Deep> {
        if self.at_subquery() {
            self.p.advance_token();
            let query = self.query()?;
            self.expect_token(&Token::RParen)?;
            return Ok((Expr::Subquery(Box::new(query)), 1));
        }
        self.p.advance_token();
        let (mut items, mut depth, mut comma) = (Vec::new(), 0, false);
        while *self.peek() != Token::RParen {
            let (item, d) = self.expr_depth(prec::ANY)?;
            items.push(item);
            depth = depth.max(d);
            comma = self.eat_token(&Token::Comma);
            if !comma {
                break;
            }
        }
        self.expect_token(&Token::RParen)?;
        match items.len() {
            1 if !comma => Ok((closed(items.swap_remove(0)), depth + 1)),
            _ => Ok((Expr::operator("tuple", items), depth + 1)),
        }
    }

    /// Whether `(` opens a query: `(SELECT`, `(WITH`, `(FROM`, `((SELECT ...) UNION`.
    pub(super) fn at_subquery(&self) -> bool {
        let mut n = 0;
        while *self.peek_at(n) == Token::LParen {
            n += 1;
        }
        let starts = |n: usize| {
            self.is_word_at(n, "SELECT")
                || self.is_word_at(n, "EXPLAIN") && !matches!(self.peek_at(n + 1), Token::Comma)
                || (self.is_word_at(n, "WITH") || self.is_word_at(n, "FROM"))
                    && !matches!(
                        self.peek_at(n + 1),
                        Token::Comma | Token::RParen | Token::Period | Token::EOF
                    )
        };
        match n {
            0 => false,
            1 => starts(1),
            // Nested parentheses are a query only when a set operation follows the inner one.
            _ => starts(n) && self.set_operation_follows(n),
        }
    }

    /// With `(` × n in front of a SELECT: whether the innermost parentheses are followed by a set
    /// operation, or all are closed at once.
    fn set_operation_follows(&self, open: usize) -> bool {
        let (mut depth, mut n) = (open as i64, open);
        loop {
            match self.peek_at(n) {
                Token::LParen => depth += 1,
                Token::RParen => depth -= 1,
                Token::EOF => return false,
                _ => {}
            }
            n += 1;
            if depth < open as i64 {
                let set = ["UNION", "INTERSECT", "EXCEPT"]
                    .iter()
                    .any(|w| self.is_word_at(n, w));
                return set || (depth == 0 && open > 1) || {
                    let mut m = n;
                    let mut left = depth;
                    while left > 0 && *self.peek_at(m) == Token::RParen {
                        left -= 1;
                        m += 1;
                    }
                    left == 0
                };
            }
        }
    }

    fn array_literal(&mut self) -> Result<Deep> {
        self.p.advance_token();
        let (items, depth) = self.items(&Token::RBracket)?;
        self.expect_token(&Token::RBracket)?;
        Ok((Expr::operator("array", items), depth + 1))
    }

    fn map_literal(&mut self) -> Result<Deep> {
        self.p.advance_token();
        let (mut items, mut depth) = (Vec::new(), 0);
        while *self.peek() != Token::RBrace {
            let (key, k) = self.expr_depth(prec::TERNARY)?;
            self.expect_token(&Token::Colon)?;
            let (value, v) = self.expr_depth(prec::TERNARY)?;
            items.extend([key, value]);
            depth = depth.max(k).max(v);
            if !self.eat_token(&Token::Comma) {
                break;
            }
        }
        self.expect_token(&Token::RBrace)?;
        Ok((Expr::call("map", items), depth + 1))
    }

    /// Expressions between commas up to `end`, with their depth.
    pub(super) fn items(&mut self, end: &Token) -> Result<(Vec<Expr>, u32)> {
        let (mut items, mut depth) = (Vec::new(), 0);
        while self.peek() != end {
            let (item, d) = self.expr_depth(prec::ANY)?;
            items.push(item);
            depth = depth.max(d);
            if !self.eat_token(&Token::Comma) {
                break;
            }
        }
        Ok((items, depth))
    }

    /// `.name`, `.1`, `[i]` behind an operand.
    fn postfix(&mut self, (mut expr, mut depth): Deep) -> Result<Deep> {
        loop {
            match self.peek() {
                Token::Period => {
                    self.p.advance_token();
                    expr = self.element(expr)?;
                }
                Token::LBracket => {
                    self.p.advance_token();
                    let (index, d) = self.expr_depth(prec::ANY)?;
                    self.expect_token(&Token::RBracket)?;
                    depth = depth.max(d);
                    expr = Expr::operator("arrayElement", vec![expr, index]);
                }
                _ => return Ok((expr, depth)),
            }
            depth += 1;
            if depth > 1000 {
                return self.unexpected("a shorter chain of element accesses");
            }
        }
    }

    fn element(&mut self, of: Expr) -> Result<Expr> {
        if let Token::Number(text, _) = self.peek() {
            let index = literal::number(text)?;
            self.p.advance_token();
            return Ok(Expr::operator(
                "tupleElement",
                vec![of, Expr::Literal(index)],
            ));
        }
        if self.eat_token(&Token::Minus) {
            let Token::Number(text, _) = self.peek() else {
                return self.unexpected("number of a tuple element");
            };
            let index = negated(literal::number(text)?);
            self.p.advance_token();
            return Ok(Expr::operator(
                "tupleElement",
                vec![of, Expr::Literal(index)],
            ));
        }
        let name = self.name()?;
        let name = Expr::Literal(Literal::String(name.into_bytes()));
        Ok(Expr::operator("tupleElement", vec![of, name]))
    }

    /// The operator in front of the cursor applied to `left`.
    pub(super) fn infix(&mut self, left: Expr, depth: u32, precedence: u8) -> Result<Deep> {
        match self.peek() {
            Token::Word(w) => {
                let word = w.value.to_ascii_uppercase();
                self.word_operator(&word, left, depth)
            }
            Token::Question => self.ternary(left, depth),
            Token::Arrow => self.lambda(left, depth),
            Token::DoubleColon => {
                self.p.advance_token();
                let ty = self.type_text()?;
                let cast = Expr::operator("CAST", vec![left, text(&ty)]);
                self.postfix((cast, depth + 1))
            }
            Token::StringConcat => self.chain("concat", left, depth, precedence),
            other => {
                let name = match other {
                    Token::Eq | Token::DoubleEq => "equals",
                    Token::Neq => "notEquals",
                    Token::Lt => "less",
                    Token::LtEq => "lessOrEquals",
                    Token::Gt => "greater",
                    Token::GtEq => "greaterOrEquals",
                    Token::Spaceship => "isNotDistinctFrom",
                    Token::Plus => "plus",
                    Token::Minus => "minus",
                    Token::Mul => "multiply",
                    Token::Div => "divide",
                    Token::Mod => "modulo",
                    _ => return self.unexpected("operator"),
                };
                self.p.advance_token();
                if let Some(quantified) = self.quantified(name, &left)? {
                    return Ok((quantified, depth + 1));
                }
                self.binary(name, left, depth, precedence)
            }
        }
    }

    /// `x = ANY (SELECT ...)` and `x <> ALL (SELECT ...)`.
    fn quantified(&mut self, name: &str, left: &Expr) -> Result<Option<Expr>> {
        let word = match (name, self.at_words(&["ANY"]), self.at_words(&["ALL"])) {
            ("equals", true, _) => "in",
            ("notEquals", _, true) => "notIn",
            _ => return Ok(None),
        };
        if *self.peek_at(1) != Token::LParen
            || !(self.is_word_at(2, "SELECT") || self.is_word_at(2, "WITH"))
        {
            return Ok(None);
        }
        self.p.advance_token();
        let (right, _) = self.parentheses()?;
        Ok(Some(Expr::operator(word, vec![left.clone(), right])))
    }

    fn binary(&mut self, name: &str, left: Expr, depth: u32, precedence: u8) -> Result<Deep> {
        let (right, d) = self.expr_depth(precedence)?;
        Ok((Expr::operator(name, vec![left, right]), depth.max(d) + 1))
    }

    /// An associative operator: `a OR b OR c` is one call of three.
    fn chain(&mut self, name: &str, left: Expr, depth: u32, precedence: u8) -> Result<Deep> {
        self.p.advance_token();
        let (right, d) = self.expr_depth(precedence)?;
        if let Expr::Function(f) = &left
            && f.is_operator
            && f.name == name
        {
            let Expr::Function(mut f) = left else {
                return self.unexpected("operator");
            };
            f.args.push(right);
            return Ok((Expr::Function(f), depth.max(d + 1)));
        }
        Ok((Expr::operator(name, vec![left, right]), depth.max(d) + 1))
    }

    fn word_operator(&mut self, word: &str, left: Expr, depth: u32) -> Result<Deep> {
        match word {
            "AS" => {
                self.p.advance_token();
                let name = match self.peek() {
                    Token::SingleQuotedString(_) => self.string()?,
                    _ => self.name()?,
                };
                Ok((Expr::Alias(Box::new(left), name), depth))
            }
            "OR" => self.chain("or", left, depth, prec::OR),
            "AND" => self.chain("and", left, depth, prec::AND),
            "DIV" => self.after_word("intDiv", left, depth, prec::MULTIPLY),
            "MOD" => self.after_word("modulo", left, depth, prec::MULTIPLY),
            "IS" => self.is_operator(left, depth),
            "BETWEEN" => {
                self.p.advance_token();
                self.between(left, depth, false)
            }
            "NOT" => {
                self.p.advance_token();
                if self.eat_word("BETWEEN") {
                    return self.between(left, depth, true);
                }
                self.membership(left, depth, true)
            }
            _ => self.membership(left, depth, false),
        }
    }

    fn after_word(&mut self, name: &str, left: Expr, depth: u32, precedence: u8) -> Result<Deep> {
        self.p.advance_token();
        self.binary(name, left, depth, precedence)
    }

    /// `[GLOBAL] [NOT] IN`, LIKE, ILIKE, REGEXP.
    fn membership(&mut self, left: Expr, depth: u32, negated: bool) -> Result<Deep> {
        let global = self.eat_word("GLOBAL");
        let negated = negated | self.eat_word("NOT");
        let name = if self.eat_word("IN") {
            match (global, negated) {
                (false, false) => "in",
                (false, true) => "notIn",
                (true, false) => "globalIn",
                (true, true) => "globalNotIn",
            }
        } else if self.eat_word("LIKE") {
            if negated { "notLike" } else { "like" }
        } else if self.eat_word("ILIKE") {
            if negated { "notILike" } else { "ilike" }
        } else if self.eat_word("REGEXP") {
            let (right, d) = self.expr_depth(prec::COMPARE)?;
            let call = Expr::operator("match", vec![left, right]);
            let call = if negated {
                Expr::operator("not", vec![call])
            } else {
                call
            };
            return Ok((call, depth.max(d) + 2));
        } else {
            return self.unexpected("IN, LIKE, ILIKE or BETWEEN");
        };
        let like = matches!(name, "like" | "notLike" | "ilike" | "notILike");
        let (right, d) = self.expr_depth(prec::COMPARE)?;
        let mut args = vec![left, right];
        if like && self.eat_word("ESCAPE") {
            args.push(self.expr_depth(prec::COMPARE)?.0);
        }
        Ok((Expr::operator(name, args), depth.max(d) + 1))
    }

    fn is_operator(&mut self, left: Expr, depth: u32) -> Result<Deep> {
        self.p.advance_token();
        let not = self.eat_word("NOT");
        if self.eat_word("NULL") {
            let name = if not { "isNotNull" } else { "isNull" };
            return Ok((Expr::operator(name, vec![left]), depth + 1));
        }
        self.expect(&["DISTINCT", "FROM"])?;
        let name = if not {
            "isNotDistinctFrom"
        } else {
            "isDistinctFrom"
        };
        self.binary(name, left, depth, prec::IS)
    }

    fn between(&mut self, left: Expr, depth: u32, negated: bool) -> Result<Deep> {
        let (low, a) = self.expr_depth(prec::BETWEEN)?;
        self.expect(&["AND"])?;
        let (high, b) = self.expr_depth(prec::BETWEEN)?;
        let depth = depth.max(a).max(b) + 2;
        let (join, first, second) = match negated {
            false => ("and", "greaterOrEquals", "lessOrEquals"),
            true => ("or", "less", "greater"),
        };
        let low = Expr::operator(first, vec![left.clone(), low]);
        let high = Expr::operator(second, vec![left, high]);
        Ok((Expr::operator(join, vec![low, high]), depth))
    }

    fn ternary(&mut self, left: Expr, depth: u32) -> Result<Deep> {
        self.p.advance_token();
        let (yes, a) = self.expr_depth(prec::LAMBDA)?;
        self.expect_token(&Token::Colon)?;
        let (no, b) = self.expr_depth(prec::LAMBDA)?;
        Ok((
            Expr::operator("if", vec![left, yes, no]),
            depth.max(a).max(b) + 1,
        ))
    }

    fn lambda(&mut self, left: Expr, depth: u32) -> Result<Deep> {
        let name = |e: &Expr| match e {
            Expr::Identifier(parts) if parts.len() == 1 => parts.first().cloned(),
            _ => None,
        };
        let params = match &left {
            Expr::Function(f) if f.name == "tuple" && f.is_operator => {
                f.args.iter().map(name).collect::<Option<Vec<_>>>()
            }
            other => name(other).map(|n| vec![n]),
        };
        let Some(params) = params else {
            return self.unexpected("parameter names in front of ->");
        };
        self.p.advance_token();
        let (body, d) = self.expr_depth(prec::ALIAS)?;
        Ok((
            Expr::Lambda {
                params,
                body: Box::new(body),
            },
            depth.max(d) + 1,
        ))
    }

    /// `'text'::type` for a number written as `text`.
    pub(super) fn cast_of_text(&mut self, number: String) -> Result<Deep> {
        self.expect_token(&Token::DoubleColon)?;
        let ty = self.type_text()?;
        self.postfix((Expr::operator("CAST", vec![text(&number), text(&ty)]), 2))
    }
}

/// A chain in parentheses is not continued by the same operator behind them.
fn closed(mut expr: Expr) -> Expr {
    if let Expr::Function(f) = &mut expr
        && matches!(f.name.as_str(), "and" | "or" | "concat")
    {
        f.is_operator = false;
    }
    expr
}

fn negated(literal: Literal) -> Literal {
    match literal {
        Literal::UInt(0) => Literal::UInt(0),
        Literal::UInt(n) if n <= 1 << 63 => Literal::Int(-(n as i128)),
        Literal::UInt(n) => Literal::Float(-(n as f64)),
        Literal::Float(f) => Literal::Float(-f),
        other => other,
    }
}

/// A string literal.
pub(super) fn text(s: &str) -> Expr {
    Expr::Literal(Literal::String(s.as_bytes().to_vec()))
}

/// A call of a function whose name and arguments are known, with all else absent.
pub(super) fn function(name: &str, args: Vec<Expr>) -> Function {
    Function {
        name: name.to_string(),
        args,
        ..Function::default()
    }
}
