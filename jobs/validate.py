"""Refuse, before anything is queued, what could only fail: names that mean nothing, ranges without data."""

from collections.abc import Sequence
from datetime import date, timedelta

import polars as pl

from jobs.factor_sets import factor_set_of, factor_table_name
from jobs.identity import Ancestor, registers, writes
from lake import Lake
from lake.quality import check_named
from lake.quality.repairs import repair_named
from lake.quality.standing import CHECKED_TABLES
from lake.retention import expiries
from qbrain_core.errors import InvalidInputError, UnknownNameError
from qbrain_core.factors import parse
from qbrain_core.factors.expression import reads_future
from qbrain_core.models.catalog import validate_params, validate_processors
from qbrain_core.settings import Settings
from qbrain_core.specs import (
    BacktestSpec,
    CheckSpec,
    CleanSpec,
    DownsampleSpec,
    EvaluateSpec,
    FactorBlockSpec,
    FactorsSpec,
    IngestSpec,
    JobSpec,
    PredictSpec,
    Segment,
    TrainSpec,
    UpkeepSpec,
)

__all__ = ["check_names", "check_spec"]

_CLOSED = timedelta(days=10)
"""How far a range may reach beyond the bars: a year's first day is seldom a session, and holidays last a week."""


def check_names(spec: JobSpec, settings: Settings | None = None) -> None:
    """Check what needs no data: factor sets, model families and their parameters, expressions.

    Parameters
    ----------
    spec : JobSpec
    settings : Settings, optional
        Of the installation whose factor sets are meant; only those that ship when left out.

    Raises
    ------
    UnknownNameError
        For an unknown factor set, model family, processor, check or repair; the message lists close names.
    InvalidInputError
        For a parameter out of range, a label that is no expression, or a repair of another table.
    """
    if isinstance(spec, CheckSpec):
        for name in spec.checks:
            check_named(name)
        for name in spec.tables:
            if name not in CHECKED_TABLES:
                raise UnknownNameError("tables", name, CHECKED_TABLES)
    if isinstance(spec, CleanSpec):
        repair_named(spec.repair, spec.table)
    if isinstance(spec, FactorBlockSpec):
        raise InvalidInputError("kind", spec.kind, "a job of kind factors makes its blocks itself: see its field parts")
    if isinstance(spec, FactorsSpec):
        factor_set_of(spec.factor_set, settings, owner=spec.owner)
    if isinstance(spec, EvaluateSpec):
        _check_factor_names(spec, settings)
    if isinstance(spec, TrainSpec):
        factor_set_of(spec.dataset.factor_set, settings, owner=spec.owner, path="dataset.factor_set")
        validate_params(spec.model.family, spec.model.params)
        validate_processors(spec.dataset)
        parse(spec.dataset.label, parameter="dataset.label")


def check_spec(spec: JobSpec, ancestors: Sequence[Ancestor], *, lake: Lake) -> None:
    """Check a spec against the data; tables that a job before it writes are not looked at.

    Parameters
    ----------
    spec : JobSpec
    ancestors : sequence of Ancestor
    lake : Lake

    Raises
    ------
    InvalidInputError
        For a segment outside the data, an empty universe, a benchmark that is no instrument, a market without bars,
        a model without predictions, a retention that means nothing.
    """
    check_names(spec, lake.settings)
    will_be = {
        t
        for t in ("bars", "universes", "predictions", "instruments")
        if any(writes(a.spec, t, lake.settings) for a in ancestors)
    }
    if isinstance(spec, IngestSpec):
        return
    if isinstance(spec, UpkeepSpec):
        for name in spec.tables:
            lake.catalog.find(name)
        expiries(lake, spec.retention)
    if isinstance(spec, DownsampleSpec) and not any(writes(a.spec, "bars_intraday") for a in ancestors):
        _check_intraday(lake, spec)
    if isinstance(spec, FactorsSpec) and "bars" not in will_be:
        _check_range(lake, spec.market, "start", spec)
    if isinstance(spec, EvaluateSpec):
        _check_evaluate(lake, spec, ancestors, will_be)
    if isinstance(spec, TrainSpec):
        _check_train(lake, spec, ancestors, will_be)
    if isinstance(spec, BacktestSpec):
        _check_backtest(lake, spec, ancestors, will_be)


def _check_factor_names(spec: EvaluateSpec, settings: Settings | None) -> None:
    for path, name in (("factor_set", spec.factor_set), ("against", spec.against)):
        if name is not None:
            factor_set_of(name, settings, owner=spec.owner, path=path)
    styles = [text for text in spec.preprocess.neutralise if text not in ("sector", "size")]
    factors = [(f"expressions.{name}", text) for name, text in spec.expressions.items()]
    for path, text in [*factors, *(("preprocess.neutralise", text) for text in styles)]:
        if reads_future(parse(text, parameter=path)):
            raise InvalidInputError(path, text, "it looks ahead (a negative Ref or Delta), which only a label may")
    if spec.label:
        parse(spec.label, parameter="label")


