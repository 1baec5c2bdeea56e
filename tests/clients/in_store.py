"""The in-store example with the real client: three streams in any order, and a subscriber who hears
within a second that a customer came near an offer."""

import json
import os
import queue
import sys
import tempfile
import threading
import time
import urllib.request
from datetime import datetime, timezone

from common import API, ROOT, admin_token, http, tb

EXAMPLE = os.path.join(ROOT, "docs", "examples", "in-store")
sys.path.insert(0, EXAMPLE)
from generator import position, promotion, shelves  # noqa: E402


def subscribe(url, token, events):
    """Reads server-sent events into a queue: (name, data, when)."""
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}", "Accept": "text/event-stream"})

    def read():
        name = None
        with urllib.request.urlopen(request, timeout=120) as stream:
            assert stream.headers["Content-Type"] == "text/event-stream", stream.headers
            for line in stream:
                line = line.decode().rstrip("\n")
                if line.startswith("event: "):
                    name = line[7:]
                elif line.startswith("data: "):
                    events.put((name, json.loads(line[6:]), time.monotonic()))

    threading.Thread(target=read, daemon=True).start()


def send(table, rows, token):
    body = "\n".join(json.dumps(r) for r in rows).encode()
    status, answer = http(f"{API}/v0/events?name={table}&wait=true", body=body, token=token)
    assert status == 200 and json.loads(answer)["quarantined_rows"] == 0, (status, answer)
    return time.monotonic()


def main():
    admin = admin_token()
    with tempfile.TemporaryDirectory() as folder:
        tb(folder, "auth", "--host", API, "--token", admin)
        for part in ("datasources", "pipes"):
            os.symlink(os.path.join(EXAMPLE, part), os.path.join(folder, part))
        tb(folder, "push")
    tokens = {t["name"]: t["token"] for t in json.loads(http(f"{API}/v0/tokens", token=admin)[1])["tokens"]}
    events, now = queue.Queue(), datetime.now(timezone.utc)
    url = f"{API}/v0/pipes/near_promotions.json"
    subscribe(url, tokens["display"], events)
    name, data, _ = events.get(timeout=10)
    assert (name, data) == ("result", {"data": [], "rows": 0}), (name, data)

    # The customer first, then the offer, then the shelf: the match is there with the last of them.
    send("positions", [position("ann", 3, 40, now), position("bob", 3, 140, now)], tokens["phones"])
    send("promotions", [promotion(3, now)], admin)
    sent = send("shelves", shelves(), admin)
    name, data, heard = events.get(timeout=10)
    assert name == "change" and data["removed"] == [] and data["rows"] == 1, (name, data)
    assert [(r["customer_id"], r["product"], r["feet"]) for r in data["added"]] == [("ann", "dates", 40)], data
    assert heard - sent < 1, f"pushed after {heard - sent:.2f} s"

    # Bob comes near, Ann walks away.
    sent = send("positions", [position("bob", 3, 90, datetime.now(timezone.utc)), position("ann", 9, 0, datetime.now(timezone.utc))], tokens["phones"])
    name, data, heard = events.get(timeout=10)
    assert name == "change" and data["rows"] == 1, (name, data)
    assert [r["customer_id"] for r in data["added"]] == ["bob"] and [r["customer_id"] for r in data["removed"]] == ["ann"], data
    assert heard - sent < 1, f"pushed after {heard - sent:.2f} s"

    # The stream answers to the same rules as the endpoint.
    request = urllib.request.Request(url + "?feet=abc", headers={"Authorization": f"Bearer {tokens['display']}", "Accept": "text/event-stream"})
    try:
        urllib.request.urlopen(request, timeout=10)
        raise AssertionError("feet=abc is refused")
    except urllib.error.HTTPError as e:
        assert e.code == 400, e.code
    status, _ = http(url, token=tokens["phones"], headers={"Accept": "text/event-stream"})
    assert status == 403, status
    print("ok")


if __name__ == "__main__":
    main()
