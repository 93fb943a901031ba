"""What an expression is made of, in figures: what it reads, how far back, from when on, and what it costs."""

import math
from datetime import date

from app import market_data
from app.figures import MISSING, count, duration
from app.markup import Kpi
from app.page import kpis
from app.session import read, t
from lake import Lake
from qbrain_core.factors.explain import Explanation

__all__ = ["draw_figures", "session_after"]

_SHOWN = 4  # fields named before an ellipsis


def draw_figures(about: Explanation, market: str) -> None:
    """Draw the strip.

    Parameters
    ----------
    about : Explanation
    market : str
        Whose calendar counts; "" without one.
    """
    reads = about.reads
    names = [f"${n}" for n in sorted(reads.fields)] + [f"$${n}" for n in sorted(reads.statements)]
    names += sorted(reads.instruments)
    endless = math.isinf(about.lookback)
    first = read(session_after, "bars", market=market, rows=about.first_row) if market else None
    full = read(session_after, "bars", market=market, rows=int(about.lookback)) if market and not endless else None
    across = about.crosses_instruments
    kpis(
        [
            Kpi(t("Reads"), ", ".join(names[:_SHOWN]) + (" …" if names[_SHOWN:] else "") or MISSING,
                t("{n} in all", n=len(names)), hint=", ".join(names)),
            Kpi(t("Measures"), about.unit or MISSING, t("as far as units are known")),
            Kpi(t("Sessions back"), t("all") if endless else f"{about.lookback:g}",
                t("it remembers from the first bar on") if endless else t("before its own")),
            Kpi(t("First value"), str(first or MISSING), t("full window from {session}", session=full) if full else ""),
            Kpi(t("Across names"), t("yes") if across else t("no"),
                t("compares names of one session") if across else t("each name by itself")),
            _cost(about, market),
        ]
    )  # fmt: skip


def _cost(about: Explanation, market: str) -> Kpi:
    known = read(market_data.markets, "bars", "instruments")
    rows = known.filter(market=market)["n_rows"].sum()
    said = t("{n} rows of {market}", n=count(rows), market=market) if rows else ""
    hint = t("Estimate, one thread: {n} ns a row.", n=f"{about.cost_ns:.0f}")
    took_s = about.cost_ns * rows / 1e9
    value = "< 1 ms" if took_s < 1e-3 else f"{took_s * 1e3:.0f} ms" if took_s < 1 else duration(took_s)
    return Kpi(t("Cost"), value if rows else MISSING, said, hint=hint)


def session_after(lake: Lake, as_of: dict[str, int], market: str, rows: int) -> date | None:
    """Find the session that has so many before it.

    Parameters
    ----------
    lake : Lake
    as_of : dict
    market : str
    rows : int
        Sessions before it.

    Returns
    -------
    date or None
        None where the market has fewer sessions with bars.
    """
    query = "SELECT DISTINCT session FROM bars WHERE market = ? ORDER BY session LIMIT 1 OFFSET ?"
    found = lake.sql(query, [market, rows], as_of=as_of)
    return found.item() if found.height else None
