"""curl with each format: what goes out as a format comes in again as the same rows."""

import subprocess
import sys
import tempfile

from common import CLICKHOUSE


def curl(query, data=None, ok=True):
    command = ["curl", "-sS", "--fail-with-body" if ok else "-i", "-G" if data is None else "-X", *([] if data is None else ["POST"])]
    url = CLICKHOUSE
    if data is None:
        command += ["--data-urlencode", f"query={query}", url]
    else:
        import urllib.parse
        url += "/?" + urllib.parse.urlencode({"query": query})
        command += ["--data-binary", f"@{data}", url]
    done = subprocess.run(command, capture_output=True, timeout=60)
    if ok and done.returncode != 0:
        sys.exit(f"curl {query}: {done.stdout.decode()} {done.stderr.decode()}")
    return done.stdout


def post(statement, ok=True):
    done = subprocess.run(["curl", "-sS", "-w", "\n%{http_code}", "--data-binary", "@-", CLICKHOUSE],
                          input=statement.encode(), capture_output=True, timeout=60)
    body, _, status = done.stdout.rpartition(b"\n")
    assert (status == b"200") == ok, (statement, status, body)
    return body.decode()


COLUMNS = "id UInt32, s String, n Nullable(Int64), a Array(String), d Date, dt DateTime64(3), f Float64, lc LowCardinality(String), b Bool"
post("DROP TABLE IF EXISTS src")
post(f"CREATE TABLE src ({COLUMNS}) ENGINE = MergeTree ORDER BY id")
post("INSERT INTO src SELECT number, concat('it\\'s \\t\"', toString(number), '\"\\n,;'), if(number % 3 = 0, NULL, number), "
     "arrayMap(x -> toString(x), range(number % 3)), toDate('2024-01-01') + number, toDateTime64('2024-01-01 00:00:00.125', 3) + number, "
     "number / 7, ['x', 'y'][number % 2 + 1], number % 2 FROM numbers(1000)")
reference = post("SELECT * FROM src ORDER BY id FORMAT TabSeparated")
for name in ["JSONEachRow", "JSONCompactEachRow", "CSV", "CSVWithNames", "TabSeparated", "TabSeparatedWithNames",
             "TabSeparatedWithNamesAndTypes", "Values", "Native", "RowBinary", "RowBinaryWithNamesAndTypes", "Parquet"]:
    body = curl(f"SELECT * FROM src ORDER BY id FORMAT {name}")
    assert body, name
    post("DROP TABLE IF EXISTS dst")
    post(f"CREATE TABLE dst ({COLUMNS}) ENGINE = MergeTree ORDER BY id")
    with tempfile.NamedTemporaryFile() as f:
        f.write(body)
        f.flush()
        curl(f"INSERT INTO dst FORMAT {name}", f.name)
    again = post("SELECT * FROM dst ORDER BY id FORMAT TabSeparated")
    assert again == reference, f"{name}: rows changed on the way"
for name, part in [("JSON", '"rows": 3'), ("JSONCompact", '"rows": 3'), ("Pretty", "┃"), ("PrettyCompact", "┌"), ("Vertical", "Row 1:")]:
    body = curl(f"SELECT id, s FROM src ORDER BY id LIMIT 3 FORMAT {name}").decode()
    assert part in body, (name, body)
assert curl("SELECT * FROM src FORMAT Null") == b""

# What is wrong is said with ClickHouse's code, and the server lives.
for statement, code in [
    ("SELEC 1", 62), ("SELECT * FROM nowhere", 60), ("SELECT nothing FROM src", 47), ("SELECT nofunction(1)", 46),
    ("INSERT INTO src (id) VALUES ('x')", 6), ("INSERT INTO src FORMAT JSONEachRow {\"id\": \"x\"}", 27), ("SELECT toInt8('x')", 6),
    ("SELECT 1 FORMAT Nope", 73), ("CREATE TABLE src (a UInt8) ENGINE = MergeTree ORDER BY a", 57), ("SELECT throwIf(1)", 395),
    ("", 62), ("SELECT * FROM src SETTINGS nosuch = 1", 115), ("DROP TABLE nowhere", 60), ("USE nowhere", 81),
]:
    body = post(statement, ok=False)
    assert body.startswith(f"Code: {code}."), (statement, body)
assert post("SELECT count() FROM src").strip() == "1000"
print("ok")
