//! A view on sqlparser's cursor in ClickHouse's terms: words in any case, names, lists.
//!
//! Invariant: every look ahead is a look; nothing is consumed before it is known to belong.

use roost_engine::error::{Code, Error, Result};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

use super::ast::{Expr, Literal, Setting, TableName};
use super::dialect::{ChDialect, prec};
use crate::Value;

/// The parser with the dialect that keeps its finished expressions.
pub(super) struct Cursor<'c, 'a> {
    /// sqlparser's cursor and expression engine.
    pub(super) p: &'c mut Parser<'a>,
    /// Arena and errors.
    pub(super) d: &'c ChDialect,
}

/// Words that cannot be an alias without AS, because a clause starts with them.
const CLAUSE_WORDS: &[&str] = &[
    "FROM",
    "WHERE",
    "PREWHERE",
    "GROUP",
    "HAVING",
    "ORDER",
    "LIMIT",
    "OFFSET",
    "FETCH",
    "UNION",
    "INTERSECT",
    "EXCEPT",
    "SETTINGS",
    "FORMAT",
    "INTO",
    "WITH",
    "WINDOW",
    "QUALIFY",
    "ON",
    "USING",
    "JOIN",
    "LEFT",
    "RIGHT",
    "FULL",
    "INNER",
    "CROSS",
    "ANY",
    "ALL",
    "ASOF",
    "SEMI",
    "ANTI",
    "GLOBAL",
    "ARRAY",
    "FINAL",
    "SAMPLE",
    "AS",
    "AND",
    "OR",
    "NOT",
    "IN",
    "LIKE",
    "ILIKE",
    "BETWEEN",
    "IS",
    "THEN",
    "ELSE",
    "WHEN",
    "END",
    "ASC",
    "DESC",
    "NULLS",
    "INTERPOLATE",
    "PASTE",
    "DIV",
    "MOD",
    "SELECT",
    "VALUES",
    "BY",
    "COLLATE",
    "STEP",
    "TO",
    "FILTER",
    "OVER",
    "ASCENDING",
    "DESCENDING",
    "TTL",
    "COMMENT",
    "PARALLEL",
    "REGEXP",
    "DELETE",
    "SET",
];

impl<'c, 'a> Cursor<'c, 'a> {
    /// A view for the time of one rule.
    pub(super) fn new(p: &'c mut Parser<'a>, d: &'c ChDialect) -> Self {
        Cursor { p, d }
    }

    /// The next token.
    pub(super) fn peek(&self) -> &Token {
        &self.p.peek_token_ref().token
    }

    /// The token after `n` more.
    pub(super) fn peek_at(&self, n: usize) -> &Token {
        &self.p.token_at(self.p.index() + n).token
    }

    /// Whether an unquoted word stands `n` tokens ahead.
    pub(super) fn is_word_at(&self, n: usize, word: &str) -> bool {
        matches!(self.peek_at(n), Token::Word(w)
            if w.quote_style.is_none() && w.value.eq_ignore_ascii_case(word))
    }

