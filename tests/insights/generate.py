"""Linked rows for any data project: each data source of a folder gets NDJSON that fits its schema.

    python generate.py PROJECT_FOLDER OUT_FOLDER [--activities 900] [--members 120] [--organizations 15]
        [--segments 6] [--rows 300] [--updates 0.02] [--all]

Two files a data source: OUT/TABLE.ndjson is what `/v0/events` takes (nested by JSON path), and
OUT/flat/TABLE.ndjson the same rows by column, which ClickHouse reads as JSONEachRow. Data sources that
a view or a copy of the project fills get none, unless --all. Values come from the names of columns:
whatever is called memberId points at a member, slugs and ids of projects agree, the activities of a
group of sixteen belong to one repository and refer to the request and the issue that opened it. Of
the rows of a replacing table, a share is sent again later: half as they were, half with other values
and a later version. The same arguments within an hour give the same rows.
"""

import argparse
import datetime
import json
import os
import random
import re
import uuid

COLUMN = re.compile(r"^\s*`([^`]+)`\s+(.*?)(?:\s+`json:([^`]+)`)?(?:\s+DEFAULT\s+(.*?))?,?\s*$")
REPOS = 3
# What happens to a request and to an issue, in the order of a group of sixteen activities.
GROUP = [
    ("github", "pull_request-opened"), ("git", "authored-commit"), ("git", "committed-commit"),
    ("github", "pull_request-reviewed"), ("github", "issues-opened"), ("github", "issue-comment"),
    ("github", "pull_request-merged"), ("github", "issues-closed"), ("git", "co-authored-commit"),
    ("github", "star"), ("gerrit", "changeset-created"), ("gerrit", "patchset_approval-created"),
    ("gerrit", "changeset-merged"), ("github", "fork"), ("discord", "message"), ("github", "pull_request-assigned"),
]
MORE = [("github", "pull_request-closed"), ("github", "unstar"), ("gerrit", "patchset-created"), ("gerrit", "changeset-abandoned"),
        ("github", "pull_request-review-requested"), ("gitlab", "merge_request-opened"), ("gitlab", "merge_request-merged")]
OPENER = {"github": {"issue-comment": 4, "issues-closed": 4}, "gerrit": {}}
COUNTRIES = ["Germany", "United States", "India", "Japan", "", "Berlin, Germany", "Atlantis"] + [f"Land {i}" for i in range(200)]
NOW = datetime.datetime(*datetime.datetime.now(datetime.timezone.utc).timetuple()[:4])
EPOCH = datetime.datetime(1970, 1, 1)
NOW_MS = int((NOW - EPOCH).total_seconds()) * 1000
DAY = 86_400_000


def schema_of(path):
    """Columns (name, type, JSON path), sorting key and version of a .datasource file."""
    text = open(path, encoding="utf-8").read()
    body = re.search(r"(?m)^SCHEMA >\s*\n((?:[ \t].*\n|\s*\n)+)", text)
    columns = []
    for line in body.group(1).splitlines() if body else []:
        found = COLUMN.match(line)
        if found:
            columns.append((found.group(1), found.group(2).strip(), found.group(3)))
    said = lambda word: (re.search(rf'(?mi)^{word}\s+"?([^"\n]+)', text) or [None, ""])[1]
    keys = set(re.findall(r"\w+", said("ENGINE_SORTING_KEY") + " " + said("ENGINE_PARTITION_KEY")))
    replacing = said("ENGINE").startswith("Replacing")
    return columns, keys, said("ENGINE_VER").strip() if replacing else None


def derived(project):
    """The data sources that views and copies fill."""
    out = set()
    for folder, _, files in os.walk(project):
        for file in files:
            if file.endswith(".pipe"):
                text = open(os.path.join(folder, file), encoding="utf-8").read()
                out.update(re.findall(r"(?mi)^\s*(?:TARGET_DATASOURCE|DATASOURCE)\s+(\S+)", text))
    return out


def text_of(ms, ty):
    at = (EPOCH + datetime.timedelta(milliseconds=ms)).isoformat(" ", "milliseconds")
    return at[:10] if ty == "Date" else at if "64" in ty else at[:19]


