"""Ask what trading on a model's scores would have earned."""

from datetime import date
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from qbrain_core.specs.job import JobSpec, Part
from qbrain_core.specs.predict import ModelRef

__all__ = ["BacktestSpec", "ExecutionSpec", "StrategySpec"]


class StrategySpec(Part):
    """Top-k with dropout: hold the k best, replace at most n of the worst held each session."""

    kind: Literal["topk_dropout"] = "topk_dropout"
    topk: int = Field(50, ge=1, le=5000, description="Positions held.")
    n_drop: int = Field(5, ge=0, description="Positions replaced per session at most.")
    min_hold_sessions: int = Field(1, ge=0, description="Sessions a position is kept at least.")
    risk_degree: float = Field(0.95, gt=0, le=1, description="Share of equity that is invested.")
    stop_loss: float | None = Field(
        None, gt=0, lt=1, description="Resting stop this far below the entry price, as a fraction; empty: none."
    )

    @model_validator(mode="after")
    def _drop_at_most_k(self) -> Self:
        if self.n_drop > self.topk:
            raise ValueError(f"n_drop {self.n_drop} must not exceed topk {self.topk}")
        return self


class ExecutionSpec(Part):
    """Where orders fill and what they cost; empty fields take the market's own rule."""

    fill: Literal["next_open"] = Field("next_open", description="A score of session t trades at the open of t+1.")
    commission_bps: float | None = Field(None, ge=0, le=1000, description="Per side, of traded value.")
    min_commission: float | None = Field(None, ge=0, description="Per order, in currency.")
    stamp_duty_bps: float | None = Field(None, ge=0, le=1000, description="On sells, of traded value.")
    slippage_bps: float = Field(5.0, ge=0, le=1000, description="Against us, of the price.")


class BacktestSpec(JobSpec):
    """Replay a strategy over stored predictions under the market's own rules."""

    queue: ClassVar[str] = "backtest"
    timeout_s: ClassVar[int] = 3600

    kind: Literal["backtest"] = "backtest"
    model: ModelRef = Field(description="Whose predictions are traded.")
    strategy: StrategySpec = Field(default_factory=StrategySpec)
    execution: ExecutionSpec = Field(default_factory=ExecutionSpec)
    benchmark: str = Field("", description="Instrument id of the benchmark; empty: none.")
    start: date | None = Field(None, description="First session traded; empty: the session after the first score.")
    end: date | None = Field(None, description="Last session; empty: the last one with scores and bars.")
    cash: float = Field(10_000_000.0, gt=0, description="Start capital, in the market's currency.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.start and self.end and self.start > self.end:
            raise ValueError(f"start {self.start} must not be after end {self.end}")
        return self
