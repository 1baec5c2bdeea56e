//! What the nodes of a pipe name must be there when the pipe is stored.
//!
//! Invariant: only names are judged, and only in what is rendered without parameters: a text that
//! cannot be rendered or bound for another reason is left to its run.

use std::sync::Arc;

use roost_engine::error::Code;

use super::model::Pipe;
use super::resolve::{Request, Resolver, Root};
use super::state::Project;
use super::{ProjectError, Result};
use crate::store::timestamp;
use crate::template::Variables;
use crate::tokens::Access;

/// Errors that say that something named is not there.
const NAMES: [Code; 4] = [
    Code::UNKNOWN_TABLE,
    Code::UNKNOWN_DATABASE,
    Code::UNKNOWN_IDENTIFIER,
    Code::UNKNOWN_FUNCTION,
];

impl Project {
    /// Refuses a pipe with a node that names a table, column or function that is not there.
    pub(super) fn check_names(self: &Arc<Self>, pipe: &Pipe) -> Result<()> {
        let resolver = Resolver::new(
            self,
            Request {
                access: Access::admin(),
                variables: Variables::new(),
                root: Root::Caller,
                pipeline: None,
                now: timestamp(),
            },
        );
        for node in &pipe.nodes {
            let Ok(query) = resolver.inline(pipe, node) else {
                continue;
            };
            match self.store.query(&format!("DESCRIBE TABLE ({query})")) {
                Err(e) if NAMES.contains(&e.code()) => {
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
}
