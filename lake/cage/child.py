"""Check and run one query in this process and nothing else, ever: `python -m lake.cage.child`.

Reads one JSON object from standard input: `query`, `relations` (what it may name), `views` (name → SELECT), `files`
(what may be read), `max_rows`, `max_bytes`, `memory_mib`, `timeout_s`, `threads`, `parent` (the process that asks), and
for files in a bucket its `root` and the `access` to it. Writes the result as an Arrow IPC stream to standard output
and, as the last line of standard error, a JSON object that says how it went: `kind` is done, refused or failed.

The query is parsed here too: a parser can be kept busy for minutes, and this process can be ended.
"""

import json
import ssl
import sys
from collections.abc import Iterator, Mapping
from dataclasses import astuple
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import duckdb
import pyarrow as pa

from lake.cage.errors import Place, SqlFailedError, SqlRefusedError, engine_error
from lake.cage.gate import check_query
from lake.cage.landlock import restrict
from lake.cage.limits import limit
from lake.cage.seccomp import forbid
from lake.macros import MACRO_STATEMENTS

__all__ = ["FAILED", "answer", "main"]

FAILED = 3
"""Exit status when there is no result; the report says why."""

_BATCH_ROWS = 8_192
_OWN_TYPES = ("INTERVAL", "BIT", "BIGNUM", "VARIANT", "UNION", "TIME WITH TIME ZONE")
_MACHINE = ("/proc/self/cgroup", "/proc/stat", "/proc/meminfo", "/sys/devices/system/cpu", "/sys/fs/cgroup")
"""What the engine reads to learn how large the machine is."""

_NAME_SERVICE = (
    "/etc/resolv.conf", "/etc/hosts", "/etc/host.conf", "/etc/nsswitch.conf", "/etc/gai.conf", "/lib", "/lib64",
    "/usr/lib", "/usr/lib64", "/etc/ld.so.cache", "/etc/ssl", "/etc/pki", "/usr/share/ca-certificates",
)  # fmt: skip
"""What finding a server by its name and trusting it may read."""

_DNS, _HTTP, _HTTPS = 53, 80, 443


def main() -> int:
    """Serve the one request.

    Returns
    -------
    int
        Exit status: 0, or `FAILED`.
    """
    request: dict[str, Any] = json.load(sys.stdin)
    # two threads: processor time runs twice as fast as the clock
    limit(request["memory_mib"], int(request["timeout_s"] * 4) + 1, parent=request["parent"])
    counter = _ReadBytes()
    report: dict[str, Any]
    try:
        _seal(request)
        cut = answer(request, sys.stdout.buffer)
        report = {"kind": "done", "cut": cut, "read_bytes": counter.now()}
    except SqlRefusedError as error:
        report = {"kind": "refused", "what": str(error.value), "rule": error.rule, "place": _numbers(error.place)}
    except SqlFailedError as error:
        report = {"kind": "failed", "message": error.message, "place": _numbers(error.place)}
    except (duckdb.Error, MemoryError, RecursionError, pa.ArrowException) as error:
        failed = engine_error(error, request["query"])
        report = {"kind": "failed", "message": failed.message, "place": _numbers(failed.place)}
    sys.stderr.write("\n" + json.dumps(report))
    return 0 if report["kind"] == "done" else FAILED


def answer(request: Mapping[str, Any], sink: IO[bytes]) -> str:
    """Check a query and write its rows; what the process may reach is up to whoever made it.

    Parameters
    ----------
    request : mapping
    sink : binary file
        Where the Arrow IPC stream goes.

    Returns
    -------
    str
        What was cut off: "rows", "bytes", or "" for nothing.

    Raises
    ------
    SqlRefusedError
        If it does more than read; nothing was run.
    SqlFailedError
        If it does not parse.
    duckdb.Error
        If the engine cannot answer it.
    """
    check_query(request["query"], request["relations"])
    connection = _connect(request)
    for name, body in request["views"].items():
        connection.execute(f"CREATE TEMP VIEW {_quote(name)} AS {body}")
    for statement in MACRO_STATEMENTS:
        connection.execute(statement)
    connection.execute("SET lambda_syntax = 'ENABLE_SINGLE_ARROW'")  # people write both x -> … and lambda x: …
    connection.execute("SET errors_as_json = true")  # for the place
    connection.execute("SET lock_configuration = true")
    return _write(connection, request, sink)


