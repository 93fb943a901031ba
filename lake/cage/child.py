"""Run one checked query in this process and nothing else, ever: `python -m lake.cage.child`.

Reads one JSON object from standard input: `query`, `views` (name → SELECT), `files` (what may be read), `max_rows`,
`memory_mib`, `timeout_s`, `threads`, and for files in a bucket its `root` and the `access` to it. Writes the result as
an Arrow IPC stream to standard output; when the engine cannot answer, its message to standard error and status 3.
"""

import json
import resource
import sys
from typing import Any

import duckdb
import pyarrow as pa

__all__ = ["FAILED", "main"]

FAILED = 3
"""Exit status when the engine could not answer."""

_OVERHEAD_MIB = 1536
"""Address space of the interpreter, DuckDB's code and thread stacks, in MiB; on top of what the query may use."""


def main() -> int:
    """Serve the one request.

    Returns
    -------
    int
        Exit status: 0, or `FAILED`.
    """
    request: dict[str, Any] = json.load(sys.stdin)
    _limit(request["memory_mib"], request["timeout_s"])
    try:
        connection = _connect(request)
        for name, body in request["views"].items():
            quoted = name.replace('"', '""')
            connection.execute(f'CREATE TEMP VIEW "{quoted}" AS {body}')
        connection.execute("SET lock_configuration = true")
        _answer(connection, request["query"], request["max_rows"])
    except (duckdb.Error, MemoryError, pa.ArrowException) as error:
        sys.stderr.write(str(error) or type(error).__name__)
        return FAILED
    return 0


def _limit(memory_mib: int, timeout_s: float) -> None:
    space = (memory_mib + _OVERHEAD_MIB) * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (space, space))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # two threads: processor time runs twice as fast as the clock
    seconds = int(timeout_s * 4) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))


def _connect(request: dict[str, Any]) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(
        ":memory:",
        config={
            "memory_limit": f"{request['memory_mib']}MiB", "threads": request["threads"],
            "python_enable_replacements": False, "autoinstall_known_extensions": False,
            "autoload_known_extensions": False, "allow_community_extensions": False, "temp_directory": "",
        },
    )  # fmt: skip
    connection.execute("SET TimeZone = 'UTC'")
    if request["access"]:
        from lake.door import Door  # its libraries take a while to import, and a folder needs none of them
        from lake.s3 import S3Access

        access = S3Access(**request["access"])
        connection.register_filesystem(Door(access, root=request["root"], files=request["files"]))
    connection.execute("SET allowed_paths = ?", [request["files"]])
    connection.execute("SET enable_external_access = false")
    return connection


def _answer(connection: duckdb.DuckDBPyConnection, query: str, max_rows: int) -> None:
    relation = connection.sql(query)
    reader: pa.RecordBatchReader = relation.to_arrow_reader(min(max_rows + 1, 65_536))
    left = max_rows + 1  # one more than asked for tells that there are more
    schema = _named_apart(reader.schema)
    with pa.ipc.new_stream(sys.stdout.buffer, schema) as stream:
        for batch in reader:
            stream.write_batch(pa.RecordBatch.from_arrays(batch.columns, schema=schema).slice(0, left))
            left -= min(left, batch.num_rows)
            if not left:
                break
    sys.stdout.buffer.flush()


def _named_apart(schema: pa.Schema) -> pa.Schema:
    # SELECT * over a join names the columns that both sides have twice, which a frame cannot
    names: list[str] = []
    for name in schema.names:
        names.append(next(n for n in (name, *(f"{name}_{i}" for i in range(1, len(schema) + 1))) if n not in names))
    return pa.schema([field.with_name(name) for field, name in zip(schema, names, strict=True)], schema.metadata)


if __name__ == "__main__":
    sys.exit(main())
