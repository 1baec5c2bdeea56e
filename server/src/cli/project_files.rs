//! The files of a data project's folder.
//!
//! Invariant: folders and files that start with a dot are not the project's; the order is that of names.

use std::fs;
use std::path::{Path, PathBuf};

use super::Failed;

/// A file of a project.
pub(super) struct ProjectFile {
    pub(super) path: PathBuf,
    /// Its name without the ending.
    pub(super) stem: String,
    /// `datasource`, `pipe`, `csv`, …
    pub(super) ending: String,
}

impl ProjectFile {
    /// The path as it is shown.
    pub(super) fn shown(&self) -> String {
        self.path.display().to_string()
    }

    pub(super) fn read(&self) -> Result<String, Failed> {
        let text = fs::read_to_string(&self.path);
        text.map_err(|e| format!("{}: {e}", self.shown()).into())
    }
}

/// All files under `folder`.
pub(super) fn files_of(folder: &Path) -> Result<Vec<ProjectFile>, Failed> {
    let mut out = Vec::new();
    collect(folder, &mut out)?;
    Ok(out)
}

fn collect(folder: &Path, out: &mut Vec<ProjectFile>) -> Result<(), Failed> {
    let entries = fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|e| e.ok().map(|e| e.path())).collect();
    paths.sort();
    let text = |part: Option<&std::ffi::OsStr>| part.map(|p| p.to_string_lossy().into_owned());
    for path in paths {
        let name = text(path.file_name()).unwrap_or_default();
        if name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            collect(&path, out)?;
        } else if let (Some(stem), Some(ending)) = (text(path.file_stem()), text(path.extension()))
        {
            out.push(ProjectFile { path, stem, ending });
        }
    }
    Ok(())
}
