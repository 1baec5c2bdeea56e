//! ClickHouse as a dialect of sqlparser: its precedences and the hooks into its expression engine.
//!
//! sqlparser drives: cursor, precedence climbing, recursion guard. What an operand or operator
//! means is decided in the hooks, which build our own tree. A finished expression waits in the
//! dialect's arena; sqlparser carries an identifier that names its place.
//!
//! Invariant: a place in the arena is taken exactly once (nothing here backtracks over expressions).

use std::any::TypeId;
use std::cell::{Cell, RefCell};

use roost_engine::error::{Code, Error, Result};
use sqlparser::ast::{Expr as Carrier, Ident};
use sqlparser::dialect::{ClickHouseDialect, Dialect};
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, Word};

use super::ast::Expr;
use super::cursor::Cursor;

/// Deepest expression tree, ClickHouse's `max_ast_depth`.
const DEPTH_MAX: u32 = 1000;

/// Deepest nesting of queries, ClickHouse's `max_subquery_depth`.
const QUERIES_MAX: usize = 100;

/// Precedences, loose to tight.
pub(super) mod prec {
    /// Anything at all, aliases included.
    pub(in crate::parse) const ANY: u8 = 0;
    /// `AS`: everything above is an expression without an alias of its own.
    pub(in crate::parse) const ALIAS: u8 = 1;
    /// `->`.
    pub(in crate::parse) const LAMBDA: u8 = 2;
    /// `?:`.
    pub(in crate::parse) const TERNARY: u8 = 3;
    /// OR.
    pub(in crate::parse) const OR: u8 = 5;
    /// AND.
    pub(in crate::parse) const AND: u8 = 10;
    /// NOT.
    pub(in crate::parse) const NOT: u8 = 15;
    /// IS NULL, IS DISTINCT FROM.
    pub(in crate::parse) const IS: u8 = 17;
    /// BETWEEN.
    pub(in crate::parse) const BETWEEN: u8 = 18;
    /// Comparisons, LIKE, IN.
    pub(in crate::parse) const COMPARE: u8 = 20;
    /// `||`.
    pub(in crate::parse) const CONCAT: u8 = 25;
    /// `+ -`.
    pub(in crate::parse) const ADD: u8 = 30;
    /// `* / %`.
    pub(in crate::parse) const MULTIPLY: u8 = 40;
    /// Unary minus.
    pub(in crate::parse) const UNARY: u8 = 45;
    /// `::`.
    pub(in crate::parse) const CAST: u8 = 50;
}

/// ClickHouse's dialect with the arena of one statement.
#[derive(Debug, Default)]
pub(super) struct ChDialect {
    arena: RefCell<Vec<Option<(Expr, u32)>>>,
    error: RefCell<Option<Error>>,
    nesting: Cell<usize>,
}

impl ChDialect {
    /// Puts a finished expression of the given depth aside.
    pub(super) fn put(&self, expr: Expr, depth: u32) -> Carrier {
        let mut arena = self.arena.borrow_mut();
        arena.push(Some((expr, depth)));
        Carrier::Identifier(Ident::new((arena.len() - 1).to_string()))
    }

    /// Takes the expression that `carrier` stands for, and its depth.
    pub(super) fn take(&self, carrier: &Carrier) -> Result<(Expr, u32)> {
        let place = match carrier {
            Carrier::Identifier(ident) => ident.value.parse::<usize>().ok(),
            _ => None,
        };
        let mut arena = self.arena.borrow_mut();
        let found = place.and_then(|p| arena.get_mut(p)).and_then(Option::take);
        let (expr, depth) = found.ok_or_else(|| {
            Error::new(
                Code::SYNTAX_ERROR,
                format!("Syntax error: unexpected {carrier}"),
            )
        })?;
        if depth > DEPTH_MAX {
            return Err(Error::new(
                Code::TOO_DEEP_AST,
                format!("AST is too deep. Maximum: {DEPTH_MAX}"),
            ));
        }
        Ok((expr, depth))
    }

    /// One query or join tree deeper; refuses what the stack does not hold. Undone by
    /// [`ChDialect::leave`], which an error need not call: it ends the parse.
    pub(super) fn enter(&self) -> Result<()> {
        self.nesting.set(self.nesting.get() + 1);
        match self.nesting.get() > QUERIES_MAX {
            true => Err(Error::new(
                Code::TOO_DEEP_SUBQUERIES,
                format!("Too deep subqueries. Maximum: {QUERIES_MAX}"),
            )),
            false => Ok(()),
        }
    }

