//! Laws over all records of this folder.
//!
//! Goal: every function is found, under one record, and does what its manual says.

use std::collections::HashMap;
use std::fmt::Write as _;

use crate::functions::registry::{scalar_function, scalar_functions};
use crate::session::{Database, QueryRequest};

#[test]
fn names_are_unique() {
    let mut seen: HashMap<String, &str> = HashMap::new();
    let mut twice = String::new();
    for function in scalar_functions() {
        for name in std::iter::once(&function.name).chain(function.aliases) {
            if let Some(other) = seen.insert((*name).to_owned(), function.name) {
                let _ = writeln!(twice, "{name} is {} and {other}", function.name);
            }
        }
    }
    assert!(twice.is_empty(), "{twice}");
}

#[test]
fn examples_answer_as_written() {
    let db = Database::in_memory().unwrap();
    let mut wrong = String::new();
    for function in super::FAMILIES.iter().copied().flatten().copied().flatten() {
        assert!(scalar_function(function.name).is_some());
        let (example, expected) = function.doc.example;
        let mut request = QueryRequest::new(format!("SELECT {example}"));
        request.default_format = Some("TabSeparated".into());
        let mut out = Vec::new();
        let got = match db.run(request, &mut out) {
            Ok(_) => String::from_utf8_lossy(&out)
                .trim_end_matches('\n')
                .to_owned(),
            Err(e) => format!("{e:?}"),
        };
        if got != expected {
            let _ = writeln!(
                wrong,
                "{example}\n    expected {expected}\n    got      {got}"
            );
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
