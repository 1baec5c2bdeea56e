//! SQL text to syntax tree.
//!
//! sqlparser supplies tokens, cursor, the precedence engine and its guards; the lexer, the meaning
//! of operands and operators, and every clause and statement are ClickHouse's and ours (ADR 0006).
//!
//! Invariant: what comes out means what ClickHouse would read; what is not understood is an error
//! with a position, never a different tree.

mod alter;
pub mod ast;
mod cursor;
mod ddl;
mod dialect;
mod display;
mod expr;
mod from;
mod lexer;
mod literal;
mod operators;
mod query;
mod shape;
pub mod sql_text;
mod statement;
#[cfg(test)]
mod tests;
pub mod walk;
mod word;

use std::ops::Range;

use roost_engine::error::{Code, Error, Result};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

use ast::{ColumnDef, Expr, IndexDef, Query, Statement};
use cursor::Cursor;
use dialect::ChDialect;
pub use literal::unescape;
pub use shape::{Shape, literal_value};
pub use sql_text::SqlText;

/// Deepest nesting of expressions and queries.
const NESTING_MAX: usize = 200;

/// Stack of the thread that parses deeply nested text.
const STACK_BYTES: usize = 64 << 20;

/// Opening brackets that any thread's own stack holds.
const NESTING_SMALL: usize = 24;

/// Parses one statement; a semicolon behind it is allowed, more text is not (but for INSERT data).
///
/// # Errors
/// SYNTAX_ERROR with a position, EMPTY_QUERY, or NOT_IMPLEMENTED for known statements not built.
///
/// ```
/// use roost::parse::{ast::Statement, parse_statement};
/// assert!(matches!(parse_statement("SELECT 1 FROM t FINAL"), Ok(Statement::Query(_))));
/// assert!(parse_statement("SELECT FROM").is_err());
/// ```
pub fn parse_statement(sql: &str) -> Result<Statement> {
    let (statement, range) = statement_at(sql, 0)?;
    let rest = lexer::lex_statement(sql, range.end)?;
    match rest.tokens.first() {
        None => Ok(statement),
        Some(token) => {
            let at = lexer::position(sql, token.span.start.column as usize);
            let message = "Syntax error: more than one statement, expected end of query";
            Err(Error::new(Code::SYNTAX_ERROR, message).at(at))
        }
    }
}

/// Parses all statements of a text, each with its place. Data of an INSERT with FORMAT reaches to
/// the end of the text; data of VALUES to the semicolon.
pub fn parse_statements(sql: &str) -> Result<Vec<(Statement, Range<usize>)>> {
    let (mut all, mut at) = (Vec::new(), 0);
    loop {
        if lexer::lex_statement(sql, at)?.tokens.is_empty() {
            if at >= sql.trim_end().len() {
                return Ok(all);
            }
            at = lexer::lex_statement(sql, at)?.end;
            continue;
        }
        let (statement, range) = statement_at(sql, at)?;
        at = range.end;
        all.push((statement, range));
    }
}

/// Parses one query.
pub fn parse_query(sql: &str) -> Result<Query> {
    match parse_statement(sql)? {
        Statement::Query(query) => Ok(*query),
        _ => Err(Error::new(
            Code::SYNTAX_ERROR,
            "Syntax error: expected a SELECT query",
        )),
    }
}

/// Parses one expression.
pub fn parse_expression(sql: &str) -> Result<Expr> {
    whole(sql, |c| c.expr())
}

/// Parses expressions between commas: `a, b + 1 AS c`.
pub fn parse_expressions(sql: &str) -> Result<Vec<Expr>> {
    whole(sql, |c| c.exprs())
}

/// Parses the schema of a data source: columns (with JSON paths) and INDEX clauses.
pub fn parse_columns(sql: &str) -> Result<(Vec<ColumnDef>, Vec<IndexDef>)> {
    whole(sql, |c| {
        let (mut columns, mut indexes) = (Vec::new(), Vec::new());
        while *c.peek() != Token::EOF {
            if c.at_words(&["INDEX"]) && matches!(c.peek_at(2), Token::Word(_) | Token::LParen) {
                c.expect(&["INDEX"])?;
                indexes.push(c.index()?);
            } else {
                columns.push(c.column()?);
            }
            if !c.eat_token(&Token::Comma) && *c.peek() != Token::EOF {
                return c.unexpected("`,` or the end of the columns");
            }
        }
        Ok((columns, indexes))
    })
}

/// A rule that must take the whole text.
fn whole<T: Send>(
    sql: &str,
    rule: impl Fn(&mut Cursor<'_, '_>) -> Result<T> + Send + Sync,
) -> Result<T> {
    let lexed = lexer::lex_statement(sql, 0)?;
    run(sql, lexed.tokens, move |c| {
        let tree = rule(c)?;
        match c.peek() {
            Token::EOF => Ok(tree),
            _ => c.unexpected("end of expression"),
        }
    })
}

/// The statement at `start` and the range it takes (INSERT data included).
fn statement_at(sql: &str, start: usize) -> Result<(Statement, Range<usize>)> {
    let lexed = lexer::lex_statement(sql, start)?;
    if lexed.tokens.is_empty() {
        return Err(Error::new(Code::EMPTY_QUERY, "Empty query"));
    }
    let (data_at, mut end) = (lexed.data_at, lexed.end);
    let mut statement = run(sql, lexed.tokens, |c| {
        let statement = c.statement()?;
        match c.peek() {
            Token::EOF => Ok(statement),
            _ => c.unexpected("end of query"),
        }
    })?;
    if let (Statement::Insert(insert), Some(at)) = (&mut statement, data_at) {
        insert.data_at = Some(at);
        if insert.source == ast::InsertSource::Values {
            end = lexer::values_end(sql, at);
        }
    }
    Ok((statement, start..end))
}

fn run<T: Send>(
    sql: &str,
    tokens: Vec<sqlparser::tokenizer::TokenWithSpan>,
    rule: impl FnOnce(&mut Cursor<'_, '_>) -> Result<T> + Send,
) -> Result<T> {
    let nesting = tokens.iter().filter(|t| {
        matches!(t.token, Token::LParen | Token::LBracket | Token::LBrace)
            || matches!(&t.token, Token::Word(w) if w.value.eq_ignore_ascii_case("case")
                || w.value.eq_ignore_ascii_case("not"))
            || t.token == Token::Minus
            || t.token == Token::Question
    });
    let deep = nesting.count() > NESTING_SMALL;
    let work = move || {
        let dialect = ChDialect::default();
        let mut parser = Parser::new(&dialect)
            .with_recursion_limit(NESTING_MAX)
            .with_tokens_with_locations(tokens);
        rule(&mut Cursor::new(&mut parser, &dialect))
    };
    let answer = match deep {
        false => work(),
        true => on_deep_stack(work),
    };
    answer.map_err(|e| place(sql, e))
}

/// Runs `work` on a thread whose stack holds the deepest nesting that the guards let through.
pub fn on_deep_stack<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, work);
        match thread {
            Ok(handle) => handle
                .join()
                .unwrap_or_else(|_| Err(Error::bug("the parser panicked on this text"))),
            Err(e) => Err(Error::new(
                Code::CANNOT_ALLOCATE_MEMORY,
                format!("cannot start a thread: {e}"),
            )),
        }
    })
}

/// Completes a position of which only the offset is known.
fn place(sql: &str, error: Error) -> Error {
    match error.position() {
        Some(p) if p.line == 0 => error.at(lexer::position(sql, p.offset)),
        _ => error,
    }
}
