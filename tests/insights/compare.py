"""Two answers to one query: equal, equal but for order, or different; and the list of explained differences.

Values compare by type: integers and text exactly, floats within 1e-9 of each other, NaN and infinities
as themselves. An order that the query does not fix is no difference: rows compare as a multiset when
the sequence differs, and arrays inside a row when the rows do.
"""

import json
import math
import os
import re


def norm(x):
    """A value with floats cut to what both compute alike."""
    if isinstance(x, float):
        return x if math.isinf(x) else "nan" if math.isnan(x) else float(f"{x:.9g}")
    if isinstance(x, int) and not isinstance(x, bool) and abs(x) > 1 << 53:
        return str(x)
    if isinstance(x, list):
        return [norm(i) for i in x]
    if isinstance(x, dict):
        return {k: norm(v) for k, v in x.items()}
    return x


def loose(x):
    """A value whose arrays are in one order."""
    if isinstance(x, list):
        return sorted((loose(i) for i in x), key=lambda v: json.dumps(v, sort_keys=True))
    if isinstance(x, dict):
        return {k: loose(v) for k, v in x.items()}
    return x


def close(a, b):
    """Whether two rows agree when numbers may be 1e-7 apart (sums in another order)."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(close(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(close, a, b))
    if isinstance(a, float) or isinstance(b, float):
        return a == b or all(isinstance(v, (int, float)) for v in (a, b)) and math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)
    return a == b


def typed(meta):
    return [(c["name"], c["type"]) for c in meta]


def judge(ours, theirs):
    """Outcome and detail for two answers in the format JSON."""
    if typed(ours["meta"]) != typed(theirs["meta"]):
        apart = [(a, b) for a, b in zip(typed(ours["meta"]), typed(theirs["meta"])) if a != b]
        return "types differ", f"{apart[:4]}"
    a, b = [norm(r) for r in ours["data"]], [norm(r) for r in theirs["data"]]
    if a == b or len(a) == len(b) and all(map(close, a, b)):
        return "equal", len(a)
    text = lambda r: json.dumps(r, sort_keys=True)
    if sorted(map(text, a)) == sorted(map(text, b)):
        return "equal in another order", len(a)
    a, b = [loose(r) for r in a], [loose(r) for r in b]
    x, y = sorted(a, key=text), sorted(b, key=text)
    if x == y or len(x) == len(y) and all(map(close, x, y)):
        return "equal in another order", len(a)
    ta, tb = set(map(text, a)), set(map(text, b))
    mine, other = [r for r in a if text(r) not in tb], [r for r in b if text(r) not in ta]
    detail = f"rows {len(a)} and {len(b)}, {len(mine)} only ours, {len(other)} only theirs"
    if mine and other:
        apart = lambda m, o: [k for k in m if not close(m[k], o.get(k))]
        pairs = [(m, min(other[:400], key=lambda o: len(apart(m, o)))) for m in mine[:10]]  # each with its like
        fields = sorted({k for m, o in pairs for k in apart(m, o)})
        (m, o), show = pairs[0], lambda r: text({k: r.get(k) for k in fields})[:300]
        detail += f"; fields {fields}; ours {show(m)}; theirs {show(o)}"
    else:
        detail += f"; {text((mine or other or [None])[0])[:500]}"
    return "different", detail


class Causes:
    """The committed list: `PIPE PATTERN | PATTERN OF OUTCOME AND DETAIL | cause`, a line each."""

    def __init__(self, path):
        self.lines = []
        if os.path.exists(path):
            for line in open(path, encoding="utf-8"):
                if line.strip() and not line.startswith("#"):
                    pipe, what, cause = (part.strip() for part in line.split(" | ", 2))
                    self.lines.append((re.compile(pipe), re.compile(what), cause))
        self.used = {}

    def of(self, name, outcome, detail):
        for at, (pipe, what, cause) in enumerate(self.lines):
            if pipe.fullmatch(name) and what.search(f"{outcome}: {detail}"):
                self.used[at] = self.used.get(at, 0) + 1
                return cause
        return None
