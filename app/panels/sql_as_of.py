"""The point of the lake's history a query reads: now, a moment, a pin, or versions by table."""

from datetime import UTC, datetime

import streamlit as st

from app.i18n import mark
from app.panels.sql_link import run_next
from app.session import settings, t, versions
from lake.records import open_records

__all__ = ["choose_as_of"]

_PARAMETER, _SEEN, _TURN = "as_of", "sql-as-of-seen", "sql-as-of-turn"
_KINDS = {"now": mark("Now"), "time": mark("A moment"), "pin": mark("A pin"), "versions": mark("Versions")}
_SHOWN_VERSIONS = 6


def choose_as_of() -> str:
    """Let the reader choose; the choice lives in the URL.

    Returns
    -------
    str
        As `Catalog.resolve` reads it; "" for now.
    """
    wanted = st.query_params.get(_PARAMETER, "").strip()
    pins = [row.name for row in open_records(settings()).pins()]
    if st.session_state.get(_SEEN) != wanted:
        # what a closed popover holds takes a new value only as a new widget
        st.session_state[_SEEN] = wanted
        st.session_state[_TURN] = st.session_state.get(_TURN, 0) + 1
    label = t("As of {point}", point=_short(wanted)) if wanted else t("As of now")
    with st.popover(label, icon=":material/schedule:", key="sql-as-of", help=t("The point of the lake's history")):
        _draw_choices(wanted, pins)
    return wanted


def _draw_choices(wanted: str, pins: list[str]) -> None:
    meant, moment = _read(wanted, pins)
    kind = st.segmented_control(
        t("As of"), list(_KINDS), format_func=lambda code: t(_KINDS[code]), key=_key("kind"), on_change=_choose,
        label_visibility="collapsed", required=True, default=meant,
    )  # fmt: skip
    if kind == "time":
        st.datetime_input(
            t("Moment (UTC)"), value=moment, key=_key("time"), format="YYYY-MM-DD", on_change=_choose
        )  # fmt: skip
        st.caption(t("The newest version of every table at that moment."))
    elif kind == "pin":
        index = pins.index(wanted) if meant == "pin" else None
        st.selectbox(t("Pin"), pins, key=_key("pin"), on_change=_choose, index=index, placeholder=t("Choose a pin"))
        if not pins:
            st.caption(t("There are no pins yet: `qbrain lake pin` makes one."))
    elif kind == "versions":
        value = wanted if meant == "versions" else ""
        st.text_input(
            t("Versions"), value, key=_key("versions"), on_change=_choose, placeholder="bars=12,instruments=3"
        )  # fmt: skip
        now = ", ".join(f"{name}={version}" for name, version in list(versions().items())[:_SHOWN_VERSIONS])
        st.caption(t("Tables that are not named are at their newest. Now: {versions} …", versions=now))
    else:
        st.caption(t("The newest version of every table."))


def _key(part: str) -> str:
    return f"sql-as-of-{part}-{st.session_state[_TURN]}"


def _read(wanted: str, pins: list[str]) -> tuple[str, datetime | None]:
    # its kind, and the moment it means; what means nothing is shown as it was written, and the query says what is wrong
    kind = "now" if not wanted else "versions" if "=" in wanted else "pin" if wanted in pins else "time"
    if kind != "time":
        return kind, None
    try:
        moment = datetime.fromisoformat(wanted)
    except ValueError:
        return "versions", None
    return kind, moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)


def _short(wanted: str) -> str:
    return wanted if len(wanted) <= 28 else wanted[:27] + "…"


def _choose() -> None:
    state, value = st.session_state, ""
    kind = state.get(_key("kind"))
    if kind == "time" and state.get(_key("time")):
        value = f"{state[_key('time')]:%Y-%m-%dT%H:%MZ}"
    elif kind == "pin":
        value = state.get(_key("pin")) or ""
    elif kind == "versions":
        value = (state.get(_key("versions")) or "").strip()
    if value == st.query_params.get(_PARAMETER, ""):
        return
    if value:
        st.query_params[_PARAMETER] = value
    else:
        st.query_params.pop(_PARAMETER, None)
    state[_SEEN] = value  # the widgets hold it already
    run_next()
