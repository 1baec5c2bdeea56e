"""Linked rows for any data project: each data source of a folder gets NDJSON that fits its schema.

    python generate.py PROJECT_FOLDER OUT_FOLDER [ROWS]

Values come from the names of columns: whatever is called memberId points at a member, slugs and ids of
projects agree, times lie in the two years before now. The same seed gives the same rows.
"""

import datetime
import json
import os
import random
import re
import sys
import uuid

COLUMN = re.compile(r"^\s*`([^`]+)`\s+(.*?)(?:\s+`json:([^`]+)`)?(?:\s+DEFAULT\s+(.*?))?,?\s*$")
PROJECTS, REPOS, MEMBERS, ORGANIZATIONS, ACTIVITIES = 6, 3, 120, 15, 900
TYPES = [
    ("git", "authored-commit"), ("git", "committed-commit"), ("git", "co-authored-commit"),
    ("github", "pull_request-opened"), ("github", "pull_request-merged"), ("github", "pull_request-closed"),
    ("github", "pull_request-reviewed"), ("github", "issues-opened"), ("github", "issues-closed"),
    ("github", "issue-comment"), ("github", "star"), ("github", "unstar"), ("github", "fork"),
    ("gerrit", "changeset-created"), ("gerrit", "patchset_approval-created"), ("discord", "message"),
]
COUNTRIES = ["Germany", "United States", "India", "Japan", "", "Berlin, Germany", "Atlantis"]
NOW = datetime.datetime(*datetime.datetime.now(datetime.timezone.utc).timetuple()[:4])


def columns_of(path):
    """Name, type and JSON path of each column of a .datasource file."""
    text = open(path, encoding="utf-8").read()
    body = re.search(r"(?m)^SCHEMA >\s*\n((?:[ \t].*\n|\s*\n)+)", text)
    out = []
    for line in body.group(1).splitlines() if body else []:
        found = COLUMN.match(line)
        if found:
            out.append((found.group(1), found.group(2).strip(), found.group(3)))
    return out


def when(rng, days=700):
    at = NOW - datetime.timedelta(seconds=rng.randrange(3600, days * 86400))
    return at.strftime("%Y-%m-%d %H:%M:%S.") + f"{rng.randrange(1000):03d}"


def plain(ty):
    while True:
        inner = re.match(r"(?:Nullable|LowCardinality|SimpleAggregateFunction\(\w+,)\((.*)\)$", ty)
        if not inner:
            return ty
        ty = inner.group(1).strip()


