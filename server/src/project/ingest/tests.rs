//! Rows that fit and rows that do not.

use serde_json::json;

use roost_engine::error::Code;

use super::is_of_move;
use super::path::Path;

#[test]
fn only_a_body_whose_own_table_is_another_is_tried_again() {
    assert!(is_of_move(Code::UNKNOWN_TABLE, || true));
    // It was that of a view, and will be unknown again.
    assert!(!is_of_move(Code::UNKNOWN_TABLE, || false));
    assert!(is_of_move(Code::ABORTED, || false));
    assert!(is_of_move(Code::NO_SUCH_COLUMN_IN_TABLE, || false));
    assert!(!is_of_move(Code::BAD_ARGUMENTS, || true));
}

#[test]
fn paths_lead_to_their_values() {
    let root = json!({"a": {"b": [1, 2]}, "rows": [{"x": 1}, {"y": 2}], "odd.key": 5});
    let find = |path: &str| Path::parse(path).find(&root);
    assert_eq!(find("$.a.b"), Some(json!([1, 2])));
    assert_eq!(find("$.a.b[:]"), Some(json!([1, 2])));
    assert_eq!(find("$.a.b[1]"), Some(json!(2)));
    assert_eq!(find("$.rows[:].x"), Some(json!([1, null])));
    assert_eq!(find("$.`odd.key`"), Some(json!(5)));
    assert_eq!(find("$.['odd.key']"), Some(json!(5)));
    assert_eq!(find("$"), Some(root.clone()));
    assert_eq!(find("$.a.z"), None);
}
