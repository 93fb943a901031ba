"""Why a query in the cage gave no result."""

from qbrain_core.errors import InvalidInputError, QBrainError

__all__ = ["SqlFailedError", "SqlRefusedError", "SqlTimeoutError"]


class SqlRefusedError(InvalidInputError):
    """The query does more than read the lake's tables; nothing of it was run."""

    def __init__(self, what: str, rule: str) -> None:
        super().__init__("query", what, rule)


class SqlFailedError(QBrainError, ValueError):
    """The query was run and the engine could not answer it (a wrong column, a cast, too little memory)."""


class SqlTimeoutError(QBrainError, TimeoutError):
    """The query ran past its time and was ended."""
