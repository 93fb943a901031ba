"""Top of a backtest report: what was run on which data, what the data cannot support, and the key figures."""

from collections.abc import Mapping
from html import escape
from typing import Any

from app import figures
from app.i18n import mark
from app.markup import Kpi
from app.panels.facts import anchor, facts, notes
from app.panels.wording import FIGURES, SEGMENTS
from app.routes import href
from app.session import preferences, t
from qbrain_core.markets import MARKETS, Market
from qbrain_core.trust import CAVEATS

__all__ = ["caveat_box", "convention", "kpi_rows", "run_facts", "strategy_sentence"]

_GRAVE = {"survivorship", "in_sample", "no_limits"}
_NOTED = {"label_horizon", "synthetic", "price_index", "no_benchmark"}

Run = Mapping[str, Any]


def strategy_sentence(spec: Mapping[str, Any]) -> str:
    """Say a strategy in one line.

    Parameters
    ----------
    spec : mapping
        Of a backtest, as JSON values.

    Returns
    -------
    str
        `Top 30, replace 3 · 95% invested · stop 8%`.
    """
    strategy = spec["strategy"]
    parts = [
        t("Top {k}, replace at most {n} a session", k=strategy["topk"], n=strategy["n_drop"]),
        t("{share} invested", share=figures.percent(strategy["risk_degree"], 0)),
    ]
    if strategy.get("stop_loss"):
        parts.append(t("stop at −{share}", share=figures.percent(strategy["stop_loss"], 1)))
    return " · ".join(parts)


def convention(run: Run) -> str:
    """Say how returns are written and annualised.

    Parameters
    ----------
    run : mapping
        Row of `backtest_runs`, decoded.

    Returns
    -------
    str
    """
    return t(
        "simple returns, compounded; {n} sessions a year; risk-free rate 0",
        n=run["metrics"].get("sessions_per_year", "–"),
    )


def run_facts(run: Run, dataset: Mapping[str, Any] | None, seed: int | None) -> str:
    """Lay out what was run.

    Parameters
    ----------
    run : mapping
        Row of `backtest_runs`, decoded.
    dataset : mapping, optional
        Spec of the model's dataset, as JSON values; empty where the model is not registered, None before it is read.
    seed : int or None
        The training's seed.

    Returns
    -------
    str
        HTML.
    """
    spec, market = run["spec"], MARKETS[run["market"]]
    pins = ", ".join(f"{escape(table)}={version}" for table, version in sorted(run["pins"].items()))
    version = t("{model} version {n}", model=run["model"], n=run["version"])
    unknown = "…" if dataset is None else figures.MISSING
    everyone = t("all stocks of {market}", market=run["market"]) if dataset else unknown
    universe = (dataset or {}).get("universe") or everyone
    pairs = [
        (t("Strategy"), escape(strategy_sentence(spec))),
        (t("Model"), anchor(href("model", name=run["model"], version=run["version"]), version)),
        (t("Run"), anchor(href("job", id=run["run_id"]), run["run_id"])),
        (t("Universe"), escape(universe)),
        (
            t("Benchmark"),
            anchor(href("instrument", id=run["benchmark"]), run["benchmark"]) if run["benchmark"] else "–",
        ),
        (t("Period"), f"{run['start']} → {run['end']} · {t('{n} sessions', n=run['metrics'].get('sessions', '–'))}"),
        (t("Start capital"), f"{figures.count(spec['cash'])} {market.currency}"),
        (t("Fill rule"), escape(t("score of session t, filled at the open of t+1"))),
        (t("Costs"), escape(_costs(spec["execution"], market))),
        (t("Returns"), escape(convention(run))),
        (t("Data versions"), pins),
        (t("Code"), f"<code>{escape(run['code_hash'])}</code>"),
        (t("Seed"), unknown if seed is None else str(seed)),
        (t("Made by"), escape(f"{run['owner']} · {figures.instant(run['created_at'])}")),
    ]
    return facts(pairs)


def _costs(execution: Mapping[str, Any], market: Market) -> str:
    def rate(name: str, usual: float | None) -> str:
        chosen = execution.get(name)
        value = usual if chosen is None else chosen
        return "–" if value is None else f"{value:g}"

    parts = [t("commission {n} bps", n=rate("commission_bps", market.commission_bps))]
    least = rate("min_commission", market.min_commission)
    if least != "0":
        parts.append(t("at least {n} {currency}", n=least, currency=market.currency))
    if execution.get("stamp_duty_bps") is not None:
        parts.append(t("duty on sells {n} bps", n=rate("stamp_duty_bps", None)))
    elif market.stamp_duty:
        rates = " → ".join(f"{bps:g}" for _, bps in market.stamp_duty)
        parts.append(t("duty on sells {n} bps (by date)", n=rates))
    parts.append(t("slippage {n} bps", n=rate("slippage_bps", None)))
    return " · ".join(parts)


