"""What the training form asks for, and the linked specs that come of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from typing import Any

from qbrain_core.specs import JobSpec, parse_spec
from qbrain_core.specs.train import DEFAULT_LABEL

__all__ = [
    "INFER_PROCESSORS",
    "LEARN_PROCESSORS",
    "Choices",
    "Trading",
    "default_segments",
    "estimate_rows",
    "purge_gaps",
    "specs_of",
]

Span = tuple[date, date]

INFER_PROCESSORS: dict[str, dict[str, Any]] = {
    "RobustZScoreNorm": {"fields_group": "feature", "clip_outlier": True},
    "ZScoreNorm": {"fields_group": "feature"},
    "CSZScoreNorm": {"fields_group": "feature"},
    "CSRankNorm": {"fields_group": "feature"},
    "ProcessInf": {},
    "Fillna": {"fields_group": "feature"},
}
"""Processors of features that the form offers, with the arguments it gives them."""

LEARN_PROCESSORS: dict[str, dict[str, Any]] = {
    "DropnaLabel": {},
    "CSZScoreNorm": {"fields_group": "label"},
    "CSRankNorm": {"fields_group": "label"},
}
"""Processors applied before fitting only."""


@dataclass(frozen=True)
class Trading:
    """What comes behind the training: top-k with dropout on the predictions, in the words of the backtest's spec."""

    topk: int = 50
    n_drop: int = 5
    stop_loss: float | None = None
    slippage_bps: float = 5.0
    commission_bps: float | None = None
    benchmark: str = ""
    cash: float = 10_000_000.0


@dataclass(frozen=True)
class Choices:
    """Everything the form asks for.

    Attributes
    ----------
    compute_factors : bool
        Whether the factor set has to be computed first.
    trading : Trading, optional
        None: train only.
    """

    market: str
    register_as: str
    segments: Mapping[str, Span]
    factor_set: str = "alpha158"
    universe: str | None = None
    label: str = DEFAULT_LABEL
    family: str = "lightgbm"
    params: Mapping[str, Any] = field(default_factory=dict)
    infer_processors: Sequence[str] = ()
    learn_processors: Sequence[str] = ("DropnaLabel", "CSZScoreNorm")
    purge_sessions: int | None = None
    embargo_sessions: int = 0
    seed: int = 7
    num_threads: int = 2
    owner: str = "local"
    parent: str | None = None
    compute_factors: bool = False
    trading: Trading | None = field(default_factory=Trading)


def specs_of(choices: Choices) -> list[JobSpec]:
    """Turn choices into validated specs, each named after the model and linked to the one before.

    Parameters
    ----------
    choices : Choices

    Returns
    -------
    list of JobSpec
        [factors,] train [, predict, backtest].

    Raises
    ------
    InvalidInputError
        For the first field that breaks a rule.
    """
    stem, shared = choices.register_as or "model", {"owner": choices.owner}
    documents: list[dict[str, Any]] = []
    if choices.compute_factors:
        documents.append({"kind": "factors", "factor_set": choices.factor_set, "market": choices.market})
    documents.append(
        {
            "kind": "train",
            "register_as": choices.register_as,
            "model": {"family": choices.family, "params": dict(choices.params)},
            "dataset": {
                "market": choices.market,
                "factor_set": choices.factor_set,
                "universe": choices.universe,
                "label": choices.label,
                "segments": {
                    n: {"start": a.isoformat(), "end": b.isoformat()} for n, (a, b) in choices.segments.items()
                },
                "infer_processors": [{"name": n, "params": INFER_PROCESSORS[n]} for n in choices.infer_processors],
                "learn_processors": [{"name": n, "params": LEARN_PROCESSORS[n]} for n in choices.learn_processors],
                "purge_sessions": choices.purge_sessions,
                "embargo_sessions": choices.embargo_sessions,
            },
            "seed": choices.seed,
            "num_threads": choices.num_threads,
            "parent": choices.parent,
        }
    )
    if choices.trading:
        plan = choices.trading
        model = {"name": choices.register_as}
        documents.append({"kind": "predict", "model": model})
        documents.append(
            {
                "kind": "backtest",
                "model": model,
                "strategy": {"topk": plan.topk, "n_drop": plan.n_drop, "stop_loss": plan.stop_loss},
                "execution": {"slippage_bps": plan.slippage_bps, "commission_bps": plan.commission_bps},
                "benchmark": plan.benchmark,
                "cash": plan.cash,
            }
        )
    names = [f"{stem}-{document['kind']}" for document in documents]
    links = [[], *([name] for name in names)]
    return [
        parse_spec({**shared, **document, "name": name, "after": after})
        for document, name, after in zip(documents, names, links, strict=False)
    ]


def default_segments(sessions: Sequence[date]) -> dict[str, Span]:
    """Cut sessions into train, valid and test; at the turn of years where there are five years at least.

    Parameters
    ----------
    sessions : sequence of date
        Ascending, at least three.

    Returns
    -------
    dict of str to (date, date)
    """
    years = sorted({s.year for s in sessions})
    if len(years) >= 5:
        tested = max(2, round(0.3 * len(years)))
        valid, test = years[-tested - 1], years[-tested]
        first = next(i for i, s in enumerate(sessions) if s.year == valid)
        second = next(i for i, s in enumerate(sessions) if s.year == test)
    else:
        first = min(max(1, round(0.62 * len(sessions))), len(sessions) - 2)
        second = min(max(first + 1, round(0.75 * len(sessions))), len(sessions) - 1)
    return {
        "train": (sessions[0], sessions[first - 1]),
        "valid": (sessions[first], sessions[second - 1]),
        "test": (sessions[second], sessions[-1]),
    }


def purge_gaps(sessions: Sequence[date], segments: Mapping[str, Span], *, purge: int, embargo: int) -> list[Span]:
    """Find the spans that no segment uses because a label would reach from one into the next.

    Parameters
    ----------
    sessions : sequence of date
        The market's, ascending.
    segments : mapping of str to (date, date)
        In order of time.
    purge : int
        Sessions dropped before a segment's successor.
    embargo : int
        Sessions dropped at the start of a segment after its predecessor.

    Returns
    -------
    list of (date, date)
        One per border, empty where nothing is dropped.
    """
    spans = list(segments.values())
    gaps = []
    for (_, end), (start, _) in pairwise(spans):
        before = [s for s in sessions if s < start][-purge:] if purge else []
        dropped = [s for s in before if s <= end]
        after = [s for s in sessions if s > end][:embargo]
        dropped += [s for s in after if s >= start]
        if dropped:
            gaps.append((dropped[0], dropped[-1]))
    return gaps


def estimate_rows(sessions: Sequence[date], segments: Mapping[str, Span], instruments: int) -> int:
    """Guess how many rows the segments hold.

    Parameters
    ----------
    sessions : sequence of date
    segments : mapping of str to (date, date)
    instruments : int
        Instruments per session.

    Returns
    -------
    int
        Sessions inside any segment × instruments.
    """
    return instruments * sum(any(a <= s <= b for a, b in segments.values()) for s in sessions)
