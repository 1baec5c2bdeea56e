"""The example project, pushed, fed and asked with the real client."""

import json
import os
import shutil
import sys
import tempfile
from datetime import datetime, timedelta, timezone

from common import API, ROOT, admin_token, http, sql, tb

EXAMPLE = os.path.join(ROOT, "docs", "examples", "ux-personalization")
sys.path.insert(0, EXAMPLE)
from generator import Shop, ndjson  # noqa: E402

token = admin_token()
with tempfile.TemporaryDirectory() as folder:
    project = os.path.join(folder, "project")
    shutil.copytree(EXAMPLE, project)
    tb(project, "auth", "--host", API, "--token", token)
    tb(project, "workspace", "current")
    pushed = tb(project, "push", "--fixtures", "--yes")
    again = tb(project, "push")
    assert "already exists" in again, again
    assert "events" in tb(project, "datasource", "ls")
    assert "api_ranking" in tb(project, "pipe", "ls")
    assert "workspace admin token" in tb(project, "token", "ls")
    assert "shop_read" in tb(project, "token", "ls")

    # 5,000 events in one batch, as the public demo's script sends them.
    events = Shop(seed=3).batch(5000, datetime.now(timezone.utc) - timedelta(minutes=10), step_ms=50)
    status, body = http(f"{API}/v0/events?name=events&token={token}&wait=false", ndjson(events).encode())
    assert status == 202, (status, body)
    assert json.loads(body) == {"successful_rows": 5000, "quarantined_rows": 0}, body

    views = {}
    for e in events:
        if e["event"] == "view":
            views.setdefault(e["product_id"], set()).add(e["customer_id"])
    counts = {}
    for e in events:
        if e["event"] == "view":
            counts[e["product_id"]] = counts.get(e["product_id"], 0) + 1
    status, body = http(f"{API}/v0/pipes/api_ranking.json?by=views&category=shoes&limit=3&token={token}")
    assert status == 200, body
    rows = json.loads(body)["data"]
    shoes = {r["product_id"] for r in sql(token, "SELECT product_id FROM products WHERE category = 'shoes' FORMAT JSON")["data"]}
    expected = sorted(((-n, p) for p, n in counts.items() if p in shoes))[:3]
    assert [(r["product_id"], r["total"], r["customers"]) for r in rows] == \
        [(p, -n, len(views[p])) for n, p in expected], (rows, expected)

    assert "5000" in tb(project, "sql", "SELECT count() AS c FROM events").replace(",", "")
    assert '"visitors"' in tb(project, "pipe", "data", "api_funnel", "--format", "json")
    with open(os.path.join(folder, "more.ndjson"), "w") as f:
        f.write(ndjson(Shop(seed=4).batch(10)))
    tb(project, "datasource", "append", "events", os.path.join(folder, "more.ndjson"))
    assert sql(token, "SELECT count() AS c FROM events FORMAT JSON")["data"] == [{"c": 5010}]

    # What does not fit is kept aside, and counted.
    bad = b'{"event": "view", "customer_id": "x", "product_id": "not a number"}\n{"event": "view", "customer_id": "y", "product_id": 1}\n'
    status, body = http(f"{API}/v0/events?name=events&token={token}&wait=true", bad)
    assert status == 200 and json.loads(body) == {"successful_rows": 1, "quarantined_rows": 1}, (status, body)
    kept = sql(token, "SELECT c__error_column, c__error FROM events_quarantine FORMAT JSON")["data"]
    assert len(kept) == 1 and kept[0]["c__error_column"] == ["product_id"], kept

    # Pulled files are the pushed ones.
    pulled = os.path.join(folder, "pulled")
    os.mkdir(pulled)
    tb(pulled, "auth", "--host", API, "--token", token)
    tb(pulled, "pull")
    found = [f for _, _, files in os.walk(pulled) for f in files]
    assert "api_ranking.pipe" in found and "events.datasource" in found, found
    tb(project, "datasource", "truncate", "events", "--yes")
    assert sql(token, "SELECT count() AS c FROM events FORMAT JSON")["data"] == [{"c": 0}]
    tb(project, "pipe", "rm", "api_funnel", "--yes")
    assert http(f"{API}/v0/pipes/api_funnel.json?token={token}")[0] == 404
print("ok")
