//! Files of a sink get their names: all of a run, whatever happens between.
//!
//! What is to be done is stored first. When it cannot be done to its end, by the end of the server or
//! since the disk refuses, it is done later: at the next start, and before the next run of a sink.
//!
//! Invariant: files are whole and durable before their plan is stored; once it is, all of them get
//! their names and the job ends well, and until then the job says how many have them.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use roost_engine::error::{Code, Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::{Folder, Job, Jobs, Outcome, Running, Status};
use crate::store::{Entry as StoreEntry, Store, now_micros};

/// Kind of stored plans.
const KIND: &str = "publishing";
/// The error of a file that is in neither place.
const GONE: Code = Code::CANNOT_OPEN_FILE;
/// How long is waited before a plan is tried again.
const PAUSES: &[Duration] = &[Duration::from_millis(50), Duration::from_millis(300)];

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
    /// What the storage says, and what becomes of the files.
    pub(super) fn publish(&self, folder: &Folder, running: &Running) -> Result<()> {
        let store = running.store();
        store.save(KIND, &self.id, Some(self))?;
        if let Err(e) = self.carry_out_patiently(folder) {
            return Err(self.left(folder, store, e));
        }
        let details = self.details.clone();
        let ending = running.ending(move |(): &()| details.clone());
        let mut entries = ending.map_or_else(Vec::new, |ending| ending(&()));
        entries.push(store.entry::<Plan>(KIND, &self.id, None)?);
        store.save_all(entries)
    }

    /// What may be over in a moment is waited for.
    fn carry_out_patiently(&self, folder: &Folder) -> Result<()> {
        let mut done = self.carry_out(folder);
        for pause in PAUSES {
            if done.as_ref().is_err_and(|e| e.code() != GONE) {
                std::thread::sleep(*pause);
                done = self.carry_out(folder);
            }
        }
        done
    }

    /// What it means that the plan was not carried out to its end.
    fn left(&self, folder: &Folder, store: &Store, e: Error) -> Error {
        let waits = |(from, _): &&(String, String)| {
            let (inside, name) = from.rsplit_once('/').unwrap_or(("", from));
            let there = folder.storage().list(inside).unwrap_or_default();
            there.iter().any(|n| n == name)
        };
        let (all, waiting) = (self.moves.len(), self.moves.iter().filter(waits).count());
        let what = match e.code() == GONE {
            // Nothing can bring it to its end.
            true => {
                if let Err(e) = store.save::<Plan>(KIND, &self.id, None) {
                    tracing::error!("cannot forget the files of job {}: {e}", self.id);
                }
                "and the sink has to be run again".to_owned()
            }
            false => format!(
                "{} of {all} files have their names, the others get theirs before the next run of a \
                 sink or at the next start of the server, and the job is done then",
                all - waiting
            ),
        };
        Error::new(e.code(), format!("{}; {what}", e.message()))
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
                return Err(Error::new(GONE, message));
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
    match plan.carry_out(folder) {
        Ok(()) => Some(Ok(plan.details)),
        Err(e) => Some(Err(plan.left(folder, store, e).to_string())),
    }
}

/// Whether files of a job wait for their names.
pub(super) fn waits(store: &Store, job: &str) -> bool {
    let mut plans = store.load::<Plan>(KIND).into_iter();
    plans.any(|plan| plan.id == job)
}

/// Brings to their end what earlier runs had to leave, whose jobs are over; what cannot be done yet
/// stays. The names that files still wait for.
pub(super) fn go_on_with_left(jobs: &Jobs, folder: &Folder) -> BTreeSet<String> {
    let mut waiting = BTreeSet::new();
    for plan in jobs.store.load::<Plan>(KIND) {
        let job = jobs.get(&plan.id);
        if job.as_ref().is_some_and(|job| !job.status.is_over()) {
            continue;
        }
        match plan.carry_out(folder) {
            Ok(()) => jobs.end_well(&plan.id, plan.details.clone()),
            Err(e) => {
                let e = plan.left(folder, &jobs.store, e);
                tracing::warn!("the files of job {}: {e}", plan.id);
                waiting.extend(plan.moves.into_iter().map(|(_, to)| to));
            }
        }
    }
    waiting
}

impl Jobs {
    /// A job that had failed is done after all.
    fn end_well(&self, id: &str, details: Map<String, Json>) {
        let over = self.store.entry::<Plan>(KIND, id, None).ok();
        let job = self.entries.write().get_mut(id).map(|entry| {
            entry.job.error = None;
            entry.job.finish(Ok(details), now_micros());
            entry.job.clone()
        });
        let with: Vec<StoreEntry> = over.into_iter().collect();
        match job {
            Some(job) => self.keep_with(&job, with),
            None => {
                if let Err(e) = self.store.save_all(with) {
                    tracing::error!("cannot forget the files of job {id}: {e}");
                }
            }
        }
    }
}

/// The end of a job's plan, when it is carried out.
pub(super) fn over(store: &Store, job: &Job) -> Option<StoreEntry> {
    if job.status != Status::Done {
        return None;
    }
    store.entry::<Plan>(KIND, &job.id, None).ok()
}
