"""ClickHouse (chdb) over Parquet files: a statement a line as JSON on stdin, {"ms": …, "rows": [[…]]} a line back.

usage: chdb_queries.py <directory of the table>
"""

import json
import sys
import time

from chdb.session import Session

session = Session()
session.query("SET max_threads = 2")
session.query("SET use_hive_partitioning = 1")
session.query("SET session_timezone = 'UTC'")
files = f"file('{sys.argv[1]}/event_date=*/*.parquet', Parquet)"
for line in sys.stdin:
    statement = json.loads(line).replace("FROM silver", f"FROM {files}")
    started = time.perf_counter()
    answer = session.query(statement, "JSONCompactEachRow")
    elapsed = (time.perf_counter() - started) * 1000
    rows = [json.loads(row) for row in str(answer).splitlines() if row]
    print(json.dumps({"ms": elapsed, "rows": rows}), flush=True)
