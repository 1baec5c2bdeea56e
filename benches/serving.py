"""What a server gives many clients at once: endpoint calls of the example project by `wrk`, durable inserts by
concurrent clients, and how many parts ten thousand tiny inserts leave.

    benches/serving.py --binary target/release/roost [--seconds 5] [--write docs/performance.md]
"""

import argparse
import http.client
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

from sides import Roost, machine, write_between

PROJECT = pathlib.Path(__file__).parent.parent / "docs/examples/ux-personalization"
sys.path.insert(0, str(PROJECT))
from generator import Shop, ndjson  # noqa: E402

CONNECTIONS = 16


def get(url, body=None):
    with urllib.request.urlopen(urllib.request.Request(url, data=body), timeout=60) as answer:
        return json.load(answer)


def clients(count, work):
    """Runs `work(client)` side by side."""
    threads = [threading.Thread(target=work, args=(i,)) for i in range(count)]
    [t.start() for t in threads]
    [t.join() for t in threads]


def inserts(roost, api, path, body, count, times):
    """Inserts a second, and server CPU per insert, of `count` clients with a connection each."""
    def work(_):
        connection = http.client.HTTPConnection("127.0.0.1", roost.port if api is None else api, timeout=60)
        for _ in range(times):
            connection.request("POST", path, body)
            answer = connection.getresponse()
            text = answer.read()
            if answer.status not in (200, 202):
                sys.exit(f"{answer.status} {text}")
    cpu, wall = roost.cpu(), time.perf_counter()
    clients(count, work)
    wall, cpu = time.perf_counter() - wall, roost.cpu() - cpu
    return count * times / wall, cpu / (count * times) * 1e3


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", default="target/release/roost")
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--write", help="page that gets the table")
    args = parser.parse_args()
    lines = []

    def row(what, value):
        print(f"{what:<70} {value}", flush=True)
        lines.append(f"| {what} | {value} |")

    with tempfile.TemporaryDirectory() as folder:
        roost = Roost(args.binary, folder)
        try:
            run(args, roost, row)
        finally:
            roost.close()
    if args.write:
        write_between(args.write, "serving", f"On {machine()}.\n\n| what | |\n|---|---|\n" + "\n".join(lines))


def run(args, roost, row):
    base = f"http://127.0.0.1:{roost.api}"
    token = get(f"{base}/v0/tokens" if False else f"{base}/tokens")["workspace_admin_token"]
    pushed = subprocess.run([args.binary, "push", str(PROJECT), "--fixtures", "--url", base, "--token", token],
                            stdout=subprocess.DEVNULL, check=False)
    if pushed.returncode:
        sys.exit("push failed")
    shop = Shop(1)
    for _ in range(20):
        get(f"{base}/v0/events?name=events&token={token}&wait=true", ndjson(shop.batch(5000)).encode())
    time.sleep(1)
    pages = [("an endpoint over 100,000 events", f"/v0/pipes/api_ranking.json?category=shoes&limit=5&token={token}"),
             ("a point lookup in an endpoint's q", f"/v0/sql?q=SELECT+name+FROM+products+WHERE+product_id=5+FORMAT+JSON&token={token}")]
    for what, path in pages:
        get(base + path)
        if not shutil.which("wrk"):
            row(what, "wrk is not installed")
            continue
        cpu = roost.cpu()
        out = subprocess.run(["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{args.seconds}s", "--latency", base + path],
                             capture_output=True, text=True, check=True).stdout
        cpu = roost.cpu() - cpu
        rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1])
        calls = int(re.search(r"(\d+) requests in", out)[1])
        failed = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
        p99 = re.search(r"99%\s+(\S+)", out)[1]
        row(f"{what}, {CONNECTIONS} connections",
            f"{rate:.0f} calls a second, {cpu / calls * 1e3:.3f} ms CPU each, 99 % within {p99}"
            + (f", {failed[1]} failed" if failed else ""))
    roost.query("CREATE TABLE small (id UInt64, s String, x Float64) ENGINE = MergeTree ORDER BY id")
    body = "\n".join(json.dumps({"id": i, "s": f"event {i % 100}", "x": i / 3}) for i in range(1000)).encode()
    path = "/?query=INSERT+INTO+small+FORMAT+JSONEachRow"
    for count in (1, 4, 16):
        rate, cpu = inserts(roost, None, path, body, count, 320 // count)
        row(f"durable inserts of 1,000 rows, {count} clients", f"{rate:.0f} a second, {cpu:.2f} ms CPU each")
    tiny = b'{"id": 1, "s": "tiny", "x": 0.5}'
    rate, cpu = inserts(roost, None, path, tiny, CONNECTIONS, 10_000 // CONNECTIONS)
    parts = int(roost.query("SELECT count() FROM system.parts WHERE table = 'small' AND active"))
    row(f"10,000 durable inserts of one row, {CONNECTIONS} clients",
        f"{rate:.0f} a second, {cpu:.2f} ms CPU each, {parts} parts at the end")
    row("most resident bytes meanwhile", f"{roost.peak_memory() / 2**20:.0f} MiB")


if __name__ == "__main__":
    main()
