"""Which table versions somebody still needs: pins, models, backtests, and jobs that have not ended."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import make_url, select

from lake.records import open_records
from lake.records.models import JobRow, PinRow
from lake.registry import Registry
from lake.tables import FACTOR_PREFIX

if TYPE_CHECKING:
    from lake.lakehouse import Lake

__all__ = ["pinned_versions"]

_UNFINISHED = ("waiting", "queued", "running")


def pinned_versions(lake: "Lake") -> dict[str, set[int]]:
    """Collect the versions that pins, models, backtests and unfinished jobs name.

    Parameters
    ----------
    lake : Lake

    Returns
    -------
    dict of str to set of int
        Versions by table, tables without any left out. A name that means a factor set counts for every table of it.
    """
    known = lake.catalog.names()
    kept: defaultdict[str, set[int]] = defaultdict(set)
    for pins in _all_pins(lake):
        for name, version in pins.items():
            for table in known:
                if _means(name, table):
                    kept[table].add(int(version))
    return dict(kept)


def _all_pins(lake: "Lake") -> Iterator[Mapping[str, int]]:
    with open_records(lake.settings).read() as session:
        yield from session.scalars(select(PinRow.versions)).all()
        yield from session.scalars(select(JobRow.versions).where(JobRow.status.in_(_UNFINISHED))).all()
    if _has_models(lake.settings.mlflow_database):
        registry = Registry(lake.settings)
        for model in registry.models():
            yield from (version.pins for version in registry.versions(model.name))
    for text in lake.scan("backtest_runs").select("pins").unique().collect()["pins"]:
        yield json.loads(text)


def _has_models(url: str) -> bool:
    # opening the registry makes its database, which takes seconds; where none was made there is no model
    database = make_url(url)
    return database.get_backend_name() != "sqlite" or Path(database.database or "").exists()


def _means(name: str, table: str) -> bool:
    if name == table:
        return True
    wanted, view = (text.replace("/", "_").replace("-", "_") for text in (name, table))
    if not table.startswith(FACTOR_PREFIX):
        return wanted == view
    family = view.rpartition("_")[0]
    return wanted in {view, family, family.removeprefix("factors_"), FACTOR_PREFIX.rstrip("/")}
