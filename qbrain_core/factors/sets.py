"""Factor sets: named, versioned lists of expressions; those that ship with the product stand here."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from qbrain_core.errors import UnknownNameError
from qbrain_core.factors.alpha158 import ALPHA158
from qbrain_core.factors.alpha360 import ALPHA360
from qbrain_core.factors.expression import format, parse
from qbrain_core.specs.job import Visibility

__all__ = ["FACTOR_SETS", "FactorSet", "factor_set"]


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
