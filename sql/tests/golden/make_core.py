"""Asks ClickHouse (chdb) for the type and answer of each expression in core.txt; writes core.tsv.

Run from this folder: python make_core.py. Left out are expressions whose types Roost does not have
(Variant, 256 bits) and those whose answer changes from run to run.
"""
import re
from chdb import session

NO_TYPE = re.compile(r"Variant|256|Dynamic")
s = session.Session()
seen, out = set(), []
for line in open("core.txt", encoding="utf-8"):
    expression = line.rstrip("\n")
    if not expression or expression.startswith("#") or expression in seen:
        continue
    seen.add(expression)
    try:
        answer = str(s.query(f"SELECT {expression} AS x", "TabSeparatedWithNamesAndTypes"))
        lines = answer.split("\n")
        if len(lines) != 4 or NO_TYPE.search(answer):
            continue
        out.append(f"{expression}\t{lines[1]}\t{lines[2]}")
    except UnicodeDecodeError:
        continue
    except Exception as error:
        code = re.search(r"Code: (\d+)", str(error))
        if code and code.group(1) not in ("46", "721"):
            out.append(f"{expression}\t!{code.group(1)}")
open("core.tsv", "w", encoding="utf-8").write("\n".join(out) + "\n")
