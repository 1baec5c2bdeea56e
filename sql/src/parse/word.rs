//! Operands that start with a word: identifiers, calls, CASE, CAST, INTERVAL and the forms of SQL
//! that put words between arguments.
//!
//! Invariant: a word is special only where what follows it says so; else it is a name.

use roost_engine::error::Result;
use sqlparser::tokenizer::Token;

use super::ast::{Expr, Literal, Matcher, MatcherKind, Over, Transformer};
use super::cursor::Cursor;
use super::dialect::prec;
use super::expr::{Deep, function, text};
use super::literal;

/// Interval units as written, and the function that makes the interval.
const UNITS: &[(&str, &str)] = &[
    ("NANOSECOND", "toIntervalNanosecond"),
    ("MICROSECOND", "toIntervalMicrosecond"),
    ("MILLISECOND", "toIntervalMillisecond"),
    ("SECOND", "toIntervalSecond"),
    ("MINUTE", "toIntervalMinute"),
    ("HOUR", "toIntervalHour"),
    ("DAY", "toIntervalDay"),
    ("WEEK", "toIntervalWeek"),
    ("MONTH", "toIntervalMonth"),
    ("QUARTER", "toIntervalQuarter"),
    ("YEAR", "toIntervalYear"),
    ("NS", "toIntervalNanosecond"),
    ("US", "toIntervalMicrosecond"),
    ("MS", "toIntervalMillisecond"),
    ("SS", "toIntervalSecond"),
    ("S", "toIntervalSecond"),
    ("MI", "toIntervalMinute"),
    ("N", "toIntervalMinute"),
    ("HH", "toIntervalHour"),
    ("H", "toIntervalHour"),
    ("DD", "toIntervalDay"),
    ("D", "toIntervalDay"),
    ("WW", "toIntervalWeek"),
    ("WK", "toIntervalWeek"),
    ("MM", "toIntervalMonth"),
    ("M", "toIntervalMonth"),
    ("QQ", "toIntervalQuarter"),
    ("Q", "toIntervalQuarter"),
    ("YYYY", "toIntervalYear"),
    ("YY", "toIntervalYear"),
];

/// The interval function of a unit's name, plural allowed.
pub(super) fn interval_function(unit: &str) -> Option<&'static str> {
    let unit = unit.to_ascii_uppercase();
    let find = |u: &str| UNITS.iter().find(|(n, _)| *n == u).map(|(_, f)| *f);
    find(&unit).or_else(|| {
        unit.strip_suffix('S')
            .filter(|u| u.len() > 2)
            .and_then(find)
    })
}

impl Cursor<'_, '_> {
    /// An operand that starts with a word.
    pub(super) fn word_operand(&mut self, quoted: bool) -> Result<Deep> {
        let Token::Word(w) = self.peek() else {
            return self.unexpected("identifier");
        };
        let word = w.value.clone();
        let call = *self.peek_at(1) == Token::LParen;
        if quoted {
            return if call {
                self.call(word)
            } else {
                self.identifier()
            };
        }
        let upper = word.to_ascii_uppercase();
        match upper.as_str() {
            "NULL" if !call => self.constant(Literal::Null),
            "TRUE" if !call => self.constant(Literal::Bool(true)),
            "FALSE" if !call => self.constant(Literal::Bool(false)),
            "INF" | "INFINITY" if !call && !self.dot_follows() => {
                self.constant(Literal::Float(f64::INFINITY))
            }
            "NAN" if !call && !self.dot_follows() => self.constant(Literal::Float(f64::NAN)),
            "NOT" if !self.operator_follows() || self.call_follows() => {
                self.p.advance_token();
                let (inner, d) = self.expr_depth(prec::NOT)?;
                Ok((Expr::operator("not", vec![inner]), d + 1))
            }
            "CASE" if !self.operator_follows() => self.case(),
            "INTERVAL" if !self.operator_follows() => self.interval(),
            "CAST" | "TRY_CAST" if call => self.cast(&word),
            "EXTRACT" if call => self.extract(word),
            "SUBSTRING" | "SUBSTR" | "MID" | "TRIM" | "LTRIM" | "RTRIM" | "POSITION"
            | "OVERLAY"
                if call =>
            {
                self.sql_form(&upper, word)
            }
            "EXISTS" if call && (self.is_word_at(2, "SELECT") || self.is_word_at(2, "WITH")) => {
                self.p.advance_token();
                let (query, d) = self.expr_depth(prec::UNARY)?;
                Ok((Expr::call("exists", vec![query]), d + 1))
            }
            "COLUMNS" if call => Ok((self.matcher(None)?, 1)),
            "DATE" | "TIMESTAMP" if matches!(self.peek_at(1), Token::SingleQuotedString(_)) => {
                self.p.advance_token();
                let value = self.string()?;
                let name = if upper == "DATE" {
                    "toDate"
                } else {
                    "toDateTime"
                };
                Ok((Expr::call(name, vec![text(&value)]), 2))
            }
            _ if call => self.call(word),
            _ => self.identifier(),
        }
    }

