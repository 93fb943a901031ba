"""What happened in the markets, how fresh the lake is, and what the machine is doing."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from html import escape
from typing import Any

import polars as pl
import streamlit as st

from app import market_data, markup
from app.charts.breadth import breadth
from app.charts.sparkline import sparkline
from app.choice import choose
from app.figures import MISSING, count, decimal, duration, instant, money, percent, price, signed_percent
from app.grid import grid
from app.lake_facts import table_facts
from app.page import Badge, Kpi, empty, header, kpis, live, section
from app.panels.wording import KINDS, STAGES, STATUS_TONES, STATUSES
from app.routes import href, link
from app.session import palette, preferences, read, registered, settings, t
from lake import Lake
from qbrain_core.markets import MARKETS

_MOVERS, _MOVERS_BESIDE_TWO_ROWS = 11, 16
_CARDS = 3  # indices side by side
_RUNS = 6
_JOBS = 8
_LIVE_S, _RESULTS_S = 2.0, 6.0


def render() -> None:
    known = read(market_data.markets, "bars", "instruments")
    if known.is_empty():
        header(t("Overview"), caption=t("Markets, data and work at a glance"))
        empty(
            t("The lake holds no prices yet."),
            t("Start with `make up` to get the demo market, or read a file: qbrain ingest PATH --market US"),
        )
        _work()
        return
    codes = known["market"].to_list()
    top, pick = (st.container(), None) if len(codes) == 1 else st.columns([5, 1], vertical_alignment="bottom")
    market = codes[0]
    if pick is not None:
        with pick:
            market = choose(t("Market"), {c: _market_name(c) for c in codes}, name="market", look="select")
    row = known.row(by_predicate=pl.col("market") == market, named=True)
    badges = [Badge(t("Synthetic data"), "violet", t("Generated prices, no real market"))]
    with top:
        header(
            t("Overview"),
            caption=f"{_market_name(market)} · {t('{n} instruments', n=count(row['n_instruments']))}",
            as_of=row["last"],
            badges=badges if market_data.is_synthetic(market) else [],
        )
    _market(market, row)
    _work()
    _freshness()


def _market_name(code: str) -> str:
    return t("DEMO · synthetic") if market_data.is_synthetic(code) else code


def _market(market: str, row: Mapping[str, Any]) -> None:
    day = read(market_data.moves, "bars", "instruments", market=market, session=row["last"])
    change = day["change"].drop_nulls()
    rose, fell = int((change > 0).sum()), int((change < 0).sum())
    median = float(change.median() or 0.0) if len(change) else None
    rules = MARKETS[market]
    limits, meaning = MISSING, t("no price limits here")
    if rules.price_limits:
        limits, meaning = f"{int(day['at_limit_up'].sum())} / {int(day['at_limit_down'].sum())}", t("at the close")
    kpis(
        [
            Kpi(t("Last session"), str(row["last"]), t("since {first}", first=row["first"])),
            Kpi(t("Rising"), count(rose), percent(rose / max(len(change), 1), 0), trend=1),
            Kpi(t("Falling"), count(fell), percent(fell / max(len(change), 1), 0), trend=-1),
            Kpi(t("Median move"), signed_percent(median), t("of {n} stocks", n=count(len(change))), trend=median or 0),
            Kpi(t("At limit up / down"), limits, meaning),
            Kpi(t("Halted"), count(int(day["halted"].sum())), t("on this session")),
            Kpi(t("Turnover"), money(day["amount"].sum(), preferences().language),
                f"{rules.currency} · {t('value traded')}"),
            Kpi(t("Bars"), money(row["n_rows"], preferences().language), t("rows in the lake")),
        ]
    )  # fmt: skip
    lines = read(market_data.index_lines, "bars", "instruments", market=market, session=row["last"])
    n_movers = _MOVERS if lines["instrument"].n_unique() <= _CARDS else _MOVERS_BESIDE_TWO_ROWS
    left, middle, right = st.container(key="stack-market").columns([1.25, 1, 1], gap="medium")
    with left:
        _indices(lines)
        section(t("Breadth"), t("stocks by size of move, %"))
        chart = breadth(day["change"], label=t("Stocks"), palette=palette())
        alt = t("{rose} stocks rose and {fell} fell", rose=rose, fell=fell)
        st.echarts_chart(chart, height=190, key="breadth", alt=alt)
    with middle:
        section(t("Top gainers"), str(row["last"]))
        _movers(day.filter(pl.col("change") > 0).reverse().head(n_movers))
    with right:
        section(t("Top losers"), str(row["last"]))
        _movers(day.filter(pl.col("change") < 0).head(n_movers))


def _indices(lines: pl.DataFrame) -> None:
    section(t("Indices and funds"), t("last 120 sessions"))
    if lines.is_empty():
        empty(t("No index in this market."), t("Ingest index bars with instrument kind index."))
        return
    groups = lines.partition_by("instrument", maintain_order=True)
    for column, frame in zip(st.columns(min(len(groups), _CARDS)) * 2, groups, strict=False):
        first = frame.row(0, named=True)
        last, before = frame["close"][-1], frame["close"][-2] if frame.height > 1 else None
        move = last / before - 1 if before else None
        name, code = market_data.name_of(first, preferences().language), first["instrument"].rpartition(".")[0]
        with column.container(border=True, gap="xsmall"):
            tone = "qb-up" if (move or 0) > 0 else "qb-down" if (move or 0) < 0 else ""
            url = href("instrument", id=first["instrument"])
            label = escape(name if name == first["instrument"] else f"{name} {code}")
            st.html(
                f'<a class="qb-card" href="{url}" target="_self" title="{escape(name)}"><span>{label}</span>'
                f'<b>{price(last)}</b><em class="{tone}">{signed_percent(move)}</em></a>'
            )
            chart = sparkline(frame, value="close", label=name, palette=palette())
            st.echarts_chart(chart, height=64, key=f"index-{first['instrument']}", alt=name)


def _movers(day: pl.DataFrame) -> None:
    if day.is_empty():
        empty(t("No stock moved that way."))
        return
    rows = []
    for row in day.iter_rows(named=True):
        url, code = href("instrument", id=row["instrument"]), row["instrument"].rpartition(".")[0]
        name = market_data.name_of(row, preferences().language)
        tone = "qb-up" if row["change"] > 0 else "qb-down" if row["change"] < 0 else ""
        rows.append(
            (
                f'<a href="{url}" target="_self" title="{escape(name)}"><b>{escape(code)}</b> '
                f'<span class="qb-dim">{escape(name)}</span></a>',
                price(row["close"]),
                f'<span class="{tone}">{signed_percent(row["change"])}</span>',
            )
        )
    st.html(markup.table([t("Stock"), t("Close"), t("Change")], rows, right=(1, 2)))


def _work() -> None:
    left, right = st.container(key="stack-work").columns([1, 1.25], gap="medium")
    with left:
        section(t("Jobs"), t("live"))
        _jobs()
    with right:
        _results()


@live(_LIVE_S)
def _jobs() -> None:
    from jobs import jobs

    recent = jobs(limit=_JOBS)
    if not recent:
        empty(t("No jobs yet."), t("Train a model, or submit a spec: qbrain submit SPEC.yaml"))
        link("training", t("Train a model"), icon=":material/model_training:")
        return
    rows = []
    for job in recent:
        status = str(job.status)
        done = 1.0 if job.status == "succeeded" else job.progress or 0.0
        stage = t(STAGES.get(job.stage, job.stage)) if status == "running" and job.stage else ""
        rows.append(
            (
                f'<a href="{href("job", id=job.id)}" target="_self"><b>{escape(job.name or job.kind)}</b> '
                f'<span class="qb-dim">{escape(t(KINDS.get(job.kind, job.kind)))}</span></a>',
                markup.badge(Badge(t(STATUSES[status]), STATUS_TONES[status], job.error or "")),
                f'<div class="qb-track" title="{done:.0%}"><i style="width:{done * 100:.0f}%"></i></div>'
                f'<span class="qb-dim">{escape(stage)}</span>',
                _elapsed(job),
            )
        )
    st.html(markup.table([t("Job"), t("State"), t("Progress"), t("Time")], rows, right=(3,)))
    link("jobs", t("All jobs"), icon=":material/arrow_forward:")


@live(_RESULTS_S)
def _results() -> None:
    section(t("Latest backtests"))
    _runs()
    section(t("Models"))
    _models()


def _elapsed(job: Any) -> str:
    if job.started_at is None:
        return ""
    return duration(((job.finished_at or datetime.now(UTC)) - job.started_at).total_seconds())


def _latest_runs(lake: Lake, as_of: dict[str, int]) -> pl.DataFrame:
    return lake.runs(limit=_RUNS, as_of=as_of)


def _runs() -> None:
    runs = read(_latest_runs, "backtest_runs")
    if runs.is_empty():
        empty(t("No backtest has finished yet."), t("A backtest follows a trained model's predictions."))
        return
    rows = []
    for run in runs.iter_rows(named=True):
        raw = run["metrics"]
        metrics = json.loads(raw) if isinstance(raw, str) else raw
        total = metrics.get("total_return")
        tone = "qb-up" if (total or 0) > 0 else "qb-down"
        rows.append(
            (
                f'<a href="{href("backtest", run=run["run_id"])}" target="_self"><b>'
                f"{escape(run['name'] or run['run_id'][:10])}</b></a>",
                escape(f"{run['start']} – {run['end']}"),
                f'<span class="{tone}">{signed_percent(total)}</span>',
                decimal(metrics.get("sharpe")),
                percent(metrics.get("max_drawdown")),
                instant(run["created_at"]),
            )
        )
    head = [t("Backtest"), t("Period"), t("Total return"), t("Sharpe"), t("Max drawdown"), t("Written")]
    st.html(markup.table(head, rows, right=(2, 3, 4, 5)))


def _models() -> None:
    home = settings()
    # the registry takes seconds to import: not before there is one
    models = registered() if home.mlflow_url or (home.home / "mlflow.db").exists() else []
    if not models:
        empty(t("No model is registered yet."), t("Train one: it takes a minute on the demo market."))
        return
    rows = []
    for model in models[:_RUNS]:
        test = model.metrics.get("test", {})
        rows.append(
            (
                f'<a href="{href("model", name=model.name, version=model.version)}" target="_self">'
                f"<b>{escape(model.name)}</b> v{model.version}</a>",
                " ".join(markup.badge(Badge(alias, "violet")) for alias in model.aliases),
                decimal(test.get("rank_ic"), 4),
                decimal(test.get("rank_icir"), 3),
                instant(model.created_at),
            )
        )
    head = [t("Model"), t("Alias"), t("Rank IC, test"), t("Rank ICIR, test"), t("Registered")]
    st.html(markup.table(head, rows, right=(2, 3, 4)))


def _freshness() -> None:
    section(t("Lake"), t("tables, versions and last sessions"))
    grid(
        table_facts().filter(pl.col("n_rows") > 0),
        labels={"table": t("Table"), "version": t("Version"), "n_rows": t("Rows"), "last": t("Last session")},
        max_height=284,
    )
