"""One table of one data set, as an ingest would hand it to the checks, and what they find in it."""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

import polars as pl

from lake.quality import Surroundings, check_named, checks_of, examine, incoming_errors, take_repeats
from lake.quality.verdict import conflicting_duplicate

__all__ = ["Exhibit", "found_in"]

_BARE = {"halted": pl.lit(False), "unreadable": pl.lit(False), "amount": pl.lit(None, pl.Float64)}


@dataclass(frozen=True)
class Exhibit:
    """Rows of one table with what is around them.

    Attributes
    ----------
    name : str
        Data set, and which part of it.
    table : str
    rows : DataFrame
        With the table's column names.
    around : Surroundings
    key : tuple of str
        No two rows may agree in it; empty: not judged.
    """

    name: str
    table: str
    rows: pl.DataFrame
    around: Surroundings = field(default_factory=Surroundings)
    key: tuple[str, ...] = ()


def found_in(exhibit: Exhibit) -> dict[str, pl.DataFrame]:
    """Run every check that applies.

    Parameters
    ----------
    exhibit : Exhibit

    Returns
    -------
    dict of str to DataFrame
        Rows found, by check; checks that found nothing are left out.
    """
    found: dict[str, pl.DataFrame] = {}
    last = exhibit.rows["session"].max() if "session" in exhibit.rows.columns else None
    if isinstance(last, date):  # as fresh as on the day it was downloaded
        exhibit = replace(
            exhibit, around=replace(exhibit.around, now=datetime(last.year, last.month, last.day, tzinfo=UTC))
        )
    if exhibit.around.delivery is not None:
        for check in checks_of(exhibit.table, stage="delivery"):
            found[check.name] = check.find(exhibit.rows, exhibit.around)
    bare = {c: e for c, e in _BARE.items() if c not in exhibit.rows.columns}
    rows = exhibit.rows.drop("row", strict=False).with_row_index("row", offset=1).with_columns(**bare)
    good, refused, _ = examine(rows, incoming_errors(exhibit.table), exhibit.around)
    if exhibit.key:
        kept, _ = take_repeats(good)
        found["repeated_row"] = good.join(kept.select("row"), on="row", how="anti")
        good, doubles, _ = examine(kept, [conflicting_duplicate(*exhibit.key)])
        refused = pl.concat([refused, doubles])
        good = good.sort(*exhibit.key)
    for (name,), part in refused.group_by("check"):
        found[str(name)] = rows.join(part.select("row"), on="row", how="semi", maintain_order="left")
    applied = dict.fromkeys([*checks_of(exhibit.table, stage="incoming"), *checks_of(exhibit.table, stage="stored")])
    for check in applied:
        if check.severity != "error" and check.tables and check.applies(good):
            found[check.name] = check.find(good, exhibit.around)
    return {name: rows for name, rows in found.items() if rows.height}


def concerned(name: str, rows: pl.DataFrame) -> int:
    """Count the rows concerned.

    Parameters
    ----------
    name : str
        Check.
    rows : DataFrame
        As it found them.

    Returns
    -------
    int
    """
    counts = check_named(name).counts
    return int(rows[counts].sum()) if counts else rows.height
