"""deltalake (delta-rs) reads versions of a table. {"root": ..., "versions": [0, 1]} on stdin, rows as JSON texts
by version on stdout."""

import json
import sys

import duckdb
from deltalake import DeltaTable, QueryBuilder


def everything(table):
    # Not `to_pyarrow_table`: pyarrow's threads then outlive the interpreter now and then, and abort the process.
    return QueryBuilder().register("everything", table).execute("SELECT * FROM everything").read_all()


def rows_of(arrow_table):
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.register("rows_of_version", arrow_table)
    found = connection.execute("SELECT to_json(r)::VARCHAR FROM rows_of_version r ORDER BY 1").fetchall()
    return [row[0] for row in found]


request = json.load(sys.stdin)
answer = {
    str(version): rows_of(everything(DeltaTable(request["root"], version=version)))
    for version in request["versions"]
}
json.dump(answer, sys.stdout)
