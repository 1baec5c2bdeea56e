//! Statements by their first word.
//!
//! Invariant: a statement that is not known is refused by name; nothing foreign is accepted.

use roost_engine::error::{Error, Result};
use sqlparser::tokenizer::Token;

use super::ast::{
    ExplainKind, Expr, Insert, InsertSource, Literal, ObjectKind, Show, Statement, TableExpr,
    TableName, TableSource,
};
use super::cursor::Cursor;
use crate::Value;

impl Cursor<'_, '_> {
    /// One statement.
    pub(super) fn statement(&mut self) -> Result<Statement> {
        if *self.peek() == Token::LParen {
            return Ok(Statement::Query(Box::new(self.query()?)));
        }
        let Token::Word(w) = self.peek() else {
            return self.unexpected("a statement");
        };
        let word = w.value.to_ascii_uppercase();
        match word.as_str() {
            "SELECT" | "WITH" | "FROM" => Ok(Statement::Query(Box::new(self.query()?))),
            "INSERT" => self.insert(),
            "CREATE" | "ATTACH" | "REPLACE" => self.create(),
            "DROP" | "DETACH" => self.drop(),
            "TRUNCATE" => self.truncate(),
            "RENAME" => self.rename(),
            "EXCHANGE" => self.exchange(),
            "ALTER" => self.alter(),
            "DELETE" => self.delete(),
            "OPTIMIZE" => self.optimize(),
            "SHOW" => self.show(),
            "DESCRIBE" | "DESC" => self.describe(),
            "EXISTS" => self.exists(),
            "EXPLAIN" => self.explain(),
            "SET" => {
                self.p.advance_token();
                Ok(Statement::Set(self.settings()?))
            }
            "USE" => {
                self.p.advance_token();
                Ok(Statement::Use(self.name()?))
            }
            "KILL" => {
                self.expect(&["KILL"])?;
                if !self.eat_word("QUERY") {
                    return Err(Error::not_implemented("KILL of anything but QUERY"));
                }
                self.expect(&["WHERE"])?;
                let condition = self.expr()?;
                let _ = self.eat_word("SYNC") || self.eat_word("ASYNC") || self.eat_word("TEST");
                Ok(Statement::KillQuery(condition))
            }
            "SYSTEM" => {
                self.p.advance_token();
                let stop = self.eat(&["STOP", "MERGES"]);
                if stop || self.eat(&["START", "MERGES"]) {
                    let all = *self.peek() == Token::EOF;
                    let table = (!all).then(|| self.table_name()).transpose()?;
                    return Ok(Statement::Merges { stop, table });
                }
                Ok(Statement::System(self.rest_of_words()))
            }
            known if UNBUILT.contains(&known) => {
                Err(Error::not_implemented(format!("{known} statement")))
            }
            _ => self.unexpected("one of SELECT, INSERT, CREATE, DROP, ALTER, SHOW, ..."),
        }
    }

    /// Upper-case words up to the end of the statement.
    pub(super) fn rest_of_words(&mut self) -> String {
        let mut words = Vec::new();
        while *self.peek() != Token::EOF {
            words.push(self.peek().to_string().to_ascii_uppercase());
            self.p.advance_token();
        }
        words.join(" ")
    }

    fn insert(&mut self) -> Result<Statement> {
        self.expect(&["INSERT"])?;
        self.expect(&["INTO"])?;
        self.eat_word("TABLE");
        if self.eat_word("FUNCTION") {
            return Err(Error::not_implemented("INSERT INTO FUNCTION"));
        }
        let table = self.table_name()?;
        let (mut columns, mut except) = (Vec::new(), Vec::new());
        if *self.peek() == Token::LParen && !self.at_subquery() {
            (columns, except) = self.insert_columns()?;
        }
        let mut settings = Vec::new();
        if self.eat_word("SETTINGS") {
            settings = self.settings()?;
        }
        let source = if self.eat_word("VALUES") {
            InsertSource::Values
        } else if self.at_words(&["FORMAT"]) {
            self.p.advance_token();
            match self.name()? {
                name if name.eq_ignore_ascii_case("values") => InsertSource::Values,
                name => InsertSource::Format(name),
            }
        } else if *self.peek() == Token::EOF {
            // The data comes as the request's body, in a format named elsewhere.
            InsertSource::Values
        } else {
            InsertSource::Query(Box::new(self.query()?))
        };
        Ok(Statement::Insert(Box::new(Insert {
            table,
            columns,
            except,
            settings,
            source,
            data_at: None,
        })))
    }

    fn insert_columns(&mut self) -> Result<(Vec<String>, Vec<String>)> {
        if *self.peek_at(1) != Token::Mul {
            return Ok((self.parenthesized(|c| c.dotted_name())?, Vec::new()));
        }
        self.p.advance_token();
        self.p.advance_token();
        let mut except = Vec::new();
        if self.eat_word("EXCEPT") {
            except = match self.peek() {
                Token::LParen => self.parenthesized(Self::name)?,
                _ => vec![self.name()?],
            };
        }
        self.expect_token(&Token::RParen)?;
        Ok((Vec::new(), except))
    }

