"""The tables a query may name, what their columns mean, and a way to put a name into the editor."""

from app.panels.sql_schema.browser import draw_schema

__all__ = ["draw_schema"]
