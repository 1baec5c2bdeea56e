"""Differential runner: the same statements on ClickHouse itself (chdb) and on Roost, answers compared.

    run.py --binary target/release/roost [--generated 500] [--seed 1] [files of queries ...]

A file holds queries separated by lines of `;`. A query without ORDER BY is compared as a set. Floats
may differ by 1e-9 of their size. A difference is explained by a line in allow.txt (a substring of
the query, or of the difference behind a `=`; a tab; the reason), or by a Variant that ClickHouse needs
for it (it refuses the query where it may not make one), or it fails the run. With --again Roost is asked
each query three times, between them twice with other whole numbers, and the last answer counts: that is
the one of a plan that was kept for other literals.
"""

import argparse
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

from chdb import session as chs

import data
import generate

HERE = pathlib.Path(__file__).parent
FORMAT = "TabSeparatedWithNamesAndTypes"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Roost:
    def __init__(self, binary, folder):
        self.port = free_port()
        self.process = subprocess.Popen(
            [binary, "serve", "--data", folder, "--port", str(free_port()), "--clickhouse-port", str(self.port)],
            stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        )
        for _ in range(400):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/ping", timeout=5).read()
                return
            except OSError:
                time.sleep(0.05)
        raise SystemExit("roost did not start")

    def query(self, sql):
        url = f"http://127.0.0.1:{self.port}/?" + urllib.parse.urlencode({"default_format": FORMAT})
        request = urllib.request.Request(url, data=sql.encode())
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.read().decode("utf-8", "replace"), None
        except urllib.error.HTTPError as e:
            return None, e.read().decode("utf-8", "replace")
        except OSError as e:
            return None, f"connection: {e}"

    def close(self):
        self.process.terminate()
        self.process.wait(timeout=20)