    /// A column name that may have points: `Options.Names`.
    pub(super) fn dotted_name(&mut self) -> Result<String> {
        let mut name = self.name()?;
        while self.eat_token(&Token::Period) {
            name = format!("{name}.{}", self.name()?);
        }
        Ok(name)
    }

    /// `IF EXISTS`.
    pub(super) fn if_exists(&mut self) -> bool {
        self.eat(&["IF", "EXISTS"])
    }

    /// `ON CLUSTER name` is read and means nothing on one node.
    pub(super) fn on_cluster(&mut self) -> Result<()> {
        if self.eat(&["ON", "CLUSTER"]) {
            match self.peek() {
                Token::SingleQuotedString(_) => drop(self.string()?),
                _ => drop(self.name()?),
            }
        }
        Ok(())
    }

    fn object_kind(&mut self) -> Option<ObjectKind> {
        let found = [
            ("TABLE", ObjectKind::Table),
            ("VIEW", ObjectKind::View),
            ("DATABASE", ObjectKind::Database),
            ("DICTIONARY", ObjectKind::Dictionary),
        ]
        .into_iter()
        .find(|(w, _)| self.at_words(&[w]) && *self.peek_at(1) != Token::Period);
        found.map(|(_, kind)| {
            self.p.advance_token();
            kind
        })
    }

    fn drop(&mut self) -> Result<Statement> {
        if self.eat_word("DETACH") {
            return Err(Error::not_implemented("DETACH"));
        }
        self.expect(&["DROP"])?;
        self.eat_word("TEMPORARY");
        let Some(kind) = self.object_kind() else {
            if let Token::Word(w) = self.peek() {
                return Err(Error::not_implemented(format!(
                    "DROP {}",
                    w.value.to_uppercase()
                )));
            }
            return self.unexpected("TABLE, VIEW or DATABASE");
        };
        let if_exists = self.if_exists();
        self.eat(&["IF", "EMPTY"]);
        let mut names = vec![self.table_name()?];
        while self.eat_token(&Token::Comma) {
            names.push(self.table_name()?);
        }
        self.on_cluster()?;
        let _ = self.eat_word("SYNC") || self.eat(&["NO", "DELAY"]) || self.eat_word("PERMANENTLY");
        Ok(Statement::Drop {
            kind,
            names,
            if_exists,
        })
    }

    fn truncate(&mut self) -> Result<Statement> {
        self.expect(&["TRUNCATE"])?;
        if self.at_words(&["DATABASE"]) || self.at_words(&["ALL"]) {
            return Err(Error::not_implemented("TRUNCATE of a whole database"));
        }
        self.eat_word("TEMPORARY");
        self.eat_word("TABLE");
        let if_exists = self.if_exists();
        let table = self.table_name()?;
        self.on_cluster()?;
        self.eat_word("SYNC");
        Ok(Statement::Truncate { table, if_exists })
    }

    fn rename(&mut self) -> Result<Statement> {
        self.expect(&["RENAME"])?;
        if self.at_words(&["DATABASE"]) {
            return Err(Error::not_implemented("RENAME DATABASE"));
        }
        self.eat_word("TABLE");
        let mut pairs = Vec::new();
        loop {
            self.if_exists();
            let from = self.table_name()?;
            self.expect(&["TO"])?;
            pairs.push((from, self.table_name()?));
            if !self.eat_token(&Token::Comma) {
                self.on_cluster()?;
                return Ok(Statement::Rename(pairs));
            }
        }
    }

    fn exchange(&mut self) -> Result<Statement> {
        self.expect(&["EXCHANGE"])?;
        self.expect(&["TABLES"])?;
        let a = self.table_name()?;
        self.expect(&["AND"])?;
        let b = self.table_name()?;
        self.on_cluster()?;
        Ok(Statement::Exchange(a, b))
    }

    fn delete(&mut self) -> Result<Statement> {
        self.expect(&["DELETE"])?;
        self.expect(&["FROM"])?;
        let table = self.table_name()?;
        self.on_cluster()?;
        self.expect(&["WHERE"])?;
        Ok(Statement::Delete {
            table,
            predicate: self.expr()?,
        })
    }

    fn optimize(&mut self) -> Result<Statement> {
        self.expect(&["OPTIMIZE"])?;
        self.expect(&["TABLE"])?;
        let table = self.table_name()?;
        self.on_cluster()?;
        let mut partition = None;
        if self.eat_word("PARTITION") {
            self.eat_word("ID");
            partition = Some(self.expr_without_alias()?);
        }
        let is_final = self.eat_word("FINAL");
        if self.eat_word("DEDUPLICATE") {
            return Err(Error::not_implemented("OPTIMIZE ... DEDUPLICATE"));
        }
        if self.eat_word("SETTINGS") {
            self.settings()?;
        }
        Ok(Statement::Optimize {
            table,
            partition,
            is_final,
        })
    }

