"""A whole data project, at any size, beside ClickHouse: pushed, fed, copied, called and compared.

    python tests/insights/run.py PROJECT --binary target/release/roost --tb .venv/bin/tb --oracle PYTHON_WITH_CHDB
        [--activities 200000 --members 5000 --organizations 500 --segments 60 --rows 5000]
        [--keep DIR [--reuse]] [--only PIPE,PIPE] [--slow 10]

PROJECT is a folder of .datasource and .pipe files, for example a checkout of `services/libs/tinybird`
of github.com/CrowdDotDev/crowd.dev. In this order:

1. generate.py makes linked rows; `tb` pushes the project into a fresh server (what the client refuses
   is renamed); schedules are paused.
2. Rows go through /v0/events, 2 % of them sent again as they were or updated; ClickHouse gets the same
   rows and the same views, and every table and view target must hold the same.
3. Every copy runs, after those whose targets it reads; TTLs are enforced and checked.
4. All tables are handed to ClickHouse as Native, with their engines and keys; tables with aggregation
   states are filled there by the same SQL.
5. Every endpoint is called with six parameter sets, and its answer compared with ClickHouse's answer to
   the rendered SQL (`/v0/pipes/P/explain`), `now()` being the time of the call in both. Queries of
   copies, sinks and views too, by count and hash of their rows.
6. --slow N: CPU of the N endpoints, and N queries of copies, sinks and views, that cost us most, beside
   ClickHouse's: medians of five.

Prints a table and each difference; those in causes.txt come with their cause. Exit code 1 when one is
unexplained. `--keep DIR --reuse` starts at step 4 over what an earlier run left in DIR.
"""

import argparse
import collections
import datetime
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import calls
import fill
import generate
from compare import Causes, judge

HERE = os.path.dirname(os.path.abspath(__file__))
PLAIN = " SETTINGS output_format_json_quote_64bit_integers=0, output_format_json_quote_denormals=0"


