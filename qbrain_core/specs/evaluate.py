"""Ask how well factors order the returns that follow."""

from datetime import date
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from qbrain_core.specs.job import JobSpec, Part, known_market

__all__ = ["DECAY_HORIZONS", "EvaluateSpec", "PreprocessSpec"]

DECAY_HORIZONS = (1, 2, 3, 5, 10, 20, 60)
"""Sessions over which the decay of a factor is usually shown."""


class PreprocessSpec(Part):
    """What is done to raw values before they are judged, session by session, in the order of these fields."""

    winsorise: Literal["none", "mad", "sigma", "percentile"] = Field("none", description="How outliers are pulled in.")
    limit: float = Field(
        3.0, gt=0, le=100, description="Bound: deviations (mad, sigma), or the share cut at each end (percentile)."
    )
    fill: Literal["none", "median", "mean", "zero"] = Field("none", description="What members without a value get.")
    standardise: Literal["none", "zscore", "robust", "rank"] = Field("none", description="The common scale.")
    neutralise: tuple[str, ...] = Field(
        (),
        max_length=12,
        description="What is taken out: sector, size (logarithm of the market value), or expressions such as styles.",
    )

    @model_validator(mode="after")
    def _share_below_half(self) -> Self:
        if self.winsorise == "percentile" and self.limit >= 0.5:
            raise ValueError(f"limit {self.limit} must be below 0.5 where winsorise is percentile")
        return self


class EvaluateSpec(JobSpec):
    """Judge the factors of a computed set, or of expressions, on a market's stocks and store the reports."""

    queue: ClassVar[str] = "data"
    timeout_s: ClassVar[int] = 4 * 3600

    kind: Literal["evaluate"] = "evaluate"
    market: Annotated[str, AfterValidator(known_market)] = Field(description="Market of the instruments.")
    factor_set: str | None = Field(
        None, min_length=1, max_length=64, description="A factor set that has been computed on the market."
    )
    expressions: dict[str, str] = Field(
        default_factory=dict, max_length=50, description="Or factors by name, in the language of factors."
    )
    factors: tuple[str, ...] = Field((), description="Only these of the set; empty: all.")
    against: str | None = Field(
        None, min_length=1, max_length=64, description="A computed set that expressions are compared with; empty: none."
    )
    universe: str | None = Field(None, description="Judged only while an instrument is a member; empty: all stocks.")
    start: date | None = Field(None, description="First session of a signal; empty: the first with values.")
    end: date | None = Field(None, description="Last session of a signal; empty: the last with bars.")
    horizon: int = Field(1, ge=1, le=250, description="Sessions held: from the close of t+1 to that of t+1+horizon.")
    horizons: tuple[Annotated[int, Field(ge=1, le=250)], ...] = Field(
        DECAY_HORIZONS, max_length=20, description="Horizons of the decay."
    )
    label: str = Field("", max_length=2000, description="Expression to correlate with instead of the return held for.")
    quantiles: int = Field(5, ge=2, le=10, description="Portfolios that each session is divided into.")
    preprocess: PreprocessSpec = Field(default_factory=PreprocessSpec)
    locked: Literal["drop", "keep"] = Field(
        "drop", description="What becomes of names whose close of t+1 stands at a price limit."
    )
    cost_bps: float | None = Field(
        None, ge=0, le=1000,
        description="Per side, of traded value; empty: the market's commission, half its stamp duty, and 5 bps.",
    )  # fmt: skip

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.factor_set is None) == (not self.expressions):
            raise ValueError("give factor_set or expressions, and only one of them")
        if self.factors and self.factor_set is None:
            raise ValueError("factors choose among those of a factor_set; leave them empty beside expressions")
        if self.against is not None and self.factor_set is not None:
            raise ValueError("a factor_set is compared within itself; against goes with expressions")
        if self.start and self.end and self.start > self.end:
            raise ValueError(f"start {self.start} must not be after end {self.end}")
        if sorted(set(self.horizons)) != list(self.horizons):
            raise ValueError("horizons have to ascend")
        return self
