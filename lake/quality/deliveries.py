"""Checks of what came: damaged lines, files unlike the last, units, and history that was rewritten."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import polars as pl

from lake.quality.check import Check, Finding
from lake.quality.delivery import Delivery
from lake.quality.sequence import moved, near_split, not_indices
from lake.quality.surroundings import Surroundings
from lake.quality.verdict import REPEATED_ROW, conflicting_duplicate, warn

__all__ = ["DAMAGE_CHECKS", "DELIVERY_CHECKS", "FILE_CHECKS", "delivery_findings", "unknown_columns"]

_BARS = ("bars",)
_VALUES = ("open", "high", "low", "close", "volume", "amount", "adj_close")
_EQUAL = 1e-6
_SAME_RATIO = 0.005
_SIZE_SLACK = 0.001
"""Change of the number of symbols between deliveries that is told, relatively."""

_RATIO_COLUMNS = ("change", "change_pct", "pct_change", "pctchg", "pct_chg")
_FRACTIONS = ("turnover", "dividend_yield_ttm", "rate")
_TICK = 0.01


def _restated(rows: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    both, values = _overlap(rows, around)
    if both is None:
        return rows.clear()
    differs = {c: _differs(c) for c in values}
    changed = pl.concat_str([pl.when(e).then(pl.lit(f"{c} ")).otherwise(pl.lit("")) for c, e in differs.items()])
    return both.with_columns(changed=changed.str.strip_chars_end()).filter(pl.col("changed") != "")


def _restated_by_split(rows: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    both, values = _overlap(rows, around)
    if both is None or "close" not in values:
        return rows.clear()
    # a source that keeps raw closes restates the adjusted one
    told = "adj_close" if "adj_close" in values else "close"
    ratio = (pl.col(told) / pl.col(f"{told} before")).alias("ratio")
    # against itself a price moves by exactly the ratio, whatever the day's trading was
    big = pl.max_horizontal(pl.col("ratio"), 1 / pl.col("ratio"))
    return both.with_columns(ratio).filter(near_split(pl.col("ratio"), _SAME_RATIO) | _whole(big))


def _whole(big: pl.Expr) -> pl.Expr:
    return (big > 1.9) & ((big / big.round() - 1).abs() < _SAME_RATIO)


def _overlap(rows: pl.DataFrame, around: Surroundings) -> tuple[pl.DataFrame | None, list[str]]:
    stored = around.stored
    if stored is None or not around.same_source or "session" not in rows.columns:
        return None, []
    values = [c for c in _VALUES if c in rows.columns and c in stored.columns]
    if not values:
        return None, []
    before = stored.select("instrument", "session", *(pl.col(c).alias(f"{c} before") for c in values))
    new = rows.filter(pl.col("row").is_not_null()) if "row" in rows.columns else rows
    return new.join(before, on=["instrument", "session"], how="inner", maintain_order="left"), values


def _differs(name: str) -> pl.Expr:
    old = pl.col(f"{name} before")
    return ((pl.col(name) / old - 1).abs() > _EQUAL).fill_null(pl.col(name).ne_missing(old) & old.is_not_null())


def _scaled(rows: pl.DataFrame, _: Surroundings) -> pl.DataFrame:
    # ten thousandths of a dollar as whole numbers
    whole = pl.all_horizontal(pl.col(c).round() == pl.col(c) for c in ("open", "high", "low", "close"))
    judged = rows.group_by("instrument", maintain_order=True).agg(
        pl.col("session").first(), whole=whole.mean(), close=pl.col("close").median(), bars=pl.len()
    )
    return judged.filter((pl.col("whole") == 1) & (pl.col("bars") >= 20) & (pl.col("close") > 1000))


def _adjusted(rows: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    # exchanges quote whole ticks; prices between them were multiplied by something
    tick = min(around.market.tick, _TICK) if around.market else _TICK
    stocks = not_indices(rows, around.table("instruments"))
    raw = stocks.filter(pl.col("price_basis") == "raw") if "price_basis" in rows.columns else stocks
    ticks = pl.col("close") / tick
    on = (ticks - ticks.round()).abs() < (ticks.abs() * 1.2e-7 + 1e-3)
    judged = raw.filter(pl.col("close") > 1).group_by("instrument", maintain_order=True).agg(
        pl.col("session").first(), on_tick=on.mean(), bars=pl.len()
    )  # fmt: skip
    return judged.filter((pl.col("bars") >= 20) & (pl.col("on_tick") < 0.5))


def _percent(rows: pl.DataFrame, _: Surroundings) -> pl.DataFrame:
    found = []
    returns = moved("close") - 1 if "close" in rows.columns and "instrument" in rows.columns else None
    for column in (c for c in rows.columns if c.lower() in _RATIO_COLUMNS and returns is not None):
        pair = rows.select(_given=pl.col(column), _made=returns).filter(pl.col("_made").abs() > 1e-3)
        ratio = pair.select((pl.col("_given") / pl.col("_made")).median()).item()
        if ratio is not None and 90 < ratio < 110:
            found.append((column, rows.height, float(ratio)))
    for column in (c for c in _FRACTIONS if c in rows.columns):
        middle = rows[column].drop_nulls().abs().quantile(0.5)
        if middle is not None and middle > 0.25:
            found.append((column, rows.height, float(middle)))
    schema = {"column": pl.String, "values": pl.Int64, "middle": pl.Float64}
    return pl.DataFrame(found, schema=schema, orient="row")


def _drift(_: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    now, last = around.delivery, around.previous
    changes: list[tuple[str, str]] = []
    if now is not None and last is not None and now.columns and last.columns:
        changes += [(c, "is new") for c in now.columns if c not in last.columns]
        changes += [(c, "is gone") for c in last.columns if c not in now.columns]
        both = [c for c in now.columns if c in last.columns]
        changes += [(c, f"was {last.columns[c]}") for c in both if now.columns[c] != last.columns[c]]
        if not changes and list(now.columns) != list(last.columns):
            changes.append(("", "stand in another order"))
    return pl.DataFrame(changes, schema={"column": pl.String, "change": pl.String}, orient="row")


def _empty(_: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    now = around.delivery
    return _facts(now, rows=0) if now is not None and now.rows == 0 else _facts(None)


def _size(_: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    now, last = around.delivery, around.previous
    if now is None or last is None or not last.instruments or not now.instruments:
        return _facts(None)
    change = abs(now.instruments / last.instruments - 1)
    same = now.instruments == last.instruments or (change < _SIZE_SLACK and last.instruments < 1 / _SIZE_SLACK)
    return _facts(None) if same else _facts(now, instruments=now.instruments, last=last.instruments)


def _bom(_: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    return _trait(around, lambda traits: bool(traits.get("bom")))


def _newest_first(_: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    return _trait(around, lambda traits: bool(traits.get("newest_first")))


def _no_header(_: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    return _trait(around, lambda traits: traits.get("header_missing") is True)


def _no_zone(_: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    return _trait(around, lambda traits: traits.get("zone_stated") is False)


def _odd_dates(_: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    forms = (around.delivery.traits if around.delivery else {}).get("date_forms") or []
    odd = [f for f in forms if f in ("M/D/YYYY", "D.M.YYYY", "other")]
    return _facts(around.delivery, forms=", ".join(forms)) if odd or len(forms) > 1 else _facts(None)


def _symbol_form(_: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    now, last = ((d.traits.get("symbol_forms") or [] if d else []) for d in (around.delivery, around.previous))
    mixed = len(now) > 1 or (now and last and set(now) != set(last))
    return _facts(around.delivery, forms=", ".join(now), last=", ".join(last)) if mixed else _facts(None)


def _trait(around: Surroundings, has: Callable[[Mapping[str, Any]], bool]) -> pl.DataFrame:
    given = around.delivery
    return _facts(given) if given is not None and has(given.traits) else _facts(None)


def _facts(delivery: Delivery | None, **facts: object) -> pl.DataFrame:
    if delivery is None:
        return pl.DataFrame(schema={"file": pl.String})
    return pl.DataFrame([{"file": delivery.file, **facts}])


def delivery_findings(delivery: Delivery, previous: Delivery | None) -> list[Finding]:
    """Judge a file by how it looks and by what its source delivered last.

    Parameters
    ----------
    delivery : Delivery
    previous : Delivery or None
        The last one of the same source and table.

    Returns
    -------
    list of Finding
    """
    columns = pl.DataFrame({"column": list(delivery.columns), "type": list(delivery.columns.values())})
    checks = [c for c in FILE_CHECKS if not c.tables or delivery.table in c.tables]
    return warn(columns, checks, Surroundings(delivery=delivery, previous=previous))


def unknown_columns(names: list[str], rows: int) -> list[Finding]:
    """Tell of columns that nothing was taken from.

    Parameters
    ----------
    names : list of str
    rows : int
        Rows of the file.

    Returns
    -------
    list of Finding
        `unknown_columns`, or nothing.
    """
    return [Finding("unknown_columns", "warning", rows, [{"column": n} for n in names])] if names else []


def _damage(kind: str) -> pl.Expr:
    return pl.col("damage") == kind


DAMAGE_CHECKS = (
    Check("error_body", "error", (), "The line is an error message of a server (JSON, HTML, 404), not data.",
          _damage("error_body"), ("text",), ("damage",), stages=("incoming",)),
    Check("repeated_header", "error", (), "A header line stands among the rows.", _damage("repeated_header"), ("text",),
          ("damage",), stages=("incoming",)),
    Check("null_row", "error", (), "Every value of the row is empty.", _damage("null_row"), (), ("damage",),
          stages=("incoming",)),
)  # fmt: skip
"""Lines that are no rows; they come first, for they explain every other error of the line."""

DELIVERY_CHECKS = (
    REPEATED_ROW,
    replace(
        conflicting_duplicate("instrument"),
        sentence="The same key occurs with different values; none of the rows is taken.",
    ),
    Check("restated_history", "warning", _BARS, "The source delivers other values for a session that is stored "
          "already.", _restated, ("changed", "close", "close before"), ("instrument", "session"), stages=("incoming",)),
    Check("restated_by_split", "warning", _BARS, "A stored price comes again, moved by the ratio of a split: one was "
          "booked since.", _restated_by_split, ("ratio",), ("instrument", "session", "close"), stages=("incoming",)),
    Check("price_scale", "warning", _BARS, "All prices are large whole numbers: thousandths or ten thousandths of the "
          "currency.", _scaled, ("whole", "bars"), ("instrument", "session", "open", "high", "low", "close")),
    Check("adjusted_prices", "warning", _BARS, "Prices said to be raw lie between the exchange's ticks: they were "
          "adjusted.", _adjusted, ("on_tick", "bars"), ("instrument", "session", "close")),
    Check("percent_not_ratio", "warning", ("bars", "valuation", "interest_rates"), "A ratio is given in percent.",
          _percent,
          ("values", "middle"), stages=("incoming",), scope="market"),
    Check("unknown_columns", "warning", (), "The file has columns that nothing was taken from.", pl.lit(False),
          stages=()),
)  # fmt: skip
"""Checks of delivered rows against what is stored, and of their units."""

FILE_CHECKS = (
    Check("schema_drift", "warning", (), "The columns are not those of the source's last delivery.", _drift,
          ("change",),
          stages=("delivery",)),
    Check("empty_delivery", "warning", (), "The file holds no rows.", _empty, ("file",), stages=("delivery",)),
    Check("delivery_size", "note", (), "The number of symbols is not that of the source's last delivery.", _size,
          ("file", "instruments", "last"), stages=("delivery",)),
    Check("byte_order_mark", "note", (), "The text starts with a byte-order mark, which is no part of its first name.",
          _bom, ("file",), stages=("delivery",)),
    Check("newest_first", "note", (), "Rows stand newest first.", _newest_first, ("file",), stages=("delivery",)),
    Check("missing_header", "warning", (), "No line of the text names its columns: what they mean is what the profile "
          "says.", _no_header, ("file",), stages=("delivery",)),
    Check("zone_not_stated", "note", ("bars_intraday",), "Times name no zone: which one is meant is what the profile "
          "assumes.", _no_zone, ("file",), stages=("delivery",)),
    Check("odd_dates", "warning", (), "Dates are written in a form that leaves day and month in doubt, or in several.",
          _odd_dates, ("file", "forms"), stages=("delivery",)),
    Check("symbol_form", "note", (), "Symbols are written in several forms, or otherwise than in the last delivery.",
          _symbol_form, ("file", "forms", "last"), stages=("delivery",)),
)  # fmt: skip
"""Checks of a file as a whole."""