class Oracle:
    """The other side: oracle.py in a process of its own."""

    def __init__(self, python):
        self.process = subprocess.Popen([python, f"{HERE}/oracle.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def ask(self, **request):
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        return json.loads(line) if line else {"error": "the oracle died"}

    def sql(self, query, form="TSV"):
        return self.ask(do="query", sql=query, format=form)

    def close(self):
        self.process.stdin.close()
        self.process.wait(30)


def create_table(server, oracle, name):
    """The table as the server shows it, without its TTL: expired rows must not vanish during the look."""
    text = "\n".join(server.lines(f"SHOW CREATE TABLE default.`{name}` FORMAT TSVRaw"))
    ttl = re.search(r"(?m)^TTL (.*)$", text)
    text = re.sub(r"(?m)^TTL .*\n?", "", text)
    text = re.sub(r"(DateTime64\(\d\)) DEFAULT ''", r"\1", text)  # a default that ClickHouse refuses to parse
    if "ENGINE = AggregatingMergeTree" in text:
        text += (", " if "SETTINGS" in text else " SETTINGS ") + "allow_dimensions_outside_sorting_key = 1"
    answer = oracle.sql(text)
    if "error" in answer:
        raise SystemExit(f"ClickHouse refuses table {name}: {answer['error']}")
    return ttl[1] if ttl else None


def at(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S")


def frozen(sql, seconds):
    """The query with its clock stopped."""
    sql = re.sub(r"\bnow\(\)", f"toDateTime('{at(seconds)}')", sql)
    sql = re.sub(r"\btoday\(\)", f"toDate('{at(seconds)[:10]}')", sql)
    return re.sub(r"\bnow64\((\d)\)", rf"toDateTime64('{at(seconds)}', \1)", sql)


def finished(name, ty):
    """A column as a value that two servers show alike."""
    part = f"finalizeAggregation(`{name}`)" if ty.startswith("AggregateFunction(") else f"`{name}`"
    if "groupArray" in ty or "groupUniqArray" in ty or ty.startswith("Array("):
        part = f"arraySort({part})"
    if ty.startswith(("Float", "Nullable(Float")) or "(avg" in ty:
        part = f"round({part}, 5)"
    return part


def each_column(columns, source):
    """A query for a hash of each column: which of them differ."""
    parts = [f"sum(cityHash64(toString(tuple({finished(n, ty)})))) AS `{n}`" for n, ty in columns]
    return f"SELECT count() AS `the number of rows`, {', '.join(parts)} FROM {source}"


def digest(columns, source):
    """A query for the number of rows and a hash of them that no order changes."""
    parts = [finished(n, ty) for n, ty in columns]
    return f"SELECT count() AS rows, sum(cityHash64(toString(tuple({', '.join(parts)})))) AS hash FROM {source}"


class Run:
    def __init__(self, args, folder):
        self.args, self.folder = args, folder
        self.causes = Causes(f"{HERE}/causes.txt")
        self.counts, self.unexplained, self.seen = collections.Counter(), [], collections.defaultdict(list)
        self.costs = []

    def note(self, kind, name, label, outcome, detail):
        """Records one comparison."""
        good = outcome.startswith("equal") or outcome == "refused by both"
        cause = None if good else self.causes.of(name, outcome, str(detail))
        self.counts[kind, outcome if good else f"{outcome}, {'explained' if cause else 'UNEXPLAINED'}"] += 1
        if outcome.startswith("equal") and detail:
            self.counts[kind, "of these with rows"] += 1
        if cause:
            self.seen[cause].append(f"{name}/{label}")
        elif not good:
            self.unexplained.append((name, label, outcome, str(detail)))
            print(f"  {name} [{label}] {outcome}: {str(detail)[:700]}", flush=True)

    # Steps 1 to 3.

    def fill(self):
        args, folder, rows = self.args, self.folder, f"{self.folder}/rows"
        made, stamp = None, {k: getattr(args, k) for k in ("project", "activities", "members", "organizations", "segments", "rows", "updates")}
        if os.path.exists(f"{rows}/made.json"):
            before = json.load(open(f"{rows}/made.json"))
            made = before["made"] if before["stamp"] == stamp else None
        if made is None:
            shutil.rmtree(rows, ignore_errors=True)
            made = generate.main(args.project, rows, args)
            json.dump(dict(stamp=stamp, made=made), open(f"{rows}/made.json", "w"))
        print(f"generated {sum(made.values())} rows for {len(made)} data sources", flush=True)
        changed = fill.pushable(args.project, f"{folder}/project")
        began = time.time()
        code, count = fill.push(self.server, args.tb, f"{folder}/project", f"{folder}/push.log")
        print(f"tb push: exit {code}, {count} resources in {time.time() - began:.0f} s; node renamed in {changed}", flush=True)
        self.project = fill.Project(self.server)
        self.project.pause()
        self.loaded = fill.load(self.server, self.project, rows, args.batch)
        sent, seconds = self.loaded["sent"], self.loaded["seconds"]
        print(f"loaded {sent} rows in {seconds} s ({self.server.cpu():.0f} s CPU), {self.loaded['quarantined']} quarantined, failed {self.loaded['failed'][:5]}", flush=True)
        self.look_at_ingest(rows)
        self.copies()
        json.dump(dict(loaded=self.loaded, copied=self.copied), open(f"{folder}/filled.json", "w"))

    def look_at_ingest(self, rows):
        """The same rows and views in ClickHouse: do tables and view targets hold the same?"""
        oracle, ttls, project = Oracle(self.args.oracle), {}, self.project
        for name in project.sources:
            ttls[name] = create_table(self.server, oracle, name)
        for line in self.server.lines("SELECT name, create_table_query AS sql FROM system.tables WHERE engine = 'MaterializedView' FORMAT JSONEachRow"):
            view = json.loads(line)
            answer = oracle.sql(view["sql"])
            if "error" in answer:
                self.note("ingest", view["name"], "view", "ClickHouse refuses", answer["error"])
        part = f"{self.folder}/part.ndjson"
        for table in self.loaded["order"]:
            columns = [c["name"] for c in project.sources[table]["columns"] if not c["type"].startswith("AggregateFunction")]
            for body in fill.batches(f"{rows}/flat/{table}.ndjson", self.args.batch):
                open(part, "wb").write(body)
                answer = oracle.ask(do="insert", table=table, columns=columns, file=part, format="JSONEachRow")
                if "error" in answer:
                    self.note("ingest", table, "insert", "ClickHouse refuses", answer["error"])
                    break
        stopped = at(time.time())
        for name in sorted(set(self.loaded["order"]) | project.view_targets):
            columns = [(c["name"], c["type"]) for c in project.sources[name]["columns"]]
            engine = project.sources[name]["engine"]["engine"]
            where = f" WHERE {ttls[name]} > toDateTime('{stopped}')" if ttls[name] else ""
            source = f"default.`{name}`{'' if engine == 'MergeTree' else ' FINAL'}{where}"
            self.both("ingest", name, "rows", digest(columns, source), oracle, each_column(columns, source))
        oracle.close()

    def both(self, kind, name, label, query, oracle, columns=None):
        """One query on both sides; when it differs, `columns` instead."""
        status, body = self.server.sql(query + " FORMAT JSON" + PLAIN)
        answer = oracle.sql(query + PLAIN + ", joined_subquery_requires_alias=0, max_threads=1", "JSON")
        if status != 200 or "error" in answer:
            self.note(kind, name, label, "ours fails" if status != 200 else "ClickHouse fails", body[:700].decode("utf-8", "replace") if status != 200 else answer["error"])
            return
        outcome, detail = judge(json.loads(body), json.loads(answer["text"]))
        if columns and outcome == "different":  # the hash says no more
            return self.both(kind, name, label, columns, oracle)
        self.note(kind, name, label, outcome, detail)

    def copies(self):
        self.copied, outcomes, slow = [], collections.Counter(), []
        default = dict(bucketId="3")
        for name in self.project.copy_order():
            began = time.time()
            status, error, seconds = fill.run_job(self.server, f"/v0/pipes/{name}/copy", default)
            outcomes[status] += 1
            slow.append((round(seconds, 1), name))
            if status == "done":
                self.copied.append((name, began))
            else:
                self.note("copy", name, "run", f"job {status}", error)
        print(f"copies: {dict(outcomes)}, slowest {sorted(slow, reverse=True)[:5]}; {self.server.cpu():.0f} s CPU, peak {self.server.peak()} MiB", flush=True)
        self.ttls()

    def ttls(self):
        """No row that has expired may be left after a merge."""
        fill.settle(self.server)
        for name in self.project.sources:
            text = "\n".join(self.server.lines(f"SHOW CREATE TABLE default.`{name}` FORMAT TSVRaw"))
            ttl = re.search(r"(?m)^TTL (.*)$", text)
            if ttl:
                status, body = self.server.sql(f"OPTIMIZE TABLE default.`{name}` FINAL")
                left = self.server.lines(f"SELECT countIf({ttl[1]} <= now()), count() FROM default.`{name}` FORMAT TSV")[0].split("\t")
                good = status == 200 and left[0] == "0"
                self.note("TTL", name, ttl[1], "equal" if good else "expired rows are left", f"{left} {body[:200]}" if not good else int(left[1]))

    # Step 4.

    def hand_over(self):
        oracle, server = Oracle(self.args.oracle), self.server
        self.server.call("/health")
        fill.settle(server)
        states = []
        for name, source in self.project.sources.items():
            create_table(server, oracle, name)
            columns = [c["name"] for c in source["columns"]]
            if any(c["type"].startswith("AggregateFunction") for c in source["columns"]):
                states.append(name)
                continue
            parts = [line for line in server.lines(f"SELECT DISTINCT _part FROM default.`{name}` FORMAT TSVRaw")]
            order = lambda p: [int(x) for x in re.findall(r"_(\d+)", p)] or [0]
            names = ", ".join(f"`{c}`" for c in columns)
            for part in sorted(parts, key=order) if len(parts) <= 60 else [None]:
                where = f" WHERE _part = '{part}'" if part is not None else ""
                status, body = server.sql(f"SELECT {names} FROM default.`{name}`{where} FORMAT Native")
                open(f"{self.folder}/part.native", "wb").write(body)
                answer = oracle.ask(do="insert", table=name, columns=columns, file=f"{self.folder}/part.native", format="Native") if body else {}
                if status != 200 or "error" in answer:
                    raise SystemExit(f"handing over {name}: {status} {body[:300]!r} {answer.get('error')}")
        oracle.sql("SET joined_subquery_requires_alias=0")
        for name, began in self.copied:
            target = self.project.copies[name]
            if target in states:
                if self.project.modes[name] != "append":
                    oracle.sql(f"TRUNCATE TABLE default.`{target}`")
                query = frozen(self.rendered(name, dict(bucketId="3"))[1], began)
                given = {json.loads(line)["name"] for line in server.lines(f"DESCRIBE ({query}) FORMAT JSONEachRow")}
                names = ", ".join(f"`{c['name']}`" for c in self.project.sources[target]["columns"] if c["name"] in given)
                answer = oracle.sql(f"INSERT INTO default.`{target}` ({names}) SELECT {names} FROM ({query})")
                if "error" in answer:
                    self.note("copy", name, "states", "ClickHouse fails", answer["error"])
        for name in states:
            columns = [(c["name"], c["type"]) for c in self.project.sources[name]["columns"]]
            self.both("states", name, "rows", digest(columns, f"default.`{name}` FINAL"), oracle, each_column(columns, f"default.`{name}` FINAL"))
        return oracle

    def service_tables(self, oracle, query):
        """Hands over the service data sources that a query names, as they are now."""
        for name in sorted(set(re.findall(r"\btinybird\.(\w+)", query))):
            status, body = self.server.call("/v0/sql", dict(q=f"SELECT * FROM tinybird.{name} FORMAT Native"))
            if status == 200:
                open(f"{self.folder}/service.native", "wb").write(body)
                oracle.sql("CREATE DATABASE IF NOT EXISTS tinybird")
                oracle.sql(f"CREATE OR REPLACE TABLE tinybird.{name} ENGINE = Memory AS SELECT * FROM file('{self.folder}/service.native', Native)")

    def rendered(self, pipe, params):
        status, body = self.server.call(f"/v0/pipes/{pipe}/explain", params)
        said = json.loads(body)
        return status, said.get("debug_query") or said.get("error", "")

    # Step 5.

    def compare(self, oracle):
        bucket_of = lambda p: self.server.lines(f"SELECT cityHash64('seg-{p}') % 10 FORMAT TSV")[0]
        last = lambda n: (self.project.pipes[n]["type"] != "endpoint", n)
        for name in sorted(self.project.pipes, key=last):
            if self.args.only and name not in self.args.only.split(","):
                continue
            if self.project.pipes[name]["type"] == "endpoint":
                for label, params in calls.sets_of(self.project, name, bucket_of).items():
                    self.endpoint(oracle, name, label, params)
            else:
                self.job_query(oracle, name, dict(bucketId="3", bucket_id="3"))

    def endpoint(self, oracle, name, label, params):
        status, query = self.rendered(name, params)
        before, began = self.server.cpu(), time.time()
        got, body = self.server.call(f"/v0/pipes/{name}.json", params)
        cpu = self.server.cpu() - before
        if got == 400 and "granularity" in params:  # some scalars are one row only without it
            del params["granularity"]
            return self.endpoint(oracle, name, label, params)
        if got != 200:
            theirs = oracle.sql(frozen(query, began), "JSON") if status == 200 else {}
            self.note("endpoint", name, label, "refused by both" if "error" in theirs else "refused", (body[:400].decode("utf-8", "replace"), theirs.get("error", query)[:200]))
            return
        if status != 200:
            self.note("endpoint", name, label, "explain refused", query)
            return
        self.service_tables(oracle, query)
        answer = oracle.sql(frozen(query, began) + PLAIN + ", joined_subquery_requires_alias=0", "JSON")
        if "error" in answer:
            self.note("endpoint", name, label, "ClickHouse fails", answer["error"])
            return
        self.costs.append(("endpoint", cpu, name, label, params, query))
        self.note("endpoint", name, label, *judge(json.loads(body), json.loads(answer["text"])))

    def job_query(self, oracle, name, params):
        status, query = self.rendered(name, params)
        if status != 200:
            self.note("query", name, "job", "explain refused", query)
            return
        query = frozen(query, time.time())
        status, body = self.server.sql(f"DESCRIBE ({query}) FORMAT JSONCompact")
        if status != 200:
            theirs = oracle.sql(f"DESCRIBE ({query})")
            self.note("query", name, "job", "refused by both" if "error" in theirs else "refused", (body[:400].decode("utf-8", "replace"), theirs.get("error", "")[:200]))
            return
        columns = [(r[0], r[1]) for r in json.loads(body)["data"]]
        self.service_tables(oracle, query)
        before = self.server.cpu()
        self.server.sql(f"{query} FORMAT Null")
        self.costs.append(("query", self.server.cpu() - before, name, "job", params, query))
        self.both("query", name, "job", digest(columns, f"({query})"), oracle, each_column(columns, f"({query})"))

    # Step 6.

    def slowest(self, oracle, count):
        """The endpoints, and the queries of copies, sinks and views, that cost us most: again, five times each."""
        for kind in ("endpoint", "query"):
            worst = {}
            for cost in sorted((c for c in self.costs if c[0] == kind), key=lambda c: -c[1]):
                worst.setdefault(cost[2], cost)
            print(f"\n| {kind} | set | ours, CPU ms | ClickHouse, CPU ms | ratio |\n|---|---|---|---|---|")
            for _, _, name, label, params, query in list(worst.values())[:count]:
                mine, other = [], []
                for _ in range(5):
                    before, repeat = self.server.cpu(), 5 if kind == "endpoint" else 2
                    for _ in range(repeat):
                        if kind == "endpoint":
                            self.server.call(f"/v0/pipes/{name}.json", params)
                        else:
                            self.server.sql(f"{query} FORMAT Null")
                    mine.append((self.server.cpu() - before) / repeat * 1000)
                    form = "JSON" if kind == "endpoint" else "Null"
                    other.append(oracle.sql(frozen(query, time.time()) + " SETTINGS joined_subquery_requires_alias=0", form).get("cpu", 0) * 1000)
                a, b = statistics.median(mine), statistics.median(other)
                print(f"| {name} | {label} | {a:.0f} | {b:.0f} | {a / max(b, 0.1):.2f} |", flush=True)

    def report(self):
        print("\nkind, outcome, count")
        for (kind, outcome), count in sorted(self.counts.items()):
            print(f"  {kind}: {outcome}: {count}")
        for cause, where in self.seen.items():
            print(f"  explained ({len(where)}): {cause}: {', '.join(where[:6])}{' ...' if len(where) > 6 else ''}")
        print(f"{len(self.unexplained)} unexplained")
        json.dump(self.unexplained, open(f"{self.folder}/unexplained.json", "w"), indent=1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("project")
    parser.add_argument("--binary", required=True)
    parser.add_argument("--tb", default="tb")
    parser.add_argument("--oracle", default=sys.executable)
    parser.add_argument("--keep")
    parser.add_argument("--reuse", action="store_true")
    parser.add_argument("--only")
    parser.add_argument("--slow", type=int, default=0)
    parser.add_argument("--batch", type=int, default=5000)
    generate.options(parser)
    args = parser.parse_args()
    folder = os.path.abspath(args.keep or tempfile.mkdtemp(prefix="insights-"))
    os.makedirs(folder, exist_ok=True)
    for name in os.listdir(folder) if not args.reuse else []:
        if name != "rows":  # the same arguments make the same rows
            shutil.rmtree(f"{folder}/{name}") if os.path.isdir(f"{folder}/{name}") else os.remove(f"{folder}/{name}")
    run = Run(args, folder)
    run.server = fill.Server(args.binary, f"{folder}/data", f"{folder}/server.log")
    try:
        if args.reuse:
            run.project = fill.Project(run.server)
            filled = json.load(open(f"{folder}/filled.json"))
            run.loaded, run.copied = filled["loaded"], filled["copied"]
        else:
            run.fill()
        oracle = run.hand_over()
        run.compare(oracle)
        run.report()
        if args.slow:
            run.slowest(oracle, args.slow)
        oracle.close()
        print(f"server: {run.server.cpu():.0f} s CPU, peak {run.server.peak()} MiB")
    finally:
        run.server.stop()
        if not args.keep:
            shutil.rmtree(folder, ignore_errors=True)
    sys.exit(1 if run.unexplained else 0)


main()