def plain(ty):
    while True:
        inner = re.match(r"(?:Nullable|LowCardinality|SimpleAggregateFunction\(\w+,)\((.*)\)$", ty)
        if not inner:
            return ty
        ty = inner.group(1).strip()


def project_id(p):
    return f"00000000-0000-4000-8000-{p:012}"


def mixed(n):
    """A number that looks random but is the same for the same activity everywhere."""
    n = (n ^ 61) * 2654435761 & 0xFFFFFFFF
    return (n ^ (n >> 15)) * 2246822519 & 0xFFFFFFFF


class Table:
    """Makes the rows of one data source; the fields of the current row stand in attributes."""

    def __init__(self, table, columns, args):
        self.table, self.args, self.rng = table, args, random.Random(f"7/{table}")
        self.low = table.lower()
        paths = [path + "." for _, _, path in columns if path]
        self.columns = []
        for name, ty, path in columns:
            if path and any(p != path + "." and p.startswith(path + ".") for p in paths):
                self.columns.append((name, None, re.findall(r"[A-Za-z_]\w*", path)))
            elif not ("AggregateFunction(" in ty and not ty.startswith("Simple")):
                keys = re.findall(r"[A-Za-z_]\w*", path) if path else [name]
                self.columns.append((name, self.maker(name, ty), keys))

    def row(self, i):
        rng, args = self.rng, self.args
        self.i = i
        if self.low.startswith(("activities", "activityrelations")):
            group = i // 16
            self.activity, self.project = i, mixed(group) % args.segments * (mixed(group + 7) % args.segments) // args.segments
            self.repo = mixed(group + 3) % REPOS
            self.platform, self.type = GROUP[i % 16] if mixed(i) % 9 else MORE[mixed(i + 1) % len(MORE)]
            age = 2 * DAY if mixed(group + 5) % 20 == 0 else 700 * DAY
            self.at = NOW_MS - mixed(group + 9) * 4096 % age - 30 * 60_000 + mixed(i) % (20 * 60_000)
            opener = 16 * group + OPENER.get(self.platform, {}).get(self.type, 10 if self.platform == "gerrit" else 0)
            self.parent = "" if "opened" in self.type or "created" == self.type[-7:] else f"s-{opener}"
            self.member = mixed(i + 11) % args.members * (mixed(i + 12) % 1000) // 1000
            self.organization = mixed(self.member) % args.organizations
        else:
            few = self.low in ("insightsprojects", "segments")
            self.project = i % args.segments if few else i // REPOS % args.segments if self.low == "repositories" else rng.randrange(args.segments)
            self.repo = i % REPOS if self.low == "repositories" else rng.randrange(REPOS)
            self.member, self.organization = rng.randrange(args.members), rng.randrange(args.organizations)
            if self.low == "activitytypes":
                self.platform, self.type = (GROUP + MORE)[i % (len(GROUP) + len(MORE))]
            else:
                self.platform, self.type = rng.choice(GROUP)
            self.activity = rng.randrange(args.activities)
            self.at, self.parent = NOW_MS - rng.randrange(3_600_000, 700 * DAY), f"s-{rng.randrange(args.activities)}"
        self.url = f"https://github.com/org{self.project}/repo{self.repo}"
        return [make() if make else None for _, make, _ in self.columns]

    def nested(self, values):
        """The row as the Events API gets it, and as ClickHouse does."""
        out, flat = {}, {}
        for (name, make, keys), value in zip(self.columns, values):
            if not make:
                continue
            flat[name], at = value, out
            for key in keys[:-1]:
                at = at.setdefault(key, {})
            at[keys[-1]] = value
        for name, make, keys in self.columns:
            if not make:  # the object that other columns look into
                at = out
                for key in keys:
                    at = at.get(key, {})
                flat[name] = json.dumps(at, separators=(",", ":"))
        return out, flat

    def known(self, name):
        """What makes the value of a column by its name; None when the name says nothing."""
        low, table, rng, args = name.lower(), self.low, self.rng, self.args
        mine = {
            "members": lambda: f"m-{self.i}", "organizations": lambda: f"org-{self.i}", "segments": lambda: f"seg-{self.project}",
            "activities": lambda: f"a-{self.activity}", "collections": lambda: f"coll-{self.i % 4}",
            "categories": lambda: f"c-{self.i % 5}", "categorygroups": lambda: f"cg-{self.i % 3}",
            "insightsprojects": lambda: project_id(self.project),
        }
        if low == "id":
            if table in mine:
                return mine[table]
            return lambda: f"{self.table}-{self.i}"
        if low == "country" and "mapping" in table:
            return lambda: COUNTRIES[self.i % len(COUNTRIES)]
        slug = (lambda: f"coll-{self.i % 4}") if "collection" in table else (lambda: f"c-{self.i % 5}") if table.startswith("categor") else (lambda: f"proj-{self.project}")
        parent = lambda: self.project // 3
        grand = lambda: self.project // 12
        return {
            "segmentid": lambda: f"seg-{self.project}", "segment_id": lambda: f"seg-{self.project}",
            "parentid": (lambda: f"par-{parent()}") if table == "segments" else None, "grandparentid": lambda: f"gp-{grand()}",
            "parentslug": lambda: f"par-{parent()}", "grandparentslug": lambda: f"gp-{grand()}",
            "insightsprojectid": lambda: project_id(self.project), "projectid": lambda: project_id(self.project),
            "memberid": lambda: f"m-{self.member}", "organizationid": lambda: f"org-{self.organization}" if self.member % 4 else "",
            "objectmemberid": lambda: f"m-{(self.member + 1) % args.members}", "activityid": lambda: f"a-{self.activity}",
            "slug": slug, "projectslug": lambda: f"proj-{self.project}", "insightsprojectslug": lambda: f"proj-{self.project}",
            "project": lambda: f"proj-{self.project}",
            "collectionid": lambda: f"coll-{rng.randrange(4)}", "categoryid": lambda: f"c-{rng.randrange(5)}",
            "categorygroupid": lambda: f"cg-{rng.randrange(3)}",
            "repo": lambda: self.url, "repourl": lambda: self.url, "channel": lambda: self.url, "url": lambda: self.url,
            "repository": lambda: self.url,
            "platform": lambda: self.platform, "type": (lambda: "username") if "identit" in table else lambda: self.type,
            "activitytype": lambda: self.type,
            "sourceid": lambda: f"s-{self.activity}", "sourceparentid": lambda: self.parent,
            "country": lambda: rng.choice(COUNTRIES), "location": lambda: rng.choice(COUNTRIES),
            "name": lambda: f"{self.table} {self.i}", "displayname": lambda: f"Name {self.i}", "publicname": lambda: f"Name {self.member}",
            "granularity": lambda: "monthly", "ecosystem": lambda: rng.choice(["npm", "maven", "cargo"]),
            "severity": lambda: rng.choice(["HIGH", "LOW", "CRITICAL"]), "status": lambda: rng.choice(["active", "fixed"]),
            "pullrequestreviewstate": lambda: rng.choice(["APPROVED", "COMMENTED", ""]),
            "leaderboardtype": lambda: rng.choice(["stars", "forks", "commits"]), "gitchangedlinesbucket": lambda: "1-9",
            "attributes": lambda: '{"a":%d}' % rng.randrange(9),
        }.get(low)

    def maker(self, name, ty):
        """A function without arguments that makes the value of a column."""
        rng, low, base = self.rng, name.lower(), plain(ty)
        if ty.startswith("Nullable("):
            if low.startswith("deleted"):
                return lambda: None if rng.random() < 0.98 else text_of(NOW_MS - DAY, base)
            inner = self.maker(name, ty[9:-1])
            return lambda: None if rng.random() < 0.2 else inner()
        if base.startswith("Array("):
            inner = base[6:-1]
            if "Tuple" in inner or "Map" in inner:
                return list
            one = self.maker(name.removesuffix("s"), inner)
            return lambda: [one() for _ in range(rng.randrange(3))]
        if base == "UUID":
            return lambda: str(uuid.UUID(int=rng.getrandbits(128)))
        if base.startswith("DateTime") or base == "Date":
            if low in ("snapshotid", "computedat"):
                return lambda: text_of(NOW_MS, base)
            if low == "deletedat":
                return lambda: text_of(0, base)
            if low in ("timestamp", "openedat", "startdate", "createdat"):
                return lambda: text_of(self.at, base)
            return lambda: text_of(min(self.at + rng.randrange(3 * 3_600_000), NOW_MS), base)
        if base == "String":
            known = self.known(name)
            return known or (lambda: f"{name}-{rng.randrange(8)}")
        if base == "Bool":
            share = {"enabled": 0.97, "islf": 0.7, "onboarded": 0.9, "archived": 0.05, "excluded": 0.05, "verified": 0.9}.get(low, 0.5)
            return lambda: rng.random() < share
        if base.startswith("Float"):
            return lambda: rng.randrange(400) / 4
        if low in ("enabled", "onboarded", "isenabled", "islf", "iscodecontribution", "iscontribution", "verified"):
            return lambda: int(rng.random() < 0.9)
        if low in ("isbot", "isteammember", "isorganization", "excluded", "archived"):
            return lambda: int(rng.random() < 0.03)
        if low == "sentimentscore":
            return lambda: rng.randrange(-1, 100)
        if low.startswith("timezone"):
            return lambda: rng.randrange(-11, 13)
        top = 2 if low.startswith(("is", "has")) else 60
        return lambda: rng.randrange(top)


