"""The pages: their names, URLs and places in the menu, and the ways to link to them.

`go("job", id=…)` leaves for another page, `link("job", "Open", id=…)` draws a link, `href("job", id=…)` is the URL for
markup of our own. A page is the module `app/views/<name>.py`, imported when it is first opened.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import NoReturn
from urllib.parse import urlencode

import streamlit as st

from app.i18n import mark
from app.page import guarded
from app.session import t

__all__ = ["ROUTES", "Route", "go", "href", "link", "navigation"]

_STATE = "_pages"


@dataclass(frozen=True, slots=True)
class Route:
    """One page: its module under `app.views` (and URL path), title, icon, section, and whether the menu hides it."""

    view: str
    title: str
    icon: str
    section: str
    hidden: bool = False


_MARKET, _RESEARCH, _SYSTEM = mark("Markets"), mark("Research"), mark("System")

ROUTES: dict[str, Route] = {
    r.view: r
    for r in (
        Route("overview", mark("Overview"), ":material/dashboard:", _MARKET),
        Route("instruments", mark("Instruments"), ":material/candlestick_chart:", _MARKET),
        Route("instrument", mark("Instrument"), ":material/show_chart:", _MARKET, hidden=True),
        Route("factors", mark("Factors"), ":material/function:", _RESEARCH),
        Route("factor", mark("Factor"), ":material/functions:", _RESEARCH, hidden=True),
        Route("training", mark("Training"), ":material/model_training:", _RESEARCH),
        Route("model", mark("Model"), ":material/deployed_code:", _RESEARCH, hidden=True),
        Route("backtests", mark("Backtests"), ":material/monitoring:", _RESEARCH),
        Route("backtest", mark("Backtest"), ":material/summarize:", _RESEARCH, hidden=True),
        Route("sql", mark("SQL"), ":material/database:", _RESEARCH),
        Route("jobs", mark("Jobs"), ":material/checklist:", _SYSTEM),
        Route("job", mark("Job"), ":material/task:", _SYSTEM, hidden=True),
        Route("settings", mark("Settings"), ":material/tune:", _SYSTEM),
    )
}
"""Pages by view name; the first is served at the root."""


def _renderer(view: str) -> Callable[[], None]:
    @guarded
    def run() -> None:
        import_module(f"app.views.{view}").render()

    run.__name__ = view
    return run


def navigation() -> "st.Page":
    """Declare every page to Streamlit and draw the menu.

    Returns
    -------
    streamlit.Page
        The page to run.
    """
    pages = {
        r.view: st.Page(
            _renderer(r.view), title=t(r.title), icon=r.icon, url_path=r.view, default=r.view == "overview",
            visibility="hidden" if r.hidden else "visible",
        )
        for r in ROUTES.values()
    }  # fmt: skip
    st.session_state[_STATE] = pages
    sections: dict[str, list[st.Page]] = {}
    for route in ROUTES.values():
        sections.setdefault(t(route.section), []).append(pages[route.view])
    return st.navigation(sections, expanded=True)


def go(view: str, **query: object) -> NoReturn:
    """Leave for another page.

    Parameters
    ----------
    view : str
        Key of `ROUTES`.
    **query
        Query parameters; None and "" are left out.
    """
    st.switch_page(st.session_state[_STATE][view], query_params=_query(query))


def link(view: str, label: str | None = None, *, icon: str | None = None, **query: object) -> None:
    """Draw a link to another page.

    Parameters
    ----------
    view : str
        Key of `ROUTES`.
    label : str, optional
        Text; the page's title where it is missing.
    icon : str, optional
    **query
        Query parameters; None and "" are left out.
    """
    st.page_link(st.session_state[_STATE][view], label=label, icon=icon, query_params=_query(query))


def href(view: str, **query: object) -> str:
    """Write the URL path of a page.

    Parameters
    ----------
    view : str
        Key of `ROUTES`.
    **query
        Query parameters; None and "" are left out.

    Returns
    -------
    str
        `/instrument?id=600519.SH`.
    """
    path = "/" if view == "overview" else f"/{ROUTES[view].view}"
    chosen = _query(query)
    return path + ("?" + urlencode(chosen) if chosen else "")


def _query(query: dict[str, object]) -> dict[str, str]:
    return {k: str(v) for k, v in query.items() if v not in (None, "")}
