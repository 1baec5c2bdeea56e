//! Queries: set operations and the clauses of SELECT.
//!
//! Invariant: ORDER BY, LIMIT and SETTINGS behind the last SELECT of a union are that SELECT's,
//! as in ClickHouse; FORMAT and INTO OUTFILE are the query's.

use roost_engine::error::Result;
use sqlparser::tokenizer::Token;

use super::ast::{
    Distinct, Expr, Fill, GroupBy, LimitBy, OrderBy, Query, QueryBody, Select, SetOp, WindowSpec,
    With,
};
use super::cursor::{Cursor, is_clause_word};
use super::dialect::prec;

impl Cursor<'_, '_> {
    /// A query up to the end of its clauses.
    pub(super) fn query(&mut self) -> Result<Query> {
        self.d.enter()?;
        let mut body = self.set_operations()?;
        self.d.leave();
        let mut query = Query {
            body: QueryBody::Nested(Box::new(empty())),
            settings: Vec::new(),
            format: None,
            outfile: None,
        };
        loop {
            if self.eat(&["INTO", "OUTFILE"]) {
                query.outfile = Some(self.string()?);
                self.eat_word("TRUNCATE");
                self.eat_word("APPEND");
            } else if self.at_words(&["FORMAT"]) && matches!(self.peek_at(1), Token::Word(_)) {
                self.p.advance_token();
                query.format = Some(self.name()?);
            } else if self.eat_word("SETTINGS") {
                query.settings = self.settings()?;
            } else {
                break;
            }
        }
        if let QueryBody::Select(select) = &mut body
            && query.settings.is_empty()
        {
            query.settings = select.settings.clone();
        }
        query.body = body;
        Ok(query)
    }

    fn set_operations(&mut self) -> Result<QueryBody> {
        let mut left = self.intersections()?;
        while let Some(op) = self.union_operator()? {
            let right = self.intersections()?;
            left = match left {
                QueryBody::Set {
                    op: own,
                    mut inputs,
                } if own == op && matches!(op, SetOp::UnionAll | SetOp::UnionDistinct) => {
                    inputs.push(right);
                    QueryBody::Set { op, inputs }
                }
                other => QueryBody::Set {
                    op,
                    inputs: vec![other, right],
                },
            };
        }
        Ok(left)
    }

    fn union_operator(&mut self) -> Result<Option<SetOp>> {
        if self.eat_word("UNION") {
            if self.eat_word("ALL") {
                return Ok(Some(SetOp::UnionAll));
            }
            if self.eat_word("DISTINCT") {
                return Ok(Some(SetOp::UnionDistinct));
            }
            return self.unexpected("ALL or DISTINCT behind UNION");
        }
        if self.at_words(&["EXCEPT"]) {
            self.p.advance_token();
            self.eat_word("ALL");
            let distinct = self.eat_word("DISTINCT");
            return Ok(Some(if distinct {
                SetOp::ExceptDistinct
            } else {
                SetOp::Except
            }));
        }
        Ok(None)
    }

    fn intersections(&mut self) -> Result<QueryBody> {
        let mut left = self.query_operand()?;
        while self.eat_word("INTERSECT") {
            self.eat_word("ALL");
            let distinct = self.eat_word("DISTINCT");
            let op = if distinct {
                SetOp::IntersectDistinct
            } else {
                SetOp::Intersect
            };
            let right = self.query_operand()?;
            left = QueryBody::Set {
                op,
                inputs: vec![left, right],
            };
        }
        Ok(left)
    }

    fn query_operand(&mut self) -> Result<QueryBody> {
        if self.eat_token(&Token::LParen) {
            let inner = self.query()?;
            self.expect_token(&Token::RParen)?;
            return Ok(QueryBody::Nested(Box::new(inner)));
        }
        Ok(QueryBody::Select(Box::new(self.select()?)))
    }

