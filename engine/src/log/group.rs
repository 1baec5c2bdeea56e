//! Group commit: whoever gets the leader's seat does the work of all who wait.
//!
//! Invariant: items are handled in the order in which they were handed in, each exactly once, and
//! every caller gets the answer to its own item.

use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

/// A queue of items and the seat of the leader, with what only a leader may touch.
#[derive(Debug)]
pub struct Group<T, A, L> {
    queue: Mutex<Vec<Waiting<T, A>>>,
    leader: Mutex<L>,
}

#[derive(Debug)]
struct Waiting<T, A> {
    item: T,
    answer: Arc<Mutex<Option<A>>>,
}

impl<T, A, L> Group<T, A, L> {
    /// A group around what the leader touches.
    pub fn new(leader: L) -> Self {
        Group {
            queue: Mutex::default(),
            leader: Mutex::new(leader),
        }
    }

    /// Hands in `item` and waits for its answer. `lead` answers a batch of items, one answer each,
    /// in order. `None` when a leader died before it answered.
    pub fn run(&self, item: T, lead: impl FnOnce(&mut L, Vec<T>) -> Vec<A>) -> Option<A> {
        let answer = Arc::new(Mutex::new(None));
        self.queue.lock().push(Waiting {
            item,
            answer: Arc::clone(&answer),
        });
        let mut leader = self.leader.lock();
        if let Some(done) = answer.lock().take() {
            return Some(done);
        }
        let batch = std::mem::take(&mut *self.queue.lock());
        let (items, answers): (Vec<T>, Vec<_>) =
            batch.into_iter().map(|w| (w.item, w.answer)).unzip();
        for (found, slot) in lead(&mut leader, items).into_iter().zip(answers) {
            *slot.lock() = Some(found);
        }
        drop(leader);
        answer.lock().take()
    }

    /// The leader's seat, for work that nothing may run beside.
    pub fn lead(&self) -> MutexGuard<'_, L> {
        self.leader.lock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everyone_gets_the_own_answer() {
        let group: Group<u64, u64, Vec<u64>> = Group::new(Vec::new());
        std::thread::scope(|scope| {
            for t in 0..8u64 {
                let group = &group;
                scope.spawn(move || {
                    for i in 0..50 {
                        let item = t * 1000 + i;
                        let answer = group.run(item, |all, items| {
                            all.extend(&items);
                            items.iter().map(|i| i * 2).collect()
                        });
                        assert_eq!(answer, Some(item * 2));
                    }
                });
            }
        });
        let mut all = group.lead().clone();
        for t in 0..8u64 {
            let own: Vec<u64> = all.iter().copied().filter(|i| i / 1000 == t).collect();
            assert!(own.is_sorted(), "items of one caller stay in order");
        }
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 400);
    }
}
