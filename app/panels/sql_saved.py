"""Saved queries: open one, keep the editor's, change or delete one's own."""

import streamlit as st

from app.i18n import mark
from app.panels import sql_link
from app.session import settings, t
from lake.records import open_records
from lake.records.saved_queries import VISIBILITIES, SavedQuery, delete_query, list_queries, save_query
from qbrain_core.errors import InvalidInputError

__all__ = ["choose_saved", "draw_save"]

_WORDS = {"private": mark("Only me"), "team": mark("My team"), "public": mark("Everybody")}
_SCREEN = ("as_of", "show", "chart", "x", "y", "by")
"""Query parameters that make up the rest of the screen."""

_REFUSED = "sql-save-refused"


def choose_saved() -> None:
    """Draw the menu of saved queries; the one chosen goes into the editor."""
    known = {query.id: query for query in list_queries(open_records(settings()), user=settings().owner)}
    if not known:
        return
    chosen = st.menu_button(
        t("Saved"),
        list(known),
        format_func=lambda id: _title(known[id]),
        icon=":material/bookmarks:",
        key="sql-saved-menu",
    )
    if chosen:
        parameters = {name: known[chosen].screen.get(name, "") for name in _SCREEN}
        sql_link.open_query(known[chosen], **parameters)


def draw_save(query: str) -> None:
    """Draw what keeps the editor's query.

    Parameters
    ----------
    query : str
    """
    kept = sql_link.saved()
    me = settings().owner
    own = kept is not None and kept.owner == me
    with st.popover(kept.name if kept else t("Save"), icon=":material/bookmark:", key="sql-save", disabled=not query):
        if kept is not None and not own:
            st.caption(t("A query of {owner}; save your changes as a query of your own.", owner=kept.owner))
        # what a closed popover holds takes a new value only as a new widget
        which = f"{kept.id}-{kept.updated_at:%H%M%S%f}" if kept else ""
        name, visibility = f"sql-save-name-{which}", f"sql-save-visibility-{which}"
        st.text_input(t("Name"), kept.name if kept else "", key=name, max_chars=120)
        st.selectbox(
            t("Who may see it"), VISIBILITIES, VISIBILITIES.index(kept.visibility) if kept else 0,
            format_func=lambda code: t(_WORDS[code]), key=visibility,
        )  # fmt: skip
        with st.container(horizontal=True):
            if own:
                st.button(
                    t("Save changes"),
                    type="primary",
                    key="sql-save-changes",
                    on_click=_save,
                    args=(query, name, visibility, kept),
                )
            label = t("Save as new") if kept else t("Save")
            st.button(
                label,
                type="secondary" if own else "primary",
                key="sql-save-new",
                on_click=_save,
                args=(query, name, visibility),
            )
            if own:
                st.button(t("Delete"), icon=":material/delete:", key="sql-delete", on_click=_delete, args=(kept,))
        refused = st.session_state.pop(_REFUSED, "")
        if refused:
            st.error(refused)
        if kept is not None:
            st.caption(t("A link to it, whatever becomes of its text:"))
            st.code(f"{st.context.url or '/sql'}?q={kept.id}", language=None)


def _title(query: SavedQuery) -> str:
    return query.name if query.owner == settings().owner else f"{query.name} · {query.owner}"


def _save(query: str, name: str, visibility: str, kept: SavedQuery | None = None) -> None:
    state = st.session_state
    screen = {part: value for part in _SCREEN if (value := st.query_params.get(part))}
    try:
        made = save_query(
            open_records(settings()), state[name], query, owner=settings().owner, visibility=state[visibility],
            screen=screen, id=kept.id if kept else None,
        )  # fmt: skip
    except InvalidInputError as error:
        state[_REFUSED] = str(error)
        return
    sql_link.remember(made)


def _delete(kept: SavedQuery) -> None:
    delete_query(open_records(settings()), kept.id, owner=settings().owner)
    sql_link.remember(None)
