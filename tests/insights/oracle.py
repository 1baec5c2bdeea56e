"""ClickHouse itself (chDB) behind a pipe: one JSON request a line in, one JSON answer a line out.

    {"do": "query", "sql": ..., "format": "JSON"}     -> {"text": ..., "cpu": seconds} or {"error": ...}
    {"do": "insert", "table": ..., "columns": [...], "file": ..., "format": "Native"}
    {"do": "quit"}

Started by run.py with a Python that has chdb. Keeps the order of inserted rows: one thread, no
deduplication at insert.
"""

import json
import os
import resource
import sys

from chdb import session


def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main():
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever chDB prints is no answer
    db = session.Session(sys.argv[1]) if len(sys.argv) > 1 else session.Session()
    for line in sys.stdin:
        ask = json.loads(line)
        began = cpu()
        try:
            if ask["do"] == "quit":
                break
            if ask["do"] == "insert":
                names = ", ".join(f"`{c}`" for c in ask["columns"])
                text = str(db.query(
                    f"INSERT INTO default.`{ask['table']}` ({names}) FROM INFILE '{ask['file']}' SETTINGS optimize_on_insert=0, max_threads=1, "
                    f"max_insert_threads=1, input_format_parallel_parsing=0, input_format_null_as_default=1, date_time_input_format='best_effort' FORMAT {ask['format']}"
                ))
            else:
                text = bytes(db.query(ask["sql"], ask.get("format", "TSV")).bytes()).decode("utf-8", "replace")
            answer = {"text": text, "cpu": cpu() - began}
        except Exception as e:  # whatever ClickHouse says is the answer
            answer = {"error": str(e)[:2000]}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


main()
