"""What differs between the state of the lake that stored factors were made of and the state there is now."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl

from jobs.tasks.factors.work import FactorWork
from lake.changes import changes_since
from lake.diff import changed_keys
from lake.files import Snapshot
from lake.reads.factor_inputs import BENCHMARK_FIELDS
from lake.reads.groups import GROUP_FIELDS, scheme_of
from lake.scan import scan_files
from qbrain_core.errors import InvalidInputError

__all__ = ["WORK", "facts_of", "input_changes", "written_since"]

WORK = "factors-{market}"
"""Name under which a factor table's log keeps what its rows of a market were made of."""

_SCHEMA = {"instrument": pl.String, "session": pl.Date, "until": pl.Date}


def facts_of(work: FactorWork) -> dict[str, Any]:
    """Write down what decides the values of rows.

    Parameters
    ----------
    work : FactorWork

    Returns
    -------
    dict
        JSON values: `code`, `benchmark`, and of every table read its version and its state.
    """
    tables = sorted({*work.tables, "instruments"})
    versions = {name: work.lake.catalog.data_version(name, work.as_of[name]) for name in tables}
    return {
        "code": work.code, "benchmark": work.benchmark if set(BENCHMARK_FIELDS) & work.needs.fields else "",
        "versions": versions,
        "states": {name: work.lake.catalog.state(name, version) for name, version in versions.items()},
    }  # fmt: skip


def input_changes(work: FactorWork, since: int, facts: Mapping[str, Any]) -> pl.DataFrame | None:
    """Find what differs of the inputs of stored rows.

    Parameters
    ----------
    work : FactorWork
    since : int
        Version of the factor table that the facts were noted with.
    facts : mapping
        What `facts_of` gave then.

    Returns
    -------
    DataFrame or None, columns (instrument, session, until)
        See `touched_spans`. None where it cannot be told, so that everything has to be made anew: other code, a version
        that was cleaned up, a lake made anew, or rows that somebody else has written.
    """
    now, catalog = facts_of(work), work.lake.catalog
    if any(now[what] != facts.get(what) for what in ("code", "benchmark")):
        return None
    if set(now["versions"]) != set(facts.get("versions", ())):
        return None
    if written_since(work, since):
        return None
    parts = [pl.DataFrame(schema=_SCHEMA)]
    try:
        for name, version in facts["versions"].items():
            if catalog.state(name, version) != facts["states"][name]:
                return None
            if now["states"][name] != facts["states"][name]:
                parts += _changes_of(work, name, version)
    except InvalidInputError:  # a version that is no longer there
        return None
    return pl.concat(parts).unique()


def written_since(work: FactorWork, since: int) -> bool:
    """Tell whether anybody has written rows of the market to the factor table, retention left out.

    Parameters
    ----------
    work : FactorWork
    since : int
        Version of the factor table; what made it does not count.

    Returns
    -------
    bool
        Also true where the log does not tell any more.
    """
    storage, name = work.lake.catalog.storage, work.table.name
    if not storage.exists(name):
        return False
    found = changes_since(storage, name, since, work.lake.catalog.latest(name), ignore=lambda job: "#retain@" in job)
    return found is None or any(change.partition.get("market") == work.market for change in found)


def _changes_of(work: FactorWork, table: str, version: int) -> list[pl.DataFrame]:
    catalog = work.lake.catalog
    old, new = catalog.snapshot(table, version), work.lake.snapshot(table, as_of=work.as_of)
    storage = catalog.storage
    match table:
        case "instruments":
            return _listing(work, version)
        case "industries":
            scan = (scan_files(s.files, s.table, storage).collect() for s in (old, new))
            return _spells(work, *scan)
        case "fundamentals":
            found = changed_keys(old, new, storage, work.tables[table], market=work.market)
            return [found.select("instrument", session="known_at", until=None).cast(_SCHEMA)]  # type: ignore[arg-type]
        case _:
            found = changed_keys(old, new, storage, work.tables[table], market=work.market)
            return _rows(work, table, found, old, new)


def _rows(work: FactorWork, table: str, found: pl.DataFrame, old: Snapshot, new: Snapshot) -> list[pl.DataFrame]:
    day = {"session": pl.col("session"), "until": pl.col("session")}
    named = set(work.named.values())
    stocks = pl.DataFrame({"instrument": work.names}, schema={"instrument": pl.String})
    own = found.join(stocks, on="instrument", how="semi")
    parts = [own.select("instrument", **day)]
    if table != "bars":
        return parts
    theirs = found.filter(pl.col("instrument").is_in(sorted(named - set(work.names))))
    parts.append(theirs.select(pl.lit(None, pl.String).alias("instrument"), **day))
    if set(BENCHMARK_FIELDS) & work.needs.fields:
        parts.append(_benchmark(work, found))
    rows = own.filter(pl.col("change") != "changed")
    parts.append(_calendar(work, rows, old, new))
    parts += _beginnings(work, rows, old, new)
    return parts


