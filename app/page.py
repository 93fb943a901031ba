"""The frame of every page: title row, empty and error states, live parts.

A view module has `render()`, built from these::

    from app.page import empty, header, live, kpis
    from app.markup import Badge, Kpi

    def render() -> None:
        header(t("Jobs"), caption=t("…"), as_of=session, badges=[Badge(t("Synthetic data"), "violet")])
        kpis([Kpi(t("Sharpe"), "1.23", delta="+0.10", trend=0.1)])
        empty(t("No jobs yet."), t("Submit one from the training page."))   # then routes.link(...) or a button
        monitor("42")

    @live(2.0)                       # an st.fragment that reruns every two seconds, with its own error state
    def monitor(job_id: str) -> None: ...

`app.routes` wraps `render` in `guarded`: an error becomes a sentence and an id that is also in the log, never a
traceback.
"""

import functools
import logging
import secrets
from collections.abc import Callable, Sequence
from datetime import date
from typing import ParamSpec

import streamlit as st

from app import markup
from app.markup import Badge, Kpi
from app.session import t
from qbrain_core.errors import QBrainError

__all__ = ["Badge", "Kpi", "empty", "guarded", "header", "kpis", "live", "report", "section"]

P = ParamSpec("P")

_LOG = logging.getLogger("qbrain.app")

_FRESH_DAYS, _AGING_DAYS = 4, 10  # a long weekend; the longest closure of a market is about that of a Golden Week


def report(error: BaseException) -> str:
    """Log an error and draw its error state.

    Parameters
    ----------
    error : BaseException

    Returns
    -------
    str
        Id that is shown and stands in the log.
    """
    number = secrets.token_hex(4)
    expected = isinstance(error, QBrainError)
    _LOG.log(logging.WARNING if expected else logging.ERROR, "error %s on a page", number, exc_info=error)
    cause = str(error) if expected else t("An unexpected error stopped this part of the page.")
    st.html(markup.notice(t("This could not be shown"), cause, t("Error id: {id} (find it in the log)", id=number)))
    return number


def guarded(function: Callable[P, None]) -> Callable[P, None]:
    """Turn a function that draws into one that draws its error state when it fails.

    Parameters
    ----------
    function : callable

    Returns
    -------
    callable
    """

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            function(*args, **kwargs)
        except Exception as error:  # stop and rerun are no Exceptions
            report(error)

    return run


def live(every_s: float | None = None) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Make a part of a page that reruns by itself, with an error state of its own.

    Parameters
    ----------
    every_s : float, optional
        Interval in seconds; without it the part reruns only when one of its own widgets changes.

    Returns
    -------
    callable
        Decorator.
    """

    def decorate(function: Callable[P, None]) -> Callable[P, None]:
        return st.fragment(guarded(function), run_every=every_s)

    return decorate


def header(
    title: str,
    *,
    caption: str = "",
    as_of: date | None = None,
    badges: Sequence[Badge] = (),
    today: date | None = None,
) -> None:
    """Draw the title row.

    Parameters
    ----------
    title : str
    caption : str, optional
        What the page is about, small, below the title.
    as_of : date, optional
        Last session of the data shown; drawn with its freshness.
    badges : sequence of Badge, optional
    today : date, optional
        The reader's day; the machine's where it is missing.
    """
    shown = list(badges)
    if as_of is not None:
        age = ((today or date.today()) - as_of).days
        tone = "green" if age <= _FRESH_DAYS else "amber" if age <= _AGING_DAYS else "gray"
        hint = t("{n} calendar days old", n=max(age, 0))
        shown.insert(0, Badge(t("Data as of {session}", session=as_of), tone, hint))
    st.html(markup.title_row(title, caption, shown))


def section(title: str, caption: str = "") -> None:
    """Draw a heading within a page.

    Parameters
    ----------
    title : str
    caption : str, optional
    """
    st.html(markup.section_row(title, caption))


def kpis(figures: Sequence[Kpi]) -> None:
    """Draw a strip of key figures.

    Parameters
    ----------
    figures : sequence of Kpi
    """
    st.html(markup.kpi_strip(figures))


def empty(cause: str, advice: str = "") -> None:
    """Draw the empty state; the button or link that helps comes right after it.

    Parameters
    ----------
    cause : str
        Why there is nothing, in words.
    advice : str, optional
        What to do.
    """
    st.html(markup.empty(cause, advice))