def _quote(name: str) -> str:
    # as lake.sql does, which would bring an engine along that takes a while to import
    return '"' + name.replace('"', '""') + '"'


def _numbers(place: Place | None) -> list[int] | None:
    return list(astuple(place)) if place else None


class _ReadBytes:
    # the kernel counts what this process reads; opened before the file system is closed to it

    def __init__(self) -> None:
        path = Path("/proc/self/io")
        self._file = path.open("rb", buffering=0) if path.exists() else None
        self._start = self._count()

    def now(self) -> int:
        return self._count() - self._start

    def _count(self) -> int:
        if self._file is None:
            return 0
        self._file.seek(0)
        return int(self._file.read().split()[1])


def _seal(request: Mapping[str, Any]) -> None:
    # before any thread is started, for those that run already would go on as they are
    access = request["access"]
    if not access:
        restrict([*_MACHINE, *request["files"]])
        forbid(sockets=True)
        return
    import pyarrow.fs  # noqa: F401 (imported now, while its files can be read)

    import lake.door
    import lake.s3  # noqa: F401

    trusted = ssl.get_default_verify_paths()
    given = (access["ca_bundle"], trusted.cafile, trusted.capath, trusted.openssl_cafile, trusted.openssl_capath)
    address = urlsplit(access["endpoint"])
    port = address.port or (_HTTP if address.scheme == "http" else _HTTPS)
    restrict([*_MACHINE, *_NAME_SERVICE, *(path for path in given if path)], [port, _DNS])
    forbid(sockets=False)


def _connect(request: Mapping[str, Any]) -> duckdb.DuckDBPyConnection:
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


def _write(connection: duckdb.DuckDBPyConnection, request: Mapping[str, Any], sink: IO[bytes]) -> str:
    query, rows_left, bytes_left, cut = request["query"], request["max_rows"], request["max_bytes"], ""
    try:
        relation = connection.sql(query)
    except duckdb.Error:
        connection.execute(query)  # fails in the same way, and tells the place, which a relation does not
        raise
    reader: pa.RecordBatchReader = _readable(relation).to_arrow_reader(min(rows_left + 1, _BATCH_ROWS))
    schema = _named_apart(reader.schema)
    with pa.ipc.new_stream(sink, schema) as stream:
        for batch in _small(reader, schema):
            rows = batch.num_rows if batch.nbytes <= bytes_left else batch.num_rows * bytes_left // batch.nbytes
            cut = "bytes" if rows < batch.num_rows else cut
            if batch.num_rows > rows_left:
                rows, cut = min(rows, rows_left), "rows"
            kept = batch.slice(0, rows)
            stream.write_batch(kept)
            rows_left, bytes_left = rows_left - rows, bytes_left - kept.nbytes
            if cut:
                break
    sink.flush()
    return cut


def _readable(relation: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    # types of the engine that no frame has leave as text
    own = [any(name in str(dtype).upper() for name in _OWN_TYPES) for dtype in relation.types]
    if not any(own):
        return relation
    columns = [
        f"#{i}{'::VARCHAR' if text else ''} AS {_quote(name)}"
        for i, (name, text) in enumerate(zip(relation.columns, own, strict=True), 1)
    ]
    return relation.project(", ".join(columns))


def _small(reader: pa.RecordBatchReader, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    for batch in reader:
        whole = pa.RecordBatch.from_arrays(batch.columns, schema=schema)
        yield from (whole.slice(start, _BATCH_ROWS) for start in range(0, whole.num_rows, _BATCH_ROWS))


def _named_apart(schema: pa.Schema) -> pa.Schema:
    # SELECT * over a join names the columns that both sides have twice, which a frame cannot
    taken: set[str] = set()
    fields = []
    for field in schema:
        name, number = field.name, 0
        while name in taken:
            number += 1
            name = f"{field.name}_{number}"
        taken.add(name)
        fields.append(field.with_name(name))
    return pa.schema(fields, schema.metadata)


if __name__ == "__main__":
    sys.exit(main())
