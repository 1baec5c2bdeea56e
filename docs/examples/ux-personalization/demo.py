"""The main job, end to end: serve, push this project, stream events, watch the ranking change."""

import argparse
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from generator import Shop, ndjson

HERE = pathlib.Path(__file__).parent


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def call(url, body=None, token=None):
    request = urllib.request.Request(url, data=body)
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as e:
        sys.exit(f"{url}: {e.code} {e.read().decode()}")


def wait_for(base):
    for _ in range(200):
        try:
            return call(f"{base}/tokens")["workspace_admin_token"]
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.05)
    sys.exit("the server did not start")


def show(rows, sent, elapsed):
    print(f"\n  {sent:>7,} events in {elapsed:4.1f} s         total  customers")
    for row in rows["data"]:
        bar = "#" * min(30, row["total"])
        print(f"  {row['name']:<24} {row['total']:>10} {row['customers']:>10}  {bar}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", default="target/release/roost")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rate", type=int, default=2000, help="events a second")
    args = parser.parse_args()
    port, ch_port = free_port(), free_port()
    base = f"http://127.0.0.1:{port}"
    # Ctrl-C ends the demo with its summary, not with a traceback.
    stop = []
    signal.signal(signal.SIGINT, lambda *_: stop.append(1))
    signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
    with tempfile.TemporaryDirectory(prefix="roost-demo-") as data:
        server = subprocess.Popen(
            [args.binary, "serve", "--data", data, "--port", str(port), "--clickhouse-port", str(ch_port)],
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            run(args, base, ch_port, stop)
        finally:
            server.terminate()
            server.wait(timeout=20)


def run(args, base, ch_port, stop):
    token = wait_for(base)
    pushed = subprocess.run(
        [args.binary, "push", str(HERE), "--fixtures", "--url", base, "--token", token],
        check=False,
    )
    if pushed.returncode != 0:
        sys.exit("push failed")
    endpoint = f"{base}/v0/pipes/api_ranking.json?category=shoes&limit=5&token={token}"
    print(f"\nserving at {base}, ClickHouse's HTTP at http://127.0.0.1:{ch_port}\nlook at    {endpoint}")
    shop, sent, started, shown = Shop(int(time.time())), 0, time.time(), 0.0
    batch = max(1, args.rate // 10)
    latencies = []
    while not stop and time.time() - started < args.seconds:
        tick = time.time()
        answer = call(f"{base}/v0/events?name=events", ndjson(shop.batch(batch)).encode(), token)
        if answer["quarantined_rows"]:
            sys.exit(f"rows were quarantined: {answer}")
        sent += answer["successful_rows"]
        if time.time() - shown > min(5, args.seconds / 4):
            asked = time.perf_counter()
            rows = call(endpoint)
            latencies.append((time.perf_counter() - asked) * 1000)
            show(rows, sent, time.time() - started)
            shown = time.time()
            shop.shift()
        time.sleep(max(0, tick + 0.1 - time.time()))
    count = call(f"{base}/v0/sql?q=SELECT+count()+AS+c+FROM+events+FORMAT+JSON&token={token}")["data"][0]["c"]
    elapsed = time.time() - started
    hours = call(f"{base}/v0/pipes/api_hours.json?token={token}")["data"]
    viewed = "SELECT+countIf(event='view')+AS+c+FROM+events+FORMAT+JSON"
    viewed = call(f"{base}/v0/sql?q={viewed}&token={token}")["data"][0]["c"]
    print(f"views by the hour, from the materialized view: {[(h['hour'], h['views']) for h in hours]}")
    if sum(h["views"] for h in hours) != viewed:
        sys.exit("the materialized view and the events differ")
    latencies.sort()
    print(f"\nsent {sent:,} events in {elapsed:.1f} s, stored {count:,}; "
          f"endpoint median {latencies[len(latencies) // 2]:.1f} ms over {len(latencies)} calls")
    if count != sent:
        sys.exit("stored and sent differ")


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    main()
