"""The factor sets that ship with the product."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from qbrain_core.errors import UnknownNameError
from qbrain_core.factors.alpha158 import ALPHA158
from qbrain_core.factors.alpha360 import ALPHA360
from qbrain_core.factors.expression import format, parse
from qbrain_core.specs.job import Visibility

__all__ = ["FACTOR_SETS", "FactorSet", "factor_set"]


@dataclass(frozen=True)
class FactorSet:
    """A named list of factors.

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
    """

    name: str
    expressions: Mapping[str, str] = field(repr=False)
    description: str = ""
    author: str = ""
    owner: str = "qbrain"
    visibility: Visibility = "public"

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
