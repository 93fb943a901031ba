"""Ingest of what there is to trade: names, memberships, symbols, statuses, odd days."""

from typing import Any

import polars as pl

from jobs.context import TaskContext
from jobs.tasks.ingest.intake import Intake, Writes
from lake.sources.industries import industry_rows
from lake.sources.instruments import instrument_rows
from lake.sources.series import calendar_override_rows
from lake.sources.status import named_st_spells
from lake.sources.symbols import symbol_history_rows
from lake.sources.universes import changed_universe, universe_rows
from qbrain_core.errors import InvalidInputError

__all__ = [
    "calendar_overrides", "industries", "instrument_status", "instruments", "new_instruments", "symbol_history",
    "universes",
]  # fmt: skip


def instruments(intake: Intake, context: TaskContext) -> Writes:
    """Ingest names and what else is known of instruments; with `as_of`, also who is under ST by the name.

    Parameters
    ----------
    intake : Intake
    context : TaskContext

    Returns
    -------
    Writes
    """
    spec, market = intake.spec, intake.market
    if "kind" in intake.rows.columns:
        intake.rows = intake.rows.with_columns(pl.col("kind").str.to_lowercase())
    rows = intake.refuse(("instrument",))
    known = context.lake.instruments(market=market.code)
    intake.warn(rows, known)
    made = instrument_rows(
        rows, known, market, kind=spec.instrument_kind, currency=spec.currency or market.currency
    )  # fmt: skip
    writes = Writes()
    if spec.as_of is not None and market.price_limits:
        statuses = context.lake.scan("instrument_status").filter(pl.col("market") == market.code).collect()
        writes.rows["instrument_status"] = named_st_spells(made, statuses, as_of=spec.as_of)
    writes.rows["instruments"] = made
    return writes


def new_instruments(names: pl.Series, intake: Intake, context: TaskContext) -> pl.DataFrame:
    """Make rows of table `instruments` for those it does not know yet.

    Parameters
    ----------
    names : Series of str
        Instrument ids.
    intake : Intake
    context : TaskContext

    Returns
    -------
    DataFrame
    """
    spec, market = intake.spec, intake.market
    known = context.lake.instruments(market=market.code)
    new = names.filter(~names.is_in(known["instrument"].implode())).to_frame("instrument")
    currency = spec.currency or market.currency
    return instrument_rows(new, known, market, kind=spec.instrument_kind, currency=currency)


def universes(intake: Intake, context: TaskContext) -> Writes:
    """Ingest memberships; they replace the universe's, but for lists of changes, which are applied to them.

    Parameters
    ----------
    intake : Intake
    context : TaskContext

    Returns
    -------
    Writes

    Raises
    ------
    InvalidInputError
        If the rows have neither `as_of` nor `start`.
    """
    name, has = intake.spec.universe, set(intake.rows.columns)
    found = [c for c in ("as_of", "start") if c in has]
    if not found or "instrument" not in has:
        rule = "universes need instrument and as_of (snapshots) or start and end (spells); or as_of, added and removed"
        raise InvalidInputError("columns", intake.spec.columns, rule)
    changes = "joins" in has
    rows = intake.refuse(("instrument", found[0], *(("joins",) if changes else ())))
    if changes:
        made = changed_universe(context.lake.universe(name), rows, name)
    else:
        intake.warn(rows)
        made = universe_rows(rows, name)
    return Writes(replaced=[("universes", made, {"universe": name})])


def symbol_history(intake: Intake, context: TaskContext) -> Writes:
    """Ingest under which symbols securities traded when.

    Parameters
    ----------
    intake : Intake
    context : TaskContext

    Returns
    -------
    Writes
    """
    day = "until" if "until" in intake.rows.columns else "start"
    rows = symbol_history_rows(intake.refuse(("instrument", "traded_as", day)), intake.market)
    intake.warn(rows, _of_market("symbol_history", intake, context))
    return Writes({"symbol_history": rows})


def industries(intake: Intake, context: TaskContext) -> Writes:
    """Ingest industry memberships; the spells of the instruments named are written whole.

    Parameters
    ----------
    intake : Intake
    context : TaskContext

    Returns
    -------
    Writes
    """
    day = [c for c in ("start", "as_of") if c in intake.rows.columns][:1]
    told = intake.refuse(("scheme", "level", "instrument", *day))
    schemes = told["scheme"].unique().implode()
    known = context.lake.scan("industries").filter(pl.col("scheme").is_in(schemes)).collect()
    rows = industry_rows(told, known, market=intake.market.code, as_of=intake.spec.as_of)
    intake.warn(rows, known)
    return Writes({"industries": rows})


def instrument_status(intake: Intake, context: TaskContext) -> Writes:
    """Ingest spells of special treatment, suspension or delisting.

    Parameters
    ----------
    intake : Intake
    context : TaskContext

    Returns
    -------
    Writes

    Raises
    ------
    InvalidInputError
        If the rows have no `start`.
    """
    if "start" not in intake.rows.columns:
        raise InvalidInputError("columns", intake.spec.columns, "a status needs start, the first day it holds")
    end: dict[str, Any] = {} if "end" in intake.rows.columns else {"end": pl.lit(None, pl.Date)}
    rows = intake.refuse(("instrument", "status", "start")).with_columns(**end)
    intake.warn(rows, _of_market("instrument_status", intake, context))
    return Writes({"instrument_status": rows.select("instrument", "status", "start", "end")})


def calendar_overrides(intake: Intake, _: TaskContext) -> Writes:
    """Ingest days on which the market differs from its calendar.

    Parameters
    ----------
    intake : Intake
    _ : TaskContext

    Returns
    -------
    Writes
    """
    rows = intake.refuse(("session",))
    intake.warn(rows)
    return Writes({"calendar_overrides": calendar_override_rows(rows, intake.market)})


def _of_market(name: str, intake: Intake, context: TaskContext) -> pl.DataFrame:
    return context.lake.scan(name).filter(pl.col("market") == intake.market.code).collect()
