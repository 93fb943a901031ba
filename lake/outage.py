"""Word what an object store raises that does not answer, or does not let us in: libraries say it in six ways."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from qbrain_core.errors import InvalidInputError, TransientError

if TYPE_CHECKING:
    from lake.storage import Storage

__all__ = ["asks_store", "store_failure", "worded"]

_P = ParamSpec("_P")
_R = TypeVar("_R")

_REFUSED = re.compile(
    r"AccessDenied|Access Denied|Forbidden|InvalidAccessKeyId|SignatureDoesNotMatch|NoSuchBucket|bucket does not exist"
    r"|locate credentials|ExpiredToken|InvalidToken"
)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_LENGTH = 300  # characters of the library's own words


def store_failure(error: BaseException, root: str, endpoint: str) -> Exception:
    """Turn a library's error into one that says what happened and whether trying again can help.

    Parameters
    ----------
    error : BaseException
    root : str
        `s3://bucket/prefix`.
    endpoint : str
        URL of the store; empty: AWS.

    Returns
    -------
    InvalidInputError or TransientError
        The first where the store refuses the credentials or has no such bucket.
    """
    lines = (line.strip(" ↳") for line in _COLOUR.sub("", str(error)).splitlines())
    reason = ": ".join(line for line in lines if line)[:_LENGTH] or type(error).__name__
    store = endpoint or "AWS"
    if isinstance(error, PermissionError) or _REFUSED.search(reason):
        return InvalidInputError("QBRAIN_LAKE_URL", root, f"the object store at {store} refuses it: {reason}")
    return TransientError(f"the object store at {store} does not answer as it should: {reason}")


@contextmanager
def worded(root: str, endpoint: str) -> Iterator[None]:
    """Run a block that asks the store; what is missing there raises as ever.

    Parameters
    ----------
    root : str
        `s3://bucket/prefix`.
    endpoint : str
        URL of the store; empty: AWS.

    Raises
    ------
    InvalidInputError
        If the store refuses the credentials or has no such bucket.
    TransientError
        If it does not answer, or only that it cannot.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # a lake in a folder does without

    try:
        yield
    except FileNotFoundError as error:
        if not _REFUSED.search(str(error)):
            raise
        raise store_failure(error, root, endpoint) from error
    except (OSError, BotoCoreError, ClientError) as error:
        raise store_failure(error, root, endpoint) from error


def asks_store(method: "Callable[Concatenate[Storage, _P], _R]") -> "Callable[Concatenate[Storage, _P], _R]":
    """Run a method of `Storage` within `worded` where the lake is in a bucket.

    Parameters
    ----------
    method : callable

    Returns
    -------
    callable
    """

    @wraps(method)
    def asking(self: "Storage", /, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        if self.access is None:
            return method(self, *args, **kwargs)
        with worded(self.root, self.access.endpoint):
            return method(self, *args, **kwargs)

    return asking
