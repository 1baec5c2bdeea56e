//! The one way into the log.
//!
//! A request is checked against the log's state, written and synced together with the others that
//! wait, and then shown, in order.
//!
//! Invariant: what was shown is durable; what was refused left no trace; after a failed write or
//! fsync nothing is written any more.

use std::sync::Arc;

use super::Inner;
use crate::err;
use crate::error::{Code, Error, Result};
use crate::log::record::put_edit;
use crate::log::state::token_of;
use crate::log::{Edit, Record, Segment, State};
use crate::part::Part;

/// A frame takes no more records once it has so many bytes.
const FRAME_BYTES_FULL: usize = 16 << 20;

/// What became of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// The commit's number; of a duplicate, that of the commit that used the token.
    pub id: u64,
    /// Whether nothing was done because the token had been used.
    pub duplicate: bool,
}

/// What readers see of a commit: gets the commit's number, returns the parts that went.
pub(super) type Show = Box<dyn FnOnce(&Inner, u64) -> Vec<Arc<Part>> + Send>;

/// A commit that waits for its turn.
#[derive(Default)]
pub(super) struct Request {
    edits: Vec<Edit>,
    encoded: Vec<u8>,
    /// The branch of the token, and the token.
    token: Option<(u64, String)>,
    /// Tables whose columns must not have changed since that commit.
    versions: Vec<(u64, u64)>,
    /// Branches, keys of theirs, and what has to be under them.
    values: Vec<(u64, String, Option<Vec<u8>>)>,
    shows: Vec<Show>,
}

impl Request {
    /// Adds an edit of the log.
    pub(super) fn edit(&mut self, edit: Edit) {
        put_edit(&mut self.encoded, &edit);
        let light = match edit {
            // The rows are in `encoded`; the state does not need them.
            Edit::AddRows {
                table, info, ids, ..
            } => Edit::AddRows {
                table,
                info,
                ids,
                rows: Vec::new(),
            },
            other => other,
        };
        self.edits.push(light);
    }

    /// Adds what readers will see.
    pub(super) fn show(
        &mut self,
        show: impl FnOnce(&Inner, u64) -> Vec<Arc<Part>> + Send + 'static,
    ) {
        self.shows.push(Box::new(show));
    }

    /// Makes the commit a duplicate when `token` was used in that branch.
    pub(super) fn token(&mut self, branch: u64, token: String) {
        self.edit(Edit::Token {
            token: token_of(branch, &token),
            commit: 0,
        });
        self.token = Some((branch, token));
    }

    /// The databases, new tables and keys that are added from here on are those of a branch.
    pub(super) fn within(&mut self, branch: u64) {
        if branch != 0 {
            self.edit(Edit::Within { branch });
        }
    }

    /// Refuses the commit when the columns of `table` changed after `version`.
    pub(super) fn expect(&mut self, table: u64, version: u64) {
        self.versions.push((table, version));
    }

    /// Refuses the commit when a key of `branch` has another value by then.
    pub(super) fn expect_values(&mut self, branch: u64, values: Vec<(String, Option<Vec<u8>>)>) {
        let values = values.into_iter().map(|(key, value)| (branch, key, value));
        self.values.extend(values);
    }

    /// Whether it would change nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.edits.is_empty() && self.shows.is_empty()
    }
}

/// What only the leader touches.
#[derive(Debug)]
pub(super) struct Leader {
    pub(super) state: State,
    pub(super) segment: Segment,
    /// Bytes of the segment's checkpoint.
    pub(super) checkpoint_bytes: u64,
    /// When the last frame was written that nothing behind it proves synced.
    pub(super) unsealed: Option<i64>,
}

/// How long the log is quiet before it is sealed.
const SEAL_MICROS: i64 = 500_000;

/// Ends all writing when a leader panics: what it left is not known.
struct Poison<'a>(&'a Inner);

impl Drop for Poison<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let died = err!(
                TABLE_IS_READ_ONLY,
                "a commit panicked: the store takes no more writes"
            );
            self.0.fail(died);
        }
    }
}

impl Inner {
    /// Commits `request`; it is durable and visible when this returns.
    pub(super) fn commit(&self, request: Request) -> Result<Committed> {
        self.check_writable()?;
        let answer = self
            .commits
            .run(request, |leader, batch| self.lead(leader, batch));
        answer.unwrap_or_else(|| {
            let died = err!(
                TABLE_IS_READ_ONLY,
                "a commit died: the store takes no more writes"
            );
            Err(self.fail(died))
        })
    }

