"""Asks ClickHouse itself for the type and answer of every expression in library.tsv.

    python make_library.py            asks all of them again and rewrites the file
    python make_library.py new.txt    adds the expressions (one a line) of another file first

Needs `pip install chdb`. Answers that depend on the day, the machine or a hash's seed do not belong
here; nor do types that Roost does not have, or answers that are not UTF-8.
"""

import pathlib
import re
import sys

from chdb import session

FILE = pathlib.Path(__file__).with_name("library.tsv")


def ask(connection, expression):
    """Type and answer as TabSeparated writes them, or `!code`."""
    try:
        answer = connection.query(f"SELECT {expression}", "TabSeparatedWithNamesAndTypes")
        _, ty, value = answer.bytes().decode("utf8", "replace").split("\n")[:3]
        return ty, value
    except Exception as error:
        code = re.search(r"Code: (\d+)", str(error))
        return "", "!" + (code.group(1) if code else "?")


def main():
    old = FILE.read_text().splitlines() if FILE.exists() else []
    expressions = [line.split("\t")[0] for line in old if line]
    for extra in sys.argv[1:]:
        expressions += [e for e in pathlib.Path(extra).read_text().splitlines() if e]
    connection = session.Session()
    lines = [
        "\t".join((expression, *ask(connection, expression)))
        for expression in dict.fromkeys(expressions)
    ]
    FILE.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
