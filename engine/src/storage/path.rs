//! Which paths a store accepts, the same for every store.
//!
//! Invariant: a checked path, joined to the root, stays inside the root.

use crate::error::{Code, Error, Result};

/// Checks a file's path: relative, `/` between plain elements, none empty, `.` or `..`.
pub(super) fn check_file(path: &str) -> Result<()> {
    let plain = |e: &str| !e.is_empty() && e != "." && e != "..";
    let odd = |c: char| c == '\\' || c == '\0';
    if path.split('/').all(plain) && !path.contains(odd) {
        return Ok(());
    }
    Err(Error::new(
        Code::INCORRECT_FILE_NAME,
        format!("path '{path}' must be plain names with '/' between them, inside the store"),
    ))
}

/// Checks a folder's path; the empty one is the root.
pub(super) fn check_folder(path: &str) -> Result<()> {
    if path.is_empty() {
        Ok(())
    } else {
        check_file(path)
    }
}

/// Folder and name of a checked path.
pub(super) fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// Checks a rename: two files of one folder.
pub(super) fn check_rename(from: &str, to: &str) -> Result<()> {
    check_file(from)?;
    check_file(to)?;
    if split(from).0 == split(to).0 {
        return Ok(());
    }
    Err(Error::bug(format!(
        "rename from '{from}' to '{to}' leaves its folder"
    )))
}

/// The folder itself and every folder above it, outermost first, without the root.
pub(super) fn folders_to(folder: &str) -> impl Iterator<Item = &str> {
    let cuts = folder.match_indices('/').map(|(at, _)| at);
    cuts.chain((!folder.is_empty()).then_some(folder.len()))
        .map(|end| &folder[..end])
}

/// The error of a file that is not there.
pub(super) fn missing(path: &str) -> Error {
    Error::new(Code::CANNOT_OPEN_FILE, format!("there is no file '{path}'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_inside() {
        for good in ["a", "a/b", "a.b/c-1", "..a/b.."] {
            assert!(check_file(good).is_ok(), "{good}");
        }
        for bad in ["", "/a", "a/", "a//b", "..", "a/../b", "./a", "a\\b", "a\0"] {
            assert!(check_file(bad).is_err(), "{bad}");
        }
        assert_eq!(
            folders_to("a/b/c").collect::<Vec<_>>(),
            ["a", "a/b", "a/b/c"]
        );
        assert_eq!(folders_to("").count(), 0);
    }
}
