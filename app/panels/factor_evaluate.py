"""Asking for factors to be computed and judged: on which market, over which universe, after which preprocessing."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app import market_data
from app.factor_data import computed, table_name
from app.i18n import mark
from app.panels.factor_jobs import popover_key, start
from app.panels.train_data import universes
from app.session import read, settings, t
from lake.records import open_records
from lake.records.factor_sets import list_sets
from lake.tables import FACTOR_PREFIX

__all__ = ["draw_compute", "draw_evaluate"]

_WINSORISE = {
    "none": mark("not at all"), "mad": mark("median ± n × MAD"), "sigma": mark("mean ± n × deviation"),
    "percentile": mark("by percentile"),
}  # fmt: skip
_STANDARDISE = {
    "none": mark("not at all"), "zscore": mark("mean and deviation"), "robust": mark("median and MAD"),
    "rank": mark("ranks"),
}  # fmt: skip
_FILL = {
    "none": mark("not at all"),
    "median": mark("the session's median"),
    "mean": mark("its mean"),
    "zero": mark("zero"),
}
_NEUTRALISE = {"sector": mark("sector"), "size": mark("size")}
_LIMITS = {"none": 3.0, "mad": 3.0, "sigma": 3.0, "percentile": 0.01}
_HORIZONS = (1, 2, 3, 5, 10, 20, 60)


def _markets() -> list[str]:
    return [str(code) for code in read(market_data.markets, "bars", "instruments")["market"]]


def draw_compute(reference: str, ready: Sequence[str]) -> None:
    """Draw what computes a set on a market.

    Parameters
    ----------
    reference : str
        Of the set.
    ready : sequence of str
        Markets it has been computed on.
    """
    known = _markets()
    with st.popover(t("Compute"), icon=":material/calculate:", key=popover_key("factor-compute"), disabled=not known):
        market = st.selectbox(t("Market"), known, key="factor-compute-market")
        again = market in ready
        st.caption(
            t("It has been computed there; only what is new or changed is written.") if again
            else t("Every stock, from its first bar; the set is probed for look-ahead, too.")
        )  # fmt: skip
        if st.button(t("Compute"), type="primary", key="factor-compute-start"):
            start({"kind": "factors", "factor_set": reference, "market": market})


def draw_evaluate(source: Mapping[str, Any], *, key: str, market: str = "") -> None:
    """Draw what judges factors.

    Parameters
    ----------
    source : mapping
        What is judged, in the words of the spec: `factor_set` and perhaps `factors`, or `expressions`.
    key : str
        Of the popover.
    market : str, optional
        Offered first.
    """
    known = _markets()
    with (
        st.popover(t("Evaluate"), icon=":material/analytics:", key=popover_key(key), disabled=not known),
        st.container(width=430),
    ):
        left, right = st.columns(2)
        place = left.selectbox(t("Market"), known, known.index(market) if market in known else 0, key=f"{key}-market")
        members = read(universes, "universes", "instruments", market=place)
        universe = right.selectbox(
            t("Universe"), ["", *members], key=f"{key}-universe-{place}",
            format_func=lambda u: f"{u} ({members[u]})" if u else t("all stocks"),
        )  # fmt: skip
        horizon = left.selectbox(
            t("Sessions held"), _HORIZONS, key=f"{key}-horizon",
            help=t("From the close of t+1; what it decays to over other spans is judged, too."),
        )  # fmt: skip
        quantiles = right.number_input(t("Quantiles"), 2, 10, 5, key=f"{key}-quantiles")
        winsorise = _choice(left, t("Cut off the tails"), _WINSORISE, f"{key}-winsorise")
        standardise = _choice(right, t("Standardise"), _STANDARDISE, f"{key}-standardise")
        neutralise = left.multiselect(
            t("Neutralise"), list(_NEUTRALISE), key=f"{key}-neutralise", placeholder=t("not at all"),
            format_func=lambda code: t(_NEUTRALISE[code]),
        )  # fmt: skip
        fill = _choice(right, t("Fill gaps with"), _FILL, f"{key}-fill")
        spec = dict(source)
        if "expressions" in source and (others := _computed_on(place)):
            against = st.selectbox(
                t("Compare with"), ["", *others], key=f"{key}-against-{place}",
                format_func=lambda code: code or t("no other factors"),
                help=t("Correlation with the factors of a set, and what it adds to them."),
            )  # fmt: skip
            spec["against"] = against or None
        st.caption(t("A score of session t is held from the close of t+1. Limit-locked names are left out."))
        if st.button(t("Evaluate"), type="primary", key=f"{key}-start"):
            prepared = {
                "winsorise": winsorise, "limit": _LIMITS[winsorise], "standardise": standardise,
                "neutralise": neutralise, "fill": fill,
            }  # fmt: skip
            spec |= {"market": place, "universe": universe or None, "horizon": horizon, "quantiles": int(quantiles)}
            start({"kind": "evaluate", **spec, "preprocess": prepared})


def _computed_on(market: str) -> list[str]:
    sets = list_sets(open_records(settings()), user=settings().owner)
    return [s.reference for s in sets if market in read(computed, FACTOR_PREFIX, table=table_name(s))]


def _choice(place: Any, label: str, words: Mapping[str, str], key: str) -> str:
    return str(place.selectbox(label, list(words), format_func=lambda code: t(words[code]), key=key))
