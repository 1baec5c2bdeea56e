//! What the binder asks of its surroundings: which tables there are, and the value of a subquery.
//!
//! Invariant: all answers within one statement come from one snapshot.

use std::sync::Arc;

use roost_engine::block::Block;
use roost_engine::error::Result;
use roost_engine::types::{DataType, Value};

use crate::functions::BindContext;
use crate::parse::ast;
use crate::plan::{Query, TableSource};

/// What a name in FROM stands for.
#[derive(Debug, Clone)]
pub enum Relation {
    /// Something to scan.
    Table(Arc<dyn TableSource>),
    /// A view: its query is bound in the place of the name.
    View(Arc<ast::Query>),
}

/// The binder's surroundings.
pub trait BindCatalog: Send + Sync {
    /// The table or view of that name; `None` when there is none. The database is the written one
    /// or none.
    fn relation(&self, database: Option<&str>, name: &str) -> Result<Option<Relation>>;

    /// Names near `name`, for the hint of UNKNOWN_TABLE.
    fn similar_tables(&self, _name: &str) -> Vec<String> {
        Vec::new()
    }

    /// The table function `name` with constant arguments; `None` when there is none.
    fn table_function(
        &self,
        name: &str,
        args: &[(Value, DataType)],
    ) -> Result<Option<Arc<dyn TableSource>>>;

    /// Optimizes and runs a bound subquery now (scalar subqueries are constants to the planner; IN
    /// over a subquery may be filled later instead). Stops with an error past `row_limit` rows.
    fn run(&self, query: &Query, row_limit: u64) -> Result<Block>;

    /// The value of `{name:Type}`, as text in the escaping of TabSeparated; `None` when not given.
    fn parameter(&self, name: &str) -> Option<String>;

    /// Zone, time of the query, settings.
    fn context(&self) -> &BindContext;
}
