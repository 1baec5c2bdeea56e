//! What the nodes of a pipe name must be there when the pipe is stored.
//!
//! Invariant: only names are judged, and only in what is rendered without parameters: a text that
//! cannot be rendered or bound for another reason is left to its run.

use std::sync::Arc;

use roost::session::QueryRequest;
use roost_engine::error::{Code, Error};

use super::model::{Node, Pipe};
use super::resolve::{Request, Resolver, Root};
use super::state::{Project, Snapshot};
use super::{ProjectError, Result};
use crate::store::timestamp;
use crate::template::Variables;
use crate::tokens::Access;

/// Which names are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Check {
    /// None.
    Nothing,
    /// Those of columns and functions; a table may come later, as projects are pushed in any order.
    #[default]
    Columns,
    /// All: nothing more will come.
    Everything,
}

impl Check {
    fn judges(self, code: Code) -> bool {
        match code {
            Code::UNKNOWN_IDENTIFIER | Code::UNKNOWN_FUNCTION => self != Check::Nothing,
            Code::UNKNOWN_TABLE | Code::UNKNOWN_DATABASE => self == Check::Everything,
            _ => false,
        }
    }
}

impl Project {
    /// Refuses a pipe with a node that names what is not there.
    pub(super) fn check_names(self: &Arc<Self>, pipe: &Pipe, check: Check) -> Result<()> {
        if check == Check::Nothing {
            return Ok(());
        }
        let mut state = Snapshot::clone(&self.snapshot());
        state
            .pipes
            .insert(pipe.name.clone(), Arc::new(pipe.clone()));
        let state = Arc::new(state);
        for node in &pipe.nodes {
            match self.describe(&state, pipe, node) {
                Some(Err(e)) if check.judges(e.code()) => {
                    return Err(ProjectError::Bad(format!(
                        "node {} of pipe {}: {e} ({})",
                        node.name,
                        pipe.name,
                        e.code().name()
                    )));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Names and types of a node's columns, as it would run: with pipes and nodes in the place of tables.
    /// None when it cannot be rendered without parameters.
    pub(super) fn describe(
        self: &Arc<Self>,
        state: &Arc<Snapshot>,
        pipe: &Pipe,
        node: &Node,
    ) -> Option<std::result::Result<Vec<(String, String)>, Error>> {
        let request = Request {
            access: Access::admin(),
            variables: Variables::new(),
            root: Root::Node {
                pipe: pipe.name.clone(),
                node: node.name.clone(),
            },
            pipeline: None,
            now: timestamp(),
        };
        let resolver = Arc::new(Resolver::over(self, Arc::clone(state), request));
        let rendered = resolver.render_node(pipe, node).ok()?;
        let text = rendered.sql.trim_end().trim_end_matches(';');
        let mut lines = Vec::new();
        let described = self.store.run_into(
            QueryRequest {
                parameters: resolver.secret_values(),
                resolver: Some(Arc::clone(&resolver) as _),
                default_format: Some("TSVRaw".to_owned()),
                ..QueryRequest::new(format!("DESCRIBE TABLE ({text})"))
            },
            &mut lines,
        );
        if resolver.take_failure().is_some() {
            return None;
        }
        let column = |line: &str| {
            let mut parts = line.split('\t').map(str::to_owned);
            Some((parts.next()?, parts.next()?))
        };
        let text = String::from_utf8_lossy(&lines);
        Some(described.map(|_| text.lines().filter_map(column).collect()))
    }
}
