"""Turn what stands in a file's columns into our types; what cannot be read becomes null, never a guess."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from lake.sources.fields import PRICES

__all__ = ["Conversion", "may_fail", "typed"]

_DATES = (
    "%Y-%m-%d", "%Y%m%d", "%Y/%m/%d", "%m/%d/%Y", "%Y-%m-%d %H:%M:%S", "%Y%m%d %H:%M", "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M:%S%:z",
)  # fmt: skip
_CLOCKS = (
    "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y%m%d %H:%M:%S", "%Y%m%d %H:%M",
    "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M",
)  # fmt: skip
_ZONED = ("%Y-%m-%d %H:%M:%S%.f%:z", "%Y-%m-%dT%H:%M:%S%.f%:z", "%Y-%m-%dT%H:%M:%S%.f%#z")
_TRUE, _FALSE = ["1", "1.0", "true", "t", "yes", "y"], ["0", "0.0", "false", "f", "no", "n"]
_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000}


@dataclass(frozen=True)
class Conversion:
    """How numbers and times of a source are to be taken.

    Attributes
    ----------
    scale : mapping of str to float
        What the numbers of a field are multiplied by; `price` is every field of `PRICES`.
    unit : str
        What a field of instants holds: clock, s, ms, us or ms_of_day, as in `BarTime`.
    zone : str
        Time zone of instants that name none.
    """

    scale: Mapping[str, float] = field(default_factory=dict)
    unit: str = "clock"
    zone: str = "UTC"


def may_fail(given: pl.DataType, wanted: pl.DataType) -> bool:
    """Tell whether a value can be there and not be of the wanted type.

    Parameters
    ----------
    given, wanted : DataType

    Returns
    -------
    bool
    """
    return given != wanted and not (given.is_numeric() and wanted in (pl.Float64(), pl.Boolean()))


def typed(name: str, theirs: str, wanted: pl.DataType, found: pl.Schema, how: Conversion) -> pl.Expr:
    """Read one field of a file.

    Parameters
    ----------
    name : str
        The field's name.
    theirs : str
        Column of the file, or `=value` for a constant.
    wanted : DataType
        The field's type; instants are `Datetime`.
    found : Schema
        The file's columns.
    how : Conversion

    Returns
    -------
    Expr
        Null where there is no value, or none that can be read; instants are UTC without zone, or the time since
        midnight as one of 1970-01-01 where the unit is ms_of_day.
    """
    constant = theirs.startswith("=")
    column, given = (pl.lit(theirs[1:]), pl.String()) if constant else (pl.col(theirs), found[theirs])
    if isinstance(wanted, pl.Datetime):
        return _instant(column, given, how)
    if wanted == pl.Float64():
        return _scaled(_number(column, given), name, how)
    if wanted == pl.Int32():
        return _number(column, given).cast(pl.Int32, strict=False)
    if wanted == pl.Boolean() and given.is_numeric():
        return column != 0
    if wanted == pl.Date() and isinstance(given, pl.Datetime):
        return column.dt.date()
    if wanted == given and wanted != pl.String():
        return column
    text = column if given == pl.String() else column.cast(pl.String, strict=False)
    text = text.str.strip_chars()
    if wanted == pl.Date():
        return pl.coalesce(text.str.to_date(form, strict=False) for form in _DATES)
    if wanted == pl.Boolean():
        low = text.str.to_lowercase()
        return pl.when(low.is_in(_TRUE)).then(True).when(low.is_in(_FALSE)).then(False)
    return text


def _number(column: pl.Expr, given: pl.DataType) -> pl.Expr:
    if given.is_numeric():
        wide = column.cast(pl.Float64)
        return pl.when(wide.is_finite()).then(wide) if given.is_float() else wide
    text = column if given == pl.String() else column.cast(pl.String, strict=False)
    number = text.str.strip_chars().cast(pl.Float64, strict=False)
    return pl.when(number.is_finite()).then(number)


def _scaled(number: pl.Expr, name: str, how: Conversion) -> pl.Expr:
    scale = how.scale.get(name, how.scale.get("price", 1.0) if name in PRICES else 1.0)
    if scale == 1:
        return number
    whole = round(1 / scale) if scale else 0
    if whole <= 1 or abs(whole * scale - 1) > 1e-12:
        return number * scale
    # 549000 ÷ 10000 is the nearest double to 54.9; 549000 × 0.0001 is not, and polars multiplies by reciprocals
    exact = number.map_batches(lambda s: pl.Series(s.name, s.to_numpy() / whole), return_dtype=pl.Float64)
    return exact.fill_nan(None)


def _instant(column: pl.Expr, given: pl.DataType, how: Conversion) -> pl.Expr:
    if isinstance(given, pl.Datetime):
        return _utc(column.cast(pl.Datetime("us", given.time_zone)), given.time_zone or how.zone, given.time_zone)
    if how.unit == "clock":
        text = (column if given == pl.String() else column.cast(pl.String, strict=False)).str.strip_chars()
        naive = pl.coalesce(text.str.to_datetime(form, time_unit="us", strict=False) for form in _CLOCKS)
        zoned = pl.coalesce(text.str.to_datetime(f, time_unit="us", time_zone="UTC", strict=False) for f in _ZONED)
        return pl.coalesce(_utc(naive, how.zone, None), zoned.dt.replace_time_zone(None))
    per_second = _PER_SECOND.get(how.unit, 1_000)
    number = column.cast(pl.Int64, strict=False)
    return (number * (1_000_000 // per_second)).cast(pl.Datetime("us"))


def _utc(column: pl.Expr, zone: str, given: str | None) -> pl.Expr:
    if given is None:
        if zone == "UTC":
            return column
        # an hour that the clock shows twice is taken as its first; one that it skips was never shown
        column = column.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
