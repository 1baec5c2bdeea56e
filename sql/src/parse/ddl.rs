//! CREATE: tables, views, databases, and the column list shared with data-source schemas.
//!
//! Invariant: clauses may stand in any order, as ClickHouse allows; an unknown clause is an error.

use roost_engine::error::{Error, Result};
use sqlparser::tokenizer::Token;

use super::ast::{
    ColumnDef, CreateTable, CreateView, DefaultKind, Engine, Expr, IndexDef, Statement, TtlItem,
};
use super::cursor::Cursor;
use super::dialect::prec;

impl Cursor<'_, '_> {
    /// CREATE ...
    pub(super) fn create(&mut self) -> Result<Statement> {
        if self.at_words(&["ATTACH"]) {
            return Err(Error::not_implemented("ATTACH"));
        }
        let replace_only = self.eat_word("REPLACE");
        if !replace_only {
            self.expect(&["CREATE"])?;
        }
        let or_replace = replace_only || self.eat(&["OR", "REPLACE"]);
        let temporary = self.eat_word("TEMPORARY");
        if self.eat_word("TABLE") {
            return self.create_table(or_replace, temporary);
        }
        if self.eat_word("DATABASE") {
            let if_not_exists = self.if_not_exists();
            let name = self.name()?;
            self.on_cluster()?;
            if self.eat_word("ENGINE") {
                self.eat_token(&Token::Eq);
                self.name()?;
                if *self.peek() == Token::LParen {
                    self.parenthesized(Self::expr)?;
                }
            }
            if self.eat_word("COMMENT") {
                self.string()?;
            }
            return Ok(Statement::CreateDatabase {
                name,
                if_not_exists,
            });
        }
        let materialized = self.eat_word("MATERIALIZED");
        if self.eat_word("VIEW") {
            return self.create_view(or_replace, materialized);
        }
        Err(Error::not_implemented(format!(
            "CREATE {}",
            self.rest_of_words()
        )))
    }

    fn if_not_exists(&mut self) -> bool {
        self.eat(&["IF", "NOT", "EXISTS"])
    }

    fn create_table(&mut self, or_replace: bool, temporary: bool) -> Result<Statement> {
        let mut t = CreateTable {
            or_replace,
            temporary,
            ..CreateTable::default()
        };
        t.if_not_exists = self.if_not_exists();
        t.name = Some(self.table_name()?);
        if self.eat_word("UUID") {
            self.string()?;
        }
        self.on_cluster()?;
        if *self.peek() == Token::LParen && !self.at_subquery() {
            self.table_elements(&mut t)?;
        }
        self.engine_clauses(&mut t.engine, &mut t.primary_key, &mut t.comment)?;
        if self.eat_word("EMPTY") {
            return Err(Error::not_implemented("CREATE TABLE ... EMPTY AS"));
        }
        if self.eat_word("CLONE") {
            return Err(Error::not_implemented("CREATE TABLE ... CLONE AS"));
        }
        if self.eat_word("AS") {
            let is_query = *self.peek() == Token::LParen
                || self.at_words(&["SELECT"])
                || self.at_words(&["WITH"])
                || self.at_words(&["FROM"]);
            if is_query {
                t.query = Some(Box::new(self.query()?));
            } else if *self.peek_at(1) == Token::LParen {
                return Err(Error::not_implemented("CREATE TABLE AS a table function"));
            } else {
                t.like = Some(self.table_name()?);
                self.engine_clauses(&mut t.engine, &mut t.primary_key, &mut t.comment)?;
            }
        }
        if self.eat_word("COMMENT") {
            t.comment = Some(self.string()?);
        }
        Ok(Statement::CreateTable(Box::new(t)))
    }

    fn table_elements(&mut self, t: &mut CreateTable) -> Result<()> {
        self.expect_token(&Token::LParen)?;
        while *self.peek() != Token::RParen {
            if self.at_words(&["INDEX"]) && matches!(self.peek_at(1), Token::Word(_)) {
                self.p.advance_token();
                t.indexes.push(self.index()?);
            } else if self.at_words(&["CONSTRAINT"]) {
                self.p.advance_token();
                let name = self.name()?;
                if self.eat_word("ASSUME") {
                    return Err(Error::not_implemented("CONSTRAINT ... ASSUME"));
                }
                self.expect(&["CHECK"])?;
                t.constraints.push((name, self.expr()?));
            } else if self.at_words(&["PROJECTION"]) && matches!(self.peek_at(1), Token::Word(_)) {
                return Err(Error::not_implemented("PROJECTION"));
            } else if self.eat(&["PRIMARY", "KEY"]) {
                t.primary_key = Some(self.expr()?);
            } else {
                t.columns.push(self.column()?);
            }
            if !self.eat_token(&Token::Comma) {
                break;
            }
        }
        self.expect_token(&Token::RParen)
    }