    fn select(&mut self) -> Result<Select> {
        let mut s = Select::default();
        if self.eat_word("WITH") {
            s.recursive = self.eat_word("RECURSIVE");
            s.with = self.with_items()?;
        }
        if self.eat_word("FROM") {
            s.from = Some(self.from()?);
        }
        self.expect(&["SELECT"])?;
        s.distinct = self.distinct()?;
        s.items = self.select_items()?;
        if self.eat_word("FROM") {
            s.from = Some(self.from()?);
        }
        if self.eat_word("PREWHERE") {
            s.prewhere = Some(self.expr()?);
        }
        if self.eat_word("WHERE") {
            s.filter = Some(self.expr()?);
        }
        self.grouping(&mut s)?;
        if self.eat_word("HAVING") {
            s.having = Some(self.expr()?);
        }
        if self.eat_word("WINDOW") {
            loop {
                let name = self.name()?;
                self.expect(&["AS"])?;
                s.windows.push((name, self.window_spec()?));
                if !self.eat_token(&Token::Comma) {
                    break;
                }
            }
        }
        if self.eat_word("QUALIFY") {
            s.qualify = Some(self.expr()?);
        }
        self.order_and_limit(&mut s)?;
        if self.at_words(&["SETTINGS"]) {
            self.p.advance_token();
            s.settings = self.settings()?;
        }
        Ok(s)
    }

    fn with_items(&mut self) -> Result<Vec<With>> {
        let mut items = Vec::new();
        loop {
            items.push(self.with_item()?);
            if !self.eat_token(&Token::Comma) {
                return Ok(items);
            }
            if self.at_words(&["SELECT"]) {
                return Ok(items);
            }
        }
    }

    fn with_item(&mut self) -> Result<With> {
        let named = matches!(self.peek(), Token::Word(_));
        let plain = named && self.is_word_at(1, "AS") && *self.peek_at(2) == Token::LParen;
        let materialized = named
            && self.is_word_at(1, "AS")
            && (self.is_word_at(2, "MATERIALIZED") || self.is_word_at(2, "NOT"));
        if plain && self.opens_query(2) || materialized {
            return self.with_query(Vec::new());
        }
        if named && *self.peek_at(1) == Token::LParen && self.has_column_list() {
            return self.with_query_columns();
        }
        match self.expr_depth(prec::ANY)?.0 {
            Expr::Alias(expr, name) => Ok(With::Expr { name, expr: *expr }),
            // `WITH t AS x` cannot happen here; an expression without a name is of no use.
            _ => self.unexpected("AS and a name"),
        }
    }

    /// Whether the parenthesis `n` tokens ahead opens a query.
    fn opens_query(&self, n: usize) -> bool {
        let mut n = n;
        while *self.peek_at(n) == Token::LParen {
            n += 1;
        }
        ["SELECT", "WITH", "FROM"]
            .iter()
            .any(|w| self.is_word_at(n, w))
    }

    /// `name (a, b) AS (`: a list of words in parentheses in front of AS.
    fn has_column_list(&self) -> bool {
        let mut n = 2;
        loop {
            match (self.peek_at(n), self.peek_at(n + 1)) {
                (Token::Word(_), Token::Comma) => n += 2,
                (Token::Word(_), Token::RParen) => {
                    return self.is_word_at(n + 2, "AS")
                        && *self.peek_at(n + 3) == Token::LParen
                        && self.opens_query(n + 3);
                }
                _ => return false,
            }
        }
    }

    fn with_query_columns(&mut self) -> Result<With> {
        let name = self.name()?;
        let columns = self.parenthesized(Self::name)?;
        self.with_query_body(name, columns)
    }

    fn with_query(&mut self, columns: Vec<String>) -> Result<With> {
        let name = self.name()?;
        self.with_query_body(name, columns)
    }

    fn with_query_body(&mut self, name: String, columns: Vec<String>) -> Result<With> {
        self.expect(&["AS"])?;
        self.eat_word("NOT");
        self.eat_word("MATERIALIZED");
        self.expect_token(&Token::LParen)?;
        let query = Box::new(self.query()?);
        self.expect_token(&Token::RParen)?;
        Ok(With::Query {
            name,
            columns,
            query,
        })
    }

    fn distinct(&mut self) -> Result<Distinct> {
        let is_name = matches!(self.peek_at(1), Token::Comma | Token::Period)
            || self.is_word_at(1, "FROM")
            || self.is_word_at(1, "AS");
        if !self.at_words(&["DISTINCT"]) || is_name {
            return Ok(Distinct::No);
        }
        self.p.advance_token();
        if self.eat_word("ON") {
            let on = self.parenthesized(Self::expr)?;
            self.eat_token(&Token::Comma);
            return Ok(Distinct::On(on));
        }
        Ok(Distinct::All)
    }

