"""Roost beside ClickHouse (chdb, in this process), in one run, turn by turn.

    benches/compare.py --binary target/release/roost [--flights flights-3m.parquet] [--write docs/performance.md]

Each measurement is made RUNS times on each side alternately (A B A B ...); medians of CPU seconds are
compared, wall time is shown. Roost's CPU is its server process's, ClickHouse's is this process's. Inserts are durable on both sides (fsync before the answer).
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import tarfile
import tempfile
import time

from sides import ClickHouse, Roost, alternate, machine, timed, write_between

RUNS = 5
AGGREGATES = [
    "SELECT count(), sum(delay), avg(distance) FROM flights",
    "SELECT origin, count() AS c FROM flights GROUP BY origin ORDER BY c DESC LIMIT 10",
    "SELECT origin, destination, count() AS c, avg(delay) FROM flights GROUP BY origin, destination ORDER BY c DESC LIMIT 10",
    "SELECT toStartOfMonth(date) AS m, count(), sum(distance) FROM flights GROUP BY m ORDER BY m",
    "SELECT toHour(date) AS h, countIf(delay > 60), count() FROM flights GROUP BY h ORDER BY h",
    "SELECT uniqExact(date) FROM flights",
    "SELECT origin, quantileExact(0.99)(delay) FROM flights GROUP BY origin ORDER BY origin",
    "SELECT count() FROM flights WHERE origin = 'SFO' AND delay > 30",
    "SELECT intDiv(distance, 100) AS b, count(), min(delay), max(delay) FROM flights GROUP BY b ORDER BY b",
    "SELECT toDate(date) AS d, destination, count() AS c FROM flights WHERE distance > 1000 GROUP BY d, destination ORDER BY c DESC, d, destination LIMIT 20",
]
COLUMNS = "date DateTime64(6, 'UTC'), delay Int64, distance Int64, origin String, destination String"


def flights(path):
    if path:
        return path
    folder = tempfile.mkdtemp()
    subprocess.run(["npm", "pack", "--silent", "vega-datasets@3.2.1"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    with tarfile.open(next(pathlib.Path(folder).glob("*.tgz"))) as tar:
        tar.extract("package/data/flights-3m.parquet", folder, filter="data")
    return f"{folder}/package/data/flights-3m.parquet"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", default="target/release/roost")
    parser.add_argument("--flights", help="flights-3m.parquet of vega-datasets (fetched from npm when absent)")
    parser.add_argument("--write", help="file that gets the table")
    args = parser.parse_args()
    parquet = flights(args.flights)
    rows = []

    def row(what, ours, theirs, note=""):
        rows.append((what, ours, theirs, note))
        print(f"{what[:88]:<88} {ours[0]*1e3:9.2f} {theirs[0]*1e3:9.2f} {ours[0]/max(theirs[0],1e-9):6.2f}   {ours[1]*1e3:9.2f} {theirs[1]*1e3:9.2f} {note}", flush=True)

    with tempfile.TemporaryDirectory() as fa, tempfile.TemporaryDirectory() as fb:
        roost, ch = Roost(args.binary, fa), ClickHouse(fb)
        try:
            print(f"{'':<88} {'cpu ms':>9} {'CH':>9} {'ratio':>6}   {'wall ms':>9} {'CH':>9}")
            data = open(parquet, "rb").read()
            create = f"CREATE TABLE {{}} ({COLUMNS}) ENGINE = MergeTree ORDER BY (origin, date)"
            for side in (roost, ch):
                side.query(create.format("flights"))
            load_a = lambda: roost.query("INSERT INTO flights FORMAT Parquet", data)
            load_b = lambda: ch.query("INSERT INTO flights SELECT * FROM file('%s', 'Parquet', '%s')" % (parquet, COLUMNS.replace("'", "\\'")))
            samples = [(timed(roost, load_a), timed(ch, load_b)) for _ in range(3)]
            ours, theirs = [tuple(statistics.median(s[i][j] for s in samples) for j in (0, 1)) for i in (0, 1)]
            row("load of flights-3m.parquet, 3 times", ours, theirs,
                f"{3e6/ours[0]/1e6:.2f} M rows and {len(data)/ours[0]/1e6:.1f} MB per CPU second, ClickHouse {3e6/theirs[0]/1e6:.2f} M")
            for side in (roost, ch):
                side.query("OPTIMIZE TABLE flights FINAL")
            for sql in AGGREGATES:
                a, b = roost.query(sql), ch.query(sql)
                note = "" if sorted(a.split(b"\n")) == sorted(b.split(b"\n")) else "answers differ"
                row(sql, *alternate([roost, ch], [lambda: roost.query(sql), lambda: ch.query(sql)]), note)
            for side in (roost, ch):
                side.query("CREATE TABLE kv (k UInt64, v String) ENGINE = MergeTree ORDER BY k")
                side.query("INSERT INTO kv SELECT number * 7, toString(number) FROM numbers(1000000)")
                side.query("OPTIMIZE TABLE kv FINAL")
            lookup = "SELECT v FROM kv WHERE k = 3500007"
            row("point lookup by key, 1 M rows", *alternate([roost, ch], [lambda: roost.query(lookup), lambda: ch.query(lookup)], times=50))
            for side in (roost, ch):
                extra = "" if side is roost else " SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_for_wide_part = 1000000"
                side.query(f"CREATE TABLE small (id UInt64, s String, x Float64) ENGINE = MergeTree ORDER BY id{extra}")
            body = "\n".join(json.dumps({"id": i, "s": f"event {i % 100}", "x": i / 3}) for i in range(1000)).encode()
            insert_a = lambda: roost.query("INSERT INTO small FORMAT JSONEachRow", body)
            text = "INSERT INTO small FORMAT JSONEachRow " + body.decode()
            insert_b = lambda: ch.query(text)
            ours, theirs = alternate([roost, ch], [insert_a, insert_b], times=20)
            row("durable insert of 1000 rows (JSONEachRow)", ours, theirs,
                f"{1/ours[1]:.0f} inserts a second from one client, ClickHouse {1/theirs[1]:.0f}")
        finally:
            roost.close()
    if args.write:
        write(args.write, rows)


def write(path, rows):
    lines = ["| what | Roost CPU ms | ClickHouse CPU ms | ratio | Roost wall ms | ClickHouse wall ms | |", "|---|---|---|---|---|---|---|"]
    for what, ours, theirs, note in rows:
        lines.append(f"| `{what}` | {ours[0]*1e3:.2f} | {theirs[0]*1e3:.2f} | {ours[0]/max(theirs[0],1e-9):.2f} | {ours[1]*1e3:.2f} | {theirs[1]*1e3:.2f} | {note} |")
    when = time.strftime("%Y-%m-%d")
    write_between(path, "figures", f"Measured {when} on {machine()}, medians of {RUNS} alternating runs.\n\n" + "\n".join(lines))


if __name__ == "__main__":
    main()