    fn show(&mut self) -> Result<Statement> {
        self.expect(&["SHOW"])?;
        let _ = self.eat_word("FULL") || self.eat_word("EXTENDED");
        let show = if self.eat_word("DATABASES") || self.eat_word("SCHEMAS") {
            Show::Databases {
                like: self.show_like()?,
            }
        } else if self.eat_word("TABLES") {
            let database = match self.eat_word("FROM") || self.eat_word("IN") {
                true => Some(self.name()?),
                false => None,
            };
            Show::Tables {
                database,
                like: self.show_like()?,
            }
        } else if self.eat_word("COLUMNS") || self.eat_word("FIELDS") {
            let _ = self.eat_word("FROM") || self.eat_word("IN");
            Show::Columns {
                table: self.table_name()?,
            }
        } else if self.eat_word("CREATE") {
            self.eat_word("TEMPORARY");
            let kind = self.object_kind().unwrap_or(ObjectKind::Table);
            Show::Create {
                kind,
                name: self.table_name()?,
            }
        } else if self.eat_word("PROCESSLIST") {
            Show::ProcessList
        } else if self.eat_word("FUNCTIONS") {
            Show::Functions {
                like: self.show_like()?,
            }
        } else if self.eat_word("SETTINGS") {
            Show::Settings {
                like: self.show_like()?,
            }
        } else {
            return Err(Error::not_implemented(format!(
                "SHOW {}",
                self.rest_of_words()
            )));
        };
        self.with_format(Statement::Show(show))
    }

    fn show_like(&mut self) -> Result<Option<String>> {
        self.eat_word("LIKE");
        match self.peek() {
            Token::SingleQuotedString(_) => self.string().map(Some),
            _ => Ok(None),
        }
    }

    fn describe(&mut self) -> Result<Statement> {
        self.p.advance_token();
        self.eat_word("TABLE");
        if self.is_word_at(0, "SELECT") || self.is_word_at(0, "WITH") {
            let query = Box::new(self.query()?);
            return self.with_format(Statement::Describe(Box::new(TableExpr {
                source: TableSource::Query(query),
                alias: None,
                columns: Vec::new(),
                is_final: false,
                sample: None,
            })));
        }
        let table = self.table_expr()?;
        if self.eat_word("SETTINGS") {
            self.settings()?;
        }
        self.with_format(Statement::Describe(Box::new(table)))
    }

    /// The statement with the FORMAT behind it, when there is one.
    fn with_format(&mut self, statement: Statement) -> Result<Statement> {
        Ok(match self.eat_word("FORMAT") {
            true => Statement::Formatted(Box::new(statement), self.name()?),
            false => statement,
        })
    }

    fn exists(&mut self) -> Result<Statement> {
        self.expect(&["EXISTS"])?;
        self.eat_word("TEMPORARY");
        let kind = self.object_kind().unwrap_or(ObjectKind::Table);
        let name = self.table_name()?;
        self.with_format(Statement::Exists { kind, name })
    }

    fn explain(&mut self) -> Result<Statement> {
        self.expect(&["EXPLAIN"])?;
        let kind = if self.eat_word("AST") {
            ExplainKind::Ast
        } else if self.eat_word("SYNTAX") {
            ExplainKind::Syntax
        } else if self.eat(&["QUERY", "TREE"]) {
            ExplainKind::QueryTree
        } else if self.eat_word("PIPELINE") {
            ExplainKind::Pipeline
        } else if self.eat_word("ESTIMATE") {
            ExplainKind::Estimate
        } else {
            self.eat_word("PLAN");
            ExplainKind::Plan
        };
        let mut options = Vec::new();
        while matches!(self.peek(), Token::Word(_)) && *self.peek_at(1) == Token::Eq {
            let name = self.name()?;
            self.p.advance_token();
            let value = match self.expr_without_alias()? {
                Expr::Literal(Literal::UInt(n)) => Value::UInt(n as u64),
                other => Value::string(other.to_string()),
            };
            options.push((name, value));
            self.eat_token(&Token::Comma);
        }
        let mut statement = Box::new(self.statement()?);
        // A FORMAT at the end is the answer's, not the explained query's.
        let format = match statement.as_mut() {
            Statement::Query(query) => query.format.take(),
            _ => None,
        };
        let explain = Statement::Explain {
            kind,
            options,
            statement,
        };
        Ok(match format {
            Some(format) => Statement::Formatted(Box::new(explain), format),
            None => explain,
        })
    }
}

/// First words of statements that ClickHouse has and Roost does not.
const UNBUILT: &[&str] = &[
    "BACKUP", "RESTORE", "GRANT", "REVOKE", "CHECK", "UNDROP", "WATCH", "UPDATE", "BEGIN",
    "COMMIT", "ROLLBACK", "MOVE", "PARALLEL",
];

impl TableName {
    /// A name in the current database.
    pub fn bare(name: impl Into<String>) -> Self {
        TableName {
            database: None,
            name: name.into(),
        }
    }
}