    fn constant(&mut self, literal: Literal) -> Result<Deep> {
        self.p.advance_token();
        Ok((Expr::Literal(literal), 1))
    }

    fn dot_follows(&self) -> bool {
        *self.peek_at(1) == Token::Period
    }

    /// Whether the word in front is used as a name: an operator, comma or end stands behind it.
    fn operator_follows(&self) -> bool {
        match self.peek_at(1) {
            Token::Comma | Token::RParen | Token::RBracket | Token::EOF | Token::Period => true,
            Token::Eq | Token::Neq | Token::Lt | Token::Gt | Token::LtEq | Token::GtEq => true,
            Token::Div | Token::Mod | Token::StringConcat | Token::Arrow | Token::Colon => true,
            Token::Word(w) if w.quote_style.is_none() => [
                "AS", "FROM", "IN", "IS", "LIKE", "AND", "OR", "BETWEEN", "DESC", "ASC",
            ]
            .iter()
            .any(|k| w.value.eq_ignore_ascii_case(k)),
            _ => false,
        }
    }

    /// A word and a parenthesis come next: `and(a, b)`.
    fn call_follows(&self) -> bool {
        matches!(self.peek_at(1), Token::Word(_)) && *self.peek_at(2) == Token::LParen
    }

    /// `a`, `t.a`, `db.t.a`, `t.*`, `t.COLUMNS('re')`.
    fn identifier(&mut self) -> Result<Deep> {
        let mut parts = vec![self.name()?];
        while self.dot_here() {
            match self.peek_at(1) {
                Token::Mul => {
                    self.p.advance_token();
                    return Ok((self.matcher(Some(parts))?, 1));
                }
                Token::Word(w)
                    if w.value.eq_ignore_ascii_case("COLUMNS")
                        && *self.peek_at(2) == Token::LParen =>
                {
                    self.p.advance_token();
                    return Ok((self.matcher(Some(parts))?, 1));
                }
                Token::Word(_) => {
                    self.p.advance_token();
                    parts.push(self.name()?);
                }
                _ => break,
            }
        }
        Ok((Expr::Identifier(parts), 1))
    }

    fn dot_here(&self) -> bool {
        *self.peek() == Token::Period
    }

    /// `*`, `COLUMNS(...)`, with EXCEPT, REPLACE and APPLY behind.
    pub(super) fn matcher(&mut self, table: Option<Vec<String>>) -> Result<Expr> {
        let kind = if self.eat_token(&Token::Mul) {
            MatcherKind::All
        } else {
            self.expect(&["COLUMNS"])?;
            self.expect_token(&Token::LParen)?;
            let kind = match self.peek() {
                Token::SingleQuotedString(_) => MatcherKind::Regex(self.string()?),
                _ => MatcherKind::Names(self.list(|c| *c.peek() == Token::RParen, Self::name)?),
            };
            self.expect_token(&Token::RParen)?;
            kind
        };
        let mut transformers = Vec::new();
        while let Some(transformer) = self.transformer()? {
            transformers.push(transformer);
        }
        Ok(Expr::Matcher(Box::new(Matcher {
            table,
            kind,
            transformers,
        })))
    }

    fn transformer(&mut self) -> Result<Option<Transformer>> {
        let except_set = self.is_word_at(1, "SELECT") || *self.peek_at(2) == Token::LParen;
        if self.at_words(&["EXCEPT"]) && !(except_set && self.is_word_at(2, "SELECT")) {
            if self.is_word_at(1, "SELECT") || self.is_word_at(1, "DISTINCT") {
                return Ok(None);
            }
            self.p.advance_token();
            self.eat_word("STRICT");
            return self.except().map(Some);
        }
        if self.eat_word("REPLACE") {
            self.eat_word("STRICT");
            let all = match self.peek() {
                Token::LParen => self.parenthesized(|c| c.replacement())?,
                _ => vec![self.replacement()?],
            };
            return Ok(Some(Transformer::Replace(all)));
        }
        if self.eat_word("APPLY") {
            return self.apply().map(Some);
        }
        Ok(None)
    }

