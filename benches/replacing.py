"""FINAL, a view behind inserts, and durable inserts: Roost beside ClickHouse (chdb), in one run.

    benches/replacing.py --binary target/release/roost [--write docs/performance.md]

FINAL: a table of ten parts that merges leave alone, 30 % of its rows superseded; the same query with and
without FINAL, once warm. The view: inserts of 20,000 rows with and without an hourly roll-up behind the
table. Durable inserts: 1,000 rows of JSON each, fsync before the answer on both sides.
"""

import argparse
import json
import tempfile
import time

from sides import ClickHouse, Roost, alternate, machine, write_between

PARTS, ROWS, SHARE = 10, 400_000, 0.3
QUERIES = [
    "SELECT count(), sum(n) FROM t{}",
    "SELECT g, count(), sum(n), max(v) FROM t{} GROUP BY g ORDER BY g",
    "SELECT g, uniqExact(s) FROM t{} WHERE n % 3 = 0 GROUP BY g ORDER BY g",
    "SELECT s, sum(n) AS x FROM t{} GROUP BY s ORDER BY x DESC LIMIT 10",
]


def fill(side):
    side.query("CREATE TABLE t (k UInt64, v UInt32, g UInt8, n UInt64, s String) ENGINE = ReplacingMergeTree(v) ORDER BY k")
    side.query("SYSTEM STOP MERGES t")
    fresh = int(ROWS * (1 - SHARE))
    for part in range(PARTS):
        # Keys of the part: new ones, and some that earlier parts have.
        first = part * fresh
        key = f"if(number < {fresh} OR {part} = 0, {first} + number, cityHash64(number, {part}) % {max(first, 1)})"
        side.query(f"INSERT INTO t SELECT {key} AS k, {part}, k % 50, number, concat('s', toString(k % 1000)) FROM numbers({ROWS}) "
                   f"SETTINGS max_block_size = {ROWS}, max_insert_block_size = {ROWS}, min_insert_block_size_rows = {ROWS}")


def finals(roost, ch, row):
    for side in (roost, ch):
        fill(side)
    parts = "SELECT count() FROM system.parts WHERE table = 't' AND active"
    print("parts:", roost.query(parts).strip().decode(), ch.query(parts).strip().decode(), flush=True)
    for sql in QUERIES:
        final, plain = sql.format(" FINAL"), sql.format("")
        same = sorted(roost.query(final).split(b"\n")) == sorted(ch.query(final).split(b"\n"))
        works = [lambda q=q, s=s: s.query(q) for s in (roost, ch) for q in (plain, final)]
        p, f, cp, cf = alternate([roost, roost, ch, ch], works, times=9)
        note = f"FINAL / plain: Roost {f[0]/p[0]:.2f}, ClickHouse {cf[0]/cp[0]:.2f}" + ("" if same else "; answers differ")
        row(final, f, cf, note)


def views(roost, ch, row):
    for side in (roost, ch):
        columns = "(id UInt64, at DateTime, kind LowCardinality(String), x Float64)"
        for name in ("plain", "watched"):
            side.query(f"CREATE TABLE {name} {columns} ENGINE = MergeTree ORDER BY (kind, at)")
        side.query("CREATE TABLE hourly (hour DateTime, kind LowCardinality(String), n UInt64, x Float64) ENGINE = SummingMergeTree ORDER BY (kind, hour)")
        side.query("CREATE MATERIALIZED VIEW to_hourly TO hourly AS SELECT toStartOfHour(at) AS hour, kind, count() AS n, sum(x) AS x FROM watched GROUP BY hour, kind")
    rows = "\n".join(json.dumps({"id": i, "at": f"2026-01-{1 + i % 28:02} {i % 24:02}:00:00", "kind": f"k{i % 7}", "x": i / 3}) for i in range(20_000))
    body = rows.encode()
    insert = lambda name: f"INSERT INTO {name} FORMAT JSONEachRow"
    asks = [lambda: roost.query(insert("plain"), body), lambda: roost.query(insert("watched"), body),
            lambda: ch.query(insert("plain") + " " + rows), lambda: ch.query(insert("watched") + " " + rows)]

    def settled(ask):
        # What is written and merged behind the inserts of one side must not be counted with the other's.
        def work():
            for _ in range(20):
                ask()
            time.sleep(1.5)
        return work

    measured = alternate([roost, roost, ch, ch], [settled(ask) for ask in asks], runs=9)
    p, w, cp, cw = [tuple(value / 20 for value in each) for each in measured]
    row("insert of 20,000 rows with an hourly view", w, cw, f"with / without the view: Roost {w[0]/p[0]:.2f}, ClickHouse {cw[0]/cp[0]:.2f}")


def durable(roost, ch, row):
    for side in (roost, ch):
        extra = "" if side is roost else " SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_for_wide_part = 1000000"
        side.query(f"CREATE TABLE small (id UInt64, s String, x Float64) ENGINE = MergeTree ORDER BY id{extra}")
    text = "\n".join(json.dumps({"id": i, "s": f"event {i % 100}", "x": i / 3}) for i in range(1000))
    body, insert = text.encode(), "INSERT INTO small FORMAT JSONEachRow"
    ours, theirs = alternate([roost, ch], [lambda: roost.query(insert, body), lambda: ch.query(insert + " " + text)], times=50, runs=9)
    row("durable insert of 1,000 rows", ours, theirs, f"{1/ours[1]:.0f} a second from one client, ClickHouse {1/theirs[1]:.0f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", default="target/release/roost")
    parser.add_argument("--write", help="file that gets the table")
    args = parser.parse_args()
    rows = []

    def row(what, ours, theirs, note):
        rows.append((what, ours, theirs, note))
        print(f"{what[:80]:<80} {ours[0]*1e3:9.2f} {theirs[0]*1e3:9.2f} {ours[0]/theirs[0]:6.2f}  {note}", flush=True)

    with tempfile.TemporaryDirectory() as fa, tempfile.TemporaryDirectory() as fb:
        roost, ch = Roost(args.binary, fa), ClickHouse(fb)
        try:
            for part in (finals, views, durable):
                part(roost, ch, row)
        finally:
            roost.close()
    if args.write:
        lines = ["| what | Roost CPU ms | ClickHouse CPU ms | ratio | |", "|---|---|---|---|---|"]
        lines += [f"| `{what}` | {a[0]*1e3:.2f} | {b[0]*1e3:.2f} | {a[0]/b[0]:.2f} | {note} |" for what, a, b, note in rows]
        head = f"Measured {time.strftime('%Y-%m-%d')} on {machine()}, medians of alternating runs; {PARTS} parts of {ROWS:,} rows.\n\n"
        write_between(args.write, "replacing", head + "\n".join(lines))


if __name__ == "__main__":
    main()
