"""Ask for a model to be trained, judged and registered."""

from datetime import date
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from qbrain_core.specs.job import JobSpec, Part, known_market

__all__ = ["DEFAULT_LABEL", "DatasetSpec", "ModelSpec", "ProcessorSpec", "Segment", "TrainSpec"]

DEFAULT_LABEL = "Ref($close, -2)/Ref($close, -1) - 1"
"""Qlib's default: the return from the close of t+1 to the close of t+2."""


class Segment(Part):
    """Sessions from `start` to `end`, both inclusive."""

    start: date
    end: date

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.start > self.end:
            raise ValueError(f"start {self.start} must not be after end {self.end}")
        return self


class ProcessorSpec(Part):
    """One of Qlib's data processors by name, with its arguments."""

    name: str
    params: dict[str, Any] = Field(default_factory=dict)


class DatasetSpec(Part):
    """Which features, which label, which rows, cut where."""

    market: Annotated[str, AfterValidator(known_market)] = Field(description="Market of the instruments.")
    factor_set: str = Field("alpha158", description="Features: a factor set that has been computed on the market.")
    universe: str | None = Field(None, description="Rows only while an instrument is a member; empty: all stocks.")
    label: str = Field(DEFAULT_LABEL, description="Expression in Qlib's language; may look ahead.")
    segments: dict[Literal["train", "valid", "test"], Segment] = Field(description="train, valid and test, in order.")
    infer_processors: tuple[ProcessorSpec, ...] = Field((), description="Applied to features everywhere.")
    learn_processors: tuple[ProcessorSpec, ...] = Field(
        (ProcessorSpec(name="DropnaLabel"), ProcessorSpec(name="CSZScoreNorm", params={"fields_group": "label"})),
        description="Applied before fitting only; Qlib's Alpha158 defaults.",
    )
    purge_sessions: int | None = Field(
        None, ge=0, description="Sessions dropped at a segment's end, before the next; empty: the label's horizon."
    )
    embargo_sessions: int = Field(0, ge=0, description="Further sessions dropped at the next segment's start.")

    @model_validator(mode="after")
    def _segments_in_order(self) -> Self:
        names = ("train", "valid", "test")
        missing = [n for n in names if n not in self.segments]
        if missing:
            raise ValueError(f"segments lacks {', '.join(missing)}")
        for earlier, later in pairwise(names):
            a, b = self.segments[earlier], self.segments[later]  # type: ignore[index]
            if a.end >= b.start:
                raise ValueError(f"segments overlap: {earlier} ends {a.end}, {later} starts {b.start}")
        return self


class ModelSpec(Part):
    """A model family of the catalogue with its parameters."""

    family: str = Field("lightgbm", description="Name in the model catalogue.")
    params: dict[str, Any] = Field(default_factory=dict, description="Fields of the family; the rest keep defaults.")


class TrainSpec(JobSpec):
    """Fit a model on the train segment, stop on the valid one, judge on all three, register the result."""

    queue: ClassVar[str] = "train"
    timeout_s: ClassVar[int] = 6 * 3600

    kind: Literal["train"] = "train"
    model: ModelSpec = Field(default_factory=ModelSpec)
    dataset: DatasetSpec
    register_as: str = Field(
        min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", description="Registered model's name."
    )
    seed: int = Field(7, ge=0, le=2**31 - 1, description="Seed of everything random.")
    num_threads: int = Field(2, ge=1, le=256, description="Threads; a different number may change the last digits.")
