"""Ask whether what the lake holds of a market is sound."""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from qbrain_core.specs.job import JobSpec, known_market

__all__ = ["CheckSpec"]


class CheckSpec(JobSpec):
    """Run the standing checks over the stored tables of a market and keep what they find; nothing is changed."""

    queue: ClassVar[str] = "data"
    timeout_s: ClassVar[int] = 2 * 3600

    kind: Literal["check"] = "check"
    market: Annotated[str, AfterValidator(known_market)] = Field(description="Market that is judged.")
    tables: tuple[str, ...] = Field((), description="Tables judged; empty: every table that has checks.")
    checks: tuple[str, ...] = Field((), description="Names of checks; empty: all that apply.")
    notes: bool = Field(False, description="Also tell what is true and worth knowing though nothing is wrong.")
