"""A registered model: its versions, how it ranked, what it learned from, its scores."""

from html import escape
from typing import TYPE_CHECKING

import polars as pl
import streamlit as st

from app import figures, markup
from app.charts.ic import ic_series
from app.charts.importance import importance
from app.charts.training_curve import training_curve
from app.choice import choose
from app.i18n import mark
from app.market_data import is_synthetic
from app.markup import Badge
from app.page import Kpi, empty, header, kpis, live, section
from app.panels.facts import anchor, facts, wide_table
from app.panels.manifest import manifest, training_report
from app.panels.model_data import latest_scores, rank_ics, runs_of, score_sessions
from app.panels.run_table import runs_frame
from app.panels.wording import SECTORS, SEGMENTS
from app.routes import go, href, link
from app.session import palette, preferences, read, settings, t
from lake.registry import ALIASES, Registry
from qbrain_core.errors import InvalidInputError, UnknownNameError
from qbrain_core.evaluation import ic_summary

if TYPE_CHECKING:
    from lake.registry import ModelVersion

_OPENING = mark("Opening the model registry …")  # the first look into it takes seconds
_HARDLY = 2  # iterations; a model that is best after fewer has little to rank by
_ALIASES = {"champion": mark("champion"), "challenger": mark("challenger")}
_TONES = {"champion": "green", "challenger": "blue"}


def render() -> None:
    name, wanted = st.query_params.get("name", ""), st.query_params.get("version", "")
    registry = Registry(settings())
    if not name:
        _list(registry)
        return
    try:
        with st.spinner(t(_OPENING)):
            versions = registry.versions(name)
        shown = registry.get(name, int(wanted)) if wanted.isdigit() else versions[0]
    except (UnknownNameError, InvalidInputError) as error:
        header(t("Model"))
        empty(t("There is no such model or version."), str(error))
        link("model", t("All models"), icon=":material/deployed_code:")
        return
    about = manifest(shown.name, shown.version)
    scored = read(score_sessions, "predictions", model=shown.name, version=shown.version)
    badges = [
        *([Badge(t("Synthetic data"), "violet")] if is_synthetic(about.get("dataset", {}).get("market", "")) else []),
        Badge(t("version {n}", n=shown.version), "gray"),
        *(Badge(t(_ALIASES[a]), _TONES[a]) for a in shown.aliases),
    ]
    family = about.get("family") or shown.params.get("family", "")
    header(
        name,
        caption=f"{family} · {figures.instant(shown.created_at)}",
        as_of=scored[0] if scored else None,
        badges=badges,
    )
    _actions(registry, shown)
    kpis(_figures(shown, about))
    best = about.get("best_iteration")
    if best is not None and best <= _HARDLY:
        cause = t(
            "The validation loss was lowest after {n} iterations; all later ones only fitted the training rows.", n=best
        )
        st.html(markup.notice(t("This model learned next to nothing"), cause, tone="amber"))
    left, right = st.container(key="stack-model").columns([3, 2])
    with left:
        _ranking(shown)
        _curve(shown)
    with right:
        _segments(shown)
        _importance(shown)
    labels = {
        "scores": t("Latest scores"), "pins": t("Pins and parameters"), "versions": t("Versions"),
        "runs": t("Backtests"),
    }  # fmt: skip
    tab = choose(t("Part of the page"), labels, name="tab")
    if tab == "scores":
        _scores(shown)
    elif tab == "pins":
        _pins(shown, about)
    elif tab == "versions":
        _versions(versions)
    else:
        _runs(shown)


def _list(registry: Registry) -> None:
    header(t("Models"), caption=t("The newest version of every registered model."))
    with st.spinner(t(_OPENING)):
        newest = registry.models()
    if not newest:
        empty(t("No model has been registered yet."), t("A training that succeeds registers one."))
        link("training", t("New training"), icon=":material/model_training:", new="1")
        return
    link("training", t("All trainings"), icon=":material/model_training:")
    _versions(newest)


def _actions(registry: Registry, shown: "ModelVersion") -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        link("model", t("All models"), icon=":material/arrow_back:")
        link("training", t("Training"), icon=":material/model_training:", job=shown.job_id)
        link("training", t("Train a variant"), icon=":material/content_copy:", model=shown.name, version=shown.version)
        for alias in ALIASES:
            if alias not in shown.aliases and st.button(
                t("Make {alias}", alias=t(_ALIASES[alias])), icon=":material/flag:"
            ):
                registry.set_alias(shown.name, alias, shown.version)  # type: ignore[arg-type]
                st.rerun()


