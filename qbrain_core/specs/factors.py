"""Ask for a factor set to be computed over a market's bars."""

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from qbrain_core.specs.job import JobSpec, known_market

__all__ = ["FactorsSpec"]


class FactorsSpec(JobSpec):
    """Compute every expression of a factor set on every stock of a market and store the result."""

    queue: ClassVar[str] = "data"
    timeout_s: ClassVar[int] = 3600

    kind: Literal["factors"] = "factors"
    factor_set: str = Field("alpha158", min_length=1, max_length=64, description="Name of the factor set.")
    market: Annotated[str, AfterValidator(known_market)] = Field(description="Market whose stocks are computed.")
    start: date | None = Field(None, description="First session stored; empty: the first with bars.")
    end: date | None = Field(None, description="Last session stored; empty: the last with bars.")
    rebuild: bool = Field(False, description="Compute everything, also where only some values can have changed.")
    parts: int = Field(
        1, ge=1, le=256, description="Jobs that a whole computation is split into, for as many workers; 1: none."
    )
