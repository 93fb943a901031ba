"""The list of tables beside the editor; a click puts a name where the caret is."""

from pathlib import Path
from typing import Any

import streamlit as st

from app.i18n import mark
from app.panels.sql_link import TEXT
from app.session import read, t, versions
from lake import Lake
from lake.tables import FACTOR_PREFIX, TABLES, Column
from lake.views import sql_type

__all__ = ["draw_schema", "tree"]

_HERE = Path(__file__).parent
_GROUPS = {
    mark("Prices"): ("bars", "bars_intraday", "corporate_actions", "valuation", "fx_rates", "interest_rates",
                     "factor_returns"),
    mark("Instruments"): ("instruments", "instrument_status", "symbol_history", "industries", "universes",
                          "calendar_overrides"),
    mark("Company"): ("fundamentals",),
    mark("Results"): ("predictions", "signals", "backtest_runs", "backtest_equity", "backtest_positions",
                      "backtest_fills", "backtest_rejections"),
}  # fmt: skip
"""Tables by subject; those that are not here come last."""

_OTHER, _FACTORS, _MACROS = mark("Operations"), mark("Factors"), mark("Macros")
_MACRO_WORDS = {
    "ma(x, n)": mark("Mean of the last n values, within an instrument along its sessions."),
    "ema(x, n)": mark("Exponential mean, weight 2 ÷ (n + 1) for the newest, within an instrument."),
    "adjust(price, factor)": mark(
        "Backward-adjusted price; a third argument gives the base of a forward-adjusted one."
    ),
    "resample('bars', '1w')": mark("Bars of a longer span: 5m, 15m, 30m, 1h, 1d, 1w, 1mo, 1q, 1y."),
}


def _asset(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


_TREE = st.components.v2.component(
    "sql_schema", html='<div class="schema"></div>', css=_asset("schema.css"), js=_asset("schema.js")
)


def draw_schema() -> None:
    """Draw the list."""
    words = {
        "find": t("Find a table or column"), "nothing": t("Nothing has such a name."),
        "insert": t("Put into the query"), "key": t("key"),
    }  # fmt: skip
    _TREE(key="sql-schema", data={"groups": tree(versions()), "words": words, "editor": f".st-key-{TEXT} textarea"})


def tree(now: dict[str, int]) -> list[dict[str, Any]]:
    """List what can be named in a query, by subject, in the reader's language.

    Parameters
    ----------
    now : dict of str to int
        Newest version by table.

    Returns
    -------
    list of dict
        Groups `{title, tables}`; a table is `{name, note, sentence, columns}`, a column `{name, type, unit, sentence,
        key}`.
    """
    placed = {name for names in _GROUPS.values() for name in names}
    groups = [
        *_GROUPS.items(),
        (_OTHER, tuple(name for name in TABLES if name not in placed)),
    ]
    fixed = [{"title": t(title), "tables": [_table(name, now) for name in names]} for title, names in groups]
    factors = read(_factor_columns, FACTOR_PREFIX)
    made = [
        {
            "name": view, "note": f"v{now.get(name, 0)}", "columns": columns,
            "sentence": t("One float32 column per factor, keyed by instrument and session."),
        }
        for name, view, columns in factors
    ]  # fmt: skip
    macros = [{"name": name, "note": "", "columns": [], "sentence": t(said)} for name, said in _MACRO_WORDS.items()]
    return [
        *fixed[:1], *([{"title": t(_FACTORS), "tables": made}] if made else []), *fixed[1:],
        {"title": t(_MACROS), "tables": macros},
    ]  # fmt: skip


def _table(name: str, now: dict[str, int]) -> dict[str, Any]:
    table, version = TABLES[name], now.get(name, 0)
    columns = [_column(column, column.name in table.key) for column in table.columns]
    note = f"v{version}" if version else t("empty")
    return {"name": table.view, "note": note, "sentence": t(table.sentence), "columns": columns}


def _column(column: Column, is_key: bool) -> dict[str, Any]:
    return {
        "name": column.name, "type": sql_type(column.type), "unit": t(column.unit) if column.unit else "",
        "sentence": t(column.sentence), "key": is_key,
    }  # fmt: skip


def _factor_columns(lake: Lake, as_of: dict[str, int]) -> list[tuple[str, str, list[dict[str, Any]]]]:
    found = []
    newest = {name: view for view, name in lake.catalog.aliases().items()}
    for name in sorted(as_of, key=lambda name: (name not in newest, name)):
        table = lake.catalog.declaration(name)
        columns = [
            {"name": c.name, "type": sql_type(c.type), "unit": "", "sentence": "", "key": c.name in table.key}
            for c in table.columns
        ]
        found.append((name, newest.get(name, table.view), columns))  # the short name means the newest of a set
    return found
