//! ALTER TABLE.
//!
//! Invariant: a command that is not built comes out as `Other` with its words, to be refused by name.

use roost_engine::error::Result;
use sqlparser::tokenizer::Token;

use super::ast::{AlterCommand, Statement};
use super::cursor::Cursor;

impl Cursor<'_, '_> {
    /// ALTER TABLE t command, command.
    pub(super) fn alter(&mut self) -> Result<Statement> {
        self.expect(&["ALTER"])?;
        self.eat_word("TEMPORARY");
        self.expect(&["TABLE"])?;
        let table = self.table_name()?;
        self.on_cluster()?;
        let mut commands = Vec::new();
        loop {
            let parens = *self.peek() == Token::LParen;
            if parens {
                self.p.advance_token();
            }
            commands.push(self.alter_command()?);
            if parens {
                self.expect_token(&Token::RParen)?;
            }
            if !self.eat_token(&Token::Comma) {
                return Ok(Statement::Alter { table, commands });
            }
        }
    }

    fn alter_command(&mut self) -> Result<AlterCommand> {
        if self.eat(&["ADD", "COLUMN"]) {
            let if_not_exists = self.eat(&["IF", "NOT", "EXISTS"]);
            let column = self.column()?;
            let first = self.eat_word("FIRST");
            let after = match self.eat_word("AFTER") {
                true => Some(self.dotted_name()?),
                false => None,
            };
            return Ok(AlterCommand::AddColumn {
                column,
                after,
                first,
                if_not_exists,
            });
        }
        if self.eat(&["DROP", "COLUMN"]) {
            let if_exists = self.if_exists();
            return Ok(AlterCommand::DropColumn {
                name: self.dotted_name()?,
                if_exists,
            });
        }
        if self.eat(&["RENAME", "COLUMN"]) {
            let if_exists = self.if_exists();
            let from = self.dotted_name()?;
            self.expect(&["TO"])?;
            return Ok(AlterCommand::RenameColumn {
                from,
                to: self.dotted_name()?,
                if_exists,
            });
        }
        if self.eat(&["COMMENT", "COLUMN"]) {
            self.if_exists();
            let name = self.dotted_name()?;
            return Ok(AlterCommand::CommentColumn {
                name,
                comment: self.string()?,
            });
        }
        if self.eat_word("MODIFY") || self.at_words(&["ALTER", "COLUMN"]) {
            self.eat_word("ALTER");
            return self.modify();
        }
        if self.eat(&["REMOVE", "TTL"]) {
            return Ok(AlterCommand::RemoveTtl);
        }
        if self.eat(&["ADD", "INDEX"]) {
            self.eat(&["IF", "NOT", "EXISTS"]);
            return Ok(AlterCommand::AddIndex(self.index()?));
        }
        if self.eat(&["DROP", "INDEX"]) {
            let if_exists = self.if_exists();
            return Ok(AlterCommand::DropIndex {
                name: self.name()?,
                if_exists,
            });
        }
        if self.eat(&["DROP", "PARTITION"]) {
            self.eat_word("ID");
            return Ok(AlterCommand::DropPartition(self.expr_without_alias()?));
        }
        if self.eat(&["DELETE", "WHERE"]) {
            return Ok(AlterCommand::Delete(self.expr()?));
        }
        if self.eat_word("UPDATE") {
            return self.update();
        }
        Ok(AlterCommand::Other(self.rest_of_words()))
    }

    fn modify(&mut self) -> Result<AlterCommand> {
        if self.eat(&["ORDER", "BY"]) {
            return Ok(AlterCommand::ModifyOrderBy(self.expr_without_alias()?));
        }
        if self.eat_word("TTL") {
            return Ok(AlterCommand::ModifyTtl(self.ttl()?));
        }
        if self.eat_word("SETTING") {
            return Ok(AlterCommand::ModifySetting(self.settings()?));
        }
        if self.at_words(&["COMMENT"]) && matches!(self.peek_at(1), Token::SingleQuotedString(_)) {
            self.p.advance_token();
            return Ok(AlterCommand::ModifyComment(self.string()?));
        }
        if self.at_words(&["QUERY"]) {
            return Ok(AlterCommand::Other(format!(
                "MODIFY {}",
                self.rest_of_words()
            )));
        }
        self.eat_word("COLUMN");
        let if_exists = self.if_exists();
        let column = self.column()?;
        Ok(AlterCommand::ModifyColumn { column, if_exists })
    }

    fn update(&mut self) -> Result<AlterCommand> {
        let mut assignments = Vec::new();
        loop {
            let name = self.dotted_name()?;
            self.expect_token(&Token::Eq)?;
            assignments.push((name, self.expr_without_alias()?));
            if !self.eat_token(&Token::Comma) {
                break;
            }
        }
        self.expect(&["WHERE"])?;
        Ok(AlterCommand::Update(assignments, self.expr()?))
    }
}