    /// Whether the next tokens are these words.
    pub(super) fn at_words(&self, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(i, w)| self.is_word_at(i, w))
    }

    /// Takes the words when they all stand next.
    pub(super) fn eat(&mut self, words: &[&str]) -> bool {
        let found = self.at_words(words);
        if found {
            words.iter().for_each(|_| self.p.advance_token());
        }
        found
    }

    /// Takes one word when it stands next.
    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        self.eat(&[word])
    }

    /// Takes the token when it stands next.
    pub(super) fn eat_token(&mut self, token: &Token) -> bool {
        let found = self.peek() == token;
        if found {
            self.p.advance_token();
        }
        found
    }

    /// Takes the words or fails.
    pub(super) fn expect(&mut self, words: &[&str]) -> Result<()> {
        match self.eat(words) {
            true => Ok(()),
            false => self.unexpected(&words.join(" ")),
        }
    }

    /// Takes the token or fails.
    pub(super) fn expect_token(&mut self, token: &Token) -> Result<()> {
        match self.eat_token(token) {
            true => Ok(()),
            false => self.unexpected(&token.to_string()),
        }
    }

    /// SYNTAX_ERROR at the next token; its place is put in by the caller that knows the text.
    pub(super) fn unexpected<T>(&self, expected: &str) -> Result<T> {
        let next = self.p.peek_token_ref();
        let found = match &next.token {
            Token::EOF => "end of query".to_string(),
            other => other.to_string(),
        };
        let offset = match &next.token {
            Token::EOF => usize::MAX,
            _ => next.span.start.column as usize,
        };
        let message = format!("Syntax error: expected {expected}, found {found}");
        Err(Error::new(Code::SYNTAX_ERROR, message).at(at_offset(offset)))
    }

    /// An expression whose operators bind tighter than `above`, and its depth.
    pub(super) fn expr_depth(&mut self, above: u8) -> Result<(Expr, u32)> {
        let carrier = self.p.parse_subexpr(above).map_err(|e| self.d.error(e))?;
        self.d.take(&carrier)
    }

    /// An expression; `a AS b` inside becomes an alias.
    pub(super) fn expr(&mut self) -> Result<Expr> {
        Ok(self.expr_depth(prec::ANY)?.0)
    }

    /// An expression that ends in front of AS.
    pub(super) fn expr_without_alias(&mut self) -> Result<Expr> {
        Ok(self.expr_depth(prec::ALIAS)?.0)
    }

    /// Elements between commas up to (not including) the token that `end` accepts; a comma in front
    /// of the end is forgiven.
    pub(super) fn list<T>(
        &mut self,
        end: fn(&Self) -> bool,
        mut element: impl FnMut(&mut Self) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut all = Vec::new();
        while !end(self) {
            all.push(element(self)?);
            if !self.eat_token(&Token::Comma) {
                break;
            }
        }
        Ok(all)
    }

    /// `(element, ...)`; the opening parenthesis is consumed as well.
    pub(super) fn parenthesized<T>(
        &mut self,
        element: impl FnMut(&mut Self) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.expect_token(&Token::LParen)?;
        let all = self.list(|c| *c.peek() == Token::RParen, element)?;
        self.expect_token(&Token::RParen)?;
        Ok(all)
    }

    /// Expressions up to the end of a clause.
    pub(super) fn exprs(&mut self) -> Result<Vec<Expr>> {
        self.list(Self::at_clause_end, Self::expr)
    }

    /// Whether a clause ends here: end of text, closing bracket, or a clause's first word.
    pub(super) fn at_clause_end(&self) -> bool {
        match self.peek() {
            Token::EOF | Token::RParen | Token::SemiColon => true,
            Token::Word(w) if w.quote_style.is_none() => {
                // A column may be called like a clause (`format`, `left(s, 1)`).
                let follows = self.peek_at(1);
                let is_name = matches!(follows, Token::LParen | Token::Period | Token::Comma);
                [
                    "FROM", "WHERE", "PREWHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "UNION",
                    "SETTINGS",
                ]
                .iter()
                .any(|k| w.value.eq_ignore_ascii_case(k))
                    && !is_name
            }
            _ => false,
        }
    }

    /// A name: a word in or without quotes.
    pub(super) fn name(&mut self) -> Result<String> {
        match self.peek() {
            Token::Word(w) => {
                let name = w.value.clone();
                self.p.advance_token();
                Ok(name)
            }
            Token::Placeholder(_) => self.identifier_parameter(),
            _ => self.unexpected("identifier"),
        }
    }

    /// `{name:Identifier}` in the place of a name is resolved before parsing; here it is refused.
    fn identifier_parameter(&mut self) -> Result<String> {
        Err(Error::not_implemented(
            "a query parameter of type Identifier in this place",
        ))
    }

    /// `[db.]name`.
    pub(super) fn table_name(&mut self) -> Result<TableName> {
        let first = self.name()?;
        if self.eat_token(&Token::Period) {
            let name = self.name()?;
            return Ok(TableName {
                database: Some(first),
                name,
            });
        }
        Ok(TableName {
            database: None,
            name: first,
        })
    }

    /// An alias with or without AS.
    pub(super) fn alias(&mut self) -> Result<Option<String>> {
        if self.eat_word("AS") {
            return match self.peek() {
                Token::SingleQuotedString(_) => Ok(Some(self.string()?)),
                _ => self.name().map(Some),
            };
        }
        match self.peek() {
            Token::Word(w) if w.quote_style.is_some() || !is_clause_word(&w.value) => {
                self.name().map(Some)
            }
            _ => Ok(None),
        }
    }

    /// A string literal as text.
    pub(super) fn string(&mut self) -> Result<String> {
        match self.peek() {
            Token::SingleQuotedString(raw) => {
                let bytes = super::literal::unescape(raw, b'\'');
                self.p.advance_token();
                Ok(String::from_utf8_lossy(&bytes).into_owned())
            }
            Token::SingleQuotedRawStringLiteral(text) => {
                let text = text.clone();
                self.p.advance_token();
                Ok(text)
            }
            _ => self.unexpected("string literal"),
        }
    }

    /// A whole number.
    pub(super) fn unsigned(&mut self) -> Result<u64> {
        match self.expr_without_alias()? {
            Expr::Literal(Literal::UInt(n)) if u64::try_from(n).is_ok() => Ok(n as u64),
            _ => self.unexpected("number"),
        }
    }

    /// `a = 1, b = 'x', c` behind SETTINGS or SET.
    pub(super) fn settings(&mut self) -> Result<Vec<Setting>> {
        let mut all = Vec::new();
        loop {
            let mut name = self.name()?;
            while self.eat_token(&Token::Period) {
                name = format!("{name}.{}", self.name()?);
            }
            let value = match self.eat_token(&Token::Eq) {
                true => self.setting_value()?,
                false => Value::UInt(1),
            };
            all.push(Setting { name, value });
            if !self.eat_token(&Token::Comma) {
                return Ok(all);
            }
        }
    }

    fn setting_value(&mut self) -> Result<Value> {
        if let Token::Word(w) = self.peek() {
            let text = w.value.clone();
            if !["NULL", "TRUE", "FALSE"]
                .iter()
                .any(|k| text.eq_ignore_ascii_case(k))
            {
                self.p.advance_token();
                return Ok(Value::string(text));
            }
        }
        let literal = self.expr_depth(prec::UNARY)?.0;
        match literal {
            Expr::Literal(literal) => Ok(literal.value()),
            other => Err(Error::new(
                Code::SYNTAX_ERROR,
                format!("Syntax error: a setting's value must be a literal, found {other}"),
            )),
        }
    }
}

impl Literal {
    /// The literal as a value.
    pub fn value(&self) -> Value {
        match self {
            Literal::Null => Value::Null,
            Literal::Bool(b) => Value::UInt(u64::from(*b)),
            Literal::UInt(n) => u64::try_from(*n).map_or(Value::UInt128(*n), Value::UInt),
            Literal::Int(n) => i64::try_from(*n).map_or(Value::Int128(*n), Value::Int),
            Literal::Float(f) => Value::Float(*f),
            Literal::String(s) => Value::Bytes(s.clone()),
        }
    }
}

/// Whether a word starts a clause and so is no alias without AS.
pub(super) fn is_clause_word(word: &str) -> bool {
    CLAUSE_WORDS.iter().any(|k| word.eq_ignore_ascii_case(k))
}

/// A position of which only the offset is known yet.
pub(super) fn at_offset(offset: usize) -> roost_engine::error::Position {
    roost_engine::error::Position {
        offset,
        line: 0,
        column: 0,
    }
}
