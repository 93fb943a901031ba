"""Ask a registered model for scores."""

from datetime import date
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from qbrain_core.specs.job import JobSpec, Part

__all__ = ["ModelRef", "PredictSpec"]


class ModelRef(Part):
    """A registered model: a version, an alias, or (both empty) the newest.

    Where one of the jobs in `after` registered a version of this model, empty means that version.
    """

    name: str = Field(min_length=1, max_length=64)
    version: int | None = Field(None, ge=1)
    alias: Literal["champion", "challenger"] | None = None

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if self.version is not None and self.alias is not None:
            raise ValueError("give version or alias, not both")
        return self


class PredictSpec(JobSpec):
    """Score every member of the model's universe on every session of a range."""

    queue: ClassVar[str] = "train"
    timeout_s: ClassVar[int] = 3600

    kind: Literal["predict"] = "predict"
    model: ModelRef
    start: date | None = Field(None, description="First session; empty: the start of the model's test segment.")
    end: date | None = Field(None, description="Last session; empty: the last one with factors.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.start and self.end and self.start > self.end:
            raise ValueError(f"start {self.start} must not be after end {self.end}")
        return self
