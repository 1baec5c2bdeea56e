//! Who may put rows into a table while a view over it is being filled.
//!
//! An insert passes the gate of its table, and of every table its rows reach, when it begins to run
//! views; who fills a view closes the gate of the view's source. So an insert either ends before the
//! rows to fill the view with are looked at, or begins when the view is there.
//!
//! Invariant: a gate is passed by any number of inserts or closed by one; all gates of an insert are
//! passed at one instant, so nobody waits holding some of them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use roost_engine::error::Result;

use crate::exec::CancelToken;

/// Database and name of a table.
pub(crate) type Name = (String, String);

#[derive(Debug, Default, Clone, Copy)]
struct Gate {
    inside: usize,
    closed: bool,
}

/// The gates of all tables.
#[derive(Debug, Default)]
pub(crate) struct Gates {
    tables: Mutex<HashMap<Name, Gate>>,
    moved: Condvar,
}

/// How long a waiter sleeps before it looks whether it was cancelled.
const LOOK: Duration = Duration::from_millis(20);

/// Gates that are passed or closed until this is dropped.
#[derive(Debug)]
pub(crate) struct Hold {
    gates: Arc<Gates>,
    names: Vec<Name>,
    closed: bool,
}

impl Gates {
    /// Passes the gates of tables.
    pub(crate) fn pass(self: &Arc<Self>, names: Vec<Name>, cancel: &CancelToken) -> Result<Hold> {
        let mut tables = self.tables.lock();
        while names
            .iter()
            .any(|n| tables.get(n).is_some_and(|g| g.closed))
        {
            self.moved.wait_for(&mut tables, LOOK);
            cancel.check()?;
        }
        for name in &names {
            tables.entry(name.clone()).or_default().inside += 1;
        }
        drop(tables);
        Ok(Hold {
            gates: Arc::clone(self),
            names,
            closed: false,
        })
    }

    /// Closes the gate of a table, once everybody is out.
    pub(crate) fn close(self: &Arc<Self>, name: Name, cancel: &CancelToken) -> Result<Hold> {
        let mut tables = self.tables.lock();
        while tables.get(&name).is_some_and(|g| g.closed) {
            self.moved.wait_for(&mut tables, LOOK);
            cancel.check()?;
        }
        tables.entry(name.clone()).or_default().closed = true;
        let hold = Hold {
            gates: Arc::clone(self),
            names: vec![name],
            closed: true,
        };
        while tables.get(&hold.names[0]).is_some_and(|g| g.inside > 0) {
            self.moved.wait_for(&mut tables, LOOK);
            if let Err(e) = cancel.check() {
                // The hold locks again when it goes.
                drop(tables);
                return Err(e);
            }
        }
        drop(tables);
        Ok(hold)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut tables = self.gates.tables.lock();
        for name in &self.names {
            let Some(gate) = tables.get_mut(name) else {
                continue;
            };
            match self.closed {
                true => gate.closed = false,
                false => gate.inside -= 1,
            }
            if gate.inside == 0 && !gate.closed {
                tables.remove(name);
            }
        }
        drop(tables);
        self.gates.moved.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        ("d".to_string(), text.to_string())
    }

    #[test]
    fn a_closed_gate_is_passed_when_it_opens_and_closed_when_everybody_is_out() {
        let gates = Arc::new(Gates::default());
        let cancel = CancelToken::new();
        let inside = gates.pass(vec![name("a"), name("b")], &cancel).unwrap();
        let short = cancel.with_limit(Some(Duration::from_millis(30)));
        assert!(gates.close(name("a"), &short).is_err());
        let other = gates.close(name("c"), &cancel).unwrap();
        drop(inside);
        let closed = gates.close(name("a"), &cancel).unwrap();
        let short = cancel.with_limit(Some(Duration::from_millis(30)));
        assert!(gates.pass(vec![name("a")], &short).is_err());
        assert!(gates.pass(vec![name("b")], &cancel).is_ok());
        drop((closed, other));
        assert!(gates.pass(vec![name("a")], &cancel).is_ok());
        assert!(gates.tables.lock().is_empty());
    }
}
