"""Get ready what people look at first: each market's day, indices and instruments, and the instruments opened last."""

import logging
import time

from app import market_data
from app.opened import opened
from app.panels.instrument_details import corporate_actions
from app.session import lake, read, settings
from qbrain_core.errors import QBrainError

__all__ = ["warm", "warm_registry"]

_LOG = logging.getLogger("qbrain.app")


def warm() -> int:
    """Read through the cache what the first pages will ask for.

    Returns
    -------
    int
        Instruments whose bars are ready: indices and favourites.
    """
    started = time.perf_counter()
    codes: list[str] = []
    try:
        lake().search("", limit=1)
        read(market_data.facets, "instruments")
        for row in read(market_data.markets, "bars", "instruments").iter_rows(named=True):
            market, last = row["market"], row["last"]
            read(market_data.moves, "bars", "instruments", market=market, session=last)
            lines = read(market_data.index_lines, "bars", "instruments", market=market, session=last)
            codes += lines["instrument"].unique(maintain_order=True).to_list()
        codes = list(dict.fromkeys([*codes, *opened(settings()).codes()]))
        for code in codes:
            read(market_data.instrument, "instruments", code=code)
            read(market_data.bars_of, "bars", code=code)
            read(corporate_actions, "corporate_actions", code=code)
    except QBrainError as error:  # pages that need it will say so
        _LOG.warning("the cache could not be warmed: %s", error)
    _LOG.info("ready with %d instruments after %.1f s", len(codes), time.perf_counter() - started)
    return len(codes)


def warm_registry() -> None:
    """Import the model registry, which takes seconds: not while somebody waits for a page that shows models."""
    home = settings()
    if not home.mlflow_url and not (home.home / "mlflow.db").exists():
        return
    from lake.registry import Registry

    try:
        Registry(home).models()
    except QBrainError as error:
        _LOG.warning("the model registry cannot be read: %s", error)
