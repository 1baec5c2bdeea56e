//! Trees of tricky texts. Names of columns are ClickHouse 26.9's own answers.

use super::ast::{InsertSource, QueryBody, SetOp, Statement, TableSource};
use super::{parse_columns, parse_expression, parse_query, parse_statement, parse_statements};

const NAMES: &[(&str, &str)] = &[
    ("number::Int8", "CAST(number, 'Int8')"),
    (
        "number between 1 and 2",
        "and(greaterOrEquals(number, 1), lessOrEquals(number, 2))",
    ),
    (
        "number not between 1 and 2",
        "or(less(number, 1), greater(number, 2))",
    ),
    ("number in (1,2)", "in(number, (1, 2))"),
    ("number not in (1)", "notIn(number, 1)"),
    ("number is null", "isNull(number)"),
    ("not number", "not(number)"),
    ("not and(number, 1)", "not(and(number, 1))"),
    (
        "case when number=1 then 2 else 3 end",
        "multiIf(equals(number, 1), 2, 3)",
    ),
    (
        "case number when 1 then 2 end",
        "caseWithExpression(number, 1, 2, NULL)",
    ),
    ("number=1 ? 1 : 2", "if(equals(number, 1), 1, 2)"),
    ("number || 'a' || 'b'", "concat(number, 'a', 'b')"),
    ("a || b % c", "concat(a, modulo(b, c))"),
    ("number div 2", "intDiv(number, 2)"),
    ("interval 1 day", "toIntervalDay(1)"),
    (
        "now() - interval 5 minute",
        "minus(now(), toIntervalMinute(5))",
    ),
    (
        "x + interval duration_seconds seconds",
        "plus(x, toIntervalSecond(duration_seconds))",
    ),
    ("INTERVAL '2 hours'", "toIntervalHour(2)"),
    ("number and 1 and 2", "and(number, 1, 2)"),
    ("(number and 1) and 2", "and(and(number, 1), 2)"),
    ("[1,2][1]", "arrayElement([1, 2], 1)"),
    ("(1,2).1", "tupleElement((1, 2), 1)"),
    ("x .1", "tupleElement(x, 1)"),
    ("f(x).1.2", "tupleElement(tupleElement(f(x), 1), 2)"),
    (
        "count() over (partition by a order by b)",
        "count() OVER (PARTITION BY a ORDER BY b ASC)",
    ),
    (
        "arrayMap((x,y) -> x, [1],[2])",
        "arrayMap(lambda(tuple(x, y), x), [1], [2])",
    ),
    (
        "arrayMap(x -> x + 1, a)",
        "arrayMap(lambda(tuple(x), plus(x, 1)), a)",
    ),
    ("COUNT(*)", "COUNT()"),
    ("sum(distinct number)", "sumDistinct(number)"),
    ("quantile(0.9)(number)", "quantile(0.9)(number)"),
    ("sum(a) filter (where b>1)", "sumIf(a, greater(b, 1))"),
    ("date '2020-01-01'", "toDate('2020-01-01')"),
    ("extract(year from d)", "toYear(d)"),
    ("extract('a', 'b')", "extract('a', 'b')"),
    ("substring('abc' from 1 for 2)", "substring('abc', 1, 2)"),
    ("trim(both 'a' from 'aba')", "trimBoth('aba', 'a')"),
    ("position('a' in s)", "position(s, 'a')"),
    ("1::Int8", "CAST('1', 'Int8')"),
    ("-1::Int8", "CAST('-1', 'Int8')"),
    ("1.50::Decimal(9,2)", "CAST('1.50', 'Decimal(9, 2)')"),
    ("1e10", "10000000000."),
    ("12345678901234567890123", "1.2345678901234568e22"),
    ("-9223372036854775808", "-9223372036854775808"),
    ("()", "()"),
    ("date_add(DAY, 1, d)", "plus(d, toIntervalDay(1))"),
    ("DATEDIFF(day, a, b)", "dateDiff('day', a, b)"),
    ("x'41'", "'A'"),
    ("0xFF", "255"),
    ("0b101", "5"),
    ("'a\\.b'", "'a\\\\.b'"),
    ("[(1,'a'),]", "[(1, 'a')]"),
    (
        "a = 1 and b = 2 or c",
        "or(and(equals(a, 1), equals(b, 2)), c)",
    ),
    ("a -> b AS f", "lambda(tuple(a), b)"),
    ("isNull (x)", "isNull(x)"),
    ("{p:Array(String)}", "{p:Array(String)}"),
    ("a is not distinct from b", "isNotDistinctFrom(a, b)"),
    ("- x * 2", "multiply(negate(x), 2)"),
    ("if(a, b, c).x", "tupleElement(if(a, b, c), 'x')"),
    ("m['k']", "arrayElement(m, 'k')"),
    ("1_000", "1000"),
    ("interval", "interval"),
    ("date", "date"),
];