    /// Commits a batch; only for who has the leader's seat.
    pub(super) fn lead(&self, leader: &mut Leader, batch: Vec<Request>) -> Vec<Result<Committed>> {
        let _poison = Poison(self);
        let mut answers = Vec::with_capacity(batch.len());
        let mut group = Vec::new();
        let mut bytes = 0;
        for request in batch {
            let place = answers.len();
            if !request.values.is_empty() && !group.is_empty() {
                // Values are compared with what is shown: those before come first.
                self.finish(leader, std::mem::take(&mut group), &mut answers);
                bytes = 0;
            }
            match self.accept(leader, &request) {
                Ok(done) if done.duplicate => answers.push(Ok(done)),
                Ok(done) => {
                    answers.push(Ok(done));
                    bytes += request.encoded.len();
                    group.push((place, done.id, request));
                    if bytes >= FRAME_BYTES_FULL {
                        self.finish(leader, std::mem::take(&mut group), &mut answers);
                        bytes = 0;
                    }
                }
                Err(refused) => answers.push(Err(refused)),
            }
        }
        self.finish(leader, group, &mut answers);
        answers
    }

    /// Checks a request and adds it to the state.
    fn accept(&self, leader: &mut Leader, request: &Request) -> Result<Committed> {
        self.check_writable()?;
        let state = &mut leader.state;
        let used = |(branch, token): &(u64, String)| state.token_used(*branch, token);
        if let Some(id) = request.token.as_ref().and_then(used) {
            return Ok(Committed {
                id,
                duplicate: true,
            });
        }
        for (table, version) in &request.versions {
            match state.tables.get(table) {
                Some(t) if t.version == *version => {}
                Some(_) => {
                    return Err(err!(
                        ABORTED,
                        "the columns of the table changed while rows were prepared for it; try again"
                    ));
                }
                None => return Err(err!(UNKNOWN_TABLE, "the table was dropped")),
            }
        }
        self.check_values(&request.values)?;
        let id = state.commit + 1;
        state.apply(id, &request.edits)?;
        Ok(Committed {
            id,
            duplicate: false,
        })
    }

    fn check_values(&self, expected: &[(u64, String, Option<Vec<u8>>)]) -> Result<()> {
        let all = self.values.read();
        for (branch, key, value) in expected {
            let found = all.get(branch).and_then(|values| values.get(key));
            if found.map(|v| v.as_slice()) != value.as_deref() {
                return Err(err!(
                    ABORTED,
                    "{key} has another value than when the transaction began; look again"
                ));
            }
        }
        Ok(())
    }

    /// Writes, syncs and shows accepted requests.
    fn finish(
        &self,
        leader: &mut Leader,
        group: Vec<(usize, u64, Request)>,
        answers: &mut [Result<Committed>],
    ) {
        let durable = group.iter().filter(|(_, _, r)| !r.edits.is_empty());
        let records: Vec<Vec<u8>> = durable
            .map(|(_, id, r)| Record::encode_raw(*id, r.edits.len(), &r.encoded))
            .collect();
        if !records.is_empty() {
            if let Err(error) = leader.segment.append(&records) {
                let failed = self.fail(read_only(&error));
                for (place, _, request) in group {
                    answers[place] = Err(failed.clone());
                    // Whether the record is on disk is not known: the files that it names must
                    // stay, and what goes here would remove them.
                    std::mem::forget(request.shows);
                }
                return;
            }
            leader.unsealed = Some(self.now());
        }
        let mut gone = Vec::new();
        {
            let _shown = self.shown.write();
            for (_, id, request) in group {
                for show in request.shows {
                    gone.extend(show(self, id));
                }
            }
        }
        self.retire(gone);
    }

    /// Proves the last commits synced, when nothing has yet.
    pub(super) fn seal(&self) -> Result<bool> {
        let mut leader = self.commits.lead();
        let quiet = |since: i64| self.now().saturating_sub(since) >= SEAL_MICROS;
        if !leader.unsealed.is_some_and(quiet) || self.check_writable().is_err() {
            return Ok(false);
        }
        leader
            .segment
            .append(&[])
            .map_err(|e| self.fail(read_only(&e)))?;
        leader.unsealed = None;
        Ok(true)
    }
}

/// What a failed write of the log means.
pub(super) fn read_only(error: &Error) -> Error {
    Error::new(
        Code::TABLE_IS_READ_ONLY,
        format!(
            "the store takes no more writes until it is opened again: the log could not be written \
             ({error})"
        ),
    )
}
