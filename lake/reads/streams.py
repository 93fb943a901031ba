"""Reads of more rows than fit in memory: a table or a query, batch by batch."""

import re
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from lake.catalog import AsOf
from lake.files import Snapshot
from lake.reads.rows import RowReads
from lake.sql import Session, quote_identifier
from lake.views import select_of
from qbrain_core.errors import InvalidInputError

__all__ = ["StreamReads"]

_NAME = re.compile(r"[\w/-]+")


class StreamReads(RowReads):
    """Reads of Arrow streams."""

    _session: Session

    @abstractmethod
    def views(self, query: str, *, as_of: AsOf = None) -> dict[str, Snapshot]:
        """Resolve the views a query may use."""

    def stream(
        self, source: str, params: Sequence[Any] | Mapping[str, Any] | None = None, *, batch_rows: int = 100_000,
        as_of: AsOf = None,
    ) -> pa.RecordBatchReader:  # fmt: skip
        """Read a table, or the result of a query, batch by batch in bounded memory.

        Parameters
        ----------
        source : str
            A table as for `snapshot`, or DuckDB SQL as for `sql`.
        params : sequence or mapping, optional
            Of the query.
        batch_rows : int
            Rows of a batch, about.
        as_of : optional

        Returns
        -------
        pyarrow.RecordBatchReader
            All rows of one version, whatever is committed meanwhile. A table comes in no particular order, with the
            declared columns.

        Raises
        ------
        UnknownNameError
            If there is no such table.
        InvalidInputError
            If the query is not one valid statement, also while it is read; or `batch_rows` is no positive number.
        """
        if batch_rows < 1:
            raise InvalidInputError("batch_rows", batch_rows, "a batch has at least one row")
        if _NAME.fullmatch(source):
            snapshot = self.snapshot(source, as_of=as_of)
            view = f"stream of {snapshot.table.name}"
            query, views = f"SELECT * FROM {quote_identifier(view)}", {view: select_of(snapshot)}
        else:
            query, views = source, {name: select_of(s) for name, s in self.views(source, as_of=as_of).items()}
        return self._session.stream(query, params, views, batch_rows=batch_rows)
