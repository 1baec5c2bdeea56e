"""Writes the form that projects use where there are no buckets: ten tables, ten views that each keep a tenth, a
union of the ten and a router to one of them. 22 files for what one line of `activity.datasource` says.

    clones.py FOLDER
"""

import pathlib
import sys

TABLE = """SCHEMA >
    `project` String,
    `id` String,
    `member` String,
    `kind` LowCardinality(String),
    `at` DateTime64(3),
    `lines` Int32,
    `updated_at` DateTime64(3)

ENGINE "ReplacingMergeTree"
ENGINE_SORTING_KEY "project, at, kind, id"
ENGINE_VER "updated_at"
"""
VIEW = """NODE tenth
SQL >

    SELECT project, id, member, kind, at, lines, updated_at
    FROM activity
    WHERE cityHash64(project) % {of} = {n}

TYPE materialized
DATASOURCE activity_bucket_{n}
"""
ROUTER = """NODE chosen
SQL >

    %
    {arms}
    {{% else %}} SELECT * FROM activity_bucket_union
    {{% end %}}
"""


def files(of=10):
    out = {}
    for n in range(of):
        out[f"datasources/activity_bucket_{n}.datasource"] = TABLE
        out[f"pipes/activity_into_bucket_{n}.pipe"] = VIEW.format(n=n, of=of)
    union = "\n    UNION ALL\n    ".join(f"SELECT * FROM activity_bucket_{n} FINAL" for n in range(of))
    out["pipes/activity_bucket_union.pipe"] = f"NODE all\nSQL >\n\n    {union}\n"
    arms = "\n    ".join(f"{{% {'elif' if n else 'if'} Int32(bucket, -1) == {n} %}} SELECT * FROM activity_bucket_{n} FINAL" for n in range(of))
    out["pipes/activity_bucket_router.pipe"] = ROUTER.format(arms=arms)
    return out


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    for name, text in files().items():
        file = pathlib.Path(sys.argv[1], name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