    fn select_items(&mut self) -> Result<Vec<Expr>> {
        let items = self.list(Self::at_clause_end, |c| {
            let item = c.expr()?;
            if matches!(item, Expr::Alias(..)) {
                return Ok(item);
            }
            match c.peek() {
                Token::Word(w) if w.quote_style.is_some() || !is_clause_word(&w.value) => {
                    let name = c.name()?;
                    Ok(Expr::Alias(Box::new(item), name))
                }
                _ => Ok(item),
            }
        })?;
        match items.is_empty() {
            true => self.unexpected("expression behind SELECT"),
            false => Ok(items),
        }
    }

    fn grouping(&mut self, s: &mut Select) -> Result<()> {
        if self.eat(&["GROUP", "BY"]) {
            s.group_by = self.group_by()?;
        }
        loop {
            let keys = |g: &mut GroupBy| match std::mem::take(g) {
                GroupBy::Exprs(keys) => keys,
                _ => Vec::new(),
            };
            if self.eat(&["WITH", "ROLLUP"]) {
                s.group_by = GroupBy::Rollup(keys(&mut s.group_by));
            } else if self.eat(&["WITH", "CUBE"]) {
                s.group_by = GroupBy::Cube(keys(&mut s.group_by));
            } else if self.eat(&["WITH", "TOTALS"]) {
                s.with_totals = true;
            } else {
                return Ok(());
            }
        }
    }

    fn group_by(&mut self) -> Result<GroupBy> {
        if self.at_words(&["ALL"]) && !matches!(self.peek_at(1), Token::Comma | Token::Period) {
            self.p.advance_token();
            return Ok(GroupBy::All);
        }
        if self.is_word_at(0, "ROLLUP") && *self.peek_at(1) == Token::LParen {
            self.p.advance_token();
            return Ok(GroupBy::Rollup(self.parenthesized(Self::expr)?));
        }
        if self.is_word_at(0, "CUBE") && *self.peek_at(1) == Token::LParen {
            self.p.advance_token();
            return Ok(GroupBy::Cube(self.parenthesized(Self::expr)?));
        }
        if self.eat(&["GROUPING", "SETS"]) {
            let sets = self.parenthesized(|c| match c.peek() {
                Token::LParen => c.parenthesized(Self::expr),
                _ => Ok(vec![c.expr()?]),
            })?;
            return Ok(GroupBy::Sets(sets));
        }
        match self.exprs()? {
            keys if keys.is_empty() => self.unexpected("expression behind GROUP BY"),
            keys => Ok(GroupBy::Exprs(keys)),
        }
    }

    fn order_and_limit(&mut self, s: &mut Select) -> Result<()> {
        if self.eat(&["ORDER", "BY"]) {
            if self.at_words(&["ALL"]) && !matches!(self.peek_at(1), Token::Comma | Token::Period) {
                self.p.advance_token();
                s.order_by_all = true;
                let (descending, nulls_first) = self.direction()?;
                if descending || nulls_first.is_some() {
                    let expr = Expr::Identifier(vec!["all".into()]);
                    s.order_by = vec![OrderBy {
                        expr,
                        descending,
                        nulls_first,
                        collate: None,
                        fill: None,
                    }];
                }
            } else {
                s.order_by = self.list(Self::at_clause_end, Self::order_item)?;
                if s.order_by.is_empty() {
                    return self.unexpected("expression behind ORDER BY");
                }
            }
            let fills = s.order_by.iter().any(|o| o.fill.is_some());
            if fills && self.eat_word("INTERPOLATE") {
                s.interpolate = Some(self.interpolate()?);
            }
        }
        while self.at_words(&["LIMIT"]) || self.at_words(&["OFFSET"]) || self.at_words(&["FETCH"]) {
            if self.eat_word("LIMIT") {
                self.limit(s)?;
            } else if self.eat_word("OFFSET") {
                s.offset = Some(self.expr_without_alias()?);
                let _ = self.eat_word("ROW") || self.eat_word("ROWS");
            } else {
                self.fetch(s)?;
            }
        }
        Ok(())
    }

