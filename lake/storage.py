"""Where the lake's bytes live: Delta tables and their Parquet files on a folder or an S3 bucket."""

import contextlib
import io
import os
import time
import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

import fsspec
import polars as pl
from deltalake import CommitProperties, DeltaTable, Schema
from deltalake.exceptions import DeltaError

from lake.outage import asks_store, store_failure
from lake.s3 import S3Access, split_url
from lake.tables import FACTOR_PREFIX, Table
from lake.turn import Turn
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
        self.access = None if self.local else S3Access.from_environment()
        """How to reach the root where it is a bucket."""
        self.options: dict[str, str] = self.access.delta_options() if self.access else {}
        """What delta-rs and polars need to reach the root."""
        self.unanswered: tuple[type[Exception], ...] = () if self.local else (OSError,)
        """What delta-rs raises where a bucket's store gave no answer, and may have done as asked."""
        self.turn = Turn(settings.home.absolute() / "run" / "turns", self.root)
        """Turns of this machine's writers."""
        self._files = self.access.file_system() if self.access else fsspec.filesystem("file")
        self._factor_tables: set[str] = set()

    def failure(self, error: BaseException) -> Exception:
        """Word what a library raised whose question the store did not answer.

        Parameters
        ----------
        error : BaseException

        Returns
        -------
        Exception
            See `store_failure`.
        """
        return store_failure(error, self.root, self.access.endpoint if self.access else "")

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

    @asks_store
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
        if self.local:
            return os.path.exists(entry)  # noqa: PTH110 (hot path)
        bucket, key = split_url(entry)
        try:  # one request; s3fs' own `exists` also lists
            self._files.call_s3("head_object", Bucket=bucket, Key=key)
        except FileNotFoundError:
            return False
        return True

    @asks_store
    def factor_tables(self) -> list[str]:
        """List the factor tables there are.

        Returns
        -------
        list of str
            `factors/<set>-<hash8>`, ascending.
        """
        folder = self.uri(FACTOR_PREFIX.rstrip("/"))
        try:
            found = self._files.ls(folder, detail=False)
        except FileNotFoundError:
            return []
        names = sorted(FACTOR_PREFIX + str(path).rstrip("/").rpartition("/")[2] for path in found)
        self._factor_tables |= {name for name in names if name not in self._factor_tables and self.exists(name)}
        return [name for name in names if name in self._factor_tables]

    @asks_store
    def open(self, name: str, *, version: int | datetime | None = None) -> DeltaTable:
        """Open a table.

        Parameters
        ----------
        name : str
        version : int or datetime, optional
            Or the version of a moment; the newest when left out.

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
        if not isinstance(version, datetime):
            return DeltaTable(self.uri(name), version=version, storage_options=self.options or None)
        opened = DeltaTable(self.uri(name), storage_options=self.options or None)
        opened.load_as_version(version)
        return opened

    @asks_store
    def update(self, opened: DeltaTable) -> None:
        """Move an opened table on to its newest version.

        Parameters
        ----------
        opened : DeltaTable
        """
        opened.update_incremental()

    @asks_store
    def allow_writing(self) -> None:
        """Return when this process may write; nothing but S3 ever refuses.

        Raises
        ------
        UnsafeStoreError
            If the store cannot keep two writers apart and there is another.
        """
        if self.access:
            from lake.probe import allow_writing  # a lake in a folder does without

            allow_writing(self.access, self.root)

    @asks_store
    def create(self, table: Table) -> None:
        """Create a table without rows; nothing happens where it exists.

        Parameters
        ----------
        table : Table

        Raises
        ------
        UnsafeStoreError
            See `allow_writing`.
        """
        self.allow_writing()
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
                configuration={
                    "delta.enableExpiredLogCleanup": "false",  # `as_of` and pins read old versions
                    "delta.checkpointInterval": "20",  # opening reads every entry since the last one: 100 cost 3 times
                },
            )
        except DeltaError:
            if not self.exists(table.name):  # else another process created it in the same moment
                raise

    @asks_store
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

        Raises
        ------
        UnsafeStoreError
            See `allow_writing`.
        """
        self.allow_writing()
        path = f"{_folder(partition)}part-{uuid.uuid4().hex}.parquet"
        target = f"{self.uri(name)}/{path}"
        if self.local:
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            frame.write_parquet(target, compression="zstd", row_group_size=ROWS_PER_GROUP)
            return path, Path(target).stat().st_size
        buffer = io.BytesIO()
        frame.write_parquet(buffer, compression="zstd", row_group_size=ROWS_PER_GROUP)
        self._files.pipe_file(target, buffer.getvalue())
        return path, buffer.tell()

    @asks_store
    def begin(self, name: str, partition: Mapping[str, object], *, mark: str) -> tuple[str, BinaryIO]:
        """Open a new Parquet file for writing bit by bit; no table version names it yet.

        Parameters
        ----------
        name : str
            Table.
        partition : mapping of str to object
            Partition columns and values, outermost first.
        mark : str
            Stands in the file's name, by which `stored_files` tells whose it is.

        Returns
        -------
        tuple of (str, binary file)
            Path below the table's root, and where to write. In a bucket there is no such object before it is closed.

        Raises
        ------
        UnsafeStoreError
            See `allow_writing`.
        """
        self.allow_writing()
        path = f"{_folder(partition)}part-{mark}-{uuid.uuid4().hex}.parquet"
        target = f"{self.uri(name)}/{path}"
        if self.local:
            Path(target).parent.mkdir(parents=True, exist_ok=True)
        return path, self._files.open(target, "wb")

    @asks_store
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

    @asks_store
    def copy(self, name: str, path: str) -> tuple[str, int]:
        """Copy a Parquet file to a new path in its partition, which no table version names yet.

        Parameters
        ----------
        name : str
            Table.
        path : str
            As `write` returned it.

        Returns
        -------
        tuple of (str, int)
            Path of the copy below the table's root, and size in bytes.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        """
        folder, slash, _ = path.rpartition("/")
        fresh = f"{folder}{slash}part-{uuid.uuid4().hex}.parquet"
        self._files.cp_file(f"{self.uri(name)}/{path}", f"{self.uri(name)}/{fresh}")
        return fresh, int(self._files.size(f"{self.uri(name)}/{fresh}"))

    @asks_store
    def stored_files(self, name: str) -> dict[str, tuple[int, float]]:
        """List the Parquet files that lie below a table's root, whether or not a version names them.

        Parameters
        ----------
        name : str

        Returns
        -------
        dict of str to (int, float)
            By path: size in bytes, and when it was last written, in seconds since the epoch.
        """
        root = self.uri(name).partition("://")[2] or self.uri(name)
        found: dict[str, tuple[int, float]] = {}
        for place, facts in self._files.find(root, detail=True).items():
            path = str(place).removeprefix(root).lstrip("/")
            if path.endswith(".parquet") and not path.startswith("_delta_log/"):
                written = facts["mtime"] if self.local else facts["LastModified"].timestamp()
                found[path] = (int(facts["size"]), float(written))
        return found

    @asks_store
    def lacks(self, name: str, paths: Iterable[str]) -> bool:
        """Tell whether a file of a table is gone.

        Parameters
        ----------
        name : str
        paths : iterable of str

        Returns
        -------
        bool
        """
        if self.local:
            return not all(os.path.exists(f"{self.uri(name)}/{path}") for path in paths)  # noqa: PTH110 (hot path)
        return not set(paths) <= set(self.stored_files(name))

    @asks_store
    def log_entry(self, name: str, version: int) -> bytes:
        """Read the log entry of one version.

        Parameters
        ----------
        name : str
        version : int

        Returns
        -------
        bytes
            JSON lines of the Delta protocol.

        Raises
        ------
        FileNotFoundError
            If the log has no such entry.
        """
        content: bytes = self._files.cat_file(f"{self.uri(name)}/_delta_log/{version:020}.json")
        return content


def _folder(partition: Mapping[str, object]) -> str:
    return "".join(f"{column}={quote(str(value), safe='')}/" for column, value in partition.items())


def now_ms() -> int:
    """Milliseconds since the epoch, as the Delta log counts time.

    Returns
    -------
    int
    """
    return int(time.time() * 1000)
