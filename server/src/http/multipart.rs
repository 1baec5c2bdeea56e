//! The first part of a multipart body.
//!
//! Invariant: the part's bytes are a piece of the body; nothing is copied.

use bytes::Bytes;
use memchr::memmem;

/// Whether a content type says that the body is in parts.
pub(super) fn is_multipart(content_type: &str) -> bool {
    let family = content_type.get(.."multipart/".len());
    family.is_some_and(|f| f.eq_ignore_ascii_case("multipart/"))
}

/// The content of the first part, if `content_type` says multipart and the body has one.
pub(super) fn first_part(content_type: &str, body: &Bytes) -> Option<Bytes> {
    if !is_multipart(content_type) {
        return None;
    }
    let lower = content_type.to_ascii_lowercase();
    let at = lower.find("boundary=")? + "boundary=".len();
    let boundary = content_type.get(at..)?;
    let boundary = boundary.split(';').next()?.trim().trim_matches('"');
    let opening = format!("--{boundary}");
    let start = memmem::find(body, opening.as_bytes())? + opening.len();
    let head_end = memmem::find(body.get(start..)?, b"\r\n\r\n")? + start + 4;
    let closing = format!("\r\n--{boundary}");
    let length = memmem::find(body.get(head_end..)?, closing.as_bytes())?;
    Some(body.slice(head_end..head_end + length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_part_is_found() {
        let body = Bytes::from_static(
            b"--XX\r\nContent-Disposition: form-data; name=\"csv\"\r\n\r\na,b\r\n1,2\r\n--XX--\r\n",
        );
        let part = first_part("multipart/form-data; boundary=XX", &body);
        assert_eq!(part.as_deref(), Some(&b"a,b\r\n1,2"[..]));
        assert_eq!(first_part("multipart/form-data; boundary=YY", &body), None);
        assert_eq!(first_part("text/csv", &body), None);
        assert_eq!(
            first_part(
                "multipart/form-data; boundary=XX",
                &Bytes::from_static(b"--XX")
            ),
            None
        );
    }
}
