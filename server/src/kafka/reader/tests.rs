//! Fetching a partition, without a broker.

use tokio::sync::mpsc;

use super::{Event, Fetched, Log, Message, Told, fetch_on};

/// What is at an offset.
#[derive(Clone, Copy, PartialEq)]
enum At {
    Message,
    Control,
    /// A message with a time that the library does not hold.
    BadTime,
    /// A message of a transaction that is open.
    Open,
}
use At::{BadTime, Control, Message as Good, Open};

struct Fake(Vec<At>);

impl Log for Fake {
    fn number(&self) -> i32 {
        3
    }

    async fn fetch(&self, offset: i64, _: i32) -> Result<Fetched, String> {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        let stable = self.stable_now().await? as usize;
        // Two offsets are a batch.
        let from = offset as usize;
        let batch = from..(from / 2 * 2 + 2).min(stable).max(from);
        if self.0[batch.clone()].contains(&BadTime) {
            return Ok(Fetched::Unreadable("Not a valid timestamp (9)".to_owned()));
        }
        let good = batch.filter(|o| self.0[*o] == Good);
        let good = good.map(|o| Message {
            offset: o as i64,
            ..Message::default()
        });
        Ok(Fetched::Messages(good.collect(), self.0.len() as i64))
    }

    async fn first_now(&self) -> Result<i64, String> {
        Ok(0)
    }

    async fn stable_now(&self) -> Result<i64, String> {
        let open = self.0.iter().position(|a| *a == Open);
        Ok(open.unwrap_or(self.0.len()) as i64)
    }
}

/// The offsets that are told, with whether they can be read, and how many events it took.
fn told(log: &[At]) -> (Vec<(i64, bool)>, usize) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (sender, mut events) = mpsc::channel::<Event>(2);
        let fetch = tokio::spawn(fetch_on(Fake(log.to_vec()), 0, 1, sender));
        let (mut out, mut count) = (Vec::new(), 0);
        let wait = std::time::Duration::from_millis(200);
        let until = tokio::time::Instant::now() + wait;
        while let Ok(Some(event)) = tokio::time::timeout_at(until, events.recv()).await {
            count += 1;
            if let Told::Messages(messages, _, _) = event.what.unwrap_or_else(|e| panic!("{e}")) {
                out.extend(messages.iter().map(|m| (m.offset, m.fault.is_none())));
            }
        }
        fetch.abort();
        (out, count)
    })
}

#[test]
fn the_ends_of_transactions_are_passed() {
    let (all, _) = told(&[
        Good, Control, Control, Control, Good, Good, Control, Control, Good,
    ]);
    assert_eq!(all, [(0, true), (4, true), (5, true), (8, true)]);
}

#[test]
fn what_an_open_transaction_holds_back_is_waited_for() {
    let (all, count) = told(&[Good, Good, Control, Open, Good]);
    assert_eq!(all, [(0, true), (1, true)]);
    assert!(count < 20, "{count} fetches in a moment");
}

#[test]
fn a_time_that_cannot_be_held_blocks_nothing() {
    let (all, _) = told(&[Good, BadTime, Good, Good, BadTime, Good]);
    let expected = [
        (0, false),
        (1, false),
        (2, true),
        (3, true),
        (4, false),
        (5, true),
    ];
    assert_eq!(all, expected);
}
