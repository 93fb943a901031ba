"""An excerpt of a lake: some instruments' recent rows of every daily table, and a small lake made of such rows."""

import shutil
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from lake.catalog import AsOf
from lake.commit import Transaction
from lake.lakehouse import Lake, open_lake
from lake.scan import scan_rows
from qbrain_core.errors import InsufficientDataError
from qbrain_core.settings import Settings

__all__ = ["Workshop", "excerpt", "telling_names"]

_TABLES = (
    "bars", "valuation", "corporate_actions", "fundamentals", "universes", "industries", "instrument_status",
    "instruments", "calendar_overrides", "fx_rates", "interest_rates", "factor_returns",
)  # fmt: skip
_APP = "excerpt"


def telling_names(
    lake: Lake, market: str, count: int, *, sessions: int, as_of: AsOf = None
) -> tuple[list[str], date | None]:
    """Choose stocks on which a mistake about time would show.

    Parameters
    ----------
    lake : Lake
    market : str
    count : int
        How many, at most.
    sessions : int
        Of the market's last so many sessions.
    as_of : optional

    Returns
    -------
    tuple of (list of str, date or None)
        Instruments, ascending: those that were halted most, listed or delisted last, adjusted most often, have the
        longest history, and others in an order that has nothing to do with them; and the first of the sessions, None
        where the market has none.
    """
    days = lake.sessions(market, as_of=as_of)[-sessions:]
    if not days:
        return [], None
    stocks = lake.instruments(market=market, kind="stock", as_of=as_of)["instrument"]
    values: dict[str, list[Any]] = {"market": [market], "year": sorted({day.year for day in days})}
    rows = scan_rows(lake.snapshot("bars", as_of=as_of), lake.catalog.storage, {"session": (days[0], None)}, values)
    facts = (
        rows.filter(pl.col("instrument").is_in(stocks.implode())).group_by("instrument").agg(
            first=pl.col("session").min(), last=pl.col("session").max(), rows=pl.len(),
            halts=pl.col("halted").sum(), factors=pl.col("factor").n_unique(),
        ).sort(pl.col("instrument").hash(7), "instrument").collect()
    )  # fmt: skip
    share = max(1, count // 6)
    orders = (
        facts.sort("halts", descending=True, maintain_order=True),
        facts.filter(pl.col("first") > days[0]).sort("first", descending=True, maintain_order=True),
        facts.filter(pl.col("last") < days[-1]).sort("last", descending=True, maintain_order=True),
        facts.sort("factors", descending=True, maintain_order=True),
        facts.sort("rows", descending=True, maintain_order=True),
    )
    chosen = dict.fromkeys(name for order in orders for name in order["instrument"].head(share))
    chosen |= dict.fromkeys(facts["instrument"])
    return sorted(list(chosen)[:count]), days[0]


def excerpt(
    lake: Lake, market: str, instruments: Sequence[str], *, start: date | None = None, as_of: AsOf = None
) -> dict[str, pl.DataFrame]:
    """Read everything that daily factors of some instruments could be made of.

    Parameters
    ----------
    lake : Lake
    market : str
    instruments : sequence of str
        The market's indices come on top, because one of them may be the benchmark.
    start : date, optional
        First session of bars and valuation.
    as_of : optional

    Returns
    -------
    dict of str to DataFrame
        By table, `bars` first; tables without such rows are left out.

    Raises
    ------
    InsufficientDataError
        If there are no bars of them.
    """
    listed = lake.instruments(market=market, as_of=as_of)
    names = sorted({*instruments, *listed.filter(pl.col("kind") == "index")["instrument"]})
    frames = {}
    for table in _TABLES:
        snapshot = lake.snapshot(table, as_of=as_of)
        columns = snapshot.table.schema.names
        given = {"market": [market], "instrument": names}
        values = {column: choice for column, choice in given.items() if column in columns}
        bounds = {"session": (start, None)} if table in ("bars", "valuation") else {}
        rows = scan_rows(snapshot, lake.catalog.storage, bounds, values).collect()
        if rows.height:
            frames[table] = rows
    if "bars" not in frames:
        raise InsufficientDataError(f"market {market} has no bars of {', '.join(instruments) or 'any stock'}")
    return frames


class Workshop:
    """Makes small lakes in a folder.

    Parameters
    ----------
    settings : Settings
        Taken over but for where things lie.
    folder : Path
        Gone afterwards.
    """

    def __init__(self, settings: Settings, folder: Path) -> None:
        self._folder = folder
        self._made = 0
        self._settings = settings.model_copy(
            update={
                "lake_url": "", "database_url": "", "redis_url": "", "mlflow_url": "", "cache_memory_mib": 0,
                "cache_redis_mib": 0, "cache_disk_mib": 0,
            }
        )  # fmt: skip
        self._empty = Path(open_lake(self._at("empty")).catalog.storage.root)

    def lake(self, frames: Mapping[str, pl.DataFrame]) -> Lake:
        """Make a lake of frames.

        Parameters
        ----------
        frames : mapping of str to DataFrame
            Rows by table.

        Returns
        -------
        Lake
            With these rows and no others.
        """
        self._made += 1
        settings = self._at(str(self._made))
        root = Path(settings.lake_root)
        root.mkdir(parents=True)
        filled = {table: rows for table, rows in frames.items() if rows.height}
        for table in self._empty.iterdir():
            if table.name in filled:
                shutil.copytree(table, root / table.name)
            else:
                (root / table.name).symlink_to(table)  # nothing will be written there
        made = Lake(settings)
        transaction = Transaction(made.catalog, _APP, 1, lambda: None)
        for name, rows in filled.items():
            transaction.upsert(name, rows)
        transaction.apply()
        return made

    def _at(self, name: str) -> Settings:
        return self._settings.model_copy(update={"home": self._folder / name})
