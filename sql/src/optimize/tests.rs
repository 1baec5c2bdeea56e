//! What the rules do to plans, and which conditions a filter implies.

use std::ops::Bound;

use roost_engine::block::{Field, Schema};
use roost_engine::hooks::{Condition, ValueRange};
use roost_engine::types::{Value, text};

use super::conditions;
use super::typed_constants;
use crate::bind::bind_expression;
use crate::bind::tests::catalog::Tables;
use crate::expr::Expr;
use crate::functions::BindContext;
use crate::parse::parse_expression;
use crate::plan::explain::explain;
use crate::plan::{Filter, Plan, Query};

fn plan(sql: &str) -> String {
    explain(&Tables::new(&[]).optimized(sql).expect("a plan"))
}

#[test]
fn filters_reach_the_scans_of_a_union() {
    let text = plan(
        "SELECT n FROM (SELECT id AS n FROM a UNION ALL SELECT number FROM numbers(9)) WHERE n = 2",
    );
    assert_eq!(text.matches(" where ").count(), 2, "{text}");
    assert!(!text.contains("Filter"), "{text}");
}

#[test]
fn a_filter_on_a_group_key_goes_below_the_grouping() {
    let text =
        plan("SELECT * FROM (SELECT id, count() AS c FROM a GROUP BY id) WHERE id = 1 AND c > 0");
    assert!(text.contains("Filter greater("), "{text}");
    assert!(text.contains("where equals("), "{text}");
}

#[test]
fn a_comma_join_with_an_equality_becomes_an_inner_join() {
    let text = plan("SELECT a.x FROM a, b WHERE a.id = b.id AND b.x > 5");
    assert!(text.contains("Join Inner All on [CAST("), "{text}");
    assert!(text.contains("where greater("), "{text}");
}

#[test]
fn an_outer_join_stays_when_defaults_fulfil_the_filter() {
    let stays = plan("SELECT a.id FROM a LEFT JOIN b ON a.id = b.id WHERE b.y = ''");
    assert!(stays.contains("Join Left"), "{stays}");
    let narrows = plan("SELECT a.id FROM a LEFT JOIN b ON a.id = b.id WHERE b.y != ''");
    assert!(narrows.contains("Join Inner"), "{narrows}");
}

#[test]
fn unused_columns_are_not_read() {
    let text = plan("SELECT y FROM (SELECT * FROM b)");
    let scan = text.lines().find(|l| l.contains("Scan")).unwrap_or("");
    assert!(scan.ends_with(" y]"), "{text}");
}

#[test]
fn a_whole_count_reads_nothing() {
    let text = plan("SELECT count() FROM a");
    assert!(
        text.contains("Values 1 rows") && !text.contains("Scan"),
        "{text}"
    );
}

#[test]
fn a_limit_bounds_the_sort_below() {
    let text = plan("SELECT x FROM a ORDER BY id LIMIT 3 OFFSET 2");
    assert!(text.contains("] limit 5"), "{text}");
}

#[test]
fn arms_that_cannot_be_reached_are_dropped() {
    let text = plan(
        "SELECT CASE WHEN 'm' = 'd' THEN x WHEN 'm' = 'm' THEN upper(x) ELSE lower(x) END FROM a",
    );
    assert!(text.contains("= upper(#"), "{text}");
}

#[test]
fn a_filter_that_is_never_true_reads_nothing() {
    let text = plan("SELECT x FROM a WHERE id > 0 AND 1 = 2");
    assert!(text.contains("Values 0 rows"), "{text}");
}

/// The conditions of a filter over columns of many types.
fn implied(filter: &str) -> Vec<Condition> {
    let columns = [
        ("n", "Int32"),
        ("u", "UInt8"),
        ("f", "Float64"),
        ("s", "String"),
        ("l", "LowCardinality(Nullable(String))"),
        ("d", "Date"),
        ("t", "DateTime('UTC')"),
        ("m", "DateTime64(3, 'UTC')"),
    ];
    let field = |(name, ty): &(&str, &str)| Field::new(*name, text::parse(ty).expect("a type"));
    let schema = Schema::new(columns.iter().map(field).collect());
    let tables = Tables::new(&[]);
    let parsed = parse_expression(filter).expect("an expression");
    let (predicate, ids) = bind_expression(&parsed, &schema, &tables).expect("a filter");
    let typed = typed(predicate);
    conditions(&typed, &|id| {
        let at = ids.iter().position(|own| *own == id)?;
        Some(columns[at].0.to_owned())
    })
}

fn typed(predicate: Expr) -> Expr {
    let mut query = Query {
        plan: Plan::Filter(Box::new(Filter {
            input: super::no_rows(&[]),
            predicate,
        })),
        columns: Vec::new(),
    };
    typed_constants::rule(&mut query, &BindContext::default()).expect("typed");
    match query.plan {
        Plan::Filter(filter) => filter.predicate,
        other => panic!("not a filter: {other:?}"),
    }
}

fn range(low: Bound<Value>, high: Bound<Value>) -> ValueRange {
    ValueRange { low, high }
}

fn one(column: &str, ranges: Vec<ValueRange>) -> Vec<Condition> {
    vec![Condition {
        column: column.to_owned(),
        ranges,
    }]
}

#[test]
fn comparisons_intersect() {
    let found = implied("n >= 3 AND n < 10 AND s != 'x'");
    let wanted = range(
        Bound::Included(Value::UInt(3)),
        Bound::Excluded(Value::UInt(10)),
    );
    assert_eq!(found, one("n", vec![wanted]));
}

