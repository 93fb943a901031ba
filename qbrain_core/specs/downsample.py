"""Ask for intraday bars to be combined into longer ones that are kept."""

from datetime import date
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from qbrain_core.resample import finer_frequencies
from qbrain_core.specs.job import JobSpec, known_market

__all__ = ["DownsampleSpec"]


class DownsampleSpec(JobSpec):
    """Combine a market's intraday bars into longer ones and store them.

    Of a whole market (no `instruments`, `start` or `end`) only the sessions are looked at whose bars have changed since
    the last time; the result is the same as of a full run. A bar that a source delivered is never replaced.
    """

    queue: ClassVar[str] = "data"
    timeout_s: ClassVar[int] = 6 * 3600

    kind: Literal["downsample"] = "downsample"
    market: Annotated[str, AfterValidator(known_market)] = Field(description="Market of the bars.")
    from_frequency: Literal["1m", "5m", "15m", "30m", "1h"] = Field("1m", description="Bars that are combined.")
    to_frequencies: tuple[Literal["5m", "15m", "30m", "1h", "1d"], ...] = Field(
        ("5m", "15m", "30m", "1h"),
        min_length=1,
        description="Bars that are made. 1d goes into `bars`, where no source has delivered that session.",
    )
    instruments: tuple[str, ...] = Field((), description="Only these; empty: all.")
    start: date | None = Field(None, description="First session; empty: the first there is.")
    end: date | None = Field(None, description="Last session; empty: the last there is.")

    @model_validator(mode="after")
    def _longer(self) -> Self:
        for frequency in self.to_frequencies:
            if self.from_frequency not in finer_frequencies(frequency):
                raise ValueError(f"{frequency} cannot be made from {self.from_frequency}, which is not shorter")
        if len(set(self.to_frequencies)) < len(self.to_frequencies):
            raise ValueError("a frequency is named twice in to_frequencies")
        if self.start and self.end and self.start > self.end:
            raise ValueError(f"start {self.start} must not be after end {self.end}")
        return self
