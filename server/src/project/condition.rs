//! Conditions on a data source's rows that a request brings: what their subqueries read.
//!
//! Invariant: a condition reads nothing that its token may not read, whatever it is for: counting the
//! rows it fits tells about what it reads.

use roost::parse::ast::{Expr, Literal, Query, QueryBody, Select};
use roost::parse::parse_expression;
use roost::parse::walk::{Found, walk};
use roost_engine::error::Result;

use super::model::DataSource;
use super::resolve::Resolver;

impl Resolver {
    /// Refuses a condition on the rows of `source` that reads what the token may not read.
    ///
    /// # Errors
    /// The condition cannot be parsed, or ACCESS_DENIED.
    pub fn check_condition(&self, source: &DataSource, condition: &str) -> Result<()> {
        let select = Select {
            items: vec![Expr::Literal(Literal::UInt(1))],
            filter: Some(parse_expression(condition)?),
            ..Select::default()
        };
        let mut query = Query {
            body: QueryBody::Select(Box::new(select)),
            settings: Vec::new(),
            format: None,
            outfile: None,
        };
        walk(&mut query, &mut |found| {
            // A bare name on the right of IN is a table when it is no column.
            if let Found::InName(Expr::Identifier(parts)) = found
                && let [name] = &parts[..]
                && !source.columns.iter().any(|c| c.name == *name)
            {
                self.check_name(None, name)?;
            }
            Ok(())
        })?;
        self.check(&query.to_string()).map(drop)
    }
}
