"""Ask for a repair of stored rows, or for what it would change."""

from datetime import date
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from qbrain_core.specs.job import JobSpec, known_market

__all__ = ["CleanSpec"]


class CleanSpec(JobSpec):
    """Repair rows of a table: first a preview that writes nothing, then a new version that can be taken back."""

    queue: ClassVar[str] = "data"
    timeout_s: ClassVar[int] = 3600

    kind: Literal["clean"] = "clean"
    market: Annotated[str, AfterValidator(known_market)] = Field(description="Market whose rows are repaired.")
    repair: str = Field(min_length=1, description="Name of the repair.")
    table: str = Field("bars", description="Table that is repaired.")
    instruments: tuple[str, ...] = Field((), description="Instruments it is limited to; empty: all.")
    start: date | None = Field(None, description="First day it is limited to.")
    end: date | None = Field(None, description="Last day it is limited to.")
    ratio: float | None = Field(None, gt=0, description="New shares per old, for book_split.")
    from_job: str = Field("", description="Job whose refused rows are accepted, for accept.")
    rows: tuple[int, ...] = Field((), description="Numbers of the refused rows; empty: all of from_job and checks.")
    checks: tuple[str, ...] = Field((), description="Checks whose refused rows are accepted; empty: all.")
    preview: bool = Field(True, description="Only tell what would be changed.")
    reason: str = Field("", max_length=500, description="Why; required where something is changed.")

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if not self.preview and not self.reason.strip():
            raise ValueError("reason says why, and is required when preview is false")
        if self.start and self.end and self.start > self.end:
            raise ValueError(f"start {self.start} must not be after end {self.end}")
        return self
