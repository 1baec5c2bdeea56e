//! Parts that a merge or flush works on.
//!
//! Invariant: a part is in at most one claim; a claim ends when its guard goes, also on a panic.

use std::collections::HashSet;
use std::sync::Arc;

use parking_lot::Mutex;

/// The busy parts of a table, by id.
#[derive(Debug, Default, Clone)]
pub struct Claims(Arc<Mutex<HashSet<u64>>>);

impl Claims {
    /// Claims all of `ids`, or none when one of them is busy.
    pub fn try_claim(&self, ids: &[u64]) -> Option<Claim> {
        let mut busy = self.0.lock();
        if ids.iter().any(|id| busy.contains(id)) {
            return None;
        }
        busy.extend(ids);
        Some(Claim {
            claims: self.clone(),
            ids: ids.to_vec(),
        })
    }

    /// Whether part `id` is busy.
    pub fn is_busy(&self, id: u64) -> bool {
        self.0.lock().contains(&id)
    }
}

/// The right to work on some parts.
#[derive(Debug)]
pub struct Claim {
    claims: Claims,
    ids: Vec<u64>,
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut busy = self.claims.0.lock();
        self.ids.iter().for_each(|id| {
            busy.remove(id);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_claimed_once_until_the_guard_goes() {
        let claims = Claims::default();
        let first = claims.try_claim(&[1, 2]);
        assert!(first.is_some());
        assert!(claims.try_claim(&[2, 3]).is_none());
        assert!(!claims.is_busy(3), "a refused claim leaves nothing");
        drop(first);
        assert!(claims.try_claim(&[2, 3]).is_some());
    }
}