    /// `name expr TYPE type GRANULARITY n` behind INDEX.
    pub(super) fn index(&mut self) -> Result<IndexDef> {
        let name = self.name()?;
        let expr = self.expr_without_alias()?;
        self.expect(&["TYPE"])?;
        let ty = self.type_text()?;
        let granularity = match self.eat_word("GRANULARITY") {
            true => self.unsigned()?,
            false => 1,
        };
        Ok(IndexDef {
            name,
            expr,
            ty,
            granularity,
        })
    }

    /// One column: type, JSON path, default, codec, TTL, comment, in any usual order.
    pub(super) fn column(&mut self) -> Result<ColumnDef> {
        let mut c = ColumnDef {
            name: self.dotted_name()?,
            ..ColumnDef::default()
        };
        if self.default_kind().is_none() && !self.at_column_end() {
            c.ty = Some(self.type_text()?);
        }
        loop {
            if let Some((kind, width)) = self.default_kind() {
                (0..width).for_each(|_| self.p.advance_token());
                let bare = kind == DefaultKind::Ephemeral && self.at_column_end();
                let expr = if bare {
                    None
                } else {
                    Some(self.expr_depth(prec::ALIAS)?.0)
                };
                c.default = Some((kind, expr));
            } else if self.eat(&["NOT", "NULL"]) {
                c.null = Some(false);
            } else if self.eat_word("NULL") {
                c.null = Some(true);
            } else if self.at_words(&["CODEC"]) {
                self.p.advance_token();
                c.codec = Some(self.balanced_text()?);
            } else if self.eat_word("TTL") {
                c.ttl = Some(self.expr_without_alias()?);
            } else if self.eat_word("COMMENT") {
                c.comment = Some(self.string()?);
            } else if self.eat(&["PRIMARY", "KEY"]) {
                return Err(Error::not_implemented("PRIMARY KEY behind a column"));
            } else if self.at_words(&["SETTINGS"]) || self.at_words(&["STATISTICS"]) {
                return Err(Error::not_implemented("SETTINGS or STATISTICS of a column"));
            } else if let Some(path) = self.json_path() {
                c.json_path = Some(path);
            } else {
                return Ok(c);
            }
        }
    }

    /// `` `json:$.a.b` `` of a data-source schema.
    fn json_path(&mut self) -> Option<String> {
        let Token::Word(w) = self.peek() else {
            return None;
        };
        let path = w
            .value
            .strip_prefix("json:")
            .filter(|_| w.quote_style.is_some())?
            .to_string();
        self.p.advance_token();
        Some(path)
    }

    fn at_column_end(&self) -> bool {
        matches!(self.peek(), Token::Comma | Token::RParen | Token::EOF)
            || ["FIRST", "AFTER", "CODEC", "TTL", "COMMENT"]
                .iter()
                .any(|w| self.at_words(&[w]))
    }

    fn default_kind(&self) -> Option<(DefaultKind, usize)> {
        [
            ("DEFAULT", DefaultKind::Default),
            ("MATERIALIZED", DefaultKind::Materialized),
            ("ALIAS", DefaultKind::Alias),
            ("EPHEMERAL", DefaultKind::Ephemeral),
        ]
        .into_iter()
        .find(|(w, _)| self.at_words(&[w]))
        .map(|(_, kind)| (kind, 1))
    }

    /// A type as text: a name and what stands in its parentheses.
    pub(super) fn type_text(&mut self) -> Result<String> {
        let mut text = self.name()?;
        // Names of several words: DOUBLE PRECISION, INT UNSIGNED, CHARACTER VARYING.
        while [
            "PRECISION",
            "UNSIGNED",
            "SIGNED",
            "VARYING",
            "LARGE",
            "OBJECT",
        ]
        .iter()
        .any(|w| self.at_words(&[w]))
        {
            text = format!("{text} {}", self.name()?);
        }
        if *self.peek() == Token::LParen {
            text = format!("{text}({})", self.balanced_text()?);
        }
        Ok(text)
    }

