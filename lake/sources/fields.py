"""What a file may bring for each table: our names, types, and what others usually call them."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from qbrain_core.errors import InvalidInputError, UnknownNameError

__all__ = ["FIELDS", "Field", "match_columns"]


@dataclass(frozen=True, slots=True)
class Field:
    """A column a file may bring: our name, its type, and other names it is found under unasked."""

    name: str
    type: pl.DataType
    aliases: tuple[str, ...] = ()
    required: bool = False


_TEXT, _DATE, _F64, _BOOL = pl.String(), pl.Date(), pl.Float64(), pl.Boolean()
_INSTRUMENT = Field("instrument", _TEXT, ("symbol", "code", "ticker", "ts_code", "name"), required=True)


def _prices() -> tuple[Field, ...]:
    return tuple(Field(name, _F64, required=True) for name in ("open", "high", "low", "close"))


FIELDS: dict[str, dict[str, Field]] = {
    table: {f.name: f for f in fields}
    for table, fields in {
        "bars": (
            _INSTRUMENT, Field("session", _DATE, ("date", "trade_date", "datetime", "day"), required=True), *_prices(),
            Field("volume", _F64, ("vol",)), Field("amount", _F64), Field("adj_close", _F64, ("adj close", "adjclose")),
            Field("preclose", _F64, ("pre_close",)), Field("factor", _F64), Field("halted", _BOOL),
            Field("trading", _BOOL, ("tradestatus",)), Field("special_treatment", _BOOL, ("isst",)),
            Field("dividends", _F64), Field("splits", _F64, ("stock_splits", "stock splits")),
        ),
        "instruments": (
            _INSTRUMENT, Field("name", _TEXT, ("security",)), Field("name_en", _TEXT), Field("name_zh", _TEXT),
            Field("pinyin", _TEXT, ("cnspell",)), Field("sector", _TEXT, ("gics sector",)),
            Field("industry", _TEXT, ("gics sub-industry",)), Field("kind", _TEXT),
            Field("listed", _DATE, ("list_date",)), Field("delisted", _DATE, ("delist_date",)),
        ),
        "universes": (
            _INSTRUMENT, Field("as_of", _DATE), Field("start", _DATE, ("start_date",)),
            Field("end", _DATE, ("end_date",)),
        ),
        "adjustments": (
            _INSTRUMENT, Field("session", _DATE, ("date", "trade_date"), required=True),
            Field("factor", _F64, required=True),
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
