"""How a long computation tells what it is doing, and learns that it should stop."""

from collections.abc import Mapping
from typing import Protocol

__all__ = ["NULL_REPORTER", "NullReporter", "Reporter"]


class Reporter(Protocol):
    """Receives stages, metrics and log lines of one running job."""

    def stage(self, name: str, *, fraction: float | None = None, detail: str = "") -> None:
        """Say which stage runs (`load`, `process`, `fit` …) and how much of it is done, in [0, 1]."""

    def metric(self, step: int, values: Mapping[str, float], *, total: int | None = None) -> None:
        """Publish the metrics of one iteration or epoch (`train.l2`, `valid.l2` …); `step` counts from 0."""

    def log(self, message: str, *, level: str = "info") -> None:
        """Publish one line for the reader of the job's log; level is debug, info, warning or error."""

    def check(self) -> None:
        """Return at once, or raise `JobCancelledError` when the user has asked for the job to stop."""


class NullReporter:
    """A reporter for notebooks and tests: says nothing and never cancels."""

    def stage(self, name: str, *, fraction: float | None = None, detail: str = "") -> None:
        """Ignore the stage."""

    def metric(self, step: int, values: Mapping[str, float], *, total: int | None = None) -> None:
        """Ignore the metrics."""

    def log(self, message: str, *, level: str = "info") -> None:
        """Ignore the line."""

    def check(self) -> None:
        """Never cancel."""


NULL_REPORTER = NullReporter()
