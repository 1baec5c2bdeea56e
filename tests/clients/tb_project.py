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

    # The materialized view has every hour, as the events themselves say.
    by_hour = "SELECT toStartOfHour(toDateTime(timestamp)) AS hour, countIf(event = 'view') AS views, " \
        "countIf(event = 'purchase') AS purchases, uniq(customer_id) AS customers FROM events GROUP BY hour ORDER BY hour"
    _, body = http(f"{API}/v0/pipes/api_hours.json?token={token}")
    assert json.loads(body)["data"] == sql(token, by_hour + " FORMAT JSON")["data"], body
    populated = tb(project, "pipe", "populate", "hourly_demand", "--node", "hours", "--truncate", "--wait")
    _, again = http(f"{API}/v0/pipes/api_hours.json?token={token}")
    assert json.loads(again)["data"] == json.loads(body)["data"], (populated, again)

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

    # Copies and sinks: pushed, run with parameters and another mode, rested, seen as jobs.
    def write(name, text):
        with open(os.path.join(project, name), "w") as f:
            f.write(text)

    write("datasources/daily.datasource", "SCHEMA >\n    `event` String,\n    `n` UInt64,\n    `note` String DEFAULT 'none'\n\nENGINE \"MergeTree\"\nENGINE_SORTING_KEY \"event\"\n")
    write("copy_daily.pipe", "NODE counts\nSQL >\n    %\n    SELECT event, count() AS n FROM events WHERE event != {{ String(without, 'x') }} GROUP BY event\n\nTYPE copy\nTARGET_DATASOURCE daily\nCOPY_MODE replace\nCOPY_SCHEDULE 0 * * * *\n")
    write("sink_daily.pipe", "NODE rows\nSQL >\n    SELECT * FROM daily\n\nTYPE sink\nEXPORT_SERVICE kafka\nEXPORT_CONNECTION_NAME nowhere\nEXPORT_KAFKA_TOPIC daily\nEXPORT_SCHEDULE @on-demand\n")
    for file in ("datasources/daily.datasource", "copy_daily.pipe", "sink_daily.pipe"):
        tb(project, "push", file)
    count = lambda: sql(token, "SELECT count() AS c, countIf(note = 'none') AS d FROM daily FORMAT JSON")["data"][0]  # noqa: E731
    tb(project, "pipe", "copy", "run", "copy_daily", "--wait", "--yes")
    full = count()
    assert full["c"] > 2 and full["c"] == full["d"], full
    tb(project, "pipe", "copy", "run", "copy_daily", "--param", "without=view", "--mode", "append", "--wait", "--yes")
    assert count()["c"] == 2 * full["c"] - 1, count()
    tb(project, "pipe", "copy", "pause", "copy_daily")
    tb(project, "pipe", "copy", "resume", "copy_daily")
    assert "copy" in tb(project, "job", "ls")
    tb(project, "push", "copy_daily.pipe", "--force", "--yes")
    failed = tb(project, "pipe", "sink", "run", "sink_daily", "--wait", "--yes", ok=False)
    # A program built without Kafka says that instead.
    assert "there is no connection 'nowhere'" in failed or "built without" in failed, failed
    tb(project, "datasource", "delete", "daily", "--sql-condition", "event = 'view'", "--wait", "--yes")
    assert count()["c"] == 2 * full["c"] - 2, count()

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