def size(table, args):
    """How many rows a data source gets."""
    few = {"members": args.members, "organizations": args.organizations, "insightsprojects": args.segments,
           "segments": args.segments, "collections": 4, "categories": 5, "categorygroups": 3,
           "repositories": args.segments * REPOS, "activities": args.activities, "activityrelations": args.activities,
           "memberidentities": args.members * 3 // 2, "organizationidentities": args.organizations * 2,
           "activitytypes": len(GROUP) + len(MORE), "collectionsinsightsprojects": args.segments * 3}
    low = table.lower()
    return 200 if "mapping" in low else few.get(low, args.rows)


def write(table, schema, folder, args):
    """Writes both files of a data source; the number of rows."""
    columns, keys, version = schema
    maker, rng, count = Table(table, columns, args), random.Random(f"again/{table}"), size(table, args)
    names = [name for name, _, _ in maker.columns]
    pending, total = [], 0
    with open(f"{folder}/{table}.ndjson", "w", encoding="utf-8") as events, open(f"{folder}/flat/{table}.ndjson", "w", encoding="utf-8") as flat:
        def put(values):
            nonlocal total
            for target, row in zip((events, flat), maker.nested(values)):
                target.write(json.dumps(row, separators=(",", ":")) + "\n")
            total += 1
        for i in range(count):
            values = maker.row(i)
            put(values)
            if version and rng.random() < args.updates:
                if rng.random() < 0.5:
                    other = maker.row(i)
                    for at, name in enumerate(names):
                        if name in keys or name in ("createdAt", "id"):
                            other[at] = values[at]
                        elif name == version:
                            other[at] = values[at][:-3] + f"{int(values[at][-3:]) // 2 + 500:03}" if len(values[at]) == 23 else values[at]
                    pending.append(other)
                else:
                    pending.append(values)
            if len(pending) > 50:
                put(pending.pop(rng.randrange(len(pending))))
        for values in pending:
            put(values)
    return total


def options(parser):
    for name, default in dict(activities=900, members=120, organizations=15, segments=6, rows=300).items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--updates", type=float, default=0.02)


def main(project, out, args, everything=False):
    os.makedirs(f"{out}/flat", exist_ok=True)
    skipped = set() if everything else derived(project)
    counts = {}
    for folder, _, files in sorted(os.walk(project)):
        for file in sorted(f for f in files if f.endswith(".datasource")):
            table = file.removesuffix(".datasource")
            schema = schema_of(os.path.join(folder, file))
            if schema[0] and table not in skipped:
                counts[table] = write(table, schema, out, args)
    return counts


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("project")
    parser.add_argument("out")
    parser.add_argument("--all", action="store_true", help="also those that views and copies fill")
    options(parser)
    args = parser.parse_args()
    counts = main(args.project, args.out, args, args.all)
    print(f"{sum(counts.values())} rows of {len(counts)} data sources in {args.out}")
