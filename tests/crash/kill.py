"""Kills the server again and again while it ingests; the oracle lives here, in another process.

    tests/crash/kill.py --binary target/release/roost [--kills 50] [--seed 1]

Goal: what was acknowledged is there after each restart, whole and once; what was not is there whole or
not at all. Method: writers send batches of known size, over the Events API and over ClickHouse's
interface with a deduplication token, and note each acknowledgement. A batch cut off by the kill is
open: with a token it is sent again after the restart and must then be there once. A materialized view
adds up every batch; it must agree with its table at every restart. Meanwhile parts are merged and a
second table is created and dropped. The clock of the kill is random, from the seed.
"""

import argparse
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """The real binary on one data directory."""

    def __init__(self, binary, data):
        self.binary, self.data = binary, data
        self.api, self.native = free_port(), free_port()
        self.process = None

    def start(self):
        command = [self.binary, "serve", "--data", self.data, "--port", str(self.api), "--clickhouse-port", str(self.native)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        for _ in range(1500):
            try:
                if self.sql("SELECT 1").strip() == "1":
                    return
            except OSError:
                pass
            if self.process.poll() is not None:
                sys.exit(f"the server does not open its data again: {self.process.stderr.read().decode()}")
            time.sleep(0.02)
        sys.exit("the server does not answer within 30 s")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stderr.close()

    def post(self, url, body):
        with urllib.request.urlopen(urllib.request.Request(url, data=body, method="POST"), timeout=60) as answer:
            return answer.read().decode()

    def sql(self, query, **settings):
        url = f"http://127.0.0.1:{self.native}/?" + urllib.parse.urlencode(settings)
        return self.post(url, query.encode())

    def token(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.api}/tokens", timeout=30) as answer:
            return json.load(answer)["workspace_admin_token"]


class Oracle:
    """What was sent: batch number → (rows, state), state acknowledged or open."""

    def __init__(self):
        self.lock, self.next = threading.Lock(), 0
        self.acknowledged, self.open, self.tokens = {}, {}, {}

    def begin(self, rows, tokened):
        with self.lock:
            self.next += 1
            self.open[self.next] = rows
            if tokened:
                self.tokens[self.next] = rows
            return self.next

    def done(self, batch):
        with self.lock:
            self.acknowledged[batch] = self.open.pop(batch)


def create_events(server, token):
    form = {"mode": "create", "name": "events", "format": "ndjson", "engine": "MergeTree", "engine_partition_key": "batch % 3", "engine_sorting_key": "batch, n",
            "schema": "`batch` UInt64 `json:$.batch`, `n` UInt32 `json:$.n`, `text` String `json:$.text`"}
    server.post(f"http://127.0.0.1:{server.api}/v0/datasources?token={token}", urllib.parse.urlencode(form).encode())


def rows_of(batch, rows):
    return "\n".join(json.dumps({"batch": batch, "n": n, "text": f"row {n} of {batch}"}) for n in range(rows)).encode()


def writer(server, oracle, token, stop, rng, tokened):
    while not stop.is_set():
        rows = rng.choice([1, 1, 10, 100, 1000, 20000])
        batch = oracle.begin(rows, tokened)
        try:
            send(server, token, batch, rows, tokened)
            oracle.done(batch)
        except (OSError, urllib.error.URLError, ConnectionError) as e:
            if isinstance(e, urllib.error.HTTPError):
                sys.stderr.write(f"refused: {e.code} {e.read().decode()[:300]}\n")
                os._exit(1)
            return


def send(server, token, batch, rows, tokened):
    body = rows_of(batch, rows)
    if tokened:
        query = {"query": "INSERT INTO events FORMAT JSONEachRow", "insert_deduplication_token": f"batch-{batch}"}
        server.post(f"http://127.0.0.1:{server.native}/?" + urllib.parse.urlencode(query), body)
        return
    query = {"name": "events", "token": token, "wait": "true"}
    answer = json.loads(server.post(f"http://127.0.0.1:{server.api}/v0/events?" + urllib.parse.urlencode(query), body))
    assert answer == {"successful_rows": rows, "quarantined_rows": 0}, answer


def disturber(server, stop, rng):
    """Merges, and tables that come and go."""
    while not stop.wait(rng.random() * 0.2):
        try:
            server.sql(rng.choice(["OPTIMIZE TABLE events FINAL", "CREATE TABLE IF NOT EXISTS other (x UInt8) ENGINE = MergeTree ORDER BY x",
                                   "DROP TABLE IF EXISTS other", "SYSTEM FLUSH LOGS"]))
        except (OSError, urllib.error.URLError):
            pass


def check(server, oracle, token):
    """Everything acknowledged is there once; every open batch whole or absent; the view agrees."""
    for batch in [b for b in oracle.open if b in oracle.tokens]:
        send(server, token, batch, oracle.tokens[batch], True)
        oracle.acknowledged[batch] = oracle.open.pop(batch)
    got = json.loads(server.sql("SELECT groupArray((batch, c, d)) AS a FROM (SELECT batch, count() AS c, uniqExact(n) AS d FROM events GROUP BY batch) FORMAT JSONEachRow",
                                output_format_json_quote_64bit_integers=0))["a"]
    view = json.loads(server.sql("SELECT groupArray((batch, c)) AS a FROM (SELECT batch, sum(rows) AS c FROM totals GROUP BY batch) FORMAT JSONEachRow",
                                 output_format_json_quote_64bit_integers=0))["a"]
    found = {batch: (c, d) for batch, c, d in got}
    assert {b: c for b, (c, _) in found.items()} == dict(view), "the view does not agree with its table"
    for batch, rows in oracle.acknowledged.items():
        assert found.get(batch) == (rows, rows), f"batch {batch}: {rows} rows acknowledged, found {found.get(batch)}"
    for batch, rows in oracle.open.items():
        assert found.get(batch) in (None, (rows, rows)), f"batch {batch} of {rows} rows is half there: {found.get(batch)}"
    strangers = set(found) - set(oracle.acknowledged) - set(oracle.open)
    assert not strangers, f"batches nobody sent: {strangers}"
    # What is settled now must stay so.
    for batch, rows in list(oracle.open.items()):
        if batch in found:
            oracle.acknowledged[batch] = rows
        del oracle.open[batch]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default="target/release/roost")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    with tempfile.TemporaryDirectory() as data:
        server, oracle = Server(args.binary, data), Oracle()
        server.start()
        token = server.token()
        create_events(server, token)
        server.sql("CREATE TABLE totals (batch UInt64, rows UInt64) ENGINE = SummingMergeTree ORDER BY batch")
        server.sql("CREATE MATERIALIZED VIEW totals_mv TO totals AS SELECT batch, count() AS rows FROM events GROUP BY batch")
        for kill in range(args.kills):
            stop = threading.Event()
            threads = [threading.Thread(target=writer, args=(server, oracle, token, stop, random.Random(rng.random()), n % 2 == 0)) for n in range(4)]
            threads.append(threading.Thread(target=disturber, args=(server, stop, random.Random(rng.random()))))
            for t in threads:
                t.start()
            time.sleep(rng.choice([0.05, 0.3, 1.0]) * (0.5 + rng.random()))
            server.kill()
            stop.set()
            for t in threads:
                t.join()
            cut = len(oracle.open)
            server.start()
            check(server, oracle, token)
            print(f"kill {kill + 1}: {len(oracle.acknowledged)} batches stand, {cut} were cut off", flush=True)
        server.kill()
        rows = sum(oracle.acknowledged.values())
        print(f"{args.kills} kills: {len(oracle.acknowledged)} batches, {rows} rows, nothing lost, nothing half there, nothing twice")


if __name__ == "__main__":
    main()