def caveat_box(caveats: list[dict[str, Any]]) -> str:
    """Draw what the data cannot support.

    Parameters
    ----------
    caveats : list of dict
        {code, params}, gravest first.

    Returns
    -------
    str
        HTML; "" without caveats.
    """
    if not caveats:
        return ""
    lines = []
    for item in sorted(caveats, key=lambda c: (c["code"] not in _GRAVE, c["code"] in _NOTED)):
        tone = "red" if item["code"] in _GRAVE else "gray" if item["code"] in _NOTED else "amber"
        sentence = t(CAVEATS.get(item["code"], item["code"]), **_shown(item["params"]))
        if item["params"].get("examples"):
            sentence += t(" Among them {names}.", names=", ".join(item["params"]["examples"]))
        lines.append((tone, sentence))
    return notes(t("What the data cannot support"), lines, tone=lines[0][0])


def _shown(params: Mapping[str, Any]) -> dict[str, Any]:
    shown = dict(params)
    if shown.get("segment") in SEGMENTS:
        shown["segment"] = t(SEGMENTS[shown["segment"]]).lower()
    if isinstance(shown.get("share"), float):
        shown["share"] = figures.percent(shown["share"], 1)
    return shown


def kpi_rows(run: Run) -> tuple[list[Kpi], list[Kpi]]:
    """Make the two strips of key figures: against the benchmark, and how it was traded.

    Parameters
    ----------
    run : mapping
        Row of `backtest_runs`, decoded.

    Returns
    -------
    tuple of list of Kpi
    """
    m = run["metrics"]
    language, currency = preferences().language, MARKETS[run["market"]].currency

    def kpi(name: str, value: str, delta: str = "", trend: float | None = 0.0) -> Kpi:
        label, meaning = FIGURES[name]
        return Kpi(t(label), value, delta, trend or 0.0, t(meaning))

    def against(name: str, form: Any, signed: Any, words: str) -> str:
        ours, theirs = m.get(name), m.get(f"benchmark_{name}")
        if theirs is None:
            return ""
        gap = figures.MISSING if ours is None else signed(ours - theirs)
        return "\n".join([t("bench {x}", x=form(theirs)), t(words, x=gap)])

    percent, signed, points, ratio = figures.percent, figures.signed_percent, figures.signed_points, figures.decimal
    excess, apart = mark("excess {x}"), mark("diff {x}")

    def plus(value: float) -> str:
        return f"{value:+.2f}"

    first = [
        *(
            kpi(name, signed(m.get(name)), against(name, signed, points, excess), m.get(name))
            for name in ("total_return", "cagr")
        ),
        kpi("volatility", percent(m.get("volatility")), against("volatility", percent, points, apart)),
        kpi("sharpe", ratio(m.get("sharpe")), against("sharpe", ratio, plus, apart)),
        kpi("sortino", ratio(m.get("sortino"))),
        kpi("calmar", ratio(m.get("calmar"))),
        kpi("max_drawdown", percent(m.get("max_drawdown")), against("max_drawdown", percent, points, apart)),
        kpi("max_drawdown_sessions", figures.count(m.get("max_drawdown_sessions")), t("sessions")),
    ]
    second = [
        kpi("information_ratio", ratio(m.get("information_ratio"))),
        kpi("tracking_error", percent(m.get("tracking_error"))),
        kpi("alpha", signed(m.get("alpha")), t("a year")),
        kpi("beta", ratio(m.get("beta"))),
        kpi("turnover", f"{ratio(m.get('turnover'), 1)}×", t("a year")),
        kpi("win_rate", percent(m.get("win_rate"), 1), t("{n} round trips", n=figures.count(m.get("n_round_trips")))),
        kpi(
            "fees",
            f"{figures.money(m.get('fees'), language)} {currency}",
            t("slippage {x}", x=figures.money(m.get("slippage"), language)),
        ),
        kpi("n_rejections", figures.count(m.get("n_rejections")), t("{n} fills", n=figures.count(m.get("n_fills")))),
    ]
    return first, second
