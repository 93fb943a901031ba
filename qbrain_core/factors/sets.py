"""Factor sets: named, versioned lists of expressions; those that ship with the product stand here."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from qbrain_core.errors import InvalidInputError, UnknownNameError
from qbrain_core.factors.alpha101 import ALPHA101
from qbrain_core.factors.alpha158 import ALPHA158
from qbrain_core.factors.alpha360 import ALPHA360
from qbrain_core.factors.expression import format, parse, reads_future
from qbrain_core.specs.job import Visibility

__all__ = ["FACTOR_SETS", "MAX_FACTORS", "FactorSet", "factor_set", "split_reference", "validate_set"]

MAX_FACTORS = 2000
"""Most factors of one set: a table gets a column for each."""

_SET_NAME = re.compile(r"[a-z][a-z0-9_]{0,47}", re.ASCII)
_FACTOR_CHARS = 64
_TABLE_COLUMNS = ("instrument", "session", "market", "year")
_DESCRIPTION_CHARS = 2000
_AUTHOR_CHARS = 120


@dataclass(frozen=True)
class FactorSet:
    """One version of a named list of factors.

    Attributes
    ----------
    name : str
    expressions : mapping of str to str
        Factor name → expression, in column order.
    description : str
        One sentence.
    author : str
        Who thought of the factors.
    owner : str
        User it belongs to; `qbrain` for those that ship.
    visibility : {"private", "team", "public"}
        Who may see it besides its owner.
    version : int
        From 1; what a version computes never changes.
    saved_at : datetime or None
        When this version was saved; None for those that ship.
    archived : bool
        Put away: no longer offered, still there for what was made with it.
    """

    name: str
    expressions: Mapping[str, str] = field(repr=False)
    description: str = ""
    author: str = ""
    owner: str = "qbrain"
    visibility: Visibility = "public"
    version: int = 1
    saved_at: datetime | None = None
    archived: bool = False

    @property
    def reference(self) -> str:
        """Name and version, as a spec refers to it: `momentum@3`; of those that ship, the name."""
        return self.name if self.name in FACTOR_SETS else f"{self.name}@{self.version}"

    @cached_property
    def digest(self) -> str:
        """SHA-256 of names and expressions; how an expression is spaced or bracketed does not matter."""
        lines = (f"{name}={format(parse(text))}\n" for name, text in self.expressions.items())
        return hashlib.sha256("".join(lines).encode()).hexdigest()


FACTOR_SETS: dict[str, FactorSet] = {
    s.name: s
    for s in (
        FactorSet(
            "alpha158",
            ALPHA158,
            description="Bar shapes, trends, ranges and price-volume relations over 5 to 60 sessions.",
            author="Microsoft Qlib",
        ),
        FactorSet(
            "alpha360",
            ALPHA360,
            description="Prices and volume of the last 60 sessions over today's: raw material for deep models.",
            author="Microsoft Qlib",
        ),
        FactorSet(
            "alpha101",
            ALPHA101,
            description="101 Formulaic Alphas: reversals, momentum and price-volume relations, ranked across names.",
            author="Zura Kakushadze, WorldQuant",
        ),
    )
}
"""Factor sets by name."""


def factor_set(name: str) -> FactorSet:
    """Look a factor set up.

    Parameters
    ----------
    name : str

    Returns
    -------
    FactorSet

    Raises
    ------
    UnknownNameError
        If there is no such set.
    """
    if name not in FACTOR_SETS:
        raise UnknownNameError("factor_set", name, FACTOR_SETS)
    return FACTOR_SETS[name]


def split_reference(reference: str) -> tuple[str, int | None]:
    """Take a reference to a factor set apart.

    Parameters
    ----------
    reference : str
        `momentum` or `momentum@3`.

    Returns
    -------
    str
        Name of the set.
    int or None
        Its version; None where the newest is meant.

    Raises
    ------
    InvalidInputError
        If what follows the `@` is no version.
    """
    name, at, version = reference.strip().partition("@")
    if not at:
        return name, None
    if not (version.isascii() and version.isdigit() and 0 < len(version) < 7 and int(version) > 0):
        raise InvalidInputError("factor_set", reference, "a version is a whole number from 1, as in momentum@3")
    return name, int(version)


def validate_set(candidate: FactorSet) -> None:
    """Check that a set somebody wrote can be stored and computed.

    Parameters
    ----------
    candidate : FactorSet

    Raises
    ------
    FactorSyntaxError
        If an expression cannot be read.
    InvalidInputError
        If a name cannot be used, there are no factors or too many, or an expression looks ahead.
    """
    if not _SET_NAME.fullmatch(candidate.name):
        rule = "a set's name has 1 to 48 small letters, digits and _, and starts with a letter"
        raise InvalidInputError("name", candidate.name, rule)
    if candidate.name in FACTOR_SETS:
        raise InvalidInputError("name", candidate.name, "the set of that name ships with the product")
    for parameter, text, most in (
        ("description", candidate.description, _DESCRIPTION_CHARS), ("author", candidate.author, _AUTHOR_CHARS),
    ):  # fmt: skip
        if len(text) > most:
            raise InvalidInputError(parameter, text[:40] + "…", f"it has more than {most} characters")
    if not 0 < len(candidate.expressions) <= MAX_FACTORS:
        raise InvalidInputError("expressions", len(candidate.expressions), f"a set has 1 to {MAX_FACTORS} factors")
    taken: dict[str, str] = {name: name for name in _TABLE_COLUMNS}
    for name, text in candidate.expressions.items():
        if not name.isidentifier() or len(name) > _FACTOR_CHARS:
            rule = f"a factor's name has 1 to {_FACTOR_CHARS} letters, digits and _, and starts with a letter"
            raise InvalidInputError("expressions", name, rule)
        if (other := taken.setdefault(name.casefold(), name)) is not name:
            rule = f"{other!r} is a column already; capitals make no difference in a table"
            raise InvalidInputError("expressions", name, rule)
        parameter = f"expressions.{name}"
        if reads_future(parse(text, parameter=parameter)):
            raise InvalidInputError(parameter, text, "it looks ahead (a negative Ref or Delta), which only a label may")
