"""The field an expression is written in: coloured as it is typed, completed, and marked where something is wrong."""

from app.panels.factor_editor.editor import EDITOR, draw_editor, open_text, typed

__all__ = ["EDITOR", "draw_editor", "open_text", "typed"]
