//! Messages of errors that users meet most.

use super::catalog::Tables;

fn message(sql: &str) -> String {
    match Tables::new(&[]).bound(sql) {
        Ok(_) => "no error".into(),
        Err(e) => format!("{} {}", e.code() as u16, e.message()),
    }
}

#[test]
fn unknown_names_come_with_hints() {
    assert_eq!(
        message("SELECT numbr FROM numbers(3)"),
        "47 Unknown expression identifier `numbr`. Maybe you meant: ['number']"
    );
    assert!(message("SELECT * FROM nosuch").starts_with("60 Unknown table"));
    assert!(message("SELECT lenth('a')").contains("Maybe you meant: ['length'"));
}

#[test]
fn a_scope_that_is_too_deep_is_refused() {
    let mut sql = String::from("SELECT 1 AS x");
    for _ in 0..120 {
        sql = format!("SELECT * FROM ({sql})");
    }
    let found = message(&sql);
    assert!(
        found.starts_with("162 ") || found.starts_with("306 "),
        "{found}"
    );
}
