//! Jobs that wait for a worker, and those that run.
//!
//! Invariant: of the jobs with one key at most one runs; jobs start in the order in which they came,
//! but for those whose key is busy.

use std::collections::{HashSet, VecDeque};

/// A job's work.
pub(super) type Task = Box<dyn FnOnce() + Send>;

/// A job that waits.
struct Waiting {
    id: String,
    key: Option<String>,
    task: Task,
}

/// What waits and what runs.
#[derive(Default)]
pub(super) struct Queue {
    waiting: VecDeque<Waiting>,
    busy: HashSet<String>,
    workers: usize,
}

/// A job that is to run now.
pub(super) struct Next {
    pub(super) key: Option<String>,
    pub(super) task: Task,
}

impl Queue {
    /// Adds a job; whether a new worker should come for it.
    pub(super) fn add(
        &mut self,
        id: &str,
        key: Option<String>,
        task: Task,
        workers_max: usize,
    ) -> bool {
        self.waiting.push_back(Waiting {
            id: id.to_owned(),
            key,
            task,
        });
        let room = self.workers < workers_max;
        self.workers += usize::from(room);
        room
    }

    /// The next job that may run, for a worker; without one the worker has to go.
    pub(super) fn next(&mut self) -> Option<Next> {
        let free = |w: &Waiting| w.key.as_ref().is_none_or(|k| !self.busy.contains(k));
        let found = self.waiting.iter().position(free);
        let Some(next) = found.and_then(|at| self.waiting.remove(at)) else {
            self.workers = self.workers.saturating_sub(1);
            return None;
        };
        self.busy.extend(next.key.clone());
        Some(Next {
            key: next.key,
            task: next.task,
        })
    }

    /// A job with that key ended.
    pub(super) fn end(&mut self, key: Option<&String>) {
        if let Some(key) = key {
            self.busy.remove(key);
        }
    }

    /// Takes a job out again; whether it waited still.
    pub(super) fn withdraw(&mut self, id: &str) -> bool {
        let before = self.waiting.len();
        self.waiting.retain(|w| w.id != id);
        before != self.waiting.len()
    }

    /// Whether a job with that key waits or runs.
    pub(super) fn has(&self, key: &str) -> bool {
        self.busy.contains(key) || self.waiting.iter().any(|w| w.key.as_deref() == Some(key))
    }

    /// Nothing that waits will run; their ids. A worker that could not come is counted out.
    pub(super) fn clear(&mut self) -> Vec<String> {
        self.waiting.drain(..).map(|w| w.id).collect()
    }

    /// A worker did not come.
    pub(super) fn worker_failed(&mut self) {
        self.workers = self.workers.saturating_sub(1);
    }

    /// Workers at work.
    pub(super) fn workers(&self) -> usize {
        self.workers
    }
}

#[cfg(test)]
mod tests {
    use super::Queue;

    fn add(queue: &mut Queue, id: &str, key: Option<&str>) -> bool {
        queue.add(id, key.map(str::to_owned), Box::new(|| ()), 2)
    }

    #[test]
    fn a_busy_key_is_passed_over_and_its_turn_comes() {
        let mut queue = Queue::default();
        assert!(add(&mut queue, "1", Some("a")));
        assert!(add(&mut queue, "2", Some("a")));
        assert!(!add(&mut queue, "3", None), "two workers are all");
        let first = queue.next().and_then(|n| n.key);
        assert_eq!(first.as_deref(), Some("a"));
        assert!(queue.has("a"));
        assert!(
            queue.next().is_some_and(|n| n.key.is_none()),
            "3 runs beside 1"
        );
        assert!(queue.next().is_none(), "2 waits for 1");
        queue.end(first.as_ref());
        assert!(queue.next().is_some_and(|n| n.key.is_some()));
        assert!(!queue.withdraw("2"), "it runs");
    }

    #[test]
    fn what_waits_can_be_taken_out() {
        let mut queue = Queue::default();
        add(&mut queue, "1", Some("a"));
        add(&mut queue, "2", None);
        assert!(queue.withdraw("1") && !queue.withdraw("1"));
        assert_eq!(queue.clear(), ["2"]);
        assert!(queue.next().is_none());
    }
}