#[test]
fn alternatives_of_one_column_unite_and_others_say_nothing() {
    assert_eq!(
        implied("n = 1 OR n = 5"),
        one(
            "n",
            vec![
                ValueRange::point(Value::UInt(1)),
                ValueRange::point(Value::UInt(5))
            ]
        )
    );
    assert_eq!(implied("n = 1 OR s = 'x'"), Vec::new());
    assert_eq!(implied("NOT (n = 1)"), Vec::new());
}

#[test]
fn a_fraction_is_no_whole_number() {
    assert_eq!(implied("n = 1.5"), one("n", vec![]));
    assert_eq!(
        implied("n > 1.5"),
        one(
            "n",
            vec![range(Bound::Excluded(Value::Int(1)), Bound::Unbounded)]
        )
    );
    assert_eq!(implied("f > nan"), Vec::new());
}

#[test]
fn lists_become_points_without_null() {
    assert_eq!(
        implied("l IN ('b', 'a', NULL)"),
        one(
            "l",
            vec![
                ValueRange::point(Value::string("a")),
                ValueRange::point(Value::string("b"))
            ]
        )
    );
    assert_eq!(implied("n = NULL"), one("n", vec![]));
}

#[test]
fn patterns_bound_texts_by_their_prefix() {
    let ab = range(
        Bound::Included(Value::string("ab")),
        Bound::Excluded(Value::string("ac")),
    );
    assert_eq!(implied("s LIKE 'ab%c'"), one("s", vec![ab.clone()]));
    assert_eq!(implied("startsWith(s, 'ab')"), one("s", vec![ab]));
    assert_eq!(implied("s LIKE '%ab'"), Vec::new());
}

#[test]
fn texts_of_times_become_times() {
    let day = Value::UInt(19_723);
    assert_eq!(
        implied("d = '2024-01-01'"),
        one("d", vec![ValueRange::point(day)])
    );
    let at = implied("m >= '2024-01-01 00:00:00'");
    let wanted = range(
        Bound::Included(Value::Int(1_704_067_200_000)),
        Bound::Unbounded,
    );
    assert_eq!(at, one("m", vec![wanted]));
}

#[test]
fn calendar_functions_bound_their_column() {
    let year = implied("toYear(t) = 2024");
    let wanted = range(
        Bound::Included(Value::Int(1_704_067_200)),
        Bound::Included(Value::Int(1_735_689_600)),
    );
    assert_eq!(year, one("t", vec![wanted]));
    let day = implied("toDate(m) >= toDate('2024-01-01')");
    let wanted = range(
        Bound::Included(Value::Int(1_704_067_200_000)),
        Bound::Unbounded,
    );
    assert_eq!(day, one("m", vec![wanted]));
}

#[test]
fn keys_that_follow_from_others_leave_the_grouping() {
    let text = plan("SELECT x, x - 1, 'c', count() FROM b GROUP BY x, x - 1, 'c'");
    let keys = text.lines().find(|l| l.contains("Aggregate")).unwrap_or("");
    assert!(
        keys.contains("keys [#") && !keys.contains("minus"),
        "{text}"
    );
    let stays = plan("SELECT x - 1, count() FROM b GROUP BY x - 1, 'c'");
    assert!(stays.contains("= minus("), "{stays}");
    let totals = plan("SELECT x, x - 1, count() FROM b GROUP BY x, x - 1 WITH TOTALS");
    let keys = totals
        .lines()
        .find(|l| l.contains("Aggregate"))
        .unwrap_or("");
    assert!(keys.contains("minus"), "{totals}");
}

#[test]
fn constants_leave_sums_when_that_saves_some() {
    let text = plan("SELECT sum(x), sum(x + 1), sum(2 + x), sum(x - 3) FROM b");
    let node = text.lines().find(|l| l.contains("Aggregate")).unwrap_or("");
    assert!(!node.contains("sum(plus"), "{text}");
    let few = plan("SELECT sum(x + 1) FROM b");
    assert!(few.contains("sum(plus("), "{few}");
}

#[test]
fn groups_that_stand_twice_are_made_once() {
    let text = plan(
        "WITH g AS (SELECT id, count() AS c, max(x) AS m FROM a GROUP BY id), h AS (SELECT c, sum(id) AS s FROM g GROUP BY c) \
         SELECT l.id, r.s FROM g AS l JOIN h AS r ON l.c = r.c UNION ALL SELECT c, s FROM h",
    );
    assert_eq!(text.matches("Scan default.a [").count(), 1, "{text}");
    assert_eq!(text.matches("Aggregate").count(), 2, "{text}");
    // Nobody reads max(x).
    assert!(!text.contains("max("), "{text}");
}

#[test]
fn what_differs_or_depends_on_chance_is_made_each_time() {
    for sql in [
        "WITH g AS (SELECT id, count() AS c FROM a GROUP BY id) SELECT (l.c, r.c) FROM (SELECT * FROM g WHERE id > 1) AS l JOIN (SELECT * FROM g WHERE id > 2) AS r ON l.id = r.id",
        "WITH g AS (SELECT id + rand() AS id, count() AS c FROM a GROUP BY id) SELECT (l.c, r.c) FROM g AS l JOIN g AS r ON l.id = r.id",
        "SELECT quantile(0.5)(id) FROM a GROUP BY x UNION ALL SELECT quantile(0.9)(id) FROM a GROUP BY x",
        "SELECT count() FROM a GROUP BY x UNION ALL SELECT count() FROM a GROUP BY id",
        "SELECT id FROM a WHERE x = '1' UNION ALL SELECT id FROM a WHERE x = '1'",
    ] {
        let text = plan(sql);
        assert!(!text.contains("shared"), "{text}");
    }
}
