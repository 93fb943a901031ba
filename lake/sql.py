"""Run SQL in DuckDB: one engine per process, a connection of its own for every running query, and all the quoting."""

import queue
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl

from lake.macros import MACRO_STATEMENTS
from qbrain_core.errors import InvalidInputError, TransientError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Session", "quote_identifier", "quote_list", "quote_text"]

_SETTINGS = (
    "python_enable_replacements = false",  # a Python variable is not a table
    "parquet_metadata_cache = true",  # files never change once a version names them
    "validate_external_file_cache = 'NO_VALIDATION'",
    "TimeZone = 'UTC'",
    "autoinstall_known_extensions = false",
)

_STORE_ERROR = re.compile(r"AWS Error .*|HTTP Error: .*")  # of the door, and of `httpfs`


def quote_identifier(name: str) -> str:
    """Write a name so that SQL reads it as exactly that name.

    Parameters
    ----------
    name : str

    Returns
    -------
    str
        In double quotes.

    Raises
    ------
    InvalidInputError
        If it is empty or holds a NUL, which no SQL name can.
    """
    if not name or "\0" in name:
        raise InvalidInputError("name", name, "an SQL name has at least one character and no NUL")
    return '"' + name.replace('"', '""') + '"'


def quote_text(value: str) -> str:
    """Write a text so that SQL reads it as exactly that text.

    Parameters
    ----------
    value : str

    Returns
    -------
    str
        In single quotes.

    Raises
    ------
    InvalidInputError
        If it holds a NUL.
    """
    if "\0" in value:
        raise InvalidInputError("text", value, "an SQL text holds no NUL")
    return "'" + value.replace("'", "''") + "'"


def quote_list(values: Iterable[str]) -> str:
    """Write texts as an SQL list.

    Parameters
    ----------
    values : iterable of str

    Returns
    -------
    str
        `['a', 'b']`.
    """
    return "[" + ", ".join(quote_text(value) for value in values) + "]"


@dataclass
class _Connection:
    cursor: duckdb.DuckDBPyConnection
    views: dict[str, str] = field(default_factory=dict)


class Session:
    """A DuckDB engine in memory.

    Views are temporary, so every connection sees its own: queries at different versions run side by side. Idle
    connections are kept with the views they have, because binding a view reads the footer of each of its files.

    Parameters
    ----------
    prepare : callable, optional
        Called once with the new engine, to let it reach files that are not on this machine.
    """

    def __init__(self, prepare: Callable[[duckdb.DuckDBPyConnection], None] | None = None) -> None:
        self._prepare = prepare
        self._engine: duckdb.DuckDBPyConnection | None = None
        self._idle: queue.LifoQueue[_Connection] = queue.LifoQueue()
        self._lock = threading.Lock()

    def run(
        self, query: str, params: Sequence[Any] | Mapping[str, Any] | None, views: Mapping[str, str]
    ) -> pl.DataFrame:
        """Run one query.

        Parameters
        ----------
        query : str
            One statement; `?` or `$name` where a parameter goes.
        params : sequence or mapping, optional
        views : mapping of str to str
            Names the query may use, and the SELECT behind each.

        Returns
        -------
        DataFrame

        Raises
        ------
        InvalidInputError
            If DuckDB refuses the query; the rule says why.
        TransientError
            If the lake is in a bucket and its store does not answer.
        """
        connection = self._borrow()
        try:
            relation = self._ask(connection, query, params, views)
            return pl.DataFrame() if relation is None else pl.DataFrame(relation.pl())
        except duckdb.Error as error:
            lost = _STORE_ERROR.search(str(error))
            if lost:
                raise TransientError(f"the object store does not answer as it should: {lost[0]}") from error
            raise InvalidInputError("query", query, str(error)) from error
        finally:
            self._idle.put(connection)

    def stream(
        self, query: str, params: Sequence[Any] | Mapping[str, Any] | None, views: Mapping[str, str], *, batch_rows: int
    ) -> "pa.RecordBatchReader":
        """Run one query and give its rows while they are made.

        Parameters
        ----------
        query, params, views
            As for `run`.
        batch_rows : int
            Rows of a batch, about.

        Returns
        -------
        pyarrow.RecordBatchReader
            Holds a connection until it is read to its end, closed or forgotten.

        Raises
        ------
        InvalidInputError
            If DuckDB refuses the query, or does so while rows are read.
        """
        import pyarrow as pa  # nothing else here needs it

        connection = self._borrow()
        try:
            relation = self._ask(connection, query, params, views)
            if relation is None:
                raise InvalidInputError("query", query, "it gives no rows")
            reader = relation.to_arrow_reader(batch_rows)
        except BaseException as error:
            self._idle.put(connection)
            if isinstance(error, duckdb.Error):
                raise InvalidInputError("query", query, str(error)) from error
            raise

        def batches() -> Iterator["pa.RecordBatch"]:
            try:
                yield from reader
            except (pa.ArrowException, OSError) as error:  # how DuckDB's errors come out of an Arrow stream
                raise InvalidInputError("query", query, str(error)) from error
            finally:
                self._idle.put(connection)

        return pa.RecordBatchReader.from_batches(reader.schema, batches())

    def _ask(
        self, connection: _Connection, query: str, params: Sequence[Any] | Mapping[str, Any] | None,
        views: Mapping[str, str],
    ) -> duckdb.DuckDBPyRelation | None:  # fmt: skip
        for name, body in views.items():
            if connection.views.get(name) != body:
                connection.cursor.execute(f"CREATE OR REPLACE TEMP VIEW {quote_identifier(name)} AS {body}")
                connection.views[name] = body
        statements = connection.cursor.extract_statements(query)
        if len(statements) != 1:
            raise InvalidInputError("query", query, f"it holds {len(statements)} statements; write one")
        given = params if params is None or isinstance(params, Mapping) else list(params)
        return connection.cursor.sql(query, params=given)

    def _borrow(self) -> _Connection:
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            pass
        with self._lock:
            if self._engine is None:
                engine = duckdb.connect(":memory:")
                for setting in _SETTINGS:
                    engine.execute(f"SET GLOBAL {setting}")  # for the cursors made from it, too
                for statement in MACRO_STATEMENTS:
                    engine.execute(statement)
                if self._prepare:
                    self._prepare(engine)
                self._engine = engine
            return _Connection(self._engine.cursor())
