"""Why a query in the cage gave no result, and where in its text the reason stands."""

import json
from dataclasses import dataclass

from qbrain_core.errors import InvalidInputError, QBrainError

__all__ = [
    "Place",
    "SqlCancelledError",
    "SqlFailedError",
    "SqlRefusedError",
    "SqlTimeoutError",
    "engine_error",
    "place",
]


@dataclass(frozen=True, slots=True)
class Place:
    """A part of a query's text: `query[start:end]`, which begins at `line` and `column` (both from 1)."""

    start: int
    end: int
    line: int
    column: int

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}"


class SqlRefusedError(InvalidInputError):
    """The query does more than read the lake's tables; nothing of it was run."""

    def __init__(self, what: str, rule: str, place: Place | None = None) -> None:
        super().__init__("query", what, rule)
        self.place = place


class SqlFailedError(QBrainError, ValueError):
    """The query was run and the engine could not answer it (a wrong column, a cast, too little memory)."""

    def __init__(self, message: str, place: Place | None = None) -> None:
        super().__init__(f"{message} ({place})" if place else message)
        self.message = message
        self.place = place


class SqlTimeoutError(QBrainError, TimeoutError):
    """The query ran past its time and was ended."""


class SqlCancelledError(QBrainError, RuntimeError):
    """Somebody ended the query."""


def place(query: str, start: int, length: int) -> Place | None:
    """Turn the engine's place into ours.

    Parameters
    ----------
    query : str
    start, length : int
        In bytes of UTF-8.

    Returns
    -------
    Place or None
        None where it is not within the query.
    """
    text = query.encode()
    if length <= 0 or not 0 <= start < len(text):
        return None
    before = text[:start].decode(errors="ignore")
    end = len(before) + len(text[start : start + length].decode(errors="ignore"))
    return Place(len(before), end, before.count("\n") + 1, len(before) - before.rfind("\n"))


def engine_error(error: Exception, query: str, *, longest: int = 8_000) -> SqlFailedError:
    """Word an error of the engine.

    Parameters
    ----------
    error : Exception
        With `errors_as_json` on, its text is `<kind> Error: <a JSON object>` or just a sentence.
    query : str
    longest : int
        Characters kept of its sentence.

    Returns
    -------
    SqlFailedError
        With the place, where the engine knows it.
    """
    said = str(error) or type(error).__name__
    kind, brace, rest = said.partition("{")
    try:
        told = json.loads(brace + rest)
        message = kind + told["exception_message"]
        start, length = json.loads(told["location"]) if "location" in told else (0, 0)
    except (ValueError, KeyError, TypeError):
        return SqlFailedError(said[:longest])
    return SqlFailedError(message[:longest], place(query, start, length))
