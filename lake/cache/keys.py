"""What a remembered value is known by: who made it, from which rows, with which parameters, by which code."""

import hashlib
import sys
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

__all__ = ["Key", "code_digest"]

_ALWAYS = ("lake", "qbrain_core")


@dataclass(frozen=True)
class Key:
    """Key of one value; hashable.

    Attributes
    ----------
    what : str
        Full name of the function that makes the value; its package is part of the code the value depends on.
    states : tuple of (str, str)
        Tables it reads and `Catalog.state` of each, by table.
    parameters : tuple of (str, object)
        By name.
    """

    what: str
    states: tuple[tuple[str, str], ...]
    parameters: tuple[tuple[str, Hashable], ...] = ()

    @classmethod
    def of(cls, what: str, states: Mapping[str, str], **parameters: Any) -> "Key":
        """Make a key of mappings.

        Parameters
        ----------
        what : str
        states : mapping of str to str
        **parameters
            Hashable values.

        Returns
        -------
        Key
        """
        return cls(what, tuple(sorted(states.items())), tuple(sorted(parameters.items())))

    @cached_property
    def digest(self) -> str:
        """Name of the value outside this process; changes with the code that makes it, too."""
        code = code_digest(self.what.partition(".")[0])
        return hashlib.sha256(repr((code, self.what, self.states, self.parameters)).encode()).hexdigest()[:32]


@cache
def code_digest(package: str = "lake") -> str:
    """Digest the sources that a value may depend on: those of the lake, of the core, and of one more package.

    Parameters
    ----------
    package : str
        Top-level name of an imported package.

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for name in dict.fromkeys((*_ALWAYS, package)):
        module = sys.modules.get(name)
        if module is None or not module.__file__:
            continue
        folder = Path(module.__file__).parent
        for path in sorted(folder.rglob("*.py")) if module.__file__.endswith("__init__.py") else []:
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
