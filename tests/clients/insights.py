"""The insights example with the real client: versions, views, copies of each kind, a TTL, a sink, and buckets beside
the ten-clone form, held against a count made here."""

import csv
import json
import os
import sys
import tempfile
import time
import urllib.parse
from collections import Counter, defaultdict
from datetime import datetime, timedelta, timezone

from common import API, CLICKHOUSE, ROOT, admin_token, http, sql, tb

EXAMPLE = os.path.join(ROOT, "docs", "examples", "insights")
sys.path.insert(0, EXAMPLE)
from clones import files  # noqa: E402
from generator import contributions, members  # noqa: E402

admin = admin_token()


def endpoint(name, token, **params):
    status, body = http(f"{API}/v0/pipes/{name}.json?" + urllib.parse.urlencode(dict(params, token=token)))
    assert status == 200, (name, params, status, body)
    return json.loads(body)["data"]


def rows(query):
    return sql(admin, query + " FORMAT JSON")["data"]


def send(name, records, token):
    body = "\n".join(json.dumps(r) for r in records).encode()
    status, answer = http(f"{API}/v0/events?name={name}&wait=true", body=body, token=token)
    assert status == 200 and json.loads(answer)["quarantined_rows"] == 0, (status, answer)


def run(kind, pipe, **params):
    """A job, to its end."""
    status, body = http(f"{API}/v0/pipes/{pipe}/{kind}?" + urllib.parse.urlencode(params), b"", admin)
    assert status == 200, (pipe, status, body)
    job = json.loads(body)["job"]["job_id"]
    for _ in range(400):
        job_now = json.loads(http(f"{API}/v0/jobs/{job}", token=admin)[1])
        if job_now["status"] not in ("waiting", "working"):
            break
        time.sleep(0.02)
    assert job_now["status"] == "done", job_now
    return job_now


def newest(sent):
    """The last version of each contribution of a person."""
    out = {}
    for record in (r["record"] for r in sent):
        if record["id"] not in out or record["updated_at"] >= out[record["id"]]["updated_at"]:
            out[record["id"]] = record
    return [r for r in out.values() if int(r["member"][1:]) % 40 != 39]


def main():
    with tempfile.TemporaryDirectory() as folder:
        tb(folder, "auth", "--host", API, "--token", admin)
        for part in ("datasources", "pipes"):
            os.symlink(os.path.join(EXAMPLE, part), os.path.join(folder, part))
        tb(folder, "push")
        clones = os.path.join(folder, "clones")
        for name, text in files().items():
            os.makedirs(os.path.dirname(os.path.join(clones, name)), exist_ok=True)
            with open(os.path.join(clones, name), "w") as f:
                f.write(text)
        tb(clones, "auth", "--host", API, "--token", admin)
        tb(clones, "push")
        check(folder)
    print("ok")


def check(folder):
    tokens = {t["name"]: t["token"] for t in json.loads(http(f"{API}/v0/tokens", token=admin)[1])["tokens"]}
    reader = tokens["insights_read"]
    send("members", members(), tokens["replication"])
    sent = list(contributions(3000))
    for start in range(0, len(sent), 500):
        send("contributions", sent[start:start + 500], tokens["replication"])
    people = newest(sent)
    assert len(sent) > 3200 and rows("SELECT count() AS c FROM activity FINAL") == [{"c": len(people)}]

    # Views: distinct contributions and people, however often they came.
    kinds = {r["kind"]: (r["contributions"], r["members"]) for r in endpoint("kinds", reader, project="project-0")}
    here = [r for r in people if r["project"] == "project-0"]
    wanted = {k: (c, len({r["member"] for r in here if r["kind"] == k})) for k, c in Counter(r["kind"] for r in here).items()}
    assert kinds == wanted, (kinds, wanted)

    # Parameters reach the inner pipe.
    months = Counter(r["at"][:7] + "-01" for r in here if r["kind"] in ("commit", "review"))
    series = endpoint("timeseries", reader, granularity="monthly", project="project-0", kinds="commit,review")
    assert {r["period"]: r["contributions"] for r in series} == months, (series, months)
    assert series[-1]["so_far"] == sum(months.values()), series
    assert len(endpoint("timeseries", reader, start="2024-01-01 00:00:00", end="2024-02-01 00:00:00", granularity="daily")) == 31

    copies(folder, people, reader)
    buckets(here)
    status, _ = http(f"{API}/v0/pipes/filtered.json", token=reader)
    assert status == 403, status


