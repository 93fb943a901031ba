"""Ask for one block of a factor computation that is shared among workers."""

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from qbrain_core.specs.job import JobSpec, known_market

__all__ = ["FactorBlockSpec"]


class FactorBlockSpec(JobSpec):
    """Compute a factor set on some stocks, or on some sessions, and write the rows to files that no table names yet.

    Made by a job of kind `factors`, which waits for its blocks and takes their files in with one commit. It ends with
    that job, however that ends.
    """

    queue: ClassVar[str] = "data"
    timeout_s: ClassVar[int] = 4 * 3600

    kind: Literal["factor_block"] = "factor_block"
    factor_set: str = Field(min_length=1, max_length=64, description="Name of the factor set, with its version.")
    market: Annotated[str, AfterValidator(known_market)] = Field(description="Market whose stocks are computed.")
    start: date | None = Field(None, description="First session asked for; empty: the first with bars.")
    end: date | None = Field(None, description="Last session asked for; empty: the last with bars.")
    low: str | None = Field(None, description="First instrument of the block; empty: no bound.")
    high: str | None = Field(None, description="Instrument before which it ends; empty: no bound.")
    first: date | None = Field(None, description="First session of the block; empty: no bound.")
    last: date | None = Field(None, description="Last session of the block; empty: no bound.")
    base: int = Field(ge=0, description="Version of the factor table that rows are compared with; 0: none.")
