"""Where the lake's bytes live: Delta tables and their Parquet files on a folder or an S3 bucket."""

import contextlib
import io
import os
import time
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import quote

import fsspec
import polars as pl
from deltalake import CommitProperties, DeltaTable, Schema
from deltalake.exceptions import DeltaError

from lake.tables import FACTOR_PREFIX, Table
from qbrain_core.settings import Settings

__all__ = ["ROWS_PER_FILE", "ROWS_PER_GROUP", "Storage"]

ROWS_PER_GROUP = 16_384
"""Rows of one Parquet row group: small enough that one instrument of a sorted file is a cheap read."""

ROWS_PER_FILE = 2_000_000
"""Rows of one Parquet file at most: what a change of one row may have to rewrite."""


class Storage:
    """Tables below one root.

    Parameters
    ----------
    settings : Settings
        `lake_root` is a folder or `s3://bucket/prefix`; S3 credentials come from the usual `AWS_*` variables.
    """

    def __init__(self, settings: Settings) -> None:
        root = settings.lake_root
        self.local = "://" not in root
        """Whether tables lie on a file system of this machine."""
        self.root = str(Path(root).absolute()) if self.local else root
        """Folder or URL above every table."""
        self.options: dict[str, str] = {} if self.local else _s3_options()
        """What delta-rs and polars need to reach the root."""
        self._files = fsspec.filesystem("file") if self.local else fsspec.filesystem("s3")

    def uri(self, name: str) -> str:
        """Root of one table.

        Parameters
        ----------
        name : str

        Returns
        -------
        str
        """
        return f"{self.root}/{name}"

    def exists(self, name: str, version: int = 0) -> bool:
        """Tell whether a version of a table has been committed.

        Parameters
        ----------
        name : str
        version : int

        Returns
        -------
        bool
            Always true for an old version whose log entry a checkpoint has replaced only if the entry is still kept.
        """
        entry = f"{self.uri(name)}/_delta_log/{version:020}.json"
        return os.path.exists(entry) if self.local else bool(self._files.exists(entry))  # noqa: PTH110 (hot path)

    def factor_tables(self) -> list[str]:
        """List the factor tables there are.

        Returns
        -------
        list of str
            `factors/<set>-<hash8>`, ascending.
        """
        folder = self.uri(FACTOR_PREFIX.rstrip("/"))
        if not self.local:
            self._files.invalidate_cache(folder)
        try:
            found = self._files.ls(folder, detail=False)
        except FileNotFoundError:
            return []
        names = sorted(FACTOR_PREFIX + str(path).rstrip("/").rpartition("/")[2] for path in found)
        return [name for name in names if self.exists(name)]

    def open(self, name: str, *, version: int | None = None) -> DeltaTable:
        """Open a table.

        Parameters
        ----------
        name : str
        version : int, optional
            The newest when left out.

        Returns
        -------
        DeltaTable

        Raises
        ------
        TableNotFoundError
            If there is no such table.
        DeltaError
            If there is no such version.
        """
        return DeltaTable(self.uri(name), version=version, storage_options=self.options or None)

    def create(self, table: Table) -> None:
        """Create a table without rows; nothing happens where it exists.

        Parameters
        ----------
        table : Table
        """
        if self.local:
            Path(self.uri(table.name)).mkdir(parents=True, exist_ok=True)
        try:
            DeltaTable.create(
                self.uri(table.name),
                Schema.from_arrow(table.schema),
                mode="ignore",
                partition_by=list(table.partitions),
                storage_options=self.options or None,
                description=table.sentence,
                commit_properties=CommitProperties(max_commit_retries=0),  # else two creators make two versions
                configuration={"delta.enableExpiredLogCleanup": "false"},  # `as_of` and pins read old versions
            )
        except DeltaError:
            if not self.exists(table.name):  # else another process created it in the same moment
                raise

    def write(self, name: str, partition: Mapping[str, object], frame: pl.DataFrame) -> tuple[str, int]:
        """Write one Parquet file that no table version names yet.

        Parameters
        ----------
        name : str
            Table.
        partition : mapping of str to object
            Partition columns and values, outermost first.
        frame : DataFrame
            Rows in file order, without the partition columns.

        Returns
        -------
        tuple of (str, int)
            Path below the table's root, and size in bytes.
        """
        folder = "".join(f"{column}={quote(str(value), safe='')}/" for column, value in partition.items())
        path = f"{folder}part-{uuid.uuid4().hex}.parquet"
        target = f"{self.uri(name)}/{path}"
        if self.local:
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            frame.write_parquet(target, compression="zstd", row_group_size=ROWS_PER_GROUP)
            return path, Path(target).stat().st_size
        buffer = io.BytesIO()
        frame.write_parquet(buffer, compression="zstd", row_group_size=ROWS_PER_GROUP)
        self._files.pipe_file(target, buffer.getvalue())
        return path, buffer.tell()

    def discard(self, name: str, paths: Iterable[str]) -> None:
        """Delete files this process wrote and never committed.

        Parameters
        ----------
        name : str
        paths : iterable of str
            As `write` returned them.
        """
        for path in paths:
            with contextlib.suppress(FileNotFoundError):
                self._files.rm_file(f"{self.uri(name)}/{path}")


def now_ms() -> int:
    """Milliseconds since the epoch, as the Delta log counts time.

    Returns
    -------
    int
    """
    return int(time.time() * 1000)


def _s3_options() -> dict[str, str]:
    options = {key: value for key, value in os.environ.items() if key.startswith("AWS_")}
    if options.get("AWS_ENDPOINT_URL", "").startswith("http://"):
        options["AWS_ALLOW_HTTP"] = "true"
    return options | {"aws_conditional_put": "etag"}