    /// The text between the parentheses that open here.
    fn balanced_text(&mut self) -> Result<String> {
        self.expect_token(&Token::LParen)?;
        let (mut text, mut depth) = (String::new(), 1);
        loop {
            let token = self.peek().clone();
            match &token {
                Token::LParen => depth += 1,
                Token::RParen => depth -= 1,
                Token::EOF => return self.unexpected(")"),
                _ => {}
            }
            self.p.advance_token();
            if depth == 0 {
                return Ok(text);
            }
            match &token {
                Token::Comma => text.push_str(", "),
                Token::Eq => text.push_str(" = "),
                Token::Word(_) | Token::Number(..)
                    if text.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '`') =>
                {
                    text.push(' ');
                    text.push_str(&token.to_string());
                }
                other => text.push_str(&other.to_string()),
            }
        }
    }

    /// ENGINE and everything that may follow it.
    pub(super) fn engine_clauses(
        &mut self,
        engine: &mut Engine,
        primary_key: &mut Option<Expr>,
        comment: &mut Option<String>,
    ) -> Result<()> {
        loop {
            if self.eat_word("ENGINE") {
                self.eat_token(&Token::Eq);
                engine.name = Some(self.name()?);
                if *self.peek() == Token::LParen {
                    engine.args = self.parenthesized(Self::expr)?;
                }
            } else if self.eat(&["PARTITION", "BY"]) {
                engine.partition_by = Some(self.expr_without_alias()?);
            } else if self.eat(&["BUCKET", "BY"]) {
                let key = self.expr_without_alias()?;
                self.expect(&["INTO"])?;
                let n = self.unsigned()?;
                let n = u32::try_from(n).ok().filter(|n| *n > 0);
                let Some(n) = n else {
                    return self.unexpected("a number of buckets");
                };
                self.eat_word("BUCKETS");
                engine.bucket_by = Some((key, n));
            } else if self.eat(&["ORDER", "BY"]) {
                engine.order_by = Some(self.sorting_key()?);
            } else if self.eat(&["PRIMARY", "KEY"]) {
                *primary_key = Some(self.expr_without_alias()?);
            } else if self.eat(&["SAMPLE", "BY"]) {
                engine.sample_by = Some(self.expr_without_alias()?);
            } else if self.eat_word("TTL") {
                engine.ttl = self.ttl()?;
            } else if self.eat_word("SETTINGS") {
                engine.settings = self.settings()?;
            } else if self.at_words(&["COMMENT"]) {
                self.p.advance_token();
                *comment = Some(self.string()?);
            } else {
                return Ok(());
            }
        }
    }

    fn sorting_key(&mut self) -> Result<Expr> {
        let key = self.expr_without_alias()?;
        if self.at_words(&["DESC"]) || self.at_words(&["ASC"]) {
            return Err(Error::not_implemented("a direction in a sorting key"));
        }
        Ok(key)
    }

    /// TTL items.
    pub(super) fn ttl(&mut self) -> Result<Vec<TtlItem>> {
        let mut items = Vec::new();
        loop {
            let expr = self.expr_without_alias()?;
            self.eat_word("DELETE");
            for unbuilt in [&["TO"][..], &["GROUP", "BY"], &["RECOMPRESS"]] {
                if self.at_words(unbuilt) {
                    return Err(Error::not_implemented(format!(
                        "TTL ... {}",
                        unbuilt.join(" ")
                    )));
                }
            }
            let filter = match self.eat_word("WHERE") {
                true => Some(self.expr_without_alias()?),
                false => None,
            };
            items.push(TtlItem { expr, filter });
            if !self.eat_token(&Token::Comma) {
                return Ok(items);
            }
        }
    }

    fn create_view(&mut self, or_replace: bool, materialized: bool) -> Result<Statement> {
        let if_not_exists = self.if_not_exists();
        let name = self.table_name()?;
        self.on_cluster()?;
        if self.at_words(&["REFRESH"]) {
            return Err(Error::not_implemented("REFRESH of a view"));
        }
        let to = match self.eat_word("TO") {
            true => Some(self.table_name()?),
            false => None,
        };
        let mut table = CreateTable::default();
        if *self.peek() == Token::LParen && !self.at_subquery() {
            self.table_elements(&mut table)?;
        }
        self.engine_clauses(
            &mut table.engine,
            &mut table.primary_key,
            &mut table.comment,
        )?;
        let populate = self.eat_word("POPULATE");
        if self.at_words(&["DEFINER"]) || self.at_words(&["SQL"]) {
            return Err(Error::not_implemented("DEFINER and SQL SECURITY"));
        }
        self.expect(&["AS"])?;
        let query = Box::new(self.query()?);
        if self.eat_word("COMMENT") {
            self.string()?;
        }
        let query_text = query.to_string();
        Ok(Statement::CreateView(Box::new(CreateView {
            name,
            materialized,
            if_not_exists,
            or_replace,
            to,
            columns: table.columns,
            engine: table.engine,
            populate,
            query,
            query_text,
        })))
    }
}