def _figures(shown: "ModelVersion", about: dict) -> list[Kpi]:
    test = shown.metrics.get("test", {})

    def four(name: str) -> str:
        return figures.decimal(test.get(name), 4)

    mean_hint = t("Mean over the sessions of the test segment.")
    ratio_hint = t("Mean ÷ standard deviation over sessions, not annualised.")
    return [
        Kpi(t("Test rank IC"), four("rank_ic"), "", 0.0, mean_hint),
        Kpi(t("Test rank ICIR"), four("rank_icir"), "", 0.0, ratio_hint),
        Kpi(t("Test IC"), four("ic"), "", 0.0, mean_hint),
        Kpi(t("Test ICIR"), four("icir"), "", 0.0, ratio_hint),
        Kpi(t("Best iteration"), figures.count(about.get("best_iteration"))),
        Kpi(t("Features"), figures.count(len(about.get("features", ())) or None)),
        Kpi(t("Rows"), figures.count(sum(int(m.get("rows") or 0) for m in shown.metrics.values()))),
        Kpi(t("Seed"), str(shown.seed)),
    ]


def _segments(shown: "ModelVersion") -> None:
    section(t("Judged on"), t("Scores against raw labels, per session."))
    spans = manifest(shown.name, shown.version).get("segments", {})
    rows = []
    for name, title in SEGMENTS.items():
        m = shown.metrics.get(name, {})
        span = " → ".join(spans.get(name, ()))
        rows.append(
            [
                f"{escape(t(title))}<br><small>{escape(span)}</small>",
                *(figures.decimal(m.get(k), 4) for k in ("ic", "icir", "rank_ic", "rank_icir")),
                figures.count(m.get("n_sessions")),
            ]
        )
    names = [t("Segment"), "IC", "ICIR", t("Rank IC"), t("Rank ICIR"), t("Sessions")]
    st.html(wide_table(names, rows, right=range(1, 6)))


def _ranking(shown: "ModelVersion") -> None:
    frame = read(rank_ics, "predictions", "bars", model=shown.name, version=shown.version)
    if frame.is_empty():
        section(t("Rank IC by session"))
        empty(t("This version has no scores yet."), t("A predict job makes them."))
        return
    found = ic_summary(frame)
    caption = t(
        "mean {m}, ICIR {r}, above zero on {p} of {n} sessions",
        m=f"{found['mean']:+.4f}", r=figures.decimal(found["icir"], 3),
        p=f"{(frame['ic'] > 0).mean():.0%}", n=found["n"],
    )  # fmt: skip
    section(t("Rank IC by session"), caption)
    alt = t("Rank information coefficient by session, its moving mean and its sum")
    st.echarts_chart(ic_series(frame, palette(), t), height=280, alt=alt)


def _curve(shown: "ModelVersion") -> None:
    report = training_report(shown.name, shown.version)
    history = report.get("history") or {}
    if not history:
        return
    section(t("Learning curve"))
    frame = pl.DataFrame(history).with_row_index("step")
    metric = next(iter(history)).partition(".")[2]
    option = training_curve(frame, palette(), t, metric=metric, best=report["best_iteration"] - 1)
    st.echarts_chart(option, height=270, alt=t("Training and validation {metric} by iteration", metric=metric))


def _importance(shown: "ModelVersion") -> None:
    found = training_report(shown.name, shown.version).get("feature_importance")
    if not found:
        return
    section(t("Feature importance"), t("Share of the total gain; the 25 largest."))
    frame = pl.DataFrame({"feature": list(found), "importance": list(found.values())})
    st.echarts_chart(importance(frame, palette(), t, top=25), height=440, alt=t("Feature importance"))


