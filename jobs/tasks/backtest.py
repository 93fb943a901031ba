"""Task `backtest`: stored predictions in, the books of a run out."""

import json
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl

from jobs.context import TaskContext
from qbrain_core.backtest import replay_scores
from qbrain_core.errors import InsufficientDataError, InvalidInputError, UnknownNameError
from qbrain_core.lifetimes import lifetimes
from qbrain_core.markets import Market, market_of
from qbrain_core.specs import BacktestSpec, JobSpec, ModelRef, dump_spec
from qbrain_core.trust import Caveat, caveats_of_run, first_list, in_sample, survivorship, survivorship_of_panel

__all__ = ["run"]

_READ = ("predictions", "bars", "instruments", "universes")
_LOOK_BACK = timedelta(days=30)  # finds a benchmark's close before the first session across any holiday

Pins = Mapping[str, int]


@dataclass(frozen=True)
class _Period:
    # `sessions` starts with the one before the first traded
    sessions: list[date]
    last_score: date

    @property
    def traded(self) -> list[date]:
        return self.sessions[1:]


def run(spec: JobSpec, context: TaskContext) -> dict[str, Any]:
    """Backtest a strategy on a model's stored predictions and write the run's tables.

    Parameters
    ----------
    spec : BacktestSpec
    context : TaskContext

    Returns
    -------
    dict
        run_id, model, version, metrics, rejections (count by reason), caveats.

    Raises
    ------
    InvalidInputError
        If there are no predictions, the benchmark has no bars, or the period lies outside the scores or the bars.
    InsufficientDataError
        If fewer than two sessions have bars.
    """
    assert isinstance(spec, BacktestSpec)
    lake, reporter = context.lake, context.reporter
    reporter.stage("load")
    versions = lake.versions(context.versions)
    pins = {table: versions[table] for table in _READ}
    model = spec.model.name
    version = _version(spec.model, context, pins)
    scores = lake.predictions(model, version, as_of=pins)
    if scores.is_empty():
        raise InvalidInputError("model", f"{model} version {version}", "it has no predictions; run a predict job first")
    market = _market(scores)
    instruments = lake.instruments(as_of=pins)
    names = scores["instrument"].unique().to_list()
    spans = lake.sql(
        "SELECT instrument, min(session) AS first, max(session) AS last FROM bars WHERE market = ? GROUP BY instrument",
        [market.code], as_of=pins,
    )  # fmt: skip
    sessions = _tradable(lake.sessions(market.code, as_of=pins), spans, names)
    spans = lifetimes(spans, sessions, delisted=instruments)
    period = _period(spec, scores, sessions)
    bars = lake.bars(instruments=names, start=period.sessions[0], end=period.sessions[-1], as_of=pins)
    reporter.check()
    result = replay_scores(
        bars, scores, sessions=period.sessions, market=market, strategy=spec.strategy, execution=spec.execution,
        cash=spec.cash, lots=dict(instruments.select("instrument", "lot").iter_rows()),
        last_bars=dict(spans.select("instrument", "last").iter_rows()),
        benchmark=_benchmark(spec.benchmark, period.sessions, context, pins), reporter=reporter,
    )  # fmt: skip
    stocks = spans.join(instruments.filter(pl.col("kind") == "stock"), on="instrument", how="semi")
    kinds = dict(instruments.select("instrument", "kind").iter_rows())
    caveats = _model_caveats(model, version, period, stocks, context, pins) + caveats_of_run(
        bars, period.traded, market=market, benchmark=spec.benchmark, benchmark_kind=kinds.get(spec.benchmark),
        last_score=period.last_score,
    )  # fmt: skip
    reporter.stage("write")
    now = datetime.now(UTC)
    stamp = {"run_id": pl.lit(context.job_id), "month": pl.lit(f"{now:%Y-%m}")}
    header = {
        "run_id": context.job_id, "month": f"{now:%Y-%m}", "owner": spec.owner, "visibility": spec.visibility,
        "created_at": now, "name": spec.name or f"{model} top {spec.strategy.topk}", "market": market.code,
        "model": model, "version": version, "benchmark": spec.benchmark or None, "start": period.traded[0],
        "end": period.traded[-1], "spec": _json(dump_spec(spec)), "pins": _json(pins), "code_hash": context.code_hash,
        "metrics": _json(result.metrics), "caveats": _json(caveats),
    }  # fmt: skip
    with context.commit() as transaction:
        for table, frame in (
            ("backtest_equity", result.equity),
            ("backtest_positions", result.positions),
            ("backtest_fills", result.fills),
            ("backtest_rejections", result.rejections),
            ("backtest_runs", pl.DataFrame([header], schema_overrides={"benchmark": pl.String})),
        ):
            # the runs come last: a run is seen when all of it is there
            frame = frame if table == "backtest_runs" else frame.with_columns(**stamp)
            transaction.replace(table, frame, where={"run_id": context.job_id})
    rejections = dict(result.rejections["reason"].value_counts(sort=True).iter_rows())
    return {
        "run_id": context.job_id, "model": model, "version": version, "metrics": result.metrics,
        "rejections": rejections, "caveats": caveats,
    }  # fmt: skip


