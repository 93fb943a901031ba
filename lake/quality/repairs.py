"""Every repair there is, by name."""

import polars as pl

from lake.quality.fundamentals import FUNDAMENTAL_CHECKS
from lake.quality.repair import Changes, Repair, Target
from lake.quality.repairs_bars import BAR_REPAIRS
from lake.quality.surroundings import Surroundings
from qbrain_core.errors import InvalidInputError, UnknownNameError

__all__ = ["ACCEPT", "REPAIRS", "repair_named"]

ACCEPT = "accept"
"""Name of the repair that lets refused rows in after all; it starts from the quarantine, not from stored rows."""

_REPEATED = next(check for check in FUNDAMENTAL_CHECKS if check.name == "repeated_filing")


def _drop_duplicate(rows: pl.DataFrame, target: Target, around: Surroundings) -> Changes:
    later = _REPEATED.find(rows.filter(target.inside("known_at")), around)
    return Changes(rows.clear(), rows.clear(), later)


def _join_spells(rows: pl.DataFrame, target: Target, _: Surroundings) -> Changes:
    # overlapping spells become one from the first start to the last end
    open_end = pl.date(9999, 12, 31)
    key = ["universe", "instrument"]
    ordered = (
        rows.filter(target.inside("start")).with_columns(_end=pl.col("end").fill_null(open_end)).sort(*key, "start")
    )
    reached = pl.col("_end").cum_max().over(key).shift(1).over(key)
    grouped = ordered.with_columns(_spell=(pl.col("start") > reached).fill_null(True).cum_sum().over(key))
    whole = grouped.with_columns(
        _n=pl.len().over(*key, "_spell"), _last=pl.col("_end").max().over(*key, "_spell"),
        _first=(pl.int_range(pl.len()).over(*key, "_spell") == 0),
    ).filter(pl.col("_n") > 1)  # fmt: skip
    first = whole.filter("_first")
    changed = first.filter(pl.col("_end") != pl.col("_last"))
    after = changed.with_columns(end=pl.when(pl.col("_last") < open_end).then("_last"))
    return Changes(
        changed.select(rows.columns), after.select(rows.columns), whole.filter(~pl.col("_first")).select(rows.columns)
    )


def _accepted(_rows: pl.DataFrame, _target: Target, _around: Surroundings) -> Changes:
    raise InvalidInputError("repair", ACCEPT, "it starts from the quarantine")


REPAIRS: dict[str, Repair] = {
    repair.name: repair
    for repair in (
        *BAR_REPAIRS,
        Repair("drop_duplicate", ("fundamentals",), "Take filings away that repeat the same figures of the same period "
               "later.", ("repeated_filing",), _drop_duplicate),
        Repair("join_spells", ("universes",), "Make overlapping spells of a member one spell.", ("membership_overlap",),
               _join_spells),
        Repair(ACCEPT, ("bars",), "Let refused rows in after all, high and low widened where they have to "
               "be.", ("ohlc_order", "partial_last_bar", "half_adjusted", "conflicting_duplicate"), _accepted),
    )
}  # fmt: skip
"""Repairs by name."""


def repair_named(name: str, table: str) -> Repair:
    """Look a repair of a table up.

    Parameters
    ----------
    name : str
    table : str

    Returns
    -------
    Repair

    Raises
    ------
    UnknownNameError
        If there is none of that name.
    InvalidInputError
        If it is for other tables.
    """
    if name not in REPAIRS:
        raise UnknownNameError("repair", name, REPAIRS)
    if table not in REPAIRS[name].tables:
        raise InvalidInputError("table", table, f"{name} is for {', '.join(REPAIRS[name].tables)}")
    return REPAIRS[name]
