"""Errors named for the situation; each composes one sentence: the parameter, its value, the rule it broke."""

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = [
    "CommitConflictError",
    "InsufficientDataError",
    "InvalidInputError",
    "JobCancelledError",
    "JobLostError",
    "QBrainError",
    "TransientError",
    "UnknownNameError",
    "suggest",
]


def suggest(name: str, known: Iterable[str]) -> str:
    """Word the known names closest to a mistyped one.

    Parameters
    ----------
    name : str
        What was written.
    known : iterable of str
        What could have been meant.

    Returns
    -------
    str
        `did you mean 'x'?`, or the (at most twelve) known names when none is close, or "" when there are none.
    """
    names = sorted(set(known))
    close = get_close_matches(name, names, n=2, cutoff=0.6)
    if close:
        return "did you mean " + " or ".join(repr(c) for c in close) + "?"
    if not names:
        return ""
    shown = ", ".join(repr(n) for n in names[:12])
    return f"known: {shown}" + (" …" if len(names) > 12 else "")


class QBrainError(Exception):
    """Root of every error this product raises on purpose."""


class InvalidInputError(QBrainError, ValueError):
    """An input broke a rule; trying again with the same input cannot help.

    Parameters
    ----------
    parameter : str
        Dotted path of the field or argument, as the user wrote it.
    value : object
        What was given.
    rule : str
        What would have been accepted, as a phrase that follows "but".
    """

    def __init__(self, parameter: str, value: object, rule: str) -> None:
        self.parameter = parameter
        self.value = value
        self.rule = rule
        super().__init__(f"{parameter} is {value!r}, but {rule}")


class UnknownNameError(InvalidInputError, LookupError):
    """A name is not registered; the message lists the close ones."""

    def __init__(self, parameter: str, value: str, known: Iterable[str]) -> None:
        hint = suggest(value, known)
        super().__init__(parameter, value, "no such name is known" + (f"; {hint}" if hint else ""))


class InsufficientDataError(QBrainError, ValueError):
    """The data at hand is too little for the computation asked for."""


class CommitConflictError(QBrainError, RuntimeError):
    """Another writer kept winning the race for the same rows until the retries ran out."""


class TransientError(QBrainError, RuntimeError):
    """Something outside failed in a way that may pass: a job that raises it is tried again."""


class JobCancelledError(QBrainError, RuntimeError):
    """The user asked for the job to stop."""


class JobLostError(QBrainError, RuntimeError):
    """An attempt no longer owns its job (a newer one does); nothing it made may be written."""
