"""The 43 shapes of ClickBench over a made-up table, on Roost, ClickHouse and DuckDB in one run, turn by turn.

    benches/suite.py --binary target/release/roost [--hits hits.parquet | --rows 5000000] [--only 5,12] [--write docs/performance.md]

CPU seconds decide (medians of alternating runs), wall time is beside them; the peers' answers are compared
with Roost's. Data stays in --folder between runs when one is given.
"""

import argparse
import math
import os
import pathlib
import sys
import tempfile

import hits
from sides import ClickHouse, DuckDB, Roost, alternate, machine, timed, write_between

HERE = pathlib.Path(__file__).parent
WIDE = ", ".join(f"sum(ResolutionWidth + {i})" for i in range(90))
ORDER = "ORDER BY (CounterID, EventDate, UserID, EventTime, WatchID)"


def queries():
    return [q.replace("{wide}", WIDE) for q in (HERE / "hits.sql").read_text().splitlines()]


def for_clickhouse(sql):
    return sql.replace("regexp_replace(", "replaceRegexpOne(").replace("'\\1'", "'\\\\1'").replace("\\.)", "\\\\.)")


def for_duckdb(sql):
    return sql.replace("length(", "strlen(")


def load(side, parquet):
    """Makes and fills the table; does nothing when it is there."""
    if side.name == "DuckDB":
        if side.query("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'hits'")[0][0]:
            return None
        columns = ", ".join(f"{name} {duck} NOT NULL" for name, _, duck in hits.COLUMNS)
        side.query(f"CREATE TABLE hits ({columns})")
        return timed(side, lambda: side.query(f"INSERT INTO hits SELECT * FROM read_parquet('{parquet}')"))
    if side.query("EXISTS TABLE hits").strip() == b"1":
        return None
    columns = ", ".join(f"{name} {ty}" for name, ty, _ in hits.COLUMNS)
    side.query(f"CREATE TABLE hits ({columns}) ENGINE = MergeTree {ORDER}")
    if side.name == "Roost":
        data = open(parquet, "rb").read()
        took = timed(side, lambda: side.query("INSERT INTO hits FORMAT Parquet", data))
    else:
        structure = columns.replace("'", "\\'")
        took = timed(side, lambda: side.query(f"INSERT INTO hits SELECT * FROM file('{parquet}', 'Parquet', '{structure}')"))
    side.query("OPTIMIZE TABLE hits FINAL")
    return took


def geometric(ratios):
    return math.exp(sum(map(math.log, ratios)) / len(ratios)) if ratios else float("nan")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", default="target/release/roost")
    parser.add_argument("--hits", help="the table as Parquet (made when absent)")
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--folder", help="keeps loaded tables here")
    parser.add_argument("--only", help="numbers of queries, from 0")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--alone", action="store_true", help="Roost without its peers")
    parser.add_argument("--write", help="page that gets the table")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.folder or temporary
        os.makedirs(folder, exist_ok=True)
        parquet = args.hits
        if not parquet:
            parquet = f"{folder}/hits-{args.rows}.parquet"
            if not os.path.exists(parquet):
                hits.write(parquet, args.rows)
        peers = [] if args.alone else [ClickHouse(f"{folder}/clickhouse"), DuckDB(f"{folder}/duckdb.db")]
        sides = [Roost(args.binary, f"{folder}/roost"), *peers]
        try:
            run(sides, os.path.abspath(parquet), args)
        finally:
            for side in sides:
                side.close()


def run(sides, parquet, args):
    lines, ratios = [], {side.name: [] for side in sides[1:]}

    def show(number, what, took, note=""):
        cpu = "".join(f"{t[0]*1e3:10.2f}" for t in took)
        wall = "".join(f"{t[1]*1e3:10.2f}" for t in took)
        best = min((t[0] for t in took[1:]), default=took[0][0])
        print(f"{number:>4} {what[:70]:<70} {cpu} {took[0][0]/best:6.2f}  {wall}  {note}", flush=True)
        lines.append(f"| {number} | `{what[:100]}` | " + " | ".join(f"{t[0]*1e3:.2f}" for t in took)
                     + f" | {took[0][0]/best:.2f} | " + " | ".join(f"{t[1]*1e3:.2f}" for t in took) + f" | {note} |")

    names = "".join(f"{s.name:>10}" for s in sides)
    print(f"{'':<75} {names} {'ratio':>6}  {names}   (CPU ms, then wall ms)")
    loads = [load(side, parquet) for side in sides]
    if all(loads):
        show("load", "Parquet into the table", loads)
    wanted = {int(n) for n in args.only.split(",")} if args.only else None
    for number, sql in enumerate(queries()):
        if wanted is not None and number not in wanted:
            continue
        texts = [for_duckdb(sql) if s.name == "DuckDB" else for_clickhouse(sql) for s in sides]
        try:
            note = ""
            answers = [s.query(t) for s, t in zip(sides[:2], texts)]
            if len(answers) == 2 and "*" != sql[7] and number != 17 and not same(*answers):
                note = "answers differ"
            quick = timed(sides[0], lambda: sides[0].query(texts[0]))[1]
            times = max(1, min(20, int(0.02 / max(quick, 1e-6))))
            works = [lambda s=s, t=t: s.query(t) for s, t in zip(sides, texts)]
            took = alternate(sides, works, times=times, runs=args.runs)
        except RuntimeError as refused:
            print(f"{number:>4} {refused}")
            continue
        for side, t in zip(sides[1:], took[1:]):
            ratios[side.name].append(took[0][0] / t[0])
        ratios.setdefault("the best of them", []).append(took[0][0] / min(t[0] for t in took[1:] or took))
        show(number, sql, took, note)
    sums = [f"CPU against {name}: geometric mean {geometric(r):.3f}, worst {max(r):.2f}" for name, r in ratios.items() if r]
    sums.append(f"most resident bytes of Roost: {sides[0].peak_memory() / 2**20:.0f} MiB")
    print("\n".join(sums))
    if args.write:
        head = "| | query | " + " | ".join(f"{s.name} CPU ms" for s in sides) + " | ratio | " + " | ".join(f"{s.name} wall ms" for s in sides) + " | |"
        rule = "|---" * (4 + 2 * len(sides)) + "|"
        text = f"{args.rows} rows on {machine()}.\n\n" + "\n".join(f"- {s}" for s in sums) + "\n\n" + "\n".join([head, rule, *lines])
        write_between(args.write, "suite", text)


def same(a, b):
    """Equal but for the last digits of floats."""
    rows = lambda text: sorted(text.decode(errors="replace").splitlines())
    a, b = rows(a), rows(b)
    return len(a) == len(b) and all(x == y or close(x, y) for x, y in zip(a, b))


def close(x, y):
    x, y = x.split("\t"), y.split("\t")

    def near(p, q):
        try:
            return p == q or abs(float(p) - float(q)) <= 1e-9 * abs(float(q))
        except ValueError:
            return False
    return len(x) == len(y) and all(near(p, q) for p, q in zip(x, y))


if __name__ == "__main__":
    sys.exit(main())