def copies(folder, people, reader):
    """Append: two snapshots; replace: the board of the newest; incremental: nothing twice; then a TTL and a sink."""
    hour = datetime.now(timezone.utc).replace(minute=0, second=0, microsecond=0, tzinfo=None)
    old, now = hour - timedelta(hours=1), hour
    run("copy", "take_snapshot", at=f"{old:%Y-%m-%d %H:%M:%S}")
    run("copy", "take_snapshot", at=f"{now:%Y-%m-%d %H:%M:%S}")
    assert len(rows("SELECT snapshot_id, count() AS c FROM snapshots GROUP BY snapshot_id")) == 2
    for _ in range(2):
        run("copy", "rank")
    count = defaultdict(Counter)
    for r in people:
        count[r["project"]][r["member"]] += 1
    board = endpoint("top_contributors", reader, project="project-0")
    wanted = sorted(count["project-0"].items(), key=lambda m: (-m[1], m[0]))[:10]
    assert [(r["rank"], r["name"], r["contributions"]) for r in board] == [(n + 1, f"Member {m[1:]}", c) for n, (m, c) in enumerate(wanted)], board
    assert rows("SELECT count() AS c FROM leaderboard")[0]["c"] == sum(min(10, len(m)) for m in count.values())
    assert rows(f"SELECT count() AS c FROM leaderboard WHERE snapshot_id != '{now}'") == [{"c": 0}]
    for _ in range(2):
        run("copy", "follow")
    everything = rows("SELECT count() AS c, uniqExact(id) AS ids FROM history")[0]
    assert everything["c"] == everything["ids"] == 3000, everything
    late = {"id": "late", "project": "project-0", "member": "m1", "kind": "issue", "at": "2024-12-31 00:00:00.000"}
    send("contributions", [{"record": late}], admin)
    run("copy", "follow")
    assert rows("SELECT count() AS c FROM history") == [{"c": 3001}]

    # A snapshot that is too old goes by itself; the newer stay.
    past = datetime.now() - timedelta(days=3)
    run("copy", "take_snapshot", at=f"{past:%Y-%m-%d %H:00:00}")
    http(f"{CLICKHOUSE}/", b"OPTIMIZE TABLE snapshots FINAL")
    for _ in range(200):
        left = rows("SELECT snapshot_id FROM snapshots GROUP BY snapshot_id ORDER BY snapshot_id")
        if len(left) == 2:
            break
        time.sleep(0.05)
    assert [r["snapshot_id"] for r in left] == [f"{old}", f"{now}"], left

    file = run("sink", "export_leaderboard", top=2)["output"][0]
    with open(file, newline="") as f:
        exported = list(csv.DictReader(f))
    assert len(exported) == sum(min(2, len(m)) for m in count.values()), exported
    assert exported[0]["rank"] == "1" and exported[0]["project"] == "project-0", exported[0]


def buckets(here):
    """One bucket is read for one project, and the clones say the same."""
    one = sql(admin, "SELECT count() AS c, uniqExact(_bucket) AS buckets FROM activity FINAL WHERE project = 'project-0' FORMAT JSON")
    assert one["data"] == [{"c": len(here) + 1, "buckets": 1}], one
    both = [rows(f"SELECT cityHash64(groupArray(tuple(*))) AS h, count() AS c FROM (SELECT * FROM {source} ORDER BY project, at, id)")
            for source in ("activity FINAL", "activity_bucket_union")]
    assert both[0] == both[1] and both[0][0]["c"] > 2000, both
    bucket = rows("SELECT cityHash64('project-0') % 10 AS b")[0]["b"]
    routed = endpoint("activity_bucket_router", admin, bucket=bucket)
    kept = rows(f"SELECT count() AS c FROM activity FINAL WHERE _bucket = {bucket}")
    assert [{"c": len(routed)}] == kept, (len(routed), kept)
    parted = rows("SELECT count() AS c FROM activity WHERE _bucket != cityHash64(project) % 10")
    assert parted == [{"c": 0}], parted


if __name__ == "__main__":
    main()
