"""Replication records of a community, as NDJSON on standard output or in lists.

    generator.py contributions|members [--contributions 5000] [--members 200] [--projects 12] [--again 0.05] [--seed 1]

Some contributions come twice, some change: the record comes again with a later `updated_at`.
"""

import argparse
import json
import random
import sys
from datetime import datetime, timedelta

KINDS = {"commit": 60, "review": 20, "issue": 12, "comment": 8}
COUNTRIES = ["DE", "ES", "FR", "IN", "JP", "US", ""]
START = datetime(2023, 7, 1)


def stamp(t):
    return t.isoformat(sep=" ", timespec="milliseconds")


def members(count=200, seed=1):
    """Every fortieth is a bot."""
    rng = random.Random(seed)
    return [{"record": {"id": f"m{n}", "name": f"Member {n}", "country": rng.choice(COUNTRIES), "is_bot": int(n % 40 == 39),
                        "updated_at": stamp(START)}} for n in range(count)]


def contributions(count=5000, people=200, projects=12, again=0.05, seed=1, days=400):
    """In the order of arrival; few people do most of the work."""
    rng = random.Random(seed)
    for n in range(count):
        at = START + timedelta(seconds=int(days * 86400 * n / count), milliseconds=rng.randrange(1000))
        record = {"id": f"c{n}", "project": f"project-{int(projects * rng.random() ** 2)}", "member": f"m{int(people * rng.random() ** 3)}",
                  "kind": rng.choices(list(KINDS), list(KINDS.values()))[0], "at": stamp(at), "updated_at": stamp(at)}
        if record["kind"] == "commit":
            record |= {"lines": rng.randrange(500), "labels": rng.sample(["fix", "docs", "test"], rng.randrange(3))}
        yield {"record": record}
        if rng.random() < again:
            yield {"record": record}
            yield {"record": record | {"lines": rng.randrange(500), "updated_at": stamp(at + timedelta(hours=1))}}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["contributions", "members"])
    parser.add_argument("--contributions", type=int, default=5000)
    parser.add_argument("--members", type=int, default=200)
    parser.add_argument("--projects", type=int, default=12)
    parser.add_argument("--again", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    rows = members(args.members, args.seed) if args.what == "members" else \
        contributions(args.contributions, args.members, args.projects, args.again, args.seed)
    for row in rows:
        sys.stdout.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