def _check_evaluate(lake: Lake, spec: EvaluateSpec, ancestors: Sequence[Ancestor], will_be: set[str]) -> None:
    if "bars" not in will_be:
        _check_range(lake, spec.market, "start", spec)
        if not any(isinstance(a.spec, FactorsSpec) and a.spec.market == spec.market for a in ancestors):
            for path, name in (("factor_set", spec.factor_set), ("against", spec.against)):
                if name is not None:
                    _check_factors(lake, path, name, spec.market, spec)
    if spec.universe is not None and "universes" not in will_be:
        known = lake.universes(as_of=spec.pins or None)
        if spec.universe not in known:
            raise UnknownNameError("universe", spec.universe, known)


def _check_train(lake: Lake, spec: TrainSpec, ancestors: Sequence[Ancestor], will_be: set[str]) -> None:
    market, pins = spec.dataset.market, spec.pins or None
    if "bars" not in will_be:
        sessions = _sessions(lake, market, spec)
        for name, segment in spec.dataset.segments.items():
            _check_segment(f"dataset.segments.{name}", segment, sessions, market)
        if not any(isinstance(a.spec, FactorsSpec) and a.spec.market == market for a in ancestors):
            _check_factors(lake, "dataset.factor_set", spec.dataset.factor_set, market, spec)
    if spec.dataset.universe is not None and "universes" not in will_be:
        spells = lake.universe(spec.dataset.universe, as_of=pins)
        if spells.is_empty():
            known = lake.scan("universes", as_of=pins).select(pl.col("universe").unique()).collect()["universe"]
            raise UnknownNameError("dataset.universe", spec.dataset.universe, known.to_list())
        _check_members(spec, spells)


def _check_intraday(lake: Lake, spec: DownsampleSpec) -> None:
    files = lake.snapshot("bars_intraday", as_of=spec.pins or None).files
    wanted = {"market": spec.market, "frequency": spec.from_frequency}
    if not any(wanted.items() <= file.partition.items() for file in files):
        known = sorted({str(f.partition["frequency"]) for f in files if f.partition["market"] == spec.market})
        rule = f"the lake has intraday bars of market {spec.market} of {', '.join(known) or 'no frequency'} only"
        raise InvalidInputError("from_frequency", spec.from_frequency, rule)


def _check_factors(lake: Lake, path: str, factor_set: str, market: str, spec: JobSpec) -> None:
    name = factor_table_name(factor_set, lake.settings, owner=spec.owner, path=path)
    there = name in lake.factor_sets(as_of=spec.pins or None)
    if not there or all(f.partition["market"] != market for f in lake.snapshot(name, as_of=spec.pins or None).files):
        rule = f"it has not been computed on market {market}; run a factors job first, or name one in 'after'"
        raise InvalidInputError(path, factor_set, rule)


def _check_members(spec: TrainSpec, spells: pl.DataFrame) -> None:
    for name, segment in spec.dataset.segments.items():
        lasting = pl.col("end").is_null() | (pl.col("end") >= segment.start)
        if spells.filter(lasting & (pl.col("start") <= segment.end)).is_empty():
            rule = f"it has no member between {segment.start} and {segment.end}, the {name} segment"
            raise InvalidInputError("dataset.universe", spec.dataset.universe, rule)


def _check_segment(path: str, segment: Segment, sessions: Sequence[date], market: str) -> None:
    first, last = sessions[0], sessions[-1]
    inside = first - _CLOSED <= segment.start and segment.end <= last + _CLOSED
    if not inside or not any(segment.start <= session <= segment.end for session in sessions):
        rule = f"market {market} has bars from {first} to {last} only"
        raise InvalidInputError(path, f"{segment.start} to {segment.end}", rule)


def _check_backtest(lake: Lake, spec: BacktestSpec, ancestors: Sequence[Ancestor], will_be: set[str]) -> None:
    pins = spec.pins or None
    if spec.benchmark and not will_be & {"bars", "instruments"}:
        rows = lake.bars(instruments=[spec.benchmark], columns=["instrument", "session"], as_of=pins)
        if rows.is_empty():
            known = lake.instruments(as_of=pins)["instrument"].to_list()
            raise UnknownNameError("benchmark", spec.benchmark, known)
    predicted = any(isinstance(a.spec, PredictSpec) and a.spec.model.name == spec.model.name for a in ancestors)
    if predicted:
        return
    if any(registers(a.spec) == spec.model.name for a in ancestors):
        raise InvalidInputError("model.name", spec.model.name, "a predict job of this model has to come between")
    scores = lake.scan("predictions", as_of=pins).filter(pl.col("model") == spec.model.name)
    versions = sorted(scores.select(pl.col("version").unique()).collect()["version"])
    if not versions:
        raise InvalidInputError("model.name", spec.model.name, "it has no predictions; run a predict job first")
    if spec.model.version is not None and spec.model.version not in versions:
        rule = f"{spec.model.name} has predictions of version {', '.join(map(str, versions))} only"
        raise InvalidInputError("model.version", spec.model.version, rule)


def _check_range(lake: Lake, market: str, path: str, spec: FactorsSpec | EvaluateSpec) -> None:
    sessions = _sessions(lake, market, spec)
    start, end = spec.start or sessions[0], spec.end or sessions[-1]
    if start > end:
        raise InvalidInputError(path, start, f"it is after the end {end}")
    _check_segment(path, Segment(start=start, end=end), sessions, market)


def _sessions(lake: Lake, market: str, spec: JobSpec) -> list[date]:
    sessions = lake.sessions(market, as_of=spec.pins or None)
    if not sessions:
        raise InvalidInputError("market", market, "the lake has no bars of it; ingest some first")
    return sessions
