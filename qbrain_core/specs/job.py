"""What every spec has, whatever its kind."""

from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from qbrain_core.markets import MARKETS

__all__ = ["JobSpec", "Part", "Visibility", "known_market"]

Visibility = Literal["private", "team", "public"]


class Part(BaseModel):
    """A piece of a spec: immutable, and no field that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class JobSpec(Part):
    """Fields common to all kinds of job.

    A spec names what is to be done and nothing of how it is run; the same spec over the same data and code is the same
    job.
    """

    queue: ClassVar[str]
    timeout_s: ClassVar[int]

    spec_version: Literal[1] = Field(1, description="Version of this format.")
    name: str = Field("", max_length=120, description="What people call this job; later specs of a file refer to it.")
    owner: str = Field("local", min_length=1, max_length=64, description="User it belongs to.")
    visibility: Visibility = Field("private", description="Who besides the owner may see what it makes.")
    pins: dict[str, int] = Field(default_factory=dict, description="Table versions to read; empty: the newest.")
    parent: str | None = Field(None, description="Job this one was derived from (a sweep, a walk-forward, a clone).")
    after: tuple[str, ...] = Field((), description="Names (within the file) or ids of jobs that must succeed first.")


def known_market(code: str) -> str:
    """Check a market code.

    Parameters
    ----------
    code : str

    Returns
    -------
    str
        The same code.

    Raises
    ------
    ValueError
        If no such market is known; the message lists the codes (pydantic adds the field's path).
    """
    if code not in MARKETS:
        raise ValueError(f"no such market is known; known: {', '.join(MARKETS)}")
    return code
