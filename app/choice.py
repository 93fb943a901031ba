"""Choices that live in the URL by their code, whatever the language they are shown in.

Streamlit's own binding writes the shown words into the URL, so a link would break in the other language::

    period = choose(t("Period"), {"day": t("Day"), "week": t("Week")}, name="period")
    shown = choose_many(t("Overlays"), {"ma": "MA", "boll": "BOLL"}, name="overlays", default=("ma",))
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import streamlit as st

__all__ = ["choose", "choose_many"]

_SEPARATOR = "."
_NONE = "none"


def choose(
    label: str,
    options: Mapping[str, str],
    *,
    name: str,
    default: str | None = None,
    look: Literal["segmented", "select"] = "segmented",
    width: Literal["stretch", "content"] = "content",
    show_label: bool = False,
) -> str:
    """Let the reader choose one.

    Parameters
    ----------
    label : str
    options : mapping of str to str
        Shown word by code; at least one.
    name : str
        Query parameter.
    default : str, optional
        Code that the URL leaves out; the first option where it is missing.
    look : str, optional
        segmented or select.
    width : str, optional
        Of the segmented look.
    show_label : bool, optional

    Returns
    -------
    str
        Code.
    """
    codes = list(options)
    fallback = default if default in options else codes[0]
    key, seen = f"choice-{name}", f"choice-seen-{name}"
    wanted = st.query_params.get(name, fallback)
    if st.session_state.get(seen) != wanted or st.session_state.get(key) not in options:
        st.session_state[key] = wanted if wanted in options else fallback
    visible: Literal["visible", "collapsed"] = "visible" if show_label else "collapsed"
    if look == "select":
        chosen = st.selectbox(label, codes, format_func=options.__getitem__, key=key, label_visibility=visible)
    else:
        chosen = st.segmented_control(
            label, codes, format_func=options.__getitem__, key=key, label_visibility=visible, required=True, width=width
        )
    value = str(chosen or fallback)
    _write(name, value if value != fallback else None)
    st.session_state[seen] = value
    return value


def choose_many(label: str, options: Mapping[str, str], *, name: str, default: Sequence[str] = ()) -> list[str]:
    """Let the reader choose any number.

    Parameters
    ----------
    label : str
    options : mapping of str to str
        Shown word by code.
    name : str
        Query parameter; codes are joined with a dot.
    default : sequence of str, optional
        Codes that the URL leaves out.

    Returns
    -------
    list of str
        Codes in the order of `options`.
    """
    fallback = _join(default, options)
    key, seen = f"choice-{name}", f"choice-seen-{name}"
    wanted = st.query_params.get(name, fallback)
    if st.session_state.get(seen) != wanted:
        st.session_state[key] = [code for code in wanted.split(_SEPARATOR) if code in options]
    chosen = st.pills(
        label, list(options), selection_mode="multi", format_func=options.__getitem__, key=key,
        label_visibility="collapsed",
    )  # fmt: skip
    value = _join(chosen, options)
    _write(name, value if value != fallback else None)
    st.session_state[seen] = value
    return [code for code in options if code in chosen]


def _join(codes: Sequence[str], options: Mapping[str, str]) -> str:
    return _SEPARATOR.join(code for code in options if code in codes) or _NONE


def _write(name: str, value: str | None) -> None:
    if value is None:
        if name in st.query_params:
            del st.query_params[name]
    elif st.query_params.get(name) != value:
        st.query_params[name] = value
