//! Requests a second of tokens that have a limit.
//!
//! Invariant: in no second of the clock more requests of a token are let through than its limit.

use std::collections::HashMap;

use parking_lot::Mutex;

use super::reply::{Failure, Handled};

/// Tokens whose counts are kept at most; those of past seconds go first.
const TOKENS_MAX: usize = 10_000;
const SECOND: i64 = 1_000_000;

/// What a token used of a second.
struct Used {
    second: i64,
    requests: u32,
    /// The last request: asking for its rights twice is one request.
    last: String,
}

/// The counts of the current second.
#[derive(Default)]
pub(super) struct Rates(Mutex<HashMap<String, Used>>);

impl Rates {
    /// Counts a request.
    ///
    /// # Errors
    /// 429 with the rate headers when the limit of the second is reached.
    pub(super) fn take(&self, token: &str, request: &str, rps: u32, now: i64) -> Handled<()> {
        let second = now.div_euclid(SECOND);
        let mut all = self.0.lock();
        if all.len() >= TOKENS_MAX {
            all.retain(|_, used| used.second == second);
        }
        let used = all.entry(token.to_owned()).or_insert_with(|| Used {
            second,
            requests: 0,
            last: String::new(),
        });
        if used.last == request {
            return Ok(());
        }
        if used.second != second {
            (used.second, used.requests) = (second, 0);
        }
        if used.requests >= rps {
            let mut failure = Failure::new(
                429,
                format!("Too many requests: the token's limit is {rps} a second"),
            );
            failure.headers = vec![
                ("X-RateLimit-Limit", rps.to_string()),
                ("X-RateLimit-Remaining", "0".to_owned()),
                ("X-RateLimit-Reset", "1".to_owned()),
                ("Retry-After", "1".to_owned()),
            ];
            return Err(failure);
        }
        used.requests += 1;
        used.last = request.to_owned();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Rates, SECOND};

    #[test]
    fn a_second_takes_so_many_and_the_next_as_many_again() {
        let rates = Rates::default();
        let take = |request: &str, now: i64| rates.take("t", request, 2, now).is_ok();
        assert!(take("1", 0) && take("1", 0) && take("2", 5));
        assert!(!take("3", SECOND - 1));
        assert!(take("3", SECOND) && take("4", SECOND) && !take("5", SECOND));
        assert!(rates.take("other", "6", 1, SECOND).is_ok());
        let refused = rates.take("other", "7", 1, SECOND).err();
        let refused = refused.map(|f| (f.status, f.headers.len()));
        assert_eq!(refused, Some((429, 4)));
    }
}
