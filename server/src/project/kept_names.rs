//! Nodes that a query reads under an alias and still calls by their own name.
//!
//! `FROM node AS n ... WHERE node.x` is what ClickHouse allows of a table or a CTE, but not of a subquery.
//! Where a text does so, the node becomes a CTE of that name instead of a subquery.
//!
//! Invariant: a name is kept only if it is defined by the same SELECT that reads it.

use std::collections::HashMap;
use std::sync::Arc;

use roost::parse::ast::{From, JoinItem, Query, Select, TableExpr, TableSource, With};

/// The names to keep of one node's text.
pub(super) struct KeptNames<'a> {
    text: &'a str,
    queries: HashMap<String, Arc<Query>>,
}

impl<'a> KeptNames<'a> {
    /// None yet, for the text of a node.
    pub(super) fn of(text: &'a str) -> KeptNames<'a> {
        KeptNames {
            text,
            queries: HashMap::new(),
        }
    }

    /// Whether `table` stays a name that [`Self::define`] will define as `query`.
    pub(super) fn keep(&mut self, table: &mut TableExpr, query: &Arc<Query>) -> bool {
        let (TableSource::Name(name), Some(alias)) = (&mut table.source, &table.alias) else {
            return false;
        };
        if *alias == name.name || !self.is_qualifier(&name.name) {
            return false;
        }
        name.database = None;
        table.is_final = false;
        self.queries.insert(name.name.clone(), Arc::clone(query));
        true
    }

    /// Whether the text has the name in front of a dot, quoted or not.
    fn is_qualifier(&self, name: &str) -> bool {
        self.text.match_indices(name).any(|(at, _)| {
            let rest = &self.text[at + name.len()..];
            rest.strip_prefix(['"', '`'])
                .unwrap_or(rest)
                .starts_with('.')
        })
    }

    /// Defines what the SELECT reads under kept names.
    pub(super) fn define(&self, select: &mut Select) {
        if self.queries.is_empty() {
            return;
        }
        let mut names = Vec::new();
        if let Some(from) = &select.from {
            names_in(from, &mut names);
        }
        for name in names {
            let Some(query) = self.queries.get(&name) else {
                continue;
            };
            let known = |w: &With| matches!(w, With::Query { name: known, .. } if *known == name);
            if !select.with.iter().any(known) {
                select.with.push(With::Query {
                    name,
                    columns: Vec::new(),
                    query: Box::new(Query::clone(query)),
                });
            }
        }
    }
}

/// The aliased names without a database that FROM reads.
fn names_in(from: &From, out: &mut Vec<String>) {
    let joined = from.joins.iter().filter_map(|join| match join {
        JoinItem::Join(join) => Some(&join.table),
        JoinItem::Array { .. } => None,
    });
    for table in std::iter::once(&from.first).chain(joined) {
        match &table.source {
            TableSource::Name(name) if name.database.is_none() && table.alias.is_some() => {
                out.push(name.name.clone());
            }
            TableSource::Join(from) => names_in(from, out),
            _ => {}
        }
    }
}
