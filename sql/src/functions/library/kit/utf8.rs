//! Code points in bytes that need not be UTF-8: every byte that does not continue one starts one.
//!
//! Invariant: nothing here fails or panics on any bytes, and pure ASCII takes the short way.

/// Whether the byte starts a code point.
#[inline]
pub(crate) fn starts(byte: u8) -> bool {
    byte & 0xC0 != 0x80
}

/// Number of code points.
#[inline]
pub(crate) fn count(s: &[u8]) -> usize {
    s.iter().filter(|b| starts(**b)).count()
}

/// Byte offset of code point `n` (from zero); the length when there are not so many.
pub(crate) fn offset(s: &[u8], n: usize) -> usize {
    if n == 0 {
        return 0;
    }
    if s.is_ascii() {
        return n.min(s.len());
    }
    let mut seen = 0;
    for (i, b) in s.iter().enumerate() {
        if starts(*b) {
            if seen == n {
                return i;
            }
            seen += 1;
        }
    }
    s.len()
}

/// The code points as byte runs: each start with the continuation bytes after it.
pub(crate) fn points(s: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = s;
    std::iter::from_fn(move || {
        let (_, tail) = rest.split_first()?;
        let more = tail.iter().take_while(|b| !starts(**b)).count();
        let (head, left) = rest.split_at(1 + more);
        rest = left;
        Some(head)
    })
}

/// Chars of well-formed runs; a byte that fits none stands alone as `Err`.
pub(crate) fn chars(s: &[u8]) -> impl Iterator<Item = Result<char, u8>> {
    s.utf8_chunks().flat_map(|chunk| {
        let good = chunk.valid().chars().map(Ok);
        good.chain(chunk.invalid().iter().map(|b| Err(*b)))
    })
}

/// Appends `f` of each char; bytes outside UTF-8 stay as they are.
pub(crate) fn map_chars<I: Iterator<Item = char>>(
    s: &[u8],
    out: &mut Vec<u8>,
    f: impl Fn(char) -> I,
) {
    let mut buffer = [0u8; 4];
    for c in chars(s) {
        match c {
            Ok(c) => {
                f(c).for_each(|c| out.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes()))
            }
            Err(byte) => out.push(byte),
        }
    }
}

/// Folds case one code point to one, so that positions stay: the first char of its lower case.
pub(crate) fn fold(s: &[u8], out: &mut Vec<u8>) {
    map_chars(s, out, |c| c.to_lowercase().take(1));
}