class Rows:
    def __init__(self, table, seed):
        self.table, self.rng = table, random.Random(f"{seed}/{table}")

    def row(self, columns, i):
        rng = self.rng
        self.i, self.project = i, rng.randrange(PROJECTS) if len(columns) else 0
        if self.table == "insightsProjects":
            self.project = i % PROJECTS
        self.repo = rng.randrange(REPOS)
        self.member, self.organization = rng.randrange(MEMBERS), rng.randrange(ORGANIZATIONS)
        self.platform, self.type = rng.choice(TYPES)
        self.activity = i if self.table in ("activities", "activityRelations") else rng.randrange(ACTIVITIES)
        self.at = when(rng)
        out = {}
        paths = [path + "." for _, _, path in columns if path]
        for name, ty, path in columns:
            if path and any(p != path + "." and p.startswith(path + ".") for p in paths):
                continue  # the object that other columns look into
            if "AggregateFunction(" in ty and not ty.startswith("Simple"):
                continue
            value = self.value(name, ty)
            keys = re.findall(r"[A-Za-z_]\w*", path) if path else [name]
            at = out
            for key in keys[:-1]:
                at = at.setdefault(key, {})
            at[keys[-1]] = value
        return out

    def known(self, name):
        """The value of a column by its name; None when the name says nothing."""
        p, url = self.project, f"https://github.com/org{self.project}/repo{self.repo}"
        low, table = name.lower(), self.table.lower()
        own = {
            "members": f"m-{self.i}", "organizations": f"org-{self.i}", "insightsprojects": f"00000000-0000-4000-8000-00000000000{p}",
            "segments": f"seg-{p}", "activities": f"a-{self.i}", "collections": f"coll-{self.i % 4}",
            "categories": f"c-{self.i % 5}", "categorygroups": f"cg-{self.i % 3}",
        }
        if low == "id":
            for prefix, value in own.items():
                if table == prefix or table.startswith(prefix + "_"):
                    return value
            if "project" in table or "leaderboards" in table:
                return f"00000000-0000-4000-8000-00000000000{p}"
            return f"m-{self.member}" if "member" in table else f"{self.table}-{self.i}"
        return {
            "segmentid": f"seg-{p}", "segment_id": f"seg-{p}", "insightsprojectid": f"00000000-0000-4000-8000-00000000000{p}", "projectid": f"00000000-0000-4000-8000-00000000000{p}",
            "memberid": f"m-{self.member}", "organizationid": f"org-{self.organization}",
            "objectmemberid": f"m-{(self.member + 1) % MEMBERS}", "activityid": f"a-{self.activity}",
            "slug": f"coll-{self.i % 4}" if "collection" in table else f"c-{self.i % 5}" if table.startswith("categor") else f"proj-{p}",
            "projectslug": f"proj-{p}", "insightsprojectslug": f"proj-{p}", "project": f"proj-{p}",
            "collectionid": f"coll-{self.rng.randrange(4)}", "categoryid": f"c-{self.rng.randrange(5)}",
            "categorygroupid": f"cg-{self.rng.randrange(3)}", "collectionsslugs": None,
            "repo": url, "repourl": url, "channel": url, "url": url, "repository": url,
            "platform": self.platform, "type": self.type, "activitytype": self.type,
            "sourceid": f"s-{self.activity}", "sourceparentid": f"s-{self.rng.randrange(ACTIVITIES)}",
            "country": self.rng.choice(COUNTRIES), "location": self.rng.choice(COUNTRIES),
            "name": f"{self.table} {self.i}", "displayname": f"Name {self.i}", "publicname": f"Name {self.member}",
            "granularity": "monthly", "ecosystem": self.rng.choice(["npm", "maven", "cargo"]),
            "severity": self.rng.choice(["HIGH", "LOW", "CRITICAL"]), "status": self.rng.choice(["active", "fixed"]),
            "leaderboardtype": self.rng.choice(["stars", "forks", "commits"]), "gitchangedlinesbucket": "1-9",
        }.get(low)

    def value(self, name, ty):
        rng, low, base = self.rng, name.lower(), plain(ty)
        if ty.startswith("Nullable(") and (low.startswith("deleted") or rng.random() < 0.2):
            return None
        if base.startswith("Array("):
            inner = base[6:-1]
            if "Tuple" in inner or "Map" in inner:
                return []
            return [self.value(name.removesuffix("s"), inner) for _ in range(rng.randrange(3))]
        if base == "UUID":
            return str(uuid.UUID(int=rng.getrandbits(128)))
        if base.startswith("DateTime") or base == "Date":
            if low in ("snapshotid", "computedat"):
                return NOW.strftime("%Y-%m-%d %H:%M:%S")
            if low == "deletedat":
                return None
            at = self.at if low in ("timestamp", "openedat", "startdate") else when(rng)
            return at[:10] if base == "Date" else at if "64" in base else at[:19]
        if base == "String":
            known = self.known(name)
            return known if known is not None else f"{name}-{rng.randrange(8)}"
        if base == "Bool":
            return True if low in ("enabled", "islf", "onboarded") else rng.random() < 0.5
        if base.startswith("Float"):
            return rng.randrange(400) / 4
        if low in ("enabled", "onboarded", "isenabled", "islf", "iscodecontribution", "iscontribution"):
            return 1
        if low in ("isbot", "isteammember", "excluded", "archived"):
            return int(rng.random() < 0.1)
        if low == "sentimentscore":
            return rng.randrange(-1, 100)
        return rng.randrange(2 if low.startswith(("is", "has")) else 60)


def sizes(table, rows):
    low = table.lower()
    few = {"members": MEMBERS, "organizations": ORGANIZATIONS, "insightsprojects": PROJECTS, "segments": PROJECTS,
           "collections": 4, "categories": 5, "categorygroups": 3}
    for prefix, count in few.items():
        if low == prefix:
            return count
    return ACTIVITIES if low in ("activities", "activityrelations") else rows


def main(project, out, rows=300):
    os.makedirs(out, exist_ok=True)
    total = 0
    for folder, _, files in sorted(os.walk(project)):
        for file in sorted(f for f in files if f.endswith(".datasource")):
            table = file.removesuffix(".datasource")
            columns = columns_of(os.path.join(folder, file))
            made = Rows(table, 7)
            with open(os.path.join(out, f"{table}.ndjson"), "w", encoding="utf-8") as target:
                for i in range(sizes(table, rows)):
                    target.write(json.dumps(made.row(columns, i)) + "\n")
                    total += 1
    print(f"{total} rows for {out}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 300)
