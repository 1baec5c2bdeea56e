//! Style is a test: layer order, file sizes, headers, glob imports, dead files, links in docs.
//!
//! Goal: a newcomer can trust `docs/architecture.md`. Method: the sources are read as text.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const LINES_MAX: usize = 800;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn walk(folder: &Path, ending: &str, out: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() && name != "target" && name != ".git" && name != ".venv" {
            walk(&path, ending, out);
        } else if path.extension().is_some_and(|e| e == ending) {
            out.push(path);
        }
    }
}

fn sources(crate_name: &str) -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    walk(&root().join(crate_name).join("src"), "rs", &mut files);
    files.sort();
    files
        .into_iter()
        .map(|p| (p.clone(), fs::read_to_string(&p).unwrap_or_default()))
        .collect()
}

/// Module name → layer number, from the lines of docs/architecture.md.
fn layers(crate_name: &str) -> BTreeMap<String, usize> {
    let text = fs::read_to_string(root().join("docs/architecture.md")).unwrap_or_default();
    let start = format!("- {crate_name}: ");
    let line = text
        .lines()
        .find_map(|l| l.strip_prefix(&start))
        .unwrap_or_default();
    let mut all = BTreeMap::new();
    for (number, layer) in line.split('<').enumerate() {
        for module in layer.trim().trim_matches('`').split_whitespace() {
            all.insert(module.to_string(), number);
        }
    }
    all
}

/// The text without its `#[cfg(test)] mod` at the end.
fn without_tests(text: &str) -> &str {
    text.find("#[cfg(test)]\nmod tests {")
        .map_or(text, |at| &text[..at])
}

fn is_test_file(path: &Path) -> bool {
    path.components().any(|c| c.as_os_str() == "tests")
        || path
            .file_stem()
            .is_some_and(|s| s == "tests" || s.to_string_lossy().ends_with("_tests"))
}

#[test]
fn files_use_only_what_stands_to_their_left() {
    let mut wrong = Vec::new();
    for name in ["engine", "sql", "server"] {
        let layers = layers(name);
        assert!(
            layers.len() > 5,
            "no layer line for {name} in docs/architecture.md"
        );
        for (path, text) in sources(name) {
            let source = root().join(name).join("src");
            let inside = path.strip_prefix(&source).unwrap_or(&path);
            let own = inside
                .components()
                .next()
                .map(|c| c.as_os_str().to_string_lossy().into_owned());
            let own = own.unwrap_or_default().trim_end_matches(".rs").to_string();
            if own == "lib" || own == "main" || is_test_file(&path) {
                continue;
            }
            let Some(&level) = layers.get(&own) else {
                wrong.push(format!("{} stands in no layer", inside.display()));
                continue;
            };
            for used in modules_used(without_tests(&text)) {
                if layers.get(&used).is_some_and(|&l| l > level) {
                    wrong.push(format!("{name}/{} uses {used}", inside.display()));
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "steps to the right:\n{}",
        wrong.join("\n")
    );
}

/// First path elements behind `crate::`, comments left out.
fn modules_used(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    for line in text.lines() {
        let code = line.split("//").next().unwrap_or("");
        for (at, _) in code.match_indices("crate::") {
            let rest = &code[at + 7..];
            if let Some(list) = rest.strip_prefix('{') {
                let names = list
                    .split([',', '}'])
                    .map(|n| n.trim().split("::").next().unwrap_or(""));
                all.extend(names.map(str::to_string));
            } else {
                let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_'));
                all.push(rest[..end.unwrap_or(rest.len())].to_string());
            }
        }
    }
    all
}

#[test]
fn files_are_small_and_say_what_they_own() {
    let mut wrong = Vec::new();
    for name in ["engine", "sql", "server", "benches"] {
        for (path, text) in sources(name) {
            let lines = without_tests(&text).lines().count();
            if lines > LINES_MAX && !is_test_file(&path) {
                wrong.push(format!(
                    "{}: {lines} lines, at most {LINES_MAX}",
                    path.display()
                ));
            }
            if !text.starts_with("//!") {
                wrong.push(format!("{}: does not start with //!", path.display()));
            }
            let globs = without_tests(&text)
                .lines()
                .filter(|l| l.trim_start().starts_with("use super::*"));
            if globs.count() > 0 && !is_test_file(&path) {
                wrong.push(format!("{}: use super::* outside tests", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_is_a_module() {
    let mut wrong = Vec::new();
    for name in ["engine", "sql", "server"] {
        let files = sources(name);
        for (path, _) in &files {
            let stem = path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let folder = path.parent().unwrap_or(path);
            let (module, parents) = match stem.as_str() {
                "lib" | "main" => continue,
                "mod" => {
                    let module = folder
                        .file_name()
                        .unwrap_or_default()
                        .to_string_lossy()
                        .into_owned();
                    (module, parents_of(folder.parent().unwrap_or(folder)))
                }
                other => (other.to_string(), parents_of(folder)),
            };
            let declared = parents.iter().any(|p| {
                let text = fs::read_to_string(p).unwrap_or_default();
                let by_hand = text
                    .lines()
                    .any(|l| l.trim().ends_with(&format!("mod {module};")));
                // A folder of like files may declare them by a macro over their names.
                let by_macro = text.contains("mod $file;")
                    && text
                        .split(|c: char| !(c.is_alphanumeric() || c == '_'))
                        .any(|w| w == module);
                by_hand || by_macro
            });
            if !declared {
                wrong.push(format!("{} is declared by no parent", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "dead files:\n{}", wrong.join("\n"));
}

/// Files that may declare the modules of a folder.
fn parents_of(folder: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = ["mod.rs", "lib.rs", "main.rs"]
        .iter()
        .map(|n| folder.join(n))
        .collect();
    all.push(folder.with_extension("rs"));
    all
}

#[test]
fn links_between_documents_exist() {
    let mut files = vec![root().join("README.md"), root().join("CHANGELOG.md")];
    walk(&root().join("docs"), "md", &mut files);
    let mut wrong = Vec::new();
    for path in files {
        let text = fs::read_to_string(&path).unwrap_or_default();
        for (at, _) in text.match_indices("](") {
            let line = text[..at].rsplit('\n').next().unwrap_or("");
            if line.matches('`').count() % 2 == 1 {
                continue; // code
            }
            let target = text[at + 2..].split(')').next().unwrap_or("");
            let target = target.split('#').next().unwrap_or("");
            if target.is_empty() || target.contains("://") || target.contains(' ') {
                continue;
            }
            let full = path.parent().unwrap_or(&path).join(target);
            if !full.exists() {
                wrong.push(format!("{} links to {target}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
