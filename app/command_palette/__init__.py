"""`Mod+K` on every page: find an instrument, a page, a run or a model, and go there."""

from app.command_palette.dialog import command_palette

__all__ = ["command_palette"]
