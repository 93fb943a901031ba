"""Keeping the editor's expression: in a set of one's own, which becomes its next version."""

from dataclasses import replace

import streamlit as st

from app.routes import go
from app.session import settings, t
from lake.records import open_records
from lake.records.factor_sets import find_set, list_sets, save_set
from qbrain_core.errors import QBrainError
from qbrain_core.factors import FactorSet

__all__ = ["draw_save"]

_NEW = ""
_REFUSED, _SAVED = "factor-save-refused", "factor-saved"


def draw_save(text: str, *, usable: bool, reference: str = "", name: str = "") -> None:
    """Draw what keeps an expression.

    Parameters
    ----------
    text : str
    usable : bool
        Whether it can be read and reads the past only.
    reference : str, optional
        Set that the expression was opened from.
    name : str, optional
        What the factor is called there.
    """
    if st.session_state.get(_SAVED):
        kept, factor = st.session_state.pop(_SAVED)
        go("factor", set=kept, name=factor)
    me = settings().owner
    own = {s.name: s for s in list_sets(open_records(settings()), user=me) if s.owner == me}
    at = reference.partition("@")[0]
    with (
        st.popover(t("Save"), icon=":material/bookmark:", key="factor-save", disabled=not usable),
        st.container(width=380),
    ):
        offered = [*own, _NEW]
        chosen = st.selectbox(
            t("Factor set"), offered, offered.index(at) if at in own else 0, key="factor-save-set",
            format_func=lambda code: f"{code} v{own[code].version}" if code else t("A new set"),
        )  # fmt: skip
        if not chosen:
            st.text_input(t("Name of the set"), key="factor-save-new", placeholder="my_factors", max_chars=48)
            st.text_input(t("What it is about"), key="factor-save-about", max_chars=200)
        st.text_input(t("Name of the factor"), name, key=f"factor-save-name-{name}", placeholder="MOM20", max_chars=64)
        factor = st.session_state.get(f"factor-save-name-{name}", "").strip()
        taken = bool(chosen) and factor in own[chosen].expressions
        st.caption(
            t("It takes the place of {name}; the old version of the set stays as it is.", name=factor) if taken
            else t("The set gets a new version; older ones stay as they are.") if chosen
            else t("A set is private until you share it.")
        )  # fmt: skip
        st.button(
            t("Save"),
            type="primary",
            key="factor-save-do",
            on_click=_save,
            args=(text, chosen, f"factor-save-name-{name}"),
        )
        if refused := st.session_state.pop(_REFUSED, ""):
            st.error(refused)


def _save(text: str, chosen: str, name_key: str) -> None:
    state, me, records = st.session_state, settings().owner, open_records(settings())
    factor = str(state.get(name_key, "")).strip()
    try:
        if chosen:
            before = find_set(records, chosen, user=me)
            wanted = replace(before, expressions={**before.expressions, factor: text})
        else:
            wanted = FactorSet(
                str(state.get("factor-save-new", "")).strip(), {factor: text}, str(state.get("factor-save-about", "")),
                author=me, owner=me, visibility="private",
            )  # fmt: skip
        kept = save_set(records, wanted)
    except QBrainError as error:
        state[_REFUSED] = str(error)
        return
    state[_SAVED] = (kept.reference, factor)
