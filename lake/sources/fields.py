"""What a file may bring for each table: our names, types, and what others usually call them."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from qbrain_core.errors import InvalidInputError, UnknownNameError

__all__ = ["FIELDS", "PRICES", "Field", "match_columns"]

PRICES = ("open", "high", "low", "close", "preclose", "adj_close")
"""Fields that a scale of `price` applies to."""


@dataclass(frozen=True, slots=True)
class Field:
    """A column a file may bring: our name, its type, and other names it is found under unasked."""

    name: str
    type: pl.DataType
    aliases: tuple[str, ...] = ()
    required: bool = False


_TEXT, _DATE, _F64, _I32, _BOOL = pl.String(), pl.Date(), pl.Float64(), pl.Int32(), pl.Boolean()
_INSTANT = pl.Datetime("us")
_INSTRUMENT = Field("instrument", _TEXT, ("symbol", "code", "ticker", "ts_code", "name"), required=True)
_SESSION = Field("session", _DATE, ("date", "trade_date", "datetime", "day", "time period"), required=True)
_START, _END = Field("start", _DATE, ("start_date",)), Field("end", _DATE, ("end_date",))
_AS_OF = Field("as_of", _DATE)
_OHLCV = (
    *(Field(name, _F64, required=True) for name in PRICES[:4]), Field("volume", _F64, ("vol",)), Field("amount", _F64),
)  # fmt: skip
_VALUATION = (
    Field("pe_ttm", _F64, ("pettm",)), Field("pb", _F64, ("pbmrq",)), Field("ps_ttm", _F64, ("psttm",)),
    Field("pcf_ttm", _F64, ("pcfncfttm",)), Field("dividend_yield_ttm", _F64), Field("market_cap", _F64),
    Field("float_cap", _F64),
)  # fmt: skip
_FIGURES = (
    "revenue", "operating_income", "net_income", "eps", "assets", "liabilities", "equity", "operating_cash_flow",
    "shares", "eps_diluted", "dividend_per_share", "cash", "current_assets", "current_liabilities",
    "investing_cash_flow", "financing_cash_flow",
)  # fmt: skip

FIELDS: dict[str, dict[str, Field]] = {
    table: {f.name: f for f in fields}
    for table, fields in {
        "bars": (
            _INSTRUMENT, _SESSION, *_OHLCV, Field("adj_close", _F64, ("adj close", "adjclose")),
            Field("preclose", _F64, ("pre_close",)), Field("factor", _F64), Field("halted", _BOOL),
            Field("trading", _BOOL, ("tradestatus",)), Field("special_treatment", _BOOL, ("isst",)),
            Field("dividends", _F64), Field("splits", _F64, ("stock_splits", "stock splits")),
            Field("turnover", _F64), *_VALUATION,
        ),
        "bars_intraday": (
            _INSTRUMENT, Field("ts", _INSTANT, ("datetime", "timestamp", "open_time", "time", "date"), required=True),
            Field("session", _DATE), *_OHLCV,
        ),
        "valuation": (_INSTRUMENT, _SESSION, *_VALUATION),
        "corporate_actions": (
            _INSTRUMENT, Field("session", _DATE, ("date", "ex_date"), required=True),
            Field("action", _TEXT, required=True), Field("value", _F64, required=True), Field("factor_step", _F64),
        ),
        "instruments": (
            _INSTRUMENT, Field("name", _TEXT, ("security",)), Field("name_en", _TEXT), Field("name_zh", _TEXT),
            Field("pinyin", _TEXT, ("cnspell",)), Field("sector", _TEXT, ("gics sector",)),
            Field("industry", _TEXT, ("gics sub-industry",)), Field("kind", _TEXT),
            Field("listed", _DATE, ("list_date",)), Field("delisted", _DATE, ("delist_date",)),
        ),
        "instrument_status": (_INSTRUMENT, Field("status", _TEXT, required=True), _START, _END),
        "symbol_history": (
            _INSTRUMENT, Field("traded_as", _TEXT, required=True), _START, _END, Field("until", _DATE),
            Field("name", _TEXT),
        ),
        "industries": (
            _INSTRUMENT, Field("scheme", _TEXT, required=True), Field("level", _I32, required=True),
            Field("code", _TEXT), Field("industry", _TEXT, required=True), _START, _END, _AS_OF,
        ),
        "universes": (
            Field("instrument", _TEXT, ("symbol", "code", "ticker", "ts_code", "name")), _AS_OF, _START, _END,
            Field("added", _TEXT), Field("removed", _TEXT),
        ),
        "calendar_overrides": (
            _SESSION, Field("is_open", _BOOL), Field("opens", _TEXT), Field("closes", _TEXT), Field("reason", _TEXT),
        ),
        "fundamentals": (
            _INSTRUMENT, Field("period_end", _DATE, ("end_date", "period ending"), required=True),
            Field("known_at", _DATE, ("ann_date", "filed")), Field("item_set", _TEXT),
            *(Field(name, _F64) for name in _FIGURES), Field("fiscal_year", _I32), Field("fiscal_period", _TEXT),
            Field("form", _TEXT), Field("amended", _BOOL), Field("reported_in", _TEXT),
        ),
        "fx_rates": (
            Field("pair", _TEXT), Field("base", _TEXT), Field("quote", _TEXT), _SESSION,
            Field("rate", _F64, ("close",), required=True), Field("ask", _F64),
        ),
        "interest_rates": (
            Field("series", _TEXT, required=True), Field("tenor", _TEXT, required=True), _SESSION,
            Field("rate", _F64, required=True),
        ),
        "factor_returns": (
            Field("model", _TEXT, required=True), Field("factor", _TEXT, required=True), _SESSION,
            Field("value", _F64, required=True),
        ),
        "adjustments": (
            _INSTRUMENT, Field("session", _DATE, ("date", "trade_date")), Field("until", _DATE),
            Field("factor", _F64, required=True), Field("split_factor", _F64),
        ),
    }.items()
}  # fmt: skip
"""Fields by table, then by name; `adjustments` is the second file that bars may come with."""


def match_columns(table: str, mapping: Mapping[str, str], found: list[str]) -> dict[str, str]:
    """Decide which column of a file brings which field.

    Parameters
    ----------
    table : str
        Key of `FIELDS`.
    mapping : mapping of str to str
        Ours → theirs, as the user gave it; `=value` is a constant and is left as it is.
    found : list of str
        The file's columns.

    Returns
    -------
    dict of str to str
        Ours → theirs for every field found. A field that the mapping does not name is taken from the column of its own
        name or, failing that, of one of its aliases, whatever their case, unless another field was given that column.

    Raises
    ------
    UnknownNameError
        If the mapping names a field or a column that does not exist.
    InvalidInputError
        If a required field is found nowhere.
    """
    fields = FIELDS[table]
    for ours, theirs in mapping.items():
        if ours not in fields:
            raise UnknownNameError("columns", ours, fields)
        if not theirs.startswith("=") and theirs not in found:
            raise UnknownNameError(f"columns.{ours}", theirs, found)
    matched = dict(mapping)
    by_case = {c.lower(): c for c in reversed(found)}
    for aliased in (False, True):  # a field's own name anywhere comes before anybody's alias
        for name, wanted in fields.items():
            if name in matched:
                continue
            names = wanted.aliases if aliased else (name,)
            free = [by_case[n] for n in names if n in by_case and by_case[n] not in matched.values()]
            if free:
                matched[name] = free[0]
    missing = [f.name for f in fields.values() if f.required and f.name not in matched]
    if missing:
        rule = (
            f"{table} need{'s' if table == 'adjustments' else ''} {', '.join(missing)}; the file has {', '.join(found)}"
        )
        raise InvalidInputError("columns", dict(mapping), rule)
    return matched