#[test]
fn columns_are_named_as_in_clickhouse() {
    for (sql, name) in NAMES {
        let parsed = parse_expression(sql).map(|e| e.to_string());
        assert_eq!(
            parsed.as_deref().map_err(|e| format!("{e:?}")),
            Ok(*name),
            "{sql}"
        );
    }
}

const QUERIES: &[&str] = &[
    "SELECT `from`, `order` AS `end`, `select`.`limit`, -inf FROM `union` AS `join`",
    "SELECT a, b AS c FROM t FINAL WHERE a = 1 GROUP BY a ORDER BY b DESC LIMIT 10",
    "SELECT * FROM t AS x FINAL ANY LEFT JOIN u FINAL USING (a, b)",
    "WITH 1 AS x, y AS (SELECT 1), (SELECT max(a) FROM t) AS m SELECT x, m FROM y",
    "SELECT 1 UNION ALL SELECT 2 ORDER BY 1 LIMIT 1",
    "FROM t SELECT a, b, ",
    "SELECT a FROM t ARRAY JOIN b AS x, c AS y LEFT JOIN u ON u.id = x",
    "SELECT count() FROM (SELECT 1) AS q, numbers(10) AS n",
    "SELECT a, row_number() OVER w FROM t WINDOW w AS (PARTITION BY a ORDER BY b ROWS BETWEEN 1 PRECEDING AND UNBOUNDED FOLLOWING)",
    "SELECT * EXCEPT (a) REPLACE (b + 1 AS b), t.*, COLUMNS('^x') APPLY(sum) FROM t",
    "SELECT a FROM t LIMIT 1 BY a LIMIT 5 OFFSET 2 SETTINGS max_threads = 1",
    "SELECT a IN (SELECT b FROM u), (a, b) NOT IN (SELECT c, d FROM v) FROM t SEMI JOIN w ON a = e",
    "SELECT a FROM t WHERE x IN ['a', 'b'] AND NOT y LIKE 'z%' GROUP BY ROLLUP(a) WITH TOTALS HAVING a > 1",
    "SELECT 1 WHERE (SELECT 1) = 1 AND EXISTS (SELECT 2)",
    "((SELECT 1) UNION ALL (SELECT 2)) INTERSECT SELECT 1",
    "SELECT d FROM t ORDER BY d ASC WITH FILL FROM 1 TO 5 STEP 2",
    "SELECT `a b`.`c d`, \"e\" FROM `a b`",
    "SELECT 1 FROM t WHERE NOT (a = 1 AND b IN (SELECT 1)) AND NOT or(c, d) AND (e OR (f AND g))",
];

#[test]
fn printed_queries_parse_to_the_same_text() {
    for sql in QUERIES {
        let once = parse_query(sql).map(|q| q.to_string());
        let once = once.unwrap_or_else(|e| unreachable!("{sql}: {e:?}"));
        let twice = parse_query(&once).map(|q| q.to_string());
        assert_eq!(
            twice.map_err(|e| format!("{e:?}")),
            Ok(once.clone()),
            "{sql}"
        );
    }
}

#[test]
fn not_before_several_terms_reads_back_as_itself() {
    for sql in [
        "SELECT 1 WHERE NOT (a AND b)",
        "SELECT NOT (a OR NOT (b AND c)) FROM t",
        "SELECT NOT (and(a, b))",
    ] {
        let once = parse_query(sql).map(|q| q.to_string());
        let once = once.unwrap_or_else(|e| unreachable!("{sql}: {e:?}"));
        let twice = format!("{:?}", parse_query(&once));
        assert!(!twice.contains("\"NOT\""), "{once}: a column NOT");
    }
}

#[test]
fn final_is_not_an_alias() {
    let Ok(query) = parse_query("SELECT 1 FROM t FINAL") else {
        unreachable!("parses")
    };
    let QueryBody::Select(select) = query.body else {
        unreachable!("one select")
    };
    let Some(from) = select.from else {
        unreachable!("from")
    };
    assert!(from.first.is_final && from.first.alias.is_none());
    assert!(matches!(from.first.source, TableSource::Name(_)));
}

#[test]
fn the_tail_of_a_union_belongs_to_its_last_select() {
    let Ok(query) = parse_query("SELECT 1 UNION ALL SELECT 2 LIMIT 1") else {
        unreachable!()
    };
    let QueryBody::Set {
        op: SetOp::UnionAll,
        inputs,
    } = query.body
    else {
        unreachable!()
    };
    assert!(matches!(&inputs[0], QueryBody::Select(s) if s.limit.is_none()));
    assert!(matches!(&inputs[1], QueryBody::Select(s) if s.limit.is_some()));
}

