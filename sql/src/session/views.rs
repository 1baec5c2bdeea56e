//! Materialized views that are filled apart from the statement that makes them.
//!
//! Invariant: what a view is filled with ends at the instant from which on it follows its source.

use std::collections::HashMap;
use std::sync::Arc;

use roost_engine::error::{Code, Error, Result};

use super::database::Database;
use crate::exec::CancelToken;
use crate::interpret::materialized::{self, Stored};
use crate::interpret::{Also, StatementContext};
use crate::parse::ast::Statement;
use crate::parse::parse_statement;
use crate::settings::Settings;

impl Database {
    fn statement(&self, cancel: &CancelToken) -> Result<StatementContext> {
        StatementContext::new(
            Arc::clone(self.shared()),
            "default".into(),
            Settings::default(),
            HashMap::new(),
            None,
            cancel,
        )
    }

    /// Runs a CREATE MATERIALIZED VIEW without POPULATE and holds the rows that its source has at
    /// that instant, to [`Database::populate`] it with. `None`: there is nothing to fill it with.
    ///
    /// # Errors
    /// As the statement.
    pub fn create_view(&self, sql: &str) -> Result<Option<Stored>> {
        let Statement::CreateView(view) = parse_statement(sql)? else {
            return Err(Error::new(Code::SYNTAX_ERROR, "expected CREATE VIEW"));
        };
        materialized::follow(&view, &self.statement(&CancelToken::new())?)
    }

    /// Whether [`Database::create_view`] with a TO table would work; nothing is made.
    ///
    /// # Errors
    /// As the statement.
    pub fn check_view(&self, sql: &str) -> Result<()> {
        let Statement::CreateView(view) = parse_statement(sql)? else {
            return Err(Error::new(Code::SYNTAX_ERROR, "expected CREATE VIEW"));
        };
        if view.to.is_none() {
            return Err(Error::not_implemented("a check of a view without TO"));
        }
        materialized::check(&view, &self.statement(&CancelToken::new())?)
    }

    /// Holds the rows that the source of a materialized view has now. With `truncate` the view's
    /// target loses its rows at that instant.
    ///
    /// # Errors
    /// UNKNOWN_TABLE.
    pub fn view_source(&self, database: &str, view: &str, truncate: bool) -> Result<Stored> {
        Stored::of(
            database,
            view,
            truncate,
            &self.statement(&CancelToken::new())?,
        )
    }

    /// Fills a materialized view with rows of its source, at one instant; returns the number of rows
    /// that came out. A condition, in SQL over the source's columns, chooses some; `also` is committed
    /// with them.
    ///
    /// # Errors
    /// What the view's query meets; nothing is filled in then.
    pub fn populate(
        &self,
        stored: &Stored,
        condition: Option<&str>,
        cancel: &CancelToken,
        also: Option<Also>,
    ) -> Result<u64> {
        let mut context = self.statement(cancel)?;
        context.write.also = also;
        materialized::populate(stored, condition, &context)
    }
}
