"""Ask for the lake to be looked after: rows past their time dropped, files sorted, old files deleted."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator

from qbrain_core.specs.job import JobSpec

__all__ = ["UPKEEP_STEPS", "UpkeepSpec"]

UpkeepStep = Literal["archive_audit", "retain", "compact", "vacuum"]

UPKEEP_STEPS: tuple[UpkeepStep, ...] = ("archive_audit", "retain", "compact", "vacuum")
"""Steps in the order they run: what is dropped need not be sorted, and what both leave behind is deleted last."""


class UpkeepSpec(JobSpec):
    """Drop rows past their retention, sort small files together, delete what no version worth keeping needs."""

    queue: ClassVar[str] = "data"
    timeout_s: ClassVar[int] = 6 * 3600

    kind: Literal["upkeep"] = "upkeep"
    steps: tuple[UpkeepStep, ...] = Field(UPKEEP_STEPS, description="What is done, always in this order.")
    tables: tuple[str, ...] = Field((), description="Tables looked after; empty: all.")
    dry_run: bool = Field(False, description="Only tell what would be done.")
    min_files: int = Field(4, ge=2, description="Files of a partition from which sorting them together pays.")
    include_open: bool = Field(False, description="Whether partitions whose year or month still lasts are sorted too.")
    keep_days: int = Field(30, ge=1, description="Days that old versions can be read without a pin.")
    retention: dict[str, Annotated[int, Field(ge=1)]] = Field(
        default_factory=dict,
        description="Days that rows are kept, by table, or by table and first partition: {'bars_intraday/1m': 400}.",
    )
    audit_days: int = Field(90, ge=1, description="Days after which a line of the audit trail moves to the lake.")

    @field_validator("steps")
    @classmethod
    def _in_order(cls, steps: tuple[UpkeepStep, ...]) -> tuple[UpkeepStep, ...]:
        if not steps:
            raise ValueError(f"steps names at least one of {', '.join(UPKEEP_STEPS)}")
        return tuple(step for step in UPKEEP_STEPS if step in steps)
