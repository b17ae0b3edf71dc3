"""Runs dbt commands, one after another in this process, which saves most of their start-up. (dbt takes modules whose
names begin with dbt_ for plugins.)

Arguments: a directory for DuckDB's extensions, and the file for the results.
Standard input: a JSON list of commands, each a list of dbt's arguments.
Result: a JSON list with, for each command: success, the exception's text, the nodes with what was compiled, and what
became of each node.
"""

import json
import sys

import duckdb
from dbt.cli.main import dbtRunner
from duckdb_extensions import import_extension

extensions, results_file = sys.argv[1:]
with duckdb.connect(config={"extension_directory": extensions}) as connection:
    import_extension("delta", con=connection)


def described(result):
    node = result.node
    return {
        "name": node.name,
        "kind": str(node.resource_type),
        "status": str(result.status),
        "failures": result.failures,
        "message": result.message,
        "compiled": getattr(node, "compiled_code", None),
    }


answers = []
for command in json.load(sys.stdin):
    outcome = dbtRunner().invoke(command)
    results = getattr(outcome.result, "results", None) or []
    answers.append(
        {
            "success": outcome.success,
            "exception": None if outcome.exception is None else str(outcome.exception),
            "results": [described(result) for result in results],
        }
    )
    if outcome.exception is not None:
        break
with open(results_file, "w", encoding="utf8") as file:
    json.dump(answers, file)
