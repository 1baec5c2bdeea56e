//! Every example in a function's documentation.
//!
//! Goal: the reference manual never lies. Method: each record's example is a query; its answer in
//! TabSeparated must be the answer that the record shows. Names must be unique as well.

use std::fmt::Write as _;

use roost::Database;
use roost::functions::registry::scalar_functions;
use roost::session::QueryRequest;

#[test]
fn documented_examples_answer_what_they_show() {
    let db = Database::in_memory().unwrap();
    let mut wrong = String::new();
    let mut count = 0;
    for function in scalar_functions() {
        let (expression, expected) = function.doc.example;
        count += 1;
        let mut request = QueryRequest::new(format!("SELECT {expression}"));
        request.default_format = Some("TabSeparated".into());
        let mut out = Vec::new();
        let got = match db.run(request, &mut out) {
            Ok(_) => String::from_utf8_lossy(&out)
                .trim_end_matches('\n')
                .to_string(),
            Err(error) => format!("{error:?}"),
        };
        if got != expected {
            let name = function.name;
            let _ = writeln!(
                wrong,
                "{name}: {expression}\n    expected {expected}\n    got      {got}"
            );
        }
    }
    assert!(count > 100, "only {count} functions are registered");
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn names_are_unique() {
    let mut seen = std::collections::HashMap::new();
    let mut twice = Vec::new();
    for function in scalar_functions() {
        for name in std::iter::once(&function.name).chain(function.aliases) {
            if let Some(other) = seen.insert(*name, function.name) {
                twice.push(format!("{name}: {other} and {}", function.name));
            }
        }
    }
    assert!(twice.is_empty(), "{twice:?}");
}
