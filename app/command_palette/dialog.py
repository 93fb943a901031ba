"""The palette on the screen: the button that opens it, the field and the list."""

from pathlib import Path

import streamlit as st

from app.command_palette.entries import KINDS, Entry, find, latest
from app.command_palette.sources import instruments, models, places
from app.i18n import mark
from app.page import guarded
from app.routes import href
from app.session import t

__all__ = ["command_palette"]

_HERE = Path(__file__).parent
_OPENED = "_palettes_opened"
_TITLES = dict(
    zip(KINDS, (mark("Instruments"), mark("Pages"), mark("Backtests"), mark("Models"), mark("Jobs")), strict=True)
)


def _asset(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


_LIST = st.components.v2.component(
    "command_palette", html=_asset("list.html"), css=_asset("list.css"), js=_asset("list.js")
)


def command_palette() -> None:
    """Draw the button of the sidebar that opens the palette, and let `Mod+K` press it."""
    st.html(_HERE / "button.css")
    with st.sidebar:
        _button()


@st.fragment
def _button() -> None:
    if st.button(t("Search"), icon=":material/search:", shortcut="Mod+K", key="palette-button", width="stretch"):
        # a new key each time: a palette opens empty
        st.session_state[_OPENED] = number = st.session_state.get(_OPENED, 0) + 1
        st.dialog(t("Go to"), width="medium")(_palette)(f"palette-{number}", places())


@guarded
def _palette(key: str, known: list[Entry]) -> None:
    text = str(st.session_state.get(key, {}).get("query", ""))
    trained = models()
    places_to_go = [*known, *(trained or ())]
    found = find(instruments(text), places_to_go, text) if text.strip() else latest(places_to_go)
    data = {"query": text, "groups": _groups(found, text), "pending": trained is None, "words": _words()}
    # Streamlit wants a callback for every state a component has
    _LIST(key=key, data=data, on_query_change=lambda: None)


def _groups(found: list[Entry], text: str) -> list[dict[str, object]]:
    rows: dict[str, list[dict[str, str]]] = {}
    for e in found:
        row = {"href": e.href, "icon": e.icon, "title": e.title, "detail": e.detail, "note": e.note}
        rows.setdefault(t(_TITLES[e.kind]), []).append(row)
    if text.strip():
        title = t("Search all instruments for “{text}”", text=text.strip())
        rows[""] = [{"href": href("instruments", q=text.strip()), "icon": "search", "title": title}]
    return [{"title": title, "rows": entries} for title, entries in rows.items()]


def _words() -> dict[str, str]:
    return {
        "placeholder": t("Code, name, pinyin initials, page, run or model"),
        "label": t("Search"),
        "move": t("to move"),
        "open": t("to open"),
        "tab": t("in a new tab"),
        "close": t("to close"),
    }
