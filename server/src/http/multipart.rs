//! The parts of a multipart body.
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

/// A part of a multipart body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// The field's name.
    pub(super) name: String,
    /// The file's name, if it has one.
    pub(super) filename: String,
    /// What it holds.
    pub(super) content: Bytes,
}

/// All parts, if `content_type` says multipart and the body is whole.
pub(super) fn parts(content_type: &str, body: &Bytes) -> Option<Vec<Part>> {
    let at = content_type.to_ascii_lowercase().find("boundary=")? + "boundary=".len();
    let boundary = content_type.get(at..)?;
    let boundary = boundary.split(';').next()?.trim().trim_matches('"');
    let mut out = Vec::new();
    let opening = format!("--{boundary}");
    let closing = format!("\r\n--{boundary}");
    let mut at = memmem::find(body, opening.as_bytes())? + opening.len();
    while !body.get(at..)?.starts_with(b"--") {
        let head_end = memmem::find(body.get(at..)?, b"\r\n\r\n")? + at + 4;
        let head = String::from_utf8_lossy(body.get(at..head_end)?).into_owned();
        let length = memmem::find(body.get(head_end..)?, closing.as_bytes())?;
        out.push(Part {
            name: parameter(&head, "name"),
            filename: parameter(&head, "filename"),
            content: body.slice(head_end..head_end + length),
        });
        at = head_end + length + closing.len();
    }
    Some(out)
}

/// `key="value"` of a part's head.
fn parameter(head: &str, key: &str) -> String {
    let lead = format!("{key}=\"");
    let mut found = head.match_indices(&lead).filter(|(at, _)| {
        // `name` stands in `filename` as well.
        let before = head[..*at].chars().next_back();
        before.is_none_or(|c| !c.is_ascii_alphanumeric())
    });
    let value = found.next().and_then(|(at, _)| head.get(at + lead.len()..));
    let value = value.and_then(|v| v.split('"').next());
    value.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_parts_are_found() {
        let body = Bytes::from_static(
            b"--XX\r\nContent-Disposition: form-data; name=\"a://\"; filename=\"d/x.pipe\"\r\n\r\n1\r\n2\r\n--XX\r\n\
              Content-Disposition: form-data; filename=\"y\"; name=\"b\"\r\n\r\n\r\n--XX--\r\n",
        );
        let found = parts("multipart/form-data; boundary=XX", &body).unwrap();
        let found: Vec<(&str, &str, &[u8])> = found
            .iter()
            .map(|p| (&*p.name, &*p.filename, &*p.content))
            .collect();
        assert_eq!(
            found,
            [("a://", "d/x.pipe", &b"1\r\n2"[..]), ("b", "y", &b""[..])]
        );
        assert_eq!(
            parts("multipart/form-data; boundary=XX", &body.slice(..80)),
            None
        );
        assert_eq!(parts("text/plain", &body), None);
    }

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