    /// `expr AS column` of REPLACE.
    fn replacement(&mut self) -> Result<(Expr, String)> {
        let expr = self.expr_without_alias()?;
        self.expect(&["AS"])?;
        Ok((expr, self.name()?))
    }

    fn except(&mut self) -> Result<Transformer> {
        if let Token::SingleQuotedString(_) = self.peek() {
            return Ok(Transformer::ExceptRegex(self.string()?));
        }
        if *self.peek() != Token::LParen {
            return Ok(Transformer::Except(vec![self.name()?]));
        }
        if let Token::SingleQuotedString(_) = self.peek_at(1) {
            self.p.advance_token();
            let pattern = self.string()?;
            self.expect_token(&Token::RParen)?;
            return Ok(Transformer::ExceptRegex(pattern));
        }
        Ok(Transformer::Except(self.parenthesized(Self::name)?))
    }

    fn apply(&mut self) -> Result<Transformer> {
        let parens = self.eat_token(&Token::LParen);
        let applied = self.expr_depth(prec::ALIAS)?.0;
        if parens {
            self.expect_token(&Token::RParen)?;
        }
        match applied {
            Expr::Identifier(mut parts) if parts.len() == 1 => {
                Ok(Transformer::Apply(parts.swap_remove(0), Vec::new()))
            }
            Expr::Function(f) => Ok(Transformer::Apply(f.name, f.args)),
            lambda @ Expr::Lambda { .. } => Ok(Transformer::ApplyLambda(lambda)),
            _ => self.unexpected("a function or lambda behind APPLY"),
        }
    }

    fn case(&mut self) -> Result<Deep> {
        self.p.advance_token();
        let mut depth = 0;
        let subject = match self.at_words(&["WHEN"]) {
            true => None,
            false => {
                let (e, d) = self.expr_depth(prec::ANY)?;
                depth = d;
                Some(e)
            }
        };
        let has_subject = subject.is_some();
        let mut args: Vec<Expr> = subject.into_iter().collect();
        while self.eat_word("WHEN") {
            let (when, a) = self.expr_depth(prec::ANY)?;
            self.expect(&["THEN"])?;
            let (then, b) = self.expr_depth(prec::ANY)?;
            args.extend([when, then]);
            depth = depth.max(a).max(b);
        }
        let last = match self.eat_word("ELSE") {
            true => self.expr_depth(prec::ANY)?,
            false => (Expr::Literal(Literal::Null), 1),
        };
        args.push(last.0);
        self.expect(&["END"])?;
        let name = if has_subject {
            "caseWithExpression"
        } else {
            "multiIf"
        };
        Ok((Expr::operator(name, args), depth.max(last.1) + 1))
    }

    /// `INTERVAL 1 DAY`, `INTERVAL '1 day'`, `INTERVAL n * 2 HOURS`.
    fn interval(&mut self) -> Result<Deep> {
        self.p.advance_token();
        let (amount, d) = self.expr_depth(prec::ALIAS)?;
        if let Token::Word(w) = self.peek()
            && let Some(make) = interval_function(&w.value)
        {
            self.p.advance_token();
            let amount = match &amount {
                Expr::Literal(Literal::String(s)) => text_number(s).unwrap_or(amount),
                _ => amount,
            };
            return Ok((Expr::operator(make, vec![amount]), d + 1));
        }
        let Expr::Literal(Literal::String(written)) = &amount else {
            return self.unexpected("interval unit");
        };
        let written = String::from_utf8_lossy(written).into_owned();
        let words: Vec<&str> = written.split_whitespace().collect();
        let mut parts = Vec::new();
        for pair in words.chunks(2) {
            let make = pair.get(1).and_then(|u| interval_function(u));
            let number = pair.first().and_then(|n| text_number(n.as_bytes()));
            match (make, number) {
                (Some(make), Some(number)) => parts.push(Expr::operator(make, vec![number])),
                _ => return self.unexpected("INTERVAL 'number unit'"),
            }
        }
        match parts.len() {
            0 => self.unexpected("INTERVAL 'number unit'"),
            1 => Ok((parts.swap_remove(0), d + 1)),
            _ => Ok((Expr::operator("tuple", parts), d + 2)),
        }
    }