    /// Back from [`ChDialect::enter`].
    pub(super) fn leave(&self) {
        self.nesting.set(self.nesting.get().saturating_sub(1));
    }

    /// Our error as sqlparser's: kept aside and found again by [`ChDialect::error`].
    fn carry(&self, error: Error) -> ParserError {
        let message = error.message().to_string();
        self.error.borrow_mut().get_or_insert(error);
        ParserError::ParserError(message)
    }

    /// sqlparser's error as ours.
    pub(super) fn error(&self, error: ParserError) -> Error {
        if let Some(own) = self.error.borrow_mut().take() {
            return own;
        }
        match error {
            ParserError::RecursionLimitExceeded => {
                Error::new(Code::TOO_DEEP_RECURSION, "the query is nested too deeply")
            }
            ParserError::ParserError(m) | ParserError::TokenizerError(m) => {
                Error::new(Code::SYNTAX_ERROR, format!("Syntax error: {m}"))
            }
        }
    }
}

impl Dialect for ChDialect {
    fn dialect(&self) -> TypeId {
        TypeId::of::<ClickHouseDialect>()
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        ch.is_ascii_alphabetic() || ch == '_'
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        ch.is_ascii_alphanumeric() || ch == '_' || ch == '$'
    }

    fn parse_prefix(
        &self,
        parser: &mut Parser,
    ) -> Option<std::result::Result<Carrier, ParserError>> {
        let mut cursor = Cursor::new(parser, self);
        let answer = cursor.prefix();
        Some(
            answer
                .map(|(e, d)| self.put(e, d))
                .map_err(|e| self.carry(e)),
        )
    }

    fn parse_infix(
        &self,
        parser: &mut Parser,
        left: &Carrier,
        precedence: u8,
    ) -> Option<std::result::Result<Carrier, ParserError>> {
        let answer = self
            .take(left)
            .and_then(|(left, depth)| Cursor::new(parser, self).infix(left, depth, precedence));
        Some(
            answer
                .map(|(e, d)| self.put(e, d))
                .map_err(|e| self.carry(e)),
        )
    }

    fn get_next_precedence(&self, parser: &Parser) -> Option<std::result::Result<u8, ParserError>> {
        Some(Ok(next_precedence(parser)))
    }
}

fn next_precedence(parser: &Parser) -> u8 {
    match &parser.peek_token_ref().token {
        Token::Word(w) if w.quote_style.is_none() => word_precedence(parser, w),
        Token::Question => prec::TERNARY,
        Token::Arrow => prec::LAMBDA,
        Token::Eq
        | Token::DoubleEq
        | Token::Neq
        | Token::Lt
        | Token::LtEq
        | Token::Gt
        | Token::GtEq
        | Token::Spaceship => prec::COMPARE,
        Token::StringConcat => prec::CONCAT,
        Token::Plus | Token::Minus => prec::ADD,
        Token::Mul | Token::Div | Token::Mod => prec::MULTIPLY,
        Token::DoubleColon => prec::CAST,
        _ => 0,
    }
}

fn word_precedence(parser: &Parser, word: &Word) -> u8 {
    let next_is = |n: usize, words: &[&str]| match &parser.peek_nth_token_ref(n).token {
        Token::Word(w) if w.quote_style.is_none() => {
            words.iter().any(|k| w.value.eq_ignore_ascii_case(k))
        }
        _ => false,
    };
    let is = |k: &str| word.value.eq_ignore_ascii_case(k);
    match word.value.len() {
        2 if is("AS") => prec::ALIAS,
        2 if is("OR") => prec::OR,
        2 if is("IS") && next_is(1, &["NULL", "NOT", "DISTINCT"]) => prec::IS,
        2 if is("IN") => prec::COMPARE,
        3 if is("AND") => prec::AND,
        3 if is("DIV") || is("MOD") => prec::MULTIPLY,
        3 if is("NOT") && next_is(1, &["BETWEEN"]) => prec::BETWEEN,
        3 if is("NOT") && next_is(1, &["IN", "LIKE", "ILIKE", "REGEXP"]) => prec::COMPARE,
        4 if is("LIKE") => prec::COMPARE,
        5 if is("ILIKE") => prec::COMPARE,
        6 if is("REGEXP") => prec::COMPARE,
        6 if is("GLOBAL") && next_is(1, &["IN", "NOT"]) => prec::COMPARE,
        7 if is("BETWEEN") => prec::BETWEEN,
        _ => 0,
    }
}
