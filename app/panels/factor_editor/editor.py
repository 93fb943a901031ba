"""The field itself: what is in it, what the server says about it, and what it can complete."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from app.panels.factor_words import vocabulary
from app.session import preferences, t
from qbrain_core.factors.wording import Language

__all__ = ["EDITOR", "draw_editor", "open_text", "typed"]

EDITOR = "factor-editor"
"""Key of the field."""

_HERE = Path(__file__).parent
_TEXT, _TURN = "factor-text", "factor-turn"


def _asset(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


_FIELD = st.components.v2.component(
    "factor_editor", html='<div class="editor"></div>', css=_asset("editor.css"), js=_asset("editor.js")
)


def typed() -> str:
    """Say what stands in the field.

    Returns
    -------
    str
    """
    return str(st.session_state.get(_TEXT, ""))


def open_text(text: str) -> None:
    """Put an expression into the field, in place of what stands there.

    Parameters
    ----------
    text : str
    """
    st.session_state[_TEXT] = text
    st.session_state[_TURN] = st.session_state.get(_TURN, 0) + 1


def draw_editor(marks: Sequence[tuple[int, int, str]]) -> None:
    """Draw the field.

    Parameters
    ----------
    marks : sequence of (int, int, str)
        Places in the text that something is wrong with: first character, the one behind the last, and a tone.
    """
    language: Language = "zh" if preferences().language == "zh" else "en"
    shown: dict[str, Any] = {
        "text": typed(), "turn": st.session_state.get(_TURN, 0), "words": vocabulary(language),
        "marks": [{"from": first, "to": end, "tone": tone} for first, end, tone in marks],
        "label": t("Expression"), "placeholder": t("Mean($close, 5) / $close …"),
    }  # fmt: skip
    _FIELD(key=EDITOR, data=shown, on_text_change=_take)


def _take() -> None:
    st.session_state[_TEXT] = str(st.session_state.get(EDITOR, {}).get("text") or "")