    /// `CAST(x AS T)`, `CAST(x, 'T')`.
    fn cast(&mut self, word: &str) -> Result<Deep> {
        self.p.advance_token();
        self.expect_token(&Token::LParen)?;
        let (value, d) = self.expr_depth(prec::ALIAS)?;
        let ty = if self.eat_word("AS") {
            // `CAST(x AS alias, 'T')` is a call whose argument has an alias.
            let ty = self.type_text()?;
            match self.eat_token(&Token::Comma) {
                true => {
                    let target = self.expr()?;
                    self.expect_token(&Token::RParen)?;
                    let value = Expr::Alias(Box::new(value), ty);
                    return Ok((Expr::call("CAST", vec![value, target]), d + 1));
                }
                false => text(&ty),
            }
        } else {
            self.expect_token(&Token::Comma)?;
            self.expr()?
        };
        self.expect_token(&Token::RParen)?;
        let name = match word.eq_ignore_ascii_case("CAST") {
            true => "CAST",
            false => "accurateCastOrNull",
        };
        Ok((Expr::call(name, vec![value, ty]), d + 1))
    }

    /// `EXTRACT(unit FROM x)`, else the function `extract(s, re)`.
    fn extract(&mut self, word: String) -> Result<Deep> {
        let unit = match self.peek_at(2) {
            Token::Word(w) => interval_function(&w.value),
            _ => None,
        };
        let (Some(unit), true) = (unit, self.is_word_at(3, "FROM")) else {
            return self.call(word);
        };
        (0..4).for_each(|_| self.p.advance_token());
        let (value, d) = self.expr_depth(prec::ANY)?;
        self.expect_token(&Token::RParen)?;
        let name = match unit.trim_start_matches("toInterval") {
            "Day" => "toDayOfMonth".to_string(),
            other => format!("to{other}"),
        };
        Ok((Expr::call(name, vec![value]), d + 1))
    }

    /// `SUBSTRING(x FROM a FOR b)`, `TRIM(BOTH 'x' FROM s)`, `POSITION(a IN b)`, `OVERLAY(...)`.
    fn sql_form(&mut self, upper: &str, word: String) -> Result<Deep> {
        let save = self.p.index();
        self.p.advance_token();
        self.p.advance_token();
        if upper == "TRIM" {
            for (side, name) in [
                ("BOTH", "trimBoth"),
                ("LEADING", "trimLeft"),
                ("TRAILING", "trimRight"),
            ] {
                if self.eat_word(side) {
                    let (set, a) = self.expr_depth(prec::ANY)?;
                    self.expect(&["FROM"])?;
                    let (value, b) = self.expr_depth(prec::ANY)?;
                    self.expect_token(&Token::RParen)?;
                    return Ok((Expr::call(name, vec![value, set]), a.max(b) + 1));
                }
            }
        }
        let has_words = self.words_between_arguments();
        if !has_words {
            while self.p.index() > save {
                self.p.prev_token();
            }
            return self.call(if upper == "TRIM" {
                "trimBoth".into()
            } else {
                word
            });
        }
        let (first, mut depth) = self.expr_depth(prec::COMPARE)?;
        let mut args = vec![first];
        if upper == "POSITION" {
            self.expect(&["IN"])?;
            let (haystack, d) = self.expr_depth(prec::ANY)?;
            self.expect_token(&Token::RParen)?;
            args.insert(0, haystack);
            return Ok((Expr::call(word, args), depth.max(d) + 1));
        }
        for separator in ["PLACING", "FROM", "FOR"] {
            if self.eat_word(separator) {
                let (arg, d) = self.expr_depth(prec::ANY)?;
                args.push(arg);
                depth = depth.max(d);
            }
        }
        self.expect_token(&Token::RParen)?;
        Ok((Expr::call(word, args), depth + 1))
    }

    /// Whether FROM, FOR, PLACING or IN stands between arguments before this parenthesis closes.
    fn words_between_arguments(&self) -> bool {
        let (mut depth, mut n) = (0, 0);
        loop {
            match self.peek_at(n) {
                Token::LParen | Token::LBracket => depth += 1,
                Token::RParen | Token::RBracket if depth == 0 => return false,
                Token::RParen | Token::RBracket => depth -= 1,
                Token::Comma if depth == 0 => return false,
                Token::EOF => return false,
                Token::Word(w)
                    if depth == 0
                        && w.quote_style.is_none()
                        && n > 0
                        && ["FROM", "FOR", "PLACING", "IN"]
                            .iter()
                            .any(|k| w.value.eq_ignore_ascii_case(k)) =>
                {
                    return true;
                }
                _ => {}
            }
            n += 1;
        }
    }

