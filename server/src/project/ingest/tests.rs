//! Rows that fit and rows that do not.

use serde_json::json;

use super::path::Path;

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
