"""The e-store example's stress case beside PostgreSQL: 500 cities, two years of hourly weather, periods of up
to 90 days at random. 16 connections ask the endpoint over HTTP (wrk), 16 ask PostgreSQL (pgbench) over the same
rows under a covering index; they take turns. Three ways: connections kept and PostgreSQL's statement prepared;
connections kept and the statement sent as text; a connection for each call on both sides, which is what the public
stress scripts do.

    benches/stress.py --binary target/release/roost [--seconds 8] [--runs 3] [--write docs/performance.md]

Needs wrk and PostgreSQL 15 (initdb, postgres, pgbench, psql in PATH). As root, PostgreSQL runs as the user
`postgres`.
"""

import argparse
import json
import os
import pathlib
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from datetime import datetime, timedelta

from sides import Roost, free_port, machine, write_between

PROJECT = pathlib.Path(__file__).parent.parent / "docs/examples/e-store"
CONNECTIONS = 16
START, HOURS = datetime(2023, 1, 1), 24 * 730
COLUMNS = "timestamp, site_name, temp_f, clouds, description, humidity, precip, pressure, wind_dir, wind_speed"
TABLE = """CREATE TABLE weather (
    timestamp timestamp NOT NULL, site_name text NOT NULL, temp_f real NOT NULL, clouds smallint NOT NULL,
    description text NOT NULL, humidity real NOT NULL, precip real NOT NULL, pressure real NOT NULL,
    wind_dir real NOT NULL, wind_speed real NOT NULL)"""
INDEX = ("CREATE INDEX weather_by_city ON weather (site_name, timestamp) "
         "INCLUDE (temp_f, clouds, description, humidity, precip, pressure, wind_dir, wind_speed)")
PERIOD = "WHERE site_name = {city} AND timestamp {above} {start} AND timestamp {below} {end}"
DAILY = ("SELECT timestamp::date AS date, site_name AS city, avg(temp_f) AS temp_avg, max(temp_f) AS temp_max, "
         "min(temp_f) AS temp_min, max(wind_speed) AS wind_vel_max, avg(humidity) AS humidity_avg, "
         "max(humidity) AS humidity_max, min(humidity) AS humidity_min, max(clouds) AS clouds_max, "
         "min(clouds) AS clouds_min FROM weather " + PERIOD.replace("{above}", ">=").replace("{below}", "<")
         + " GROUP BY timestamp::date, city ORDER BY date DESC")
REPORTS = f"SELECT {COLUMNS} FROM weather " + PERIOD.replace("{above}", ">").replace("{below}", "<=") + " ORDER BY timestamp DESC"
# What is asked: the endpoint with its fixed parameters, and PostgreSQL's query.
WORK = [
    ("the ten newest reports of a period", "reports.json?max_results=10", REPORTS + " LIMIT 10"),
    ("the days of a period", "daily_stats.json?", DAILY),
    ("all reports of a period", "reports.json?max_results=5000", REPORTS),
]
# How it is asked: what it is called, whether connections stay, and what pgbench is told.
WAYS = [
    ("kept, prepared", True, ["-M", "prepared"]),
    ("kept, as text", True, ["-M", "simple"]),
    ("a connection a call", False, ["-M", "simple", "-C"]),
]


