"""DuckDB's door to a bucket: read-only, to nothing but the lake, safe from any number of threads."""

import threading
from collections import OrderedDict
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, NoReturn

import duckdb
from fsspec.spec import AbstractFileSystem

from lake.s3 import S3Access

__all__ = ["Door", "open_store"]

_FILES_KEPT = 4096
_WRITTEN = datetime.fromtimestamp(0, UTC)  # a file never changes once a version names it: any constant says so


class Door(AbstractFileSystem):  # type: ignore[misc]
    """The files below one root of an S3 store, as DuckDB opens them; every other path is refused.

    Parameters
    ----------
    access : S3Access
    root : str
        `s3://bucket/prefix`.
    files : collection of str, optional
        URLs of the only files that may be read; all below the root when left out.
    """

    protocol = "s3"
    cachable = False

    def __init__(self, access: S3Access, *, root: str, files: Collection[str] | None = None) -> None:
        super().__init__()
        self._store = access.range_reader()
        self._root = root.removeprefix("s3://").rstrip("/") + "/"
        self._allowed = None if files is None else frozenset(file.removeprefix("s3://") for file in files)
        self._opened: OrderedDict[str, Any] = OrderedDict()
        self._lock = threading.Lock()

    def open(self, path: str, mode: str = "rb", **_: Any) -> "_Handle":
        """Open a file for reading.

        Parameters
        ----------
        path : str
        mode : str

        Returns
        -------
        file

        Raises
        ------
        PermissionError
            If the path is out of reach, or the mode is not `rb`.
        FileNotFoundError
            If there is no such file.
        """
        if mode != "rb":
            self._refuse(path)
        return _Handle(self._file(path))

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """Describe a file; errors are those of `open`.

        Parameters
        ----------
        path : str

        Returns
        -------
        dict
        """
        return {"name": self._key(path), "size": self._file(path).size(), "type": "file"}

    def modified(self, path: str) -> datetime:
        """Tell when a file was written: the same moment for all, as none ever changes.

        Parameters
        ----------
        path : str

        Returns
        -------
        datetime
        """
        return _WRITTEN

    def glob(self, path: str, **_: Any) -> list[str]:
        """Resolve a path to itself: files are named, never searched for.

        Parameters
        ----------
        path : str

        Returns
        -------
        list of str

        Raises
        ------
        PermissionError
            If the path is out of reach.
        """
        return [self._key(path)]

    def _refuse(self, path: str, *_: Any, **__: Any) -> NoReturn:
        raise PermissionError(f"{path}: only the lake's own files are read here, and none is written or listed")

    ls = rm = rm_file = rmdir = mkdir = makedirs = mv = cp_file = _refuse

    def _key(self, path: str) -> str:
        key = path.removeprefix("s3://")
        inside = key.startswith(self._root) and not {"", ".", ".."} & set(key.split("/"))
        if not inside or (self._allowed is not None and key not in self._allowed):
            self._refuse(path)
        return key

    def _file(self, path: str) -> Any:
        key = self._key(path)
        with self._lock:
            if key in self._opened:
                self._opened.move_to_end(key)
                return self._opened[key]
        file = self._store.open_input_file(key)  # asks the store for the size
        with self._lock:
            self._opened[key] = file
            while len(self._opened) > _FILES_KEPT:
                self._opened.popitem(last=False)
        return file


class _Handle:
    # DuckDB seeks and reads one handle from several threads, so the place to read from is each thread's own

    def __init__(self, file: Any) -> None:
        self._file = file
        self._thread = threading.local()

    def seek(self, offset: int, whence: int = 0) -> int:
        self._thread.place = offset + (0, self.tell(), self._file.size())[whence]
        return self.tell()

    def tell(self) -> int:
        return getattr(self._thread, "place", 0)

    def read(self, size: int = -1) -> bytes:
        left = max(self._file.size() - self.tell(), 0)
        content: bytes = self._file.read_at(left if size < 0 else min(size, left), self.tell())
        self._thread.place = self.tell() + len(content)
        return content

    def close(self) -> None:
        # the file is shared with other handles
        pass

    flush = close


def open_store(engine: duckdb.DuckDBPyConnection, access: S3Access, root: str) -> None:
    """Let a DuckDB engine read the lake's files: with `httpfs` where that is installed, else through a door.

    Parameters
    ----------
    engine : DuckDBPyConnection
    access : S3Access
    root : str
        `s3://bucket/prefix`.
    """
    try:
        engine.execute("LOAD httpfs")
    except duckdb.Error:
        engine.register_filesystem(Door(access, root=root))
    else:
        engine.execute(access.duckdb_secret())
