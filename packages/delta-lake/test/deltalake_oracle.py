"""deltalake (delta-rs) as an independent reader and writer. Commands as JSON on stdin, answer on stdout.

read:  {"command": "read", "root": ..., "versions": [0, 1]} -> {"0": [row, ...], ...}, a row being JSON text
write: {"command": "write", "root": ..., "steps": [...]}    -> the newest version
"""

import json
import sys

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable, QueryBuilder, write_deltalake


def everything(table):
    # Not `to_pyarrow_table`: pyarrow's threads then outlive the interpreter now and then, and abort the process.
    return QueryBuilder().register("everything", table).execute("SELECT * FROM everything").read_all()


def rows_of(arrow_table):
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.register("rows_of_version", arrow_table)
    found = connection.execute("SELECT to_json(r)::VARCHAR FROM rows_of_version r ORDER BY 1").fetchall()
    return [row[0] for row in found]


def read(request):
    return {
        str(version): rows_of(everything(DeltaTable(request["root"], version=version)))
        for version in request["versions"]
    }


def select(sql):
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    return connection.execute(sql).to_arrow_table()


def write(request):
    root = request["root"]
    for step in request["steps"]:
        kind = step["do"]
        if kind == "write":
            write_deltalake(root, select(step["sql"]), **step.get("options", {}))
        elif kind == "delete":
            DeltaTable(root).delete(step["predicate"])
        elif kind == "optimize":
            DeltaTable(root).optimize.compact()
        elif kind == "checkpoint":
            DeltaTable(root).create_checkpoint()
        elif kind == "cleanup":
            DeltaTable(root).cleanup_metadata()
        elif kind == "int96":
            pq.write_table(select(step["sql"]), step["path"], use_deprecated_int96_timestamps=True)
        else:
            raise ValueError(kind)
    return DeltaTable(root).version() if DeltaTable.is_deltatable(root) else None


request = json.load(sys.stdin)
json.dump({"read": read, "write": write}[request["command"]](request), sys.stdout)