class Postgres:
    """A cluster of its own in a folder, gone with it."""

    def __init__(self, folder):
        self.port = free_port()
        self.folder = os.path.join(folder, "postgres")
        self.user = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.getuid() == 0 else {}
        os.mkdir(self.folder)
        if self.user:
            os.chmod(folder, 0o755)
            shutil.chown(self.folder, "postgres", "postgres")
        subprocess.run(["initdb", "-D", self.folder, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale"],
                       check=True, stdout=subprocess.DEVNULL, cwd="/", **self.user)
        self.server = subprocess.Popen(
            ["postgres", "-D", self.folder, "-p", str(self.port), "-k", self.folder, "-c", "shared_buffers=3GB",
             "-c", "max_wal_size=8GB", "-c", "maintenance_work_mem=1GB", "-c", "timezone=UTC"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", **self.user)
        for _ in range(200):
            if subprocess.run(self.psql("SELECT 1"), capture_output=True).returncode == 0:
                return
            time.sleep(0.1)
        sys.exit("PostgreSQL did not start")

    def psql(self, sql):
        return ["psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-qAtX", "-F", "\t", "-c", sql]

    def query(self, sql):
        return subprocess.run(self.psql(sql), check=True, capture_output=True, text=True).stdout

    def load(self, roost):
        """The rows that Roost has, copied as text."""
        self.query(TABLE)
        copy = subprocess.Popen(self.psql(f"COPY weather ({COLUMNS}) FROM STDIN"), stdin=subprocess.PIPE)
        url = f"http://127.0.0.1:{roost.port}/?" + urllib.parse.urlencode(
            {"query": f"SELECT {COLUMNS} FROM weather FORMAT TabSeparated"})
        with urllib.request.urlopen(url, timeout=600) as rows:
            shutil.copyfileobj(rows, copy.stdin, 1 << 20)
        copy.stdin.close()
        if copy.wait():
            sys.exit("COPY failed")
        self.query(INDEX)
        self.query("VACUUM (FREEZE, ANALYZE) weather")

    def cpu(self):
        """Of the postmaster and of the backends that have ended."""
        fields = open(f"/proc/{self.server.pid}/stat").read().rpartition(")")[2].split()
        return sum(int(f) for f in fields[11:15]) / os.sysconf("SC_CLK_TCK")

    def close(self):
        self.server.terminate()
        self.server.wait(timeout=60)


def lua(folder, path, token, kept):
    """A wrk script that asks for a random city and period, over connections that are kept or not."""
    file = os.path.join(folder, "ask.lua")
    with open(file, "w") as f:
        f.write(f"""
local day, first = 86400, {int((START - datetime(1970, 1, 1)).total_seconds())}
local headers = {{["Authorization"] = "Bearer {token}", ["Connection"] = "{'keep-alive' if kept else 'close'}"}}
function init() math.randomseed(7) end
function request()
  local days = math.random(2, 90)
  local start = first + 3600 * math.random(0, {HOURS} - days * 24)
  return wrk.format("GET", string.format("/v0/pipes/{path}&city=City+%03d&start_time=%s&end_time=%s",
    math.random(0, 499), os.date("!%Y-%m-%dT%H:%M:%S", start), os.date("!%Y-%m-%dT%H:%M:%S", start + days * day)), headers)
end
""")
    return file


def script(folder, sql):
    """The same as a pgbench script."""
    file = os.path.join(folder, "ask.sql")
    hours = "timestamp '2023-01-01 00:00:00' + ({}) * interval '1 hour'"
    text = sql.format(city="'City ' || lpad((:city)::text, 3, '0')", start=hours.format(":start"),
                      end=hours.format(":start + :days * 24"))
    with open(file, "w") as f:
        f.write(f"\\set city random(0, 499)\n\\set days random(2, 90)\n\\set start random(0, {HOURS} - :days * 24)\n{text};\n")
    return file


def ask_roost(roost, base, file, seconds):
    cpu = roost.cpu()
    out = subprocess.run(["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", file, base],
                         capture_output=True, text=True, check=True).stdout
    cpu = roost.cpu() - cpu
    if "Non-2xx" in out or "Socket errors" in out:
        sys.exit(out)
    calls = int(re.search(r"(\d+) requests in", out)[1])
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1]), cpu / calls * 1e3


def ask_postgres(postgres, file, how, seconds):
    cpu = postgres.cpu()
    out = subprocess.run(["pgbench", "-h", "127.0.0.1", "-p", str(postgres.port), "-U", "postgres", "-n", *how,
                          "-c", str(CONNECTIONS), "-j", "1", "-T", str(seconds), "-f", file, "postgres"],
                         capture_output=True, text=True, check=True).stdout
    time.sleep(0.3)
    cpu = postgres.cpu() - cpu
    calls = int(re.search(r"transactions actually processed: (\d+)", out)[1])
    if not calls:
        return 0.0, 0.0
    return float(re.search(r"tps = ([\d.]+)", out)[1]), cpu / calls * 1e3


def same(base, token, postgres, path, sql, times=5):
    """Dies unless both give the same rows."""
    rng = random.Random(5)
    for _ in range(times):
        city, days = f"City {rng.randrange(500):03}", rng.randint(2, 90)
        start = START + timedelta(hours=rng.randint(0, HOURS - days * 24))
        end = start + timedelta(days=days)
        query = urllib.parse.urlencode({"city": city, "start_time": start.isoformat(), "end_time": end.isoformat(), "token": token})
        with urllib.request.urlopen(f"{base}/v0/pipes/{path}&{query}", timeout=60) as answer:
            ours = [list(r.values()) for r in json.load(answer)["data"]]
        theirs = [r.split("\t") for r in postgres.query(sql.format(city=f"'{city}'", start=f"'{start}'", end=f"'{end}'")).splitlines()]
        equal = len(ours) == len(theirs) and all(
            abs(a - float(b)) < 1e-4 * max(1, abs(a)) if isinstance(a, (int, float)) else a == b
            for ra, rb in zip(ours, theirs) for a, b in zip(ra, rb))
        if not equal or not ours:
            sys.exit(f"{path} {city} {start} {end}: {len(ours)} rows, PostgreSQL has {len(theirs)}: {ours[:2]} {theirs[:2]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", default="target/release/roost")
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--write", help="page that gets the table")
    args = parser.parse_args()
    missing = [p for p in ("wrk", "initdb", "postgres", "pgbench", "psql") if not shutil.which(p)]
    if missing:
        print(f"skipped: {', '.join(missing)} not installed")
        return
    with tempfile.TemporaryDirectory() as folder:
        roost, postgres = Roost(args.binary, os.path.join(folder, "roost")), None
        try:
            postgres = Postgres(folder)
            lines = run(args, folder, roost, postgres)
        finally:
            roost.close()
            if postgres:
                postgres.close()
    if args.write:
        head = (f"On {machine()}, {CONNECTIONS} connections, medians of {args.runs} runs in turns.\n\n| what | connections | Roost a second "
                "| PostgreSQL a second | ratio | Roost CPU ms | PostgreSQL CPU ms |\n|---|---|---|---|---|---|---|\n")
        write_between(args.write, "stress", head + "\n".join(lines))


def run(args, folder, roost, postgres):
    base = f"http://127.0.0.1:{roost.api}"
    with urllib.request.urlopen(f"{base}/tokens") as answer:
        token = json.load(answer)["workspace_admin_token"]
    pushed = subprocess.run([args.binary, "push", str(PROJECT), "--url", base, "--token", token], stdout=subprocess.DEVNULL, check=False)
    if pushed.returncode:
        sys.exit("push failed")
    roost.query((PROJECT / "weather.sql").read_text())
    roost.query("OPTIMIZE TABLE weather FINAL")
    postgres.load(roost)
    with urllib.request.urlopen(f"{base}/v0/tokens?token={token}") as answer:
        reader = next(t["token"] for t in json.load(answer)["tokens"] if t["name"] == "store_read")
    lines = []
    for what, path, sql in WORK:
        same(base, reader, postgres, path, sql)
        theirs = script(folder, sql)
        for way, kept, how in WAYS:
            ours = lua(folder, path, reader, kept)
            ask_roost(roost, base, ours, 2), ask_postgres(postgres, theirs, how, 2)
            samples = [(ask_roost(roost, base, ours, args.seconds), ask_postgres(postgres, theirs, how, args.seconds))
                       for _ in range(args.runs)]
            middle = [statistics.median(s[side][value] for s in samples) for side in (0, 1) for value in (0, 1)]
            rate, cpu, their_rate, their_cpu = middle
            print(f"{what:<36} {way:<20} {rate:6.0f} /s {cpu:6.3f} ms CPU    PostgreSQL {their_rate:6.0f} /s {their_cpu:6.3f} ms CPU",
                  flush=True)
            lines.append(f"| {what} | {way} | {rate:.0f} | {their_rate:.0f} | {rate / their_rate:.2f} | {cpu:.3f} | {their_cpu:.3f} |")
    return lines


if __name__ == "__main__":
    main()
