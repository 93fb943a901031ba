"""The form that asks for a training: data, segments on a time line, model fields from the catalogue, what follows."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import streamlit as st

from app import markup
from app.charts.segments import segments as segments_chart
from app.factor_data import computed, table_name
from app.figures import MISSING
from app.market_data import markets
from app.page import empty, live, section
from app.panels.train_choices import (
    INFER_PROCESSORS,
    LEARN_PROCESSORS,
    Choices,
    Trading,
    default_segments,
    estimate_rows,
    purge_gaps,
    specs_of,
)
from app.panels.train_data import benchmarks, calendar, universes
from app.panels.wording import SEGMENTS
from app.routes import go, link
from app.session import palette, preferences, read, settings, t
from jobs import submit
from lake.records import open_records
from lake.records.factor_sets import list_sets
from lake.tables import FACTOR_PREFIX
from qbrain_core.errors import InvalidInputError, QBrainError
from qbrain_core.factors.expression import lookahead, parse
from qbrain_core.markets import MARKETS
from qbrain_core.models import MODEL_FAMILIES, Field
from qbrain_core.specs.train import DEFAULT_LABEL

__all__ = ["draw_form"]

_FEWEST_SESSIONS = 100  # below, no segment is worth a model
_BYTES = 4  # of a float32
_COPIES = 3.2  # of the feature matrix at the peak: raw, processed, LightGBM's bins


def draw_form(origin: Mapping[str, Any] | None = None, *, parent: str | None = None) -> None:
    """Draw the form; a press of its button submits the linked jobs and opens the monitor.

    Parameters
    ----------
    origin : mapping, optional
        Spec of a training whose values are filled in.
    parent : str, optional
        Job it came from.
    """
    known = read(markets, "bars", "instruments")
    if known.is_empty():
        empty(t("There are no bars to learn from."), t("Ingest some first: qbrain ingest PATH --market …"))
        return
    _form(list(known["market"]), dict(origin or {}), parent)


@live()
def _form(codes: list[str], origin: dict[str, Any], parent: str | None) -> None:
    given = origin.get("dataset", {})
    token = parent or origin.get("register_as", "new")
    with st.container(border=True):
        section(t("Data"), t("Which features and which rows the model learns from."))
        first, second, third = st.columns(3)
        wanted = given.get("market")
        start = codes.index(wanted) if wanted in codes else 0
        market = first.selectbox(t("Market"), codes, index=start, key=f"market_{token}")
        sessions = read(calendar, "bars", market=market)
        if len(sessions) < _FEWEST_SESSIONS:
            empty(
                t("{market} has bars on {n} sessions only.", market=market, n=len(sessions)), t("Ingest more of them.")
            )
            return
        known_sets = {s.reference: s for s in list_sets(open_records(settings()), user=settings().owner)}
        sets = list(known_sets)
        set_at = sets.index(given["factor_set"]) if given.get("factor_set") in sets else 0
        factor_set = second.selectbox(t("Factor set"), sets, index=set_at, key=f"set_{token}")
        members = read(universes, "universes", "instruments", market=market)
        offered = [*members, ""]
        before = (given.get("universe") or "") if given else None
        universe_at = offered.index(before) if before in offered else 0
        universe = third.selectbox(
            t("Universe"), offered, index=universe_at, key=f"universe_{token}_{market}",
            format_func=lambda u: f"{u} ({members[u]})" if u else t("all stocks"),
        )  # fmt: skip
        label = st.text_input(
            t("Label"), given.get("label", DEFAULT_LABEL), key=f"label_{token}",
            help=t("Expression in Qlib's language; it may look ahead."),
        )  # fmt: skip
        horizon = _horizon(label)
        n_features = len(known_sets[factor_set].expressions)
        ready = read(computed, FACTOR_PREFIX, table=table_name(known_sets[factor_set])).get(market)
        if ready:
            note = t(
                "{set}: {n} factors, computed from {a} to {b}.", set=factor_set, n=n_features, a=ready[0], b=ready[1]
            )
        else:
            note = t(
                "{set} has not been computed on {market} yet: a job in front does it.", set=factor_set, market=market
            )
        st.caption(note)
    with st.container(border=True):
        section(t("Segments"), t("The model fits on train, stops on valid, and is judged on all three."))
        spans, purge, embargo = _segments(sessions, given, f"{token}_{market}", horizon)
    names = members[universe] if universe else int(read(_stocks, "instruments", market=market))
    with st.container(border=True):
        family, params = _model(origin.get("model", {}), token)
        one, two, three = st.columns(3)
        register_as = one.text_input(
            t("Register as"), origin.get("register_as", f"{market.lower()}-{family}"), key=f"name_{token}_{market}",
            help=t("Letters, digits and . _ -; every training adds a version to the model of this name."),
        )  # fmt: skip
        seed = two.number_input(t("Seed"), 0, 2**31 - 1, int(origin.get("seed", 7)), key=f"seed_{token}")
        threads = three.number_input(t("Threads"), 1, 256, int(origin.get("num_threads", 2)), key=f"threads_{token}")
        infer, learn = _processors(given, token)
    with st.container(border=True):
        trading = _trading(market, token)
    rows = estimate_rows(sessions, spans, names)
    gib = rows * n_features * _BYTES * _COPIES / 2**30
    choices = Choices(
        market=market, register_as=register_as, segments=spans, factor_set=factor_set, universe=universe or None,
        label=label, family=family, params=params, infer_processors=infer, learn_processors=learn,
        purge_sessions=purge, embargo_sessions=embargo, seed=int(seed), num_threads=int(threads),
        owner=settings().owner, parent=parent, compute_factors=ready is None, trading=trading,
    )  # fmt: skip
    left, right = st.columns([1, 3], vertical_alignment="center")
    pressed = left.button(t("Start training"), type="primary", icon=":material/play_arrow:", width="stretch")
    right.caption(
        t("About {rows} rows × {n} features, {gib} GiB at the peak.", rows=f"{rows:,}", n=n_features, gib=f"{gib:.1f}")
    )
    if pressed:
        _submit(choices)


def _stocks(lake: Any, as_of: dict[str, int], market: str) -> int:
    return int(lake.instruments(market=market, kind="stock", as_of=as_of).height)


def _horizon(label: str) -> int | None:
    try:
        return lookahead(parse(label))
    except InvalidInputError as error:
        st.html(markup.notice(t("The label cannot be read"), str(error), tone="amber"))
        return None


def _segments(
    sessions: list[date], given: Mapping[str, Any], token: str, horizon: int | None
) -> tuple[dict[str, tuple[date, date]], int | None, int]:
    usual = default_segments(sessions)
    for name, span in given.get("segments", {}).items():
        a, b = (date.fromisoformat(str(span[side])) for side in ("start", "end"))
        if sessions[0] <= a <= b <= sessions[-1]:
            usual[name] = (a, b)
    spans: dict[str, tuple[date, date]] = {}
    *places, purge_at, embargo_at = st.columns([3, 3, 3, 1.6, 1.4])
    for place, (name, title) in zip(places, SEGMENTS.items(), strict=True):
        picked = place.date_input(
            t(title), usual[name], min_value=sessions[0], max_value=sessions[-1], key=f"{name}_{token}"
        )
        spans[name] = (picked[0], picked[-1]) if picked else usual[name]
    purge = purge_at.number_input(
        t("Purge"), 0, 250, given.get("purge_sessions"), key=f"purge_{token}",
        placeholder=t("label: {n}", n=MISSING if horizon is None else horizon),
        help=t("Sessions dropped at a segment's end, as labels reach ahead; empty: the label's horizon."),
    )  # fmt: skip
    embargo = embargo_at.number_input(
        t("Embargo"), 0, 250, given.get("embargo_sessions", 0), key=f"embargo_{token}",
        help=t("Further sessions dropped at the next segment's start."),
    )  # fmt: skip
    dropped = horizon or 0 if purge is None else purge
    gaps = purge_gaps(sessions, spans, purge=dropped, embargo=int(embargo or 0))
    option = segments_chart(spans, palette(), t, gaps=gaps, data=(sessions[0], sessions[-1]))
    st.echarts_chart(option, height=92, key=f"segments_{token}", alt=t("Segments on a time line"))
    st.caption(
        " · ".join(t("{a} to {b} dropped", a=a, b=b) for a, b in gaps)
        if gaps
        else t("Nothing is dropped between segments.")
    )
    return spans, purge, int(embargo or 0)


def _model(given: Mapping[str, Any], token: str) -> tuple[str, dict[str, Any]]:
    zh = preferences().language == "zh"
    section(t("Model"))
    names = list(MODEL_FAMILIES)
    at = names.index(given["family"]) if given.get("family") in names else 0
    left, right = st.columns([1, 2], vertical_alignment="bottom")
    name = left.selectbox(
        t("Family"), names, index=at, format_func=lambda n: MODEL_FAMILIES[n].title, key=f"family_{token}"
    )
    family = MODEL_FAMILIES[name]
    right.caption(family.summary_zh if zh else family.summary_en)
    places = st.columns(4)
    values = {
        field.name: _field(places[i % 4], field, given.get("params", {}).get(field.name), f"{token}_{name}", zh=zh)
        for i, field in enumerate(family.fields)
    }
    return name, {k: v for k, v in values.items() if v != family.defaults[k]}


def _field(place: Any, field: Field, given: Any, token: str, *, zh: bool) -> int | float:
    whole = field.type == "int"
    kind: type = int if whole else float
    hint = f"{field.help_zh if zh else field.help_en} [{field.minimum:g}, {field.maximum:g}]"
    value = place.number_input(
        field.name, kind(field.minimum), kind(field.maximum), kind(field.default if given is None else given),
        step=1 if whole else None, format="%d" if whole else "%.4f", help=hint, key=f"{field.name}_{token}",
    )  # fmt: skip
    return kind(value)


def _processors(given: Mapping[str, Any], token: str) -> tuple[list[str], list[str]]:
    def used(place: str, known: Mapping[str, Any], usual: list[str]) -> list[str]:
        if place not in given:
            return usual
        return [p["name"] for p in given[place] if p["name"] in known]

    with st.expander(t("Processors"), icon=":material/tune:"):
        left, right = st.columns(2)
        infer = left.multiselect(
            t("Features, everywhere"), list(INFER_PROCESSORS), used("infer_processors", INFER_PROCESSORS, []),
            key=f"infer_{token}", placeholder=t("none: trees need no scaling"),
            help=t("In this order; what they learn, they learn from train."),
        )  # fmt: skip
        learn = right.multiselect(
            t("Label, before fitting"), list(LEARN_PROCESSORS),
            used("learn_processors", LEARN_PROCESSORS, ["DropnaLabel", "CSZScoreNorm"]), key=f"learn_{token}",
            help=t("In this order; Qlib's Alpha158 defaults."),
        )  # fmt: skip
    return infer, learn


def _trading(market: str, token: str) -> Trading | None:
    rules, key = MARKETS[market], f"{token}_{market}"
    section(t("And then"), t("Score every session of the test segment and trade the scores."))
    if not st.toggle(t("Predict and backtest when the training has succeeded"), value=True, key=f"chain_{token}"):
        return None
    offered = {**read(benchmarks, "instruments", market=market, language=preferences().language), "": t("none")}
    a, b, c, d = st.columns(4)
    topk = a.number_input(t("Positions"), 1, 5000, 30 if rules.lot > 1 else 50, key=f"topk_{key}")
    n_drop = b.number_input(t("Replaced a session at most"), 0, 5000, 3 if rules.lot > 1 else 5, key=f"drop_{key}")
    stop = c.number_input(
        t("Stop loss, %"), 0.1, 99.0, None, step=1.0, placeholder=t("none"), key=f"stop_{key}",
        help=t("Resting stop this far below the entry price."),
    )  # fmt: skip
    slippage = d.number_input(t("Slippage, bps"), 0.0, 1000.0, 5.0, step=1.0, key=f"slip_{key}")
    e, f, g = st.columns([2, 1, 1])
    benchmark = e.selectbox(
        t("Benchmark"), list(offered), format_func=lambda i: f"{offered[i]} · {i}".strip(" ·"), key=f"bench_{key}"
    )
    cash = f.number_input(
        t("Start capital, {currency}", currency=rules.currency), 1.0, 1e12, 1e7 if rules.lot == 1 else 5e6,
        step=1e6, format="%.0f", key=f"cash_{key}",
    )  # fmt: skip
    commission = g.number_input(
        t("Commission, bps"), 0.0, 1000.0, None, step=0.5, placeholder=f"{rules.commission_bps:g}", key=f"comm_{key}",
        help=t("Per side; empty: usual in this market. Stamp duty and minimum commission follow the market."),
    )  # fmt: skip
    return Trading(
        topk=int(topk), n_drop=int(n_drop), stop_loss=stop / 100 if stop else None, slippage_bps=slippage,
        commission_bps=commission, benchmark=benchmark or "", cash=cash,
    )  # fmt: skip


def _submit(choices: Choices) -> None:
    try:
        batch = submit(specs_of(choices), settings=settings())
    except QBrainError as error:
        st.html(markup.notice(t("Nothing was submitted"), str(error)))
        return
    trained = next(job for job in batch if job.kind == "train")
    if trained.is_final:
        st.html(
            markup.notice(
                t("This training has been done before"),
                t("The same spec on the same data and code gives the same model: open it, or change something."),
                tone="blue",
            )
        )
        link("training", t("Open the training"), icon=":material/model_training:", job=trained.id)
        return
    go("training", job=trained.id)
