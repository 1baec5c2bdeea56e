//! Random names and secrets.
//!
//! Invariant: secrets have 256 bits from the operating system.

use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::Read;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// 32 random bytes. Where the operating system's source cannot be opened, the standard library's
/// per-process random keys are stretched instead.
fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    let read = File::open("/dev/urandom").and_then(|mut f| f.read_exact(&mut bytes));
    if read.is_err() {
        let mut hash = Sha256::new();
        for salt in 0..8u64 {
            hash.update(RandomState::new().hash_one(salt).to_le_bytes());
        }
        bytes = hash.finalize().into();
    }
    bytes
}

/// An id like `t_` and 28 hexadecimal digits.
pub fn new_id() -> String {
    let hex: String = random()[..14].iter().map(|b| format!("{b:02x}")).collect();
    format!("t_{hex}")
}

/// An id in the form of a UUID.
pub fn new_uuid() -> String {
    let hex: String = random()[..16].iter().map(|b| format!("{b:02x}")).collect();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    [
        part(0, 8),
        part(8, 12),
        part(12, 16),
        part(16, 20),
        part(20, 32),
    ]
    .join("-")
}

/// The id of a request, in the form of a UUID. It is no secret: nothing is asked of the operating
/// system for it but two keys once, under which requests are counted.
pub fn request_id() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    static KEYS: LazyLock<[RandomState; 2]> = LazyLock::new(Default::default);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let [a, b] = KEYS.each_ref().map(|key| key.hash_one(number));
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        a >> 32,
        a >> 16 & 0xffff,
        a & 0xffff,
        b >> 48,
        b & 0xffff_ffff_ffff
    )
}

/// A token's text.
pub fn new_secret() -> String {
    format!("p.{}", URL_SAFE_NO_PAD.encode(random()))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{new_uuid, request_id};

    #[test]
    fn ids_differ_and_have_the_form_of_a_uuid() {
        let ids: HashSet<String> = (0..1000).map(|_| request_id()).collect();
        assert_eq!(ids.len(), 1000);
        for id in ids.into_iter().chain([new_uuid()]) {
            let parts: Vec<usize> = id.split('-').map(str::len).collect();
            assert_eq!(parts, [8, 4, 4, 4, 12], "{id}");
            assert!(id.chars().all(|c| c == '-' || c.is_ascii_hexdigit()));
        }
    }
}
