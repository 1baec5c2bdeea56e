//! FROM: tables, subqueries, joins, array joins; and frames of windows.
//!
//! Invariant: FINAL, SAMPLE, strictness and ARRAY JOIN are read as themselves, never as aliases.

use roost_engine::error::Result;
use sqlparser::tokenizer::Token;

use super::ast::{
    Expr, Frame, FrameBound, From, Join, JoinItem, JoinKind, JoinOn, JoinStrictness, TableExpr,
    TableSource,
};
use super::cursor::Cursor;
use super::dialect::prec;

impl Cursor<'_, '_> {
    /// Tables and joins behind FROM.
    pub(super) fn from(&mut self) -> Result<From> {
        self.d.enter()?;
        let first = self.table_expr()?;
        let mut joins = Vec::new();
        while let Some(item) = self.join_item()? {
            joins.push(item);
        }
        self.d.leave();
        Ok(From { first, joins })
    }

    /// One table with FINAL, SAMPLE and alias in any of their places.
    pub(super) fn table_expr(&mut self) -> Result<TableExpr> {
        let source = self.table_source()?;
        let mut table = TableExpr {
            source,
            alias: None,
            columns: Vec::new(),
            is_final: false,
            sample: None,
        };
        loop {
            if self.at_words(&["FINAL"]) && !table.is_final {
                self.p.advance_token();
                table.is_final = true;
            } else if self.at_words(&["SAMPLE"]) && table.sample.is_none() {
                self.p.advance_token();
                table.sample = Some(self.sample()?);
            } else if table.alias.is_none() {
                table.alias = self.alias()?;
                if table.alias.is_none() {
                    return Ok(table);
                }
                if *self.peek() == Token::LParen && matches!(self.peek_at(1), Token::Word(_)) {
                    table.columns = self.parenthesized(Self::name)?;
                }
            } else {
                return Ok(table);
            }
        }
    }

    fn table_source(&mut self) -> Result<TableSource> {
        if *self.peek() == Token::LParen {
            let query = ["SELECT", "WITH", "FROM", "EXPLAIN"]
                .iter()
                .any(|w| self.is_word_at(1, w));
            if query || self.at_subquery() {
                self.p.advance_token();
                let query = self.query()?;
                self.expect_token(&Token::RParen)?;
                return Ok(TableSource::Query(Box::new(query)));
            }
            self.p.advance_token();
            let inner = self.from()?;
            self.expect_token(&Token::RParen)?;
            return Ok(TableSource::Join(Box::new(inner)));
        }
        let is_call = *self.peek_at(1) == Token::LParen;
        if is_call {
            let name = self.name()?;
            return self.table_function(name);
        }
        Ok(TableSource::Name(self.table_name()?))
    }

    fn table_function(&mut self, name: String) -> Result<TableSource> {
        self.expect_token(&Token::LParen)?;
        if self.is_word_at(0, "SELECT") || self.is_word_at(0, "WITH") {
            let query = self.query()?;
            self.expect_token(&Token::RParen)?;
            return Ok(match name.eq_ignore_ascii_case("view") {
                true => TableSource::Query(Box::new(query)),
                false => TableSource::Function {
                    name,
                    args: vec![Expr::Subquery(Box::new(query))],
                },
            });
        }
        let (args, _) = self.items(&Token::RParen)?;
        self.expect_token(&Token::RParen)?;
        Ok(TableSource::Function { name, args })
    }

    fn sample(&mut self) -> Result<(Expr, Option<Expr>)> {
        let ratio = self.expr_depth(prec::ALIAS)?.0;
        let offset = match self.eat_word("OFFSET") {
            true => Some(self.expr_depth(prec::ALIAS)?.0),
            false => None,
        };
        Ok((ratio, offset))
    }

    fn join_item(&mut self) -> Result<Option<JoinItem>> {
        if self.eat_token(&Token::Comma) {
            let table = self.table_expr()?;
            let (kind, on) = (JoinKind::Comma, JoinOn::None);
            return Ok(Some(JoinItem::Join(Box::new(Join {
                kind,
                strictness: None,
                table,
                on,
            }))));
        }
        for (left, words) in [
            (false, &["ARRAY", "JOIN"][..]),
            (false, &["INNER", "ARRAY", "JOIN"]),
            (true, &["LEFT", "ARRAY", "JOIN"]),
        ] {
            if self.eat(words) {
                let exprs = self.array_join_exprs()?;
                return Ok(Some(JoinItem::Array { left, exprs }));
            }
        }
        self.join()
    }