    fn limit(&mut self, s: &mut Select) -> Result<()> {
        let first = self.expr_without_alias()?;
        let (limit, offset) = if self.eat_token(&Token::Comma) {
            (self.expr_without_alias()?, Some(first))
        } else if self.eat_word("OFFSET") {
            (first, Some(self.expr_without_alias()?))
        } else {
            (first, None)
        };
        if self.eat_word("BY") {
            let by = self.exprs()?;
            s.limit_by = Some(LimitBy { limit, offset, by });
            return Ok(());
        }
        s.limit = Some(limit);
        if offset.is_some() {
            s.offset = offset;
        }
        s.with_ties |= self.eat(&["WITH", "TIES"]);
        Ok(())
    }

    fn fetch(&mut self, s: &mut Select) -> Result<()> {
        self.expect(&["FETCH"])?;
        let _ = self.eat_word("FIRST") || self.eat_word("NEXT");
        s.limit = Some(self.expr_without_alias()?);
        let _ = self.eat_word("ROW") || self.eat_word("ROWS");
        if self.eat(&["WITH", "TIES"]) {
            s.with_ties = true;
        } else {
            self.expect(&["ONLY"])?;
        }
        Ok(())
    }

    fn direction(&mut self) -> Result<(bool, Option<bool>)> {
        let descending = self.eat_word("DESC") || self.eat_word("DESCENDING");
        if !descending {
            let _ = self.eat_word("ASC") || self.eat_word("ASCENDING");
        }
        let nulls_first = if self.eat(&["NULLS", "FIRST"]) {
            Some(true)
        } else if self.eat(&["NULLS", "LAST"]) {
            Some(false)
        } else {
            None
        };
        Ok((descending, nulls_first))
    }

    /// One item of ORDER BY.
    pub(super) fn order_item(&mut self) -> Result<OrderBy> {
        let expr = self.expr()?;
        let (descending, nulls_first) = self.direction()?;
        let collate = match self.eat_word("COLLATE") {
            true => Some(self.string()?),
            false => None,
        };
        let fill = match self.eat(&["WITH", "FILL"]) {
            true => Some(self.fill()?),
            false => None,
        };
        Ok(OrderBy {
            expr,
            descending,
            nulls_first,
            collate,
            fill,
        })
    }

    fn fill(&mut self) -> Result<Fill> {
        let mut fill = Fill::default();
        loop {
            let place = if self.eat_word("FROM") {
                &mut fill.from
            } else if self.eat_word("TO") {
                &mut fill.to
            } else if self.eat_word("STEP") {
                &mut fill.step
            } else if self.eat_word("STALENESS") {
                &mut fill.staleness
            } else {
                return Ok(fill);
            };
            *place = Some(self.expr_without_alias()?);
        }
    }

    fn interpolate(&mut self) -> Result<Vec<(String, Option<Expr>)>> {
        if *self.peek() != Token::LParen {
            return Ok(Vec::new());
        }
        self.parenthesized(|c| {
            let name = c.name()?;
            let expr = match c.eat_word("AS") {
                true => Some(c.expr_without_alias()?),
                false => None,
            };
            Ok((name, expr))
        })
    }

    /// `(PARTITION BY ... ORDER BY ... ROWS ...)`.
    pub(super) fn window_spec(&mut self) -> Result<WindowSpec> {
        self.expect_token(&Token::LParen)?;
        let mut spec = WindowSpec::default();
        let starts = ["PARTITION", "ORDER", "ROWS", "RANGE", "GROUPS"];
        if matches!(self.peek(), Token::Word(_)) && !starts.iter().any(|w| self.at_words(&[w])) {
            spec.base = Some(self.name()?);
        }
        if self.eat(&["PARTITION", "BY"]) {
            spec.partition_by = self.list(
                |c| {
                    *c.peek() == Token::RParen
                        || ["ORDER", "ROWS", "RANGE"].iter().any(|w| c.at_words(&[w]))
                },
                Self::expr,
            )?;
        }
        if self.eat(&["ORDER", "BY"]) {
            spec.order_by = self.list(|c| *c.peek() == Token::RParen, Self::order_item)?;
        }
        if self.at_words(&["ROWS"]) || self.at_words(&["RANGE"]) || self.at_words(&["GROUPS"]) {
            spec.frame = Some(self.frame()?);
        }
        self.expect_token(&Token::RParen)?;
        Ok(spec)
    }
}

fn empty() -> Query {
    Query {
        body: QueryBody::Select(Box::default()),
        settings: Vec::new(),
        format: None,
        outfile: None,
    }
}
