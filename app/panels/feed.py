"""What a job has told so far, gathered from its events as they come."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from jobs import JobEvent

__all__ = ["Feed", "LogLine", "Stage"]

_LOSSES = ("l1", "l2", "mse", "mae", "rmse", "loss", "logloss", "huber")
_LOG_LINES = 2000  # kept; a page shows the last of them


@dataclass(slots=True)
class Stage:
    """A stage that has begun: when, how much of it is done in [0, 1], and a detail."""

    name: str
    began: datetime
    fraction: float | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of the log."""

    ts: datetime
    attempt: int
    level: str
    message: str


@dataclass
class Feed:
    """Events of one job, absorbed in order.

    Attributes
    ----------
    after : int or str, optional
        Sequence number of the last event absorbed; where to go on reading.
    attempt : int
        Attempt that stages and rounds belong to; a newer one clears them.
    stages : list of Stage
        In the order they began.
    rounds : dict of int to dict
        Metrics by step.
    total : int, optional
        Most steps there can be.
    log : list of LogLine
        Of all attempts.
    """

    after: Any = None
    attempt: int = 0
    stages: list[Stage] = field(default_factory=list)
    rounds: dict[int, dict[str, float]] = field(default_factory=dict)
    total: int | None = None
    log: list[LogLine] = field(default_factory=list)

    def absorb(self, events: Iterable["JobEvent"]) -> None:
        """Take events in.

        Parameters
        ----------
        events : iterable of JobEvent
            Ascending, all after `after`.
        """
        for event in events:
            self.after = event.seq
            if event.attempt > self.attempt:
                self.attempt, self.stages, self.rounds, self.total = event.attempt, [], {}, None
            if event.type == "stage":
                self._stage(event)
            elif event.type == "metric":
                step = int(event.payload["step"])
                self.rounds.setdefault(step, {}).update(event.payload.get("values", {}))
                self.total = event.payload.get("total") or self.total
            elif event.type == "log":
                level, message = event.payload.get("level", "info"), event.payload.get("message", "")
                self.log = [*self.log[-_LOG_LINES:], LogLine(event.ts, event.attempt, level, message)]

    def history(self) -> pl.DataFrame:
        """Metrics as a table.

        Returns
        -------
        DataFrame, columns (step: i64, one f64 per metric)
            Ascending; empty before the first round.
        """
        names = list(dict.fromkeys(name for values in self.rounds.values() for name in values))
        rows = [{"step": step, **values} for step, values in sorted(self.rounds.items())]
        return pl.DataFrame(rows, schema={"step": pl.Int64, **dict.fromkeys(names, pl.Float64)})

    def metrics(self) -> list[str]:
        """Names of the metrics without their segment.

        Returns
        -------
        list of str
            `l2` for `train.l2` and `valid.l2`.
        """
        return list(dict.fromkeys(n.partition(".")[2] for values in self.rounds.values() for n in values if "." in n))

    def best(self, metric: str) -> int | None:
        """Step with the best value on the validation segment.

        Parameters
        ----------
        metric : str
            The smallest is best for a loss, else the largest.

        Returns
        -------
        int or None
            None before there is a value.
        """
        values = {step: v[f"valid.{metric}"] for step, v in self.rounds.items() if f"valid.{metric}" in v}
        if not values:
            return None
        choose = min if metric in _LOSSES else max
        return choose(values, key=lambda step: (values[step], step) if choose is min else (values[step], -step))

    def _stage(self, event: "JobEvent") -> None:
        name = str(event.payload.get("name", ""))
        known = next((s for s in self.stages if s.name == name), None)
        if known is None:
            known = Stage(name, event.ts)
            self.stages.append(known)
        known.fraction = event.payload.get("fraction")
        known.detail = str(event.payload.get("detail") or "")