@live()
def _scores(shown: "ModelVersion") -> None:
    days = read(score_sessions, "predictions", model=shown.name, version=shown.version)
    if not days:
        empty(t("This version has no scores yet."), t("A predict job makes them."))
        return
    left, right = st.columns([1, 3], vertical_alignment="bottom")
    day = left.selectbox(t("Session"), days, key="score_day", format_func=str)
    frame = read(latest_scores, "predictions", "instruments", model=shown.name, version=shown.version, session=day)
    caption = t("{n} names, best first; a score of this close trades at the next open.", n=frame.height)
    distinct = frame["score"].n_unique()
    if distinct < frame.height / 2:
        caption += " " + t("Only {n} different scores: ties are ordered by code.", n=distinct)
    right.caption(caption)
    first, second = ("name_zh", "name_en") if preferences().language == "zh" else ("name_en", "name_zh")
    sectors = {code: t(name) for code, name in SECTORS.items()}
    frame = frame.with_columns(pl.col("sector").replace(sectors), name=pl.coalesce(first, second))
    column = st.column_config
    chosen = st.dataframe(
        frame, hide_index=True, key="scores", on_select="rerun", selection_mode="single-cell", height=530,
        column_order=["rank", "instrument", "name", "sector", "score"], placeholder="–",
        column_config={
            "rank": column.NumberColumn(t("Rank"), width="small"), "instrument": t("Security"), "name": t("Name"),
            "sector": t("Sector"), "score": column.NumberColumn(t("Score"), format="%+.5f"),
        },
    )  # fmt: skip
    cells = chosen.selection.cells
    if cells and cells[0][0] < frame.height:
        go("instrument", id=frame["instrument"][cells[0][0]])


def _pins(shown: "ModelVersion", about: dict) -> None:
    left, right = st.columns(2)
    with left:
        section(t("Pins"), t("With these the training can be repeated to the bit."))
        pairs = [(t("Table {name}", name=table), str(version)) for table, version in sorted(shown.pins.items())]
        pairs += [
            (t("Code"), f"<code>{escape(shown.code_hash)}</code>"),
            (t("Seed"), str(shown.seed)),
            (t("Job"), anchor(href("job", id=shown.job_id), shown.job_id)),
            (t("Owner"), escape(f"{shown.owner} · {shown.visibility}")),
            *((name, escape(version)) for name, version in sorted(shown.environment.items())),
        ]
        st.html(facts(pairs))
        section(t("Files"), t("SHA-256, checked on every load."))
        rows = [[escape(file), f"<code>{digest[:16]}…</code>"] for file, digest in shown.files.items()]
        st.html(wide_table([t("File"), "SHA-256"], rows))
    with right:
        section(t("Parameters"))
        st.html(facts([(k, escape(f"{v:g}" if isinstance(v, float) else str(v))) for k, v in shown.params.items()]))
        dataset = about.get("dataset", {})
        if dataset:
            section(t("Data"))
            st.html(
                facts(
                    [
                        (t("Market"), escape(dataset["market"])),
                        (t("Factor set"), escape(dataset["factor_set"])),
                        (t("Universe"), escape(dataset.get("universe") or t("all stocks"))),
                        (t("Label"), f"<code>{escape(dataset['label'])}</code>"),
                    ]
                )
            )


def _versions(versions: "list[ModelVersion]") -> None:
    rows = []
    for v in versions:
        test = v.metrics.get("test", {})
        aliases = " ".join(markup.badge(Badge(t(_ALIASES[a]), _TONES[a])) for a in v.aliases)
        rows.append(
            [
                anchor(href("model", name=v.name, version=v.version), f"{v.name} v{v.version}"), aliases,
                *(figures.decimal(test.get(k), 4) for k in ("ic", "icir", "rank_ic", "rank_icir")),
                str(v.seed), figures.instant(v.created_at), escape(v.owner),
            ]
        )  # fmt: skip
    names = [
        t("Model"), t("Alias"), t("Test IC"), t("Test ICIR"), t("Test rank IC"), t("Test rank ICIR"), t("Seed"),
        t("Made"), t("Owner"),
    ]  # fmt: skip
    st.html(wide_table(names, rows, right=range(2, 7)))


def _runs(shown: "ModelVersion") -> None:
    runs = runs_frame(read(runs_of, "backtest_runs", model=shown.name, version=shown.version))
    if runs.is_empty():
        empty(t("No backtest has traded this version."))
        return
    rows = [
        [
            anchor(href("backtest", run=r["run_id"]), r["name"]), f"{r['start']} → {r['end']}",
            figures.signed_percent(r["total_return"]), figures.decimal(r["sharpe"]), figures.percent(r["max_drawdown"]),
            figures.decimal(r["information_ratio"]), figures.instant(r["created_at"]),
        ]
        for r in runs.iter_rows(named=True)
    ]  # fmt: skip
    names = [
        t("Run"), t("Period"), t("Total return"), t("Sharpe"), t("Max drawdown"), t("Information ratio"), t("Made"),
    ]  # fmt: skip
    st.html(wide_table(names, rows, right=range(2, 6)))
