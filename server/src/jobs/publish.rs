//! Files of a sink get their names: all of a run, whatever happens between.
//!
//! What is to be done is stored first, and done again after a restart in the middle of it.
//!
//! Invariant: files are whole and durable before their plan is stored; once it is, all of them get
//! their names and the job ends well.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashSet};

use roost_engine::error::{Code, Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::{Folder, Job, Outcome, Running};
use crate::store::{Entry as StoreEntry, Store};

/// Kind of stored plans.
const KIND: &str = "publishing";

/// What a run is about to do.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Plan {
    /// The job.
    pub(super) id: String,
    /// Files, by the names that they have and those that they get.
    pub(super) moves: Vec<(String, String)>,
    /// What the job tells when it is done.
    pub(super) details: Map<String, Json>,
}

impl Plan {
    /// Stores the plan, carries it out and ends the job.
    ///
    /// # Errors
    /// What the storage says; files that have their names by then keep them.
    pub(super) fn publish(&self, folder: &Folder, running: &Running) -> Result<()> {
        let store = running.store();
        store.save(KIND, &self.id, Some(self))?;
        if let Err(e) = self.carry_out(folder) {
            store.save::<Plan>(KIND, &self.id, None)?;
            return Err(e);
        }
        let details = self.details.clone();
        let ending = running.ending(move |(): &()| details.clone());
        let mut entries = ending.map_or_else(Vec::new, |ending| ending(&()));
        entries.push(store.entry::<Plan>(KIND, &self.id, None)?);
        store.save_all(entries)
    }

    fn carry_out(&self, folder: &Folder) -> Result<()> {
        let storage = folder.storage();
        let mut folders: BTreeMap<&str, HashSet<String>> = BTreeMap::new();
        for (from, to) in &self.moves {
            let (inside, name) = to.rsplit_once('/').unwrap_or(("", to));
            let waits = from.rsplit_once('/').map_or(from.as_str(), |(_, n)| n);
            // No two moves speak of one name: what others did does not change the answer.
            let names = match folders.entry(inside) {
                Entry::Occupied(listed) => listed.into_mut(),
                Entry::Vacant(new) => new.insert(storage.list(inside)?.into_iter().collect()),
            };
            if names.contains(waits) {
                storage.rename(from, to)?;
            } else if !names.contains(name) {
                let message = format!("the sink's file {} is gone", folder.shown(to));
                return Err(Error::new(Code::CANNOT_OPEN_FILE, message));
            }
        }
        folders.into_keys().try_for_each(|f| storage.sync_dir(f))
    }
}

/// Brings the publishing of a job to its end that the end of the server interrupted; `None` when it
/// was not publishing.
pub(super) fn go_on(store: &Store, folder: Option<&Folder>, job: &Job) -> Option<Outcome> {
    let plans = store.load::<Plan>(KIND);
    let plan = plans.into_iter().find(|plan| plan.id == job.id)?;
    let Some(folder) = folder else {
        return Some(Err(
            "the server was stopped while the files of the sink got their names, and has no folder \
             for sinks now"
                .to_owned(),
        ));
    };
    let done = plan.carry_out(folder).map(|()| plan.details);
    Some(done.map_err(|e| e.to_string()))
}

/// The end of a job's plan, when it has one.
pub(super) fn over(store: &Store, job: &Job) -> Option<StoreEntry> {
    store.entry::<Plan>(KIND, &job.id, None).ok()
}
