"""The page's URL: the query's text or the id of a saved one, so that a copied link rebuilds the screen."""

import re

import streamlit as st

from app.session import settings
from lake.records import open_records
from lake.records.saved_queries import SavedQuery, find_query

__all__ = ["TEXT", "follow", "missing", "open_query", "remember", "run_next", "saved", "write"]

TEXT = "sql-text"
"""Key of the editor."""

_PARAMETER = "q"
_SEEN, _SAVED, _DUE, _MISSING = "sql-seen", "sql-saved", "sql-due", "sql-missing"
_ID = re.compile(r"[0-9a-f]{12}")  # no query is such a word
_LONGEST = 6_000  # characters of a URL that every browser and proxy lets pass


def follow() -> bool:
    """Take over what the URL asks for, where the reader opened a link or went back.

    Returns
    -------
    bool
        Whether there is a query to run at once.
    """
    wanted = st.query_params.get(_PARAMETER, "")
    if st.session_state.get(_SEEN) != wanted:
        is_id = _ID.fullmatch(wanted) is not None
        kept = find_query(open_records(settings()), wanted, user=settings().owner) if is_id else None
        if kept is not None:
            _take(kept)
        else:
            st.session_state[_SAVED] = None
            st.session_state[TEXT] = "" if is_id else wanted
        st.session_state[_MISSING] = wanted if is_id and kept is None else ""
        st.session_state[_SEEN] = wanted
        st.session_state[_DUE] = bool(st.session_state[TEXT])
    return bool(st.session_state.pop(_DUE, False))


def missing() -> str:
    """Find the id of a saved query that a link named and that is not there for this reader.

    Returns
    -------
    str
        "" where all is well.
    """
    return str(st.session_state.get(_MISSING, ""))


def run_next() -> None:
    """Have the editor's query run as soon as the page is drawn."""
    st.session_state[_DUE] = True


def open_query(query: str | SavedQuery, **parameters: str) -> None:
    """Put a query into the editor, to be run; before the editor is drawn.

    Parameters
    ----------
    query : str or SavedQuery
        A text stands for a query of its own.
    **parameters : str
        Further query parameters of the URL.
    """
    if isinstance(query, SavedQuery):
        _take(query)
    else:
        st.session_state[_SAVED], st.session_state[TEXT] = None, query
    for name, value in parameters.items():
        if value:
            st.query_params[name] = value
        else:
            st.query_params.pop(name, None)
    st.session_state[_MISSING] = ""
    run_next()


def saved() -> SavedQuery | None:
    """Find the saved query that was opened last, also where its text has changed in the editor.

    Returns
    -------
    SavedQuery or None
    """
    kept: SavedQuery | None = st.session_state.get(_SAVED)
    return kept


def write(query: str) -> None:
    """Write the editor's content into the URL.

    Parameters
    ----------
    query : str
    """
    kept = saved()
    value = kept.id if kept is not None and kept.query.strip() == query.strip() else query
    value = value if len(value) <= _LONGEST else ""  # such a query can be saved, and then has a link
    if st.query_params.get(_PARAMETER, "") != value:
        if value:
            st.query_params[_PARAMETER] = value
        else:
            st.query_params.pop(_PARAMETER, None)
    st.session_state[_SEEN] = value


def remember(kept: SavedQuery | None) -> None:
    """Take a query as the one that was opened.

    Parameters
    ----------
    kept : SavedQuery or None
        None: it is no longer saved.
    """
    st.session_state[_SAVED] = kept


def _take(kept: SavedQuery) -> None:
    st.session_state[_SAVED], st.session_state[TEXT] = kept, kept.query
    for name, value in kept.screen.items():
        if name not in st.query_params:  # what a link says itself counts
            st.query_params[name] = value