class Embedded:
    """The library itself, through sql/examples/ask.rs."""

    def __init__(self, program):
        self.program, self.setup = program, []
        self.start()

    def start(self):
        self.process = subprocess.Popen([self.program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def query(self, sql):
        """The answer or the error. A process that dies costs the query and starts again."""
        answer, error = self.ask(sql)
        if error == "the process died":
            self.process.wait(timeout=20)
            self.start()
            for statement in self.setup:
                self.ask(statement)
        return answer, error

    def ask(self, sql):
        try:
            self.process.stdin.write(sql.encode() + b"\0")
            self.process.stdin.flush()
            answer = bytearray()
            while not answer.endswith(b"\0"):
                piece = self.process.stdout.read1(1 << 16)
                if not piece:
                    return None, "the process died"
                answer += piece
        except BrokenPipeError:
            return None, "the process died"
        text = answer[:-1].decode("utf-8", "replace")
        return (None, text) if text.startswith("Code: ") else (text, None)

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=20)


# Rewrites of ClickHouse's that change answers: it drops f(k) from ORDER BY k, f(k) even where GROUPING
# SETS set them apart, makes max(d) + 3 of max(d + 3) even over no rows, and counts u for uniq(toString(u)),
# whose hashes are others.
REWRITES_OFF = (
    "optimize_redundant_functions_in_order_by = 0", "optimize_arithmetic_operations_in_aggregate_functions = 0",
    "optimize_injective_functions_inside_uniq = 0",
)


class ClickHouse:
    def __init__(self, folder):
        self.session = chs.Session(folder)
        for setting in REWRITES_OFF:
            self.session.query(f"SET {setting}")

    def needs_variant(self, sql):
        """Whether types meet in the query that have only a Variant in common."""
        self.session.query("SET use_variant_as_common_type = 0")
        _, error = self.query(sql)
        self.session.query("SET use_variant_as_common_type = 1")
        return code(error) == 386

    def query(self, sql):
        try:
            return self.session.query(sql, FORMAT).bytes().decode("utf-8", "replace"), None
        except Exception as e:  # chdb raises plain exceptions
            # What the failed query had written already would come out with the next answer.
            self.session.query("SELECT 1", FORMAT)
            return None, str(e)

    def close(self):
        self.session.close()


def code(error):
    found = re.search(r"Code: (\d+)", error or "")
    return int(found.group(1)) if found else 0


def same_cell(a, b):
    if a == b:
        return True
    number = r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?"
    if re.sub(number, "#", a) != re.sub(number, "#", b):
        return False
    for x, y in zip(re.findall(number, a), re.findall(number, b)):
        x, y = float(x), float(y)
        if abs(x - y) > 1e-9 * max(1.0, abs(x), abs(y)):
            return False
    return True


def same(theirs, ours, ordered):
    t, o = theirs.split("\n"), ours.split("\n")
    if t[:2] != o[:2] or len(t) != len(o):
        return False
    t, o = t[2:], o[2:]
    if not ordered:
        t, o = sorted(t), sorted(o)
    return all(
        len(x.split("\t")) == len(y.split("\t")) and all(map(same_cell, x.split("\t"), y.split("\t")))
        for x, y in zip(t, o)
    )


def queries_of(path):
    text = "\n".join(l for l in path.read_text().split("\n") if not l.startswith("--"))
    return [q.strip() for q in re.split(r";\s*(?:\n|$)", text) if q.strip()]


def others(sql):
    """The query with other whole numbers."""
    text = re.compile(r"'(?:[^'\\]|\\.|'')*'|(?<![\w.])\d{1,15}(?![\w.])", re.S)
    return text.sub(lambda m: m[0] if m[0][0] == "'" else str(int(m[0]) + 1), sql)


def compare(sql, theirs, ours, again=False):
    if again:
        for before in (sql, others(sql), sql, others(sql)):
            ours.query(before)
    (t, te), (o, oe) = theirs.query(sql), ours.query(sql)
    if te and oe:
        return None if code(te) == code(oe) else f"errors differ: {te[:150]} | {oe[:150]}"
    if te:
        return f"ClickHouse refuses ({te[:200]}), Roost answers"
    if oe:
        return f"Roost refuses: {oe[:300]}"
    ordered = re.search(r"order\s+by", sql, re.I) is not None
    if same(t, o, ordered):
        return None
    pairs = [(x, y) for x, y in zip(t.split("\n"), o.split("\n")) if x != y][:3]
    return f"answers differ: {pairs}"


def read_by_clickhouse(theirs, ours, table, file):
    """The same file in ClickHouse, under the types that `roost import` found."""
    described, error = ours.query(f"SELECT name, type FROM system.columns WHERE table = '{table}' ORDER BY position")
    columns = [line.split("\t") for line in (described or "").split("\n")[2:] if line]
    schema = ", ".join(f"`{name}` {ty}" for name, ty in columns)
    names = ", ".join(f"`{name}`" for name, _ in columns)
    for sql in (f"CREATE TABLE {table} ({schema}) ENGINE = Memory", f"INSERT INTO {table} SELECT {names} FROM file('{file}')"):
        error = error or theirs.query(sql)[1]
    if error:
        sys.exit(f"{table} of {file}: {error[:500]}")


def explains(part, sql, difference):
    """A line of allow.txt: a part of the query, or behind `=` a part of the difference."""
    return part[1:] in difference if part.startswith("=") else part in sql


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", default="target/release/roost")
    parser.add_argument("--ask", help="the built example `ask`, instead of a server")
    parser.add_argument("--generated", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--again", action="store_true", help="ask Roost before with other numbers too")
    parser.add_argument("--setup", action="append", default=[], help="file of statements run on both first")
    parser.add_argument("--import", dest="imports", action="append", default=[], metavar="TABLE=FILE",
                        help="file of real data that `roost import` makes a table of, read by both")
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    args = parser.parse_args()
    allowed = [l.split("\t") for l in (HERE / "allow.txt").read_text().split("\n") if "\t" in l]
    files = args.files or sorted((HERE / "queries").glob("*.sql"))
    work = [(q, f.name) for f in files for q in queries_of(f)]
    work += [(q, f"generated {args.seed}") for q in generate.queries(args.seed, args.generated)]
    with tempfile.TemporaryDirectory() as a, tempfile.TemporaryDirectory() as b:
        imports = [i.split("=", 1) for i in args.imports]
        for table, file in imports:
            subprocess.run([args.binary, "import", file, "--data", b, "--table", table], check=True)
        theirs, ours = ClickHouse(a), Embedded(args.ask) if args.ask else Roost(args.binary, b)
        try:
            for table, file in imports:
                read_by_clickhouse(theirs, ours, table, file)
            for sql in data.TABLES + [q for f in args.setup for q in queries_of(pathlib.Path(f))]:
                for side in (theirs, ours):
                    _, error = side.query(sql)
                    if isinstance(side, Embedded):
                        side.setup.append(sql)
                    if error:
                        sys.exit(f"{type(side).__name__} refuses the setup: {error[:500]}\n{sql[:200]}")
            bad = explained = 0
            for done, (sql, origin) in enumerate(work):
                if done and done % 1000 == 0:
                    print(f"# {done} of {len(work)}: {bad} different", file=sys.stderr, flush=True)
                difference = compare(sql, theirs, ours, args.again)
                if difference is None:
                    continue
                reason = next((why for part, why in allowed if explains(part, sql, difference)), None)
                if reason or theirs.needs_variant(sql):
                    explained += 1
                    continue
                bad += 1
                print(f"--- {origin}\n{sql}\n    {difference}\n", flush=True)
        finally:
            ours.close()
            theirs.close()
    print(f"{len(work)} queries: {len(work) - bad - explained} equal, {explained} explained, {bad} different")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