#[test]
fn insert_data_is_not_parsed() {
    let sql = "INSERT INTO t (a, b) FORMAT JSONEachRow\n{\"a\": 1, \"b\": \"'\"}";
    let Ok(Statement::Insert(insert)) = parse_statement(sql) else {
        unreachable!("insert")
    };
    assert_eq!(insert.source, InsertSource::Format("JSONEachRow".into()));
    assert_eq!(
        insert.data_at.map(|at| &sql[at..]),
        Some("{\"a\": 1, \"b\": \"'\"}")
    );
    let several = "INSERT INTO t VALUES (1, ';'), (2, 'x'); SELECT 1";
    let all = parse_statements(several).unwrap_or_default();
    assert_eq!(all.len(), 2);
    assert_eq!(
        &several[all[0].1.clone()],
        "INSERT INTO t VALUES (1, ';'), (2, 'x');"
    );
}

#[test]
fn columns_of_a_data_source() {
    let text = "`id` String `json:$.record.id`, `n` Array(String) `json:$.n[:]` DEFAULT [], \
                `c` DateTime materialized now() CODEC(Delta(4), LZ4), INDEX i id TYPE minmax GRANULARITY 1";
    let (columns, indexes) = parse_columns(text).unwrap_or_default();
    assert_eq!(columns.len(), 3);
    assert_eq!(columns[0].json_path.as_deref(), Some("$.record.id"));
    assert_eq!(columns[1].ty.as_deref(), Some("Array(String)"));
    assert_eq!(columns[2].codec.as_deref(), Some("Delta(4), LZ4"));
    assert_eq!(indexes[0].granularity, 1);
}

#[test]
fn errors_have_places() {
    for (sql, line, column) in [
        ("SELECT\n  1 +", 2, 6),
        ("SELECT a FROM t WHERE )", 1, 23),
        ("SELEC 1", 1, 1),
        ("SELECT 'a", 1, 8),
    ] {
        let place = parse_statement(sql).err().and_then(|e| e.position());
        assert_eq!(
            place.map(|p| (p.line, p.column)),
            Some((line, column)),
            "{sql}"
        );
    }
}

#[test]
fn hostile_nesting_is_refused_not_fatal() {
    for unit in [
        "(",
        "[",
        "-",
        "f(",
        "NOT ",
        "(SELECT ",
        "CASE WHEN ",
        "{'a':",
        "1 + (",
        "a ? ",
    ] {
        let sql = format!("SELECT {}", unit.repeat(5_000));
        assert!(parse_statement(&sql).is_err(), "{unit}");
    }
    let chain = format!("SELECT 1{}", " + 1".repeat(5_000));
    assert!(parse_statement(&chain).is_err());
    let wide = format!("SELECT 1{}", " AND 1".repeat(20_000));
    assert!(parse_statement(&wide).is_ok());
    let from = format!("SELECT 1 FROM {}t", "(".repeat(3_000));
    assert!(parse_statement(&from).is_err());
}

#[test]
fn statements() {
    for sql in [
        "CREATE TABLE t (a UInt8 DEFAULT 1 CODEC(ZSTD(1)), b Nullable(String) COMMENT 'x', INDEX i b TYPE set(100) GRANULARITY 2) ENGINE = ReplacingMergeTree(v) PARTITION BY toYYYYMM(d) ORDER BY (a, b) TTL d + INTERVAL 1 DAY SETTINGS index_granularity = 8192",
        "CREATE TABLE IF NOT EXISTS db.t AS db.u",
        "CREATE TABLE t ENGINE = Memory AS SELECT 1 AS a",
        "CREATE MATERIALIZED VIEW v TO t AS SELECT a, count() AS c FROM u GROUP BY a",
        "DROP TABLE IF EXISTS a, b SYNC",
        "RENAME TABLE a TO b, c TO d",
        "EXCHANGE TABLES a AND b",
        "ALTER TABLE t ADD COLUMN c UInt8 AFTER b, DROP COLUMN d, MODIFY COLUMN e String DEFAULT 'x', RENAME COLUMN f TO g",
        "OPTIMIZE TABLE t PARTITION '2020' FINAL",
        "SHOW TABLES FROM db LIKE '%a%'",
        "SHOW CREATE TABLE t",
        "DESCRIBE TABLE (SELECT 1)",
        "EXISTS TABLE t",
        "EXPLAIN PLAN actions = 1 SELECT 1",
        "SET max_threads = 1, join_use_nulls = 0",
        "DELETE FROM t WHERE a = 1",
        "CREATE TABLE b (id UInt64) ENGINE = MergeTree PARTITION BY tuple() BUCKET BY id INTO 10 ORDER BY id",
    ] {
        let parsed = parse_statement(sql);
        assert!(parsed.is_ok(), "{sql}: {parsed:?}");
    }
    assert!(parse_statement("PRAGMA x").is_err());
    assert!(parse_statement("SELECT 1; SELECT 2").is_err());
}