def _version(ref: ModelRef, context: TaskContext, pins: Pins) -> int:
    # of the reference itself, of a job this one comes after, or the newest that has predictions
    if ref.version is not None:
        return ref.version
    if ref.alias is not None:
        from lake.registry import Registry  # brings MLflow in, which only an alias needs here

        return Registry(context.settings).resolve(ref).version
    made = [r["version"] for r in context.upstream.values() if r.get("model") == ref.name and r.get("version")]
    if made:
        return int(max(made))
    newest = context.lake.sql("SELECT max(version) FROM predictions WHERE model = ?", [ref.name], as_of=pins).item()
    if newest is None:
        known = context.lake.sql("SELECT DISTINCT model FROM predictions", as_of=pins)["model"].to_list()
        raise UnknownNameError("model.name", ref.name, known)
    return int(newest)


def _market(scores: pl.DataFrame) -> Market:
    markets = {market_of(name).code: market_of(name) for name in scores["instrument"].unique()}
    if len(markets) > 1:
        raise InvalidInputError(
            "model", sorted(markets), "a backtest trades one market, and these predictions span more"
        )
    return next(iter(markets.values()))


def _tradable(sessions: Sequence[date], spans: pl.DataFrame, names: list[str]) -> list[date]:
    # an index may have bars of later days; on those nothing could be traded, and everything would look delisted
    newest = spans.filter(pl.col("instrument").is_in(names))["last"].max()
    return [s for s in sessions if isinstance(newest, date) and s <= newest]


def _period(spec: BacktestSpec, scores: pl.DataFrame, sessions: Sequence[date]) -> _Period:
    if len(sessions) < 2:
        raise InsufficientDataError(f"the market has bars on {len(sessions)} sessions; a backtest needs two at least")
    first_score, last_score = scores["session"].min(), scores["session"].max()
    assert isinstance(first_score, date)
    assert isinstance(last_score, date)
    first = bisect_left(sessions, spec.start) if spec.start else bisect_left(sessions, first_score) + 1
    if first >= len(sessions) or first == 0 or sessions[first - 1] < first_score:
        raise InvalidInputError("start", spec.start or first_score, _reach(first_score, sessions))
    if spec.end and spec.end > sessions[-1]:
        raise InvalidInputError("end", spec.end, f"the bars end on {sessions[-1]}")
    last = spec.end or min(last_score, sessions[-1])
    chosen = [s for s in sessions[first - 1 :] if s <= last]
    if len(chosen) < 2:
        raise InvalidInputError("end", last, f"no session lies between the first one traded, {sessions[first]}, and it")
    return _Period(chosen, last_score)


def _reach(first_score: date, sessions: Sequence[date]) -> str:
    after = bisect_left(sessions, first_score) + 1
    if after >= len(sessions):
        return f"the bars end on {sessions[-1]}, before a score of {first_score} can be traded"
    return f"the first score, of {first_score}, trades on {sessions[after]} at the earliest; bars end on {sessions[-1]}"


def _benchmark(name: str, sessions: Sequence[date], context: TaskContext, pins: Pins) -> pl.DataFrame | None:
    if not name:
        return None
    start, end = sessions[0] - _LOOK_BACK, sessions[-1]
    bars = context.lake.bars(instruments=[name], start=start, end=end, as_of=pins)
    if bars.is_empty():
        raise InvalidInputError("benchmark", name, f"it has no bars between {start} and {end}")
    return bars.select("session", "close", "factor")


def _model_caveats(
    model: str, version: int, period: _Period, stocks: pl.DataFrame, context: TaskContext, pins: Pins
) -> list[Caveat]:
    # what the model was trained on tells which universe to count; predictions may also come from elsewhere
    from lake.registry import Registry

    start, end = period.traded[0], period.traded[-1]
    found = survivorship_of_panel(stocks, start, end)
    try:
        manifest = json.loads(Registry(context.settings).load_file(model, version, "model.json"))
    except UnknownNameError:
        return found
    segments = {k: (date.fromisoformat(a), date.fromisoformat(b)) for k, (a, b) in manifest["segments"].items()}
    universe = manifest["dataset"].get("universe")
    if universe:
        spells = context.lake.universe(universe, as_of=pins)
        learnt = {first_list(spells, segments["train"][0])} if "train" in segments else set()
        for day in sorted({start, *learnt}, reverse=True):
            found = survivorship(spells, stocks, day, universe=universe) + found
    return found + in_sample(period.traded, segments)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