    /// A call: the name stands next, `(` behind it.
    fn call(&mut self, name: String) -> Result<Deep> {
        self.p.advance_token();
        self.expect_token(&Token::LParen)?;
        let mut f = function(&name, Vec::new());
        let mut depth;
        (f.distinct, f.args, depth) = self.call_arguments()?;
        if *self.peek() == Token::LParen {
            self.p.advance_token();
            f.params = Some(std::mem::take(&mut f.args));
            let d;
            (f.distinct, f.args, d) = self.call_arguments()?;
            depth = depth.max(d);
        }
        if self.is_word_at(0, "FILTER") && *self.peek_at(1) == Token::LParen {
            self.p.advance_token();
            self.p.advance_token();
            self.expect(&["WHERE"])?;
            let (filter, d) = self.expr_depth(prec::ANY)?;
            depth = depth.max(d);
            f.filter = Some(filter);
            self.expect_token(&Token::RParen)?;
        }
        if self.eat(&["IGNORE", "NULLS"]) {
            f.respect_nulls = Some(false);
        } else if self.eat(&["RESPECT", "NULLS"]) {
            f.respect_nulls = Some(true);
        }
        if self.eat_word("OVER") {
            f.over = Some(match self.peek() {
                Token::LParen => Over::Spec(self.window_spec()?),
                _ => Over::Name(self.name()?),
            });
        }
        unit_argument(&mut f);
        Ok((rewrite_date_arithmetic(f), depth + 1))
    }

    fn call_arguments(&mut self) -> Result<(bool, Vec<Expr>, u32)> {
        let modifier = !matches!(
            self.peek_at(1),
            Token::Comma | Token::RParen | Token::Period
        );
        let distinct = modifier && self.is_word_at(0, "DISTINCT");
        if distinct || modifier && self.is_word_at(0, "ALL") {
            self.p.advance_token();
        }
        // `view(SELECT ...)`, `exists(SELECT ...)`.
        if self.is_word_at(0, "SELECT")
            || self.is_word_at(0, "WITH") && *self.peek_at(1) != Token::RParen
        {
            let query = self.query()?;
            self.expect_token(&Token::RParen)?;
            return Ok((distinct, vec![Expr::Subquery(Box::new(query))], 2));
        }
        let (args, depth) = self.items(&Token::RParen)?;
        self.expect_token(&Token::RParen)?;
        Ok((distinct, args, depth))
    }
}

/// Functions whose first argument may be a bare unit: `dateDiff(day, a, b)`.
fn unit_argument(f: &mut super::ast::Function) {
    const NAMES: &[&str] = &[
        "datediff",
        "date_diff",
        "timestampdiff",
        "timestamp_diff",
        "age",
        "datetrunc",
        "date_trunc",
        "dateadd",
        "date_add",
        "datesub",
        "date_sub",
        "timestampadd",
        "timestamp_add",
        "timestampsub",
        "timestamp_sub",
    ];
    if !NAMES.contains(&f.name.to_ascii_lowercase().as_str()) {
        return;
    }
    if let Some(Expr::Identifier(parts)) = f.args.first()
        && let [unit] = parts.as_slice()
        && let Some(make) = interval_function(unit)
    {
        let unit = make.trim_start_matches("toInterval").to_ascii_lowercase();
        f.args[0] = text(&unit);
    }
}

/// `dateAdd(unit, n, d)` and `dateAdd(d, INTERVAL n unit)` are additions.
fn rewrite_date_arithmetic(f: super::ast::Function) -> Expr {
    let operator = match f.name.to_ascii_lowercase().as_str() {
        "dateadd" | "date_add" | "timestampadd" | "timestamp_add" => "plus",
        "datesub" | "date_sub" | "timestampsub" | "timestamp_sub" => "minus",
        _ => return Expr::Function(Box::new(f)),
    };
    let unit = match f.args.first() {
        Some(Expr::Literal(Literal::String(s))) => interval_function(&String::from_utf8_lossy(s)),
        _ => None,
    };
    match (unit, f.args.len()) {
        (Some(make), 3) => {
            let mut args = f.args.into_iter().skip(1);
            let amount = args.next().into_iter().collect();
            let mut both: Vec<Expr> = args.collect();
            both.push(Expr::call(make, amount));
            Expr::call(operator, both)
        }
        (None, 2) => Expr::call(operator, f.args),
        _ => Expr::Function(Box::new(f)),
    }
}

fn text_number(text: &[u8]) -> Option<Expr> {
    let text = std::str::from_utf8(text).ok()?;
    let (negative, digits) = match text.trim().strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.trim()),
    };
    match literal::number(digits).ok()? {
        Literal::UInt(n) if negative => Some(Expr::Literal(Literal::Int(-i128::try_from(n).ok()?))),
        number @ Literal::UInt(_) => Some(Expr::Literal(number)),
        _ => None,
    }
}
