"""The website-events example with the real client: envelopes in, views in the same commit, endpoints
equal to a count made here, under a token that can do nothing else."""

import collections
import json
import os
import sys
import tempfile
import urllib.parse

from common import API, ROOT, admin_token, http, sql, tb

EXAMPLE = os.path.join(ROOT, "docs", "examples", "website-events")
sys.path.insert(0, EXAMPLE)
from generator import envelopes  # noqa: E402


def endpoint(name, token, **params):
    status, body = http(f"{API}/v0/pipes/{name}.json?" + urllib.parse.urlencode(dict(params, token=token)))
    assert status == 200, (status, body)
    return json.loads(body)["data"]


def main():
    admin = admin_token()
    with tempfile.TemporaryDirectory() as folder:
        tb(folder, "auth", "--host", API, "--token", admin)
        for part in ("datasources", "pipes"):
            os.symlink(os.path.join(EXAMPLE, part), os.path.join(folder, part))
        tb(folder, "push", "--fixtures")
        dependencies = tb(folder, "datasource", "ls")
        assert "site_events" in dependencies and "hourly" in dependencies, dependencies
    tokens = {t["name"]: t["token"] for t in json.loads(http(f"{API}/v0/tokens", token=admin)[1])["tokens"]}

    events, sent = [], 0
    batch = []
    for event, envelope in envelopes(3000, seed=7):
        if event:
            events.append((event, envelope["message"]["messageId"]))
        batch.append(json.dumps(envelope))
        if len(batch) == 500:
            sent += push(batch, tokens["queue_push"])
            batch = []
    sent += push(batch, tokens["queue_push"])
    assert sql(admin, "SELECT count() AS c FROM envelopes FORMAT JSON")["data"][0]["c"] == sent

    kinds = collections.Counter(e["event"] for e, _ in events)
    visitors = collections.defaultdict(set)
    for e, _ in events:
        visitors[e["event"]].add(e["visitor"])
    expected = [{"event": k, "events": kinds[k], "visitors": len(visitors[k])} for k in sorted(kinds)]
    assert endpoint("event_counts", tokens["dashboard"]) == expected

    middle = "2024-03-02 00:00:00"
    early = collections.Counter(e["event"] for e, _ in events if e["timestamp"] < "2024-03-02T00:00:00")
    found = {r["event"]: r["events"] for r in endpoint("event_counts", tokens["dashboard"], end_time=middle)}
    assert found == early, (found, early)

    sold = collections.Counter(e["product"] for e, _ in events if e["event"] == "sale")
    views = collections.Counter(e["product"] for e, _ in events if e["event"] == "view")
    top = endpoint("top_products", tokens["dashboard"], limit=20)
    assert {r["product"]: (r["sold"], r["views"]) for r in top} == {p: (sold[p], views[p]) for p in set(sold) | set(views)}
    shoes = endpoint("top_products", tokens["dashboard"], category="shoe", limit=2)
    assert len(shoes) == 2 and all(r["category"] == "shoe" for r in shoes), shoes
    hours = endpoint("hourly_by_product", tokens["dashboard"], product="boot-1")
    assert sum(r["events"] for r in hours) == sum(e["product"] == "boot-1" for e, _ in events)

    # The dashboard's token reads its endpoints and nothing else; a page on another origin may ask.
    status, _ = http(f"{API}/v0/sql?q=SELECT+1+FROM+envelopes&token={tokens['dashboard']}")
    assert status == 403, status
    status, _ = http(f"{API}/v0/events?name=envelopes&token={tokens['dashboard']}", body=b"{}")
    assert status == 403, status
    print("ok")


def push(batch, token):
    status, body = http(f"{API}/v0/events?name=envelopes&wait=true", body="\n".join(batch).encode(), token=token)
    assert status == 200, (status, body)
    assert json.loads(body) == {"successful_rows": len(batch), "quarantined_rows": 0}, body
    return len(batch)


if __name__ == "__main__":
    main()