    fn array_join_exprs(&mut self) -> Result<Vec<Expr>> {
        let mut all = Vec::new();
        loop {
            let expr = self.expr_depth(prec::ALIAS)?.0;
            let alias = self.alias()?;
            all.push(match alias {
                Some(name) => Expr::Alias(Box::new(expr), name),
                None => expr,
            });
            if !self.eat_token(&Token::Comma) {
                return Ok(all);
            }
        }
    }

    fn join(&mut self) -> Result<Option<JoinItem>> {
        let (mut kind, mut strictness, mut n) = (None, None, 0);
        loop {
            let is = |w: &str| self.is_word_at(n, w);
            if is("JOIN") {
                break;
            } else if is("LEFT") {
                kind = Some(JoinKind::Left);
            } else if is("RIGHT") {
                kind = Some(JoinKind::Right);
            } else if is("FULL") {
                kind = Some(JoinKind::Full);
            } else if is("INNER") {
                kind = Some(JoinKind::Inner);
            } else if is("CROSS") {
                kind = Some(JoinKind::Cross);
            } else if is("PASTE") {
                kind = Some(JoinKind::Paste);
            } else if is("ANY") {
                strictness = Some(JoinStrictness::Any);
            } else if is("ALL") {
                strictness = Some(JoinStrictness::All);
            } else if is("SEMI") {
                strictness = Some(JoinStrictness::Semi);
            } else if is("ANTI") {
                strictness = Some(JoinStrictness::Anti);
            } else if is("ASOF") {
                strictness = Some(JoinStrictness::Asof);
            } else if !(is("GLOBAL") || is("LOCAL") || is("OUTER")) {
                return Ok(None);
            }
            n += 1;
            if n > 5 {
                return Ok(None);
            }
        }
        (0..=n).for_each(|_| self.p.advance_token());
        let default = match strictness {
            Some(JoinStrictness::Semi | JoinStrictness::Anti) => JoinKind::Left,
            _ => JoinKind::Inner,
        };
        let kind = kind.unwrap_or(default);
        let table = self.table_expr()?;
        let on = self.join_condition()?;
        Ok(Some(JoinItem::Join(Box::new(Join {
            kind,
            strictness,
            table,
            on,
        }))))
    }

    fn join_condition(&mut self) -> Result<JoinOn> {
        if self.eat_word("ON") {
            return Ok(JoinOn::On(self.expr()?));
        }
        if self.eat_word("USING") {
            let columns = match self.peek() {
                Token::LParen => self.parenthesized(Self::expr)?,
                _ => {
                    let mut all = vec![self.expr_without_alias()?];
                    while self.eat_token(&Token::Comma) {
                        all.push(self.expr_without_alias()?);
                    }
                    all
                }
            };
            return Ok(JoinOn::Using(columns));
        }
        Ok(JoinOn::None)
    }

    /// `ROWS BETWEEN a AND b`, `RANGE a`.
    pub(super) fn frame(&mut self) -> Result<Frame> {
        if self.at_words(&["GROUPS"]) {
            return Err(roost_engine::error::Error::not_implemented(
                "a GROUPS frame",
            ));
        }
        let rows = self.eat_word("ROWS");
        if !rows {
            self.expect(&["RANGE"])?;
        }
        if self.eat_word("BETWEEN") {
            let start = self.frame_bound()?;
            self.expect(&["AND"])?;
            let end = self.frame_bound()?;
            return Ok(Frame { rows, start, end });
        }
        let start = self.frame_bound()?;
        Ok(Frame {
            rows,
            start,
            end: FrameBound::CurrentRow,
        })
    }

    fn frame_bound(&mut self) -> Result<FrameBound> {
        if self.eat(&["UNBOUNDED", "PRECEDING"]) {
            return Ok(FrameBound::UnboundedPreceding);
        }
        if self.eat(&["UNBOUNDED", "FOLLOWING"]) {
            return Ok(FrameBound::UnboundedFollowing);
        }
        if self.eat(&["CURRENT", "ROW"]) {
            return Ok(FrameBound::CurrentRow);
        }
        let amount = self.expr_depth(prec::AND)?.0;
        if self.eat_word("PRECEDING") {
            return Ok(FrameBound::Preceding(amount));
        }
        self.expect(&["FOLLOWING"])?;
        Ok(FrameBound::Following(amount))
    }
}
