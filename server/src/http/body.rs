//! The body of a request, read whole.
//!
//! Invariant: no more than the limit is ever held, and who sends more hears so.

use axum::body::{Body, HttpBody};
use bytes::{Bytes, BytesMut};
use tokio_stream::StreamExt;

use super::reply::{Failure, Handled};

/// Bytes past the limit that are read and thrown away. A connection that is closed while bytes wait in
/// it is reset, and the caller may then lose the answer with it.
const THROWN_AWAY_MAX: usize = 64 << 20;

/// Reads `body`, when it is at most `limit` bytes long. Who `asks_first` (`Expect: 100-continue`) is
/// refused before a byte of a longer body is sent.
pub(super) async fn read(body: Body, limit: usize, asks_first: bool) -> Handled<Bytes> {
    let too_long = || Failure::new(413, format!("the body is longer than {limit} bytes"));
    if asks_first && body.size_hint().lower() > limit as u64 {
        return Err(too_long());
    }
    let announced = body.size_hint().lower().min(limit as u64) as usize;
    let (mut first, mut all, mut length) = (Bytes::new(), BytesMut::new(), 0);
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|e| Failure::bad(format!("the body broke off: {e}")))?;
        let before = length;
        length += piece.len();
        if length > limit {
            (first, all) = (Bytes::new(), BytesMut::new());
            if length > limit + THROWN_AWAY_MAX {
                break;
            }
        } else if before == 0 {
            first = piece;
        } else {
            // A single piece is not copied; of many, each may keep more alive than it shows.
            if all.is_empty() {
                all.reserve(announced);
                all.extend_from_slice(&std::mem::take(&mut first));
            }
            all.extend_from_slice(&piece);
        }
    }
    match length <= limit {
        true if all.is_empty() => Ok(first),
        true => Ok(all.freeze()),
        false => Err(too_long()),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use bytes::Bytes;
    use tokio_stream::iter;

    use super::read;

    fn pieces(of: &[&'static str]) -> Body {
        let all: Vec<Result<Bytes, std::io::Error>> = of.iter().map(|p| Ok((*p).into())).collect();
        Body::from_stream(iter(all))
    }

    #[tokio::test]
    async fn bodies_up_to_the_limit_are_read_and_longer_ones_refused() {
        for of in [&[][..], &["abcde"], &["ab", "", "cd", "e"]] {
            let read = read(pieces(of), 5, false).await;
            assert_eq!(read.ok(), Some(Bytes::from(of.concat())));
        }
        for of in [&["abcdef"][..], &["abcde", "f", "g"]] {
            let status = read(pieces(of), 5, false).await.err().map(|f| f.status);
            assert_eq!(status, Some(413));
        }
        // Its length is known, and nothing of it is read.
        let status = read(Body::from("abcdef"), 5, true).await.err();
        assert_eq!(status.map(|f| f.status), Some(413));
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_refused() {
        let broken = vec![Ok(Bytes::from("ab")), Err(std::io::Error::other("gone"))];
        let status = read(Body::from_stream(iter(broken)), 5, false).await.err();
        assert_eq!(status.map(|f| f.status), Some(400));
    }
}