def _benchmark(work: FactorWork, found: pl.DataFrame) -> pl.DataFrame:
    # the same value stands on the rows of all; a return also looks at the session before
    days = found.filter(pl.col("instrument") == work.benchmark)["session"]
    if days.is_empty():
        return pl.DataFrame(schema=_SCHEMA)
    later = work.lake.bars(instruments=[work.benchmark], columns=["session"], start=days.min(), as_of=work.as_of)  # type: ignore[arg-type]
    following = later["session"].to_frame().with_columns(until=pl.col("session").shift(-1)).filter(
        pl.col("session").is_in(days.implode())
    )  # fmt: skip
    nexts = following["until"].drop_nulls()
    every = pl.concat([days, nexts]).unique()
    return pl.DataFrame({"session": every, "until": every}).select(
        pl.lit(None, pl.String).alias("instrument"), pl.all()
    )


def _calendar(work: FactorWork, rows: pl.DataFrame, old: Snapshot, new: Snapshot) -> pl.DataFrame:
    # a session that comes or goes is a row, if an empty one, of everybody who was there before and after it
    days: list[date] = []
    for change, other in (("added", old), ("removed", new)):
        for session in rows.filter(pl.col("change") == change)["session"].unique().sort():
            names = work.names if other is new else work.stocks(as_of={"instruments": work.as_of["instruments"]})
            there = work.sessions(session, session, as_of={"bars": other.version}, names=pl.Series(names))
            if there.is_empty():
                days.append(session)
    frame = pl.DataFrame({"session": days, "until": days}, schema={"session": pl.Date, "until": pl.Date})
    return frame.select(pl.lit(None, pl.String).alias("instrument"), pl.all())


def _beginnings(work: FactorWork, rows: pl.DataFrame, old: Snapshot, new: Snapshot) -> list[pl.DataFrame]:
    # where an instrument begins decides how many empty rows its first windows hold
    edge = max((f.high.get("session", date.max) for f in old.files if f.partition["market"] == work.market),
               default=date.min)  # fmt: skip
    names = rows.filter(pl.col("session") <= edge)["instrument"].unique().to_list()
    if not names:
        return []
    firsts = [
        work.lake.bars(market=work.market, instruments=names, columns=["session"], as_of={"bars": s.version})
        .group_by("instrument").agg(pl.col("session").min())
        for s in (old, new)
    ]  # fmt: skip
    both = firsts[0].join(firsts[1], on="instrument", how="inner", suffix="_now")
    moved = both.filter(pl.col("session") != pl.col("session_now"))
    spans = moved.select(
        "instrument", session=pl.min_horizontal("session", "session_now"),
        until=pl.max_horizontal("session", "session_now"),
    )  # fmt: skip
    return [spans]


def _listing(work: FactorWork, version: int) -> list[pl.DataFrame]:
    # who has become a stock, or is one no longer, has all rows or none
    then = work.stocks(as_of={"instruments": version}).to_frame()
    now = work.stocks().to_frame()
    other = pl.concat([now.join(then, on="instrument", how="anti"), then.join(now, on="instrument", how="anti")])
    everywhere = pl.lit(date.min)
    parts = [other.select("instrument", session=everywhere, until=pl.lit(None, pl.Date))]
    if other.height:  # sessions that only they had come or go as well
        parts.append(
            pl.DataFrame({"instrument": [None], "session": [date.min], "until": [None]}, schema=_SCHEMA)
            if not _same_calendar(work, then["instrument"])
            else pl.DataFrame(schema=_SCHEMA)
        )
    return parts


def _same_calendar(work: FactorWork, then: pl.Series) -> bool:
    return work.sessions(None, None).equals(work.sessions(None, None, names=then))


def _spells(work: FactorWork, old: pl.DataFrame, new: pl.DataFrame) -> list[pl.DataFrame]:
    # from the day on which a spell that differs begins
    if not set(GROUP_FIELDS) & work.needs.fields:
        return []
    then, now = (frame.filter(pl.col("market") == work.market) for frame in (old, new))
    schemes = scheme_of(then), scheme_of(now)
    levels = [set(frame["level"]) for frame in (then, now)]
    if schemes[0] != schemes[1] or levels[0] != levels[1]:
        return [pl.DataFrame({"instrument": [None], "session": [date.min], "until": [None]}, schema=_SCHEMA)]
    columns = ["instrument", "level", "start", "end", "industry"]
    then, now = (frame.filter(pl.col("scheme") == schemes[0]).select(columns) for frame in (then, now))
    differing = [a.join(b, on=columns, how="anti", nulls_equal=True) for a, b in ((then, now), (now, then))]
    return [d.select("instrument", session="start", until=pl.lit(None, pl.Date)) for d in differing]
