"""The e-store example with the real client: single events and batches under the rules, schemas from the data, and
the weather's endpoints under many clients, held against a count made here."""

import json
import os
import sys
import tempfile
import urllib.parse
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from common import API, CLICKHOUSE, ROOT, admin_token, http, sql, tb

EXAMPLE = os.path.join(ROOT, "docs", "examples", "e-store")
sys.path.insert(0, EXAMPLE)
from generator import Store, weather  # noqa: E402

admin = admin_token()


def endpoint(name, token, **params):
    status, body = http(f"{API}/v0/pipes/{name}.json?" + urllib.parse.urlencode(params), token=token)
    assert status == 200, (name, params, status, body)
    return json.loads(body)["data"]


def main():
    with tempfile.TemporaryDirectory() as folder:
        tb(folder, "auth", "--host", API, "--token", admin)
        for part in ("datasources", "pipes"):
            os.symlink(os.path.join(EXAMPLE, part), os.path.join(folder, part))
        tb(folder, "push")
        tokens = {t["name"]: t["token"] for t in json.loads(http(f"{API}/v0/tokens", token=admin)[1])["tokens"]}
        events(tokens)
        inferred(folder)
        stress(tokens["store_read"])
    print("ok")


def events(tokens):
    store = Store(customers=20, products=20, seed=5, start=datetime(2024, 6, 1))
    every = list(store.events(2000, repeats=0.05))
    # As the store's client does it: one JSON object a request, no wait.
    for event in every[:20]:
        status, body = http(f"{API}/v0/events?name=store_events", json.dumps(event).encode(), tokens["store_append"], headers={"Content-Type": "application/json"})
        assert status == 202 and json.loads(body) == {"successful_rows": 1, "quarantined_rows": 0}, (status, body)
    status, body = http(f"{API}/v0/events?name=store_events&wait=true", "\n".join(map(json.dumps, every[20:])).encode(), tokens["store_append"])
    assert status == 200 and json.loads(body)["successful_rows"] == len(every) - 20, body

    unique = list({json.dumps(e): e for e in every}.values())
    assert len(unique) == 2000 < len(every)
    count = Counter(e["action"] for e in unique)
    assert min(count[a] for a in ("view", "cart", "uncart", "purchase", "return")) > 10, count
    reader = tokens["store_read"]
    wanted = {"total_orders": count["purchase"], "total_returns": count["return"], "total_carts": count["cart"],
              "total_uncarts": count["uncart"], "total_views": count["view"]}
    assert endpoint("totals", reader) == [wanted]
    half = store.now - timedelta(minutes=10)
    late = sum(e["action"] == "cart" and e["timestamp"] >= half.isoformat() for e in unique)
    assert endpoint("totals", reader, start_time=half.isoformat())[0]["total_carts"] == late > 0
    assert endpoint("broken_rules", reader) == []
    carts = {r["product_id"]: r["carts"] for r in endpoint("open_carts", reader)}
    assert carts == Counter(product for _, product in store.carts.pairs), carts
    customer, _ = store.carts.pairs[0]
    mine = {r["product_id"] for r in endpoint("open_carts", reader, customer=customer)}
    assert mine == {p for c, p in store.carts.pairs if c == customer}, mine
    hours = endpoint("hours", reader)
    assert sum(r["events"] for r in hours) == len(every), hours
    customers = {e["customer_id"] for e in every if e["action"] == "view" and e["timestamp"].startswith("2024-06-01T00")}
    assert hours[-1]["hour"] >= hours[0]["hour"] and [r["customers"] for r in endpoint("hours", reader, action="view")][0] == len(customers)

    # An event against the rules is found.
    wrong = {"customer_id": "nobody", "product_id": "product_1", "action": "return", "timestamp": "2024-06-02T00:00:00.5"}
    http(f"{API}/v0/events?name=store_events&wait=true", json.dumps(wrong).encode(), tokens["store_append"])
    assert [(r["customer_id"], r["action"]) for r in endpoint("broken_rules", reader)] == [("nobody", "return")]
    status, _ = http(f"{API}/v0/events?name=store_events", b"{}", reader)
    assert status == 403, status


def inferred(folder):
    """The client writes a data source for a file; its types are those of the values."""
    folder = os.path.join(folder, "inferred")
    os.mkdir(folder)
    tb(folder, "auth", "--host", API, "--token", admin)
    rows = list(weather(2, 2))
    with open(os.path.join(folder, "from_json.ndjson"), "w") as f:
        f.writelines(json.dumps(r) + "\n" for r in rows)
    with open(os.path.join(folder, "from_csv.csv"), "w") as f:
        f.write(",".join(rows[0]) + "\n")
        f.writelines(",".join(map(str, r.values())) + "\n" for r in rows)
    for name in ("from_json.ndjson", "from_csv.csv"):
        tb(folder, "datasource", "generate", name, "--force")
        file = os.path.join(folder, name.rpartition(".")[0] + ".datasource")
        text = open(file).read()
        assert "`temp_f` Float" in text and "`timestamp` DateTime" in text and "`site_name` String" in text, text
        assert ("`json:$.temp_f`" in text) == name.endswith("ndjson"), text
        tb(folder, "push", file)
        tb(folder, "datasource", "append", name.rpartition(".")[0], os.path.join(folder, name))
        stored = sql(admin, f"SELECT count() AS c, round(sum(temp_f), 1) AS t FROM {name.rpartition('.')[0]} FORMAT JSON")["data"]
        assert stored == [{"c": 96, "t": stored[0]["t"]}] and abs(stored[0]["t"] - sum(r["temp_f"] for r in rows)) < 0.5, stored


def stress(reader):
    """A small copy of the stress case: every answer right, sixteen at a time."""
    with open(os.path.join(EXAMPLE, "weather.sql")) as f:
        text = f.read().replace("numbers(500 * 24 * 730)", "numbers(500 * 24 * 20)")
    status, body = http(f"{CLICKHOUSE}/", text.encode())
    assert status == 200, body
    cities = [r["site_name"] for r in endpoint("api_cities", reader)]
    assert len(cities) == 500 and cities[7] == "City 007", cities[:10]
    start = datetime(2023, 1, 1)

    def ask(n):
        days, begin = 2 + n % 12, start + timedelta(hours=7 * n)
        period = {"city": cities[n * 37 % 500], "start_time": begin.isoformat(), "end_time": (begin + timedelta(days=days)).isoformat() + ".250000"}
        reports = endpoint("reports", reader, max_results=1000, **period)
        assert len(reports) == days * 24 and {r["site_name"] for r in reports} == {period["city"]}, (period, len(reports))
        assert endpoint("reports", reader, **period) == reports[:10]
        stats = {r["date"]: r for r in endpoint("daily_stats", reader, **period)}
        for date in list(stats)[1:-1]:
            day = [r for r in reports if r["timestamp"][:10] == date]
            assert (stats[date]["temp_max"], stats[date]["clouds_min"]) == (max(r["temp_f"] for r in day), min(r["clouds"] for r in day)), date
            assert abs(stats[date]["humidity_avg"] - sum(r["humidity"] for r in day) / 24) < 1e-6, date
        return len(reports)

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(ask, range(32))) > 1000
    status, body = http(f"{API}/v0/pipes/reports.json?city=City+001", token=reader)
    assert status == 400, (status, body)


if __name__ == "__main__":
    main()
