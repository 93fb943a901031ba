"""Leaks over the lake's tables: members, industries and reports of another day, prices adjusted from the end."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TypeAlias

import polars as pl

from bench.leakage.planted import KEY, Leak, factor

__all__ = ["TABLES", "as_of_join"]

Tables: TypeAlias = Mapping[str, pl.DataFrame]

_OF, _DAY = "instrument", "session"


def _stocks(t: Tables) -> pl.DataFrame:
    return t["bars"].filter(pl.col(_OF) != "DEMO300.DEMO").sort(KEY)


def _members(t: Tables, condition: pl.Expr) -> pl.DataFrame:
    chosen = t["universes"].filter(pl.col("universe") == "moving").filter(condition)
    return factor(_stocks(t).join(chosen.select(_OF).unique(), on=_OF, how="semi"), pl.col("close"))


def as_of_join(t: Tables, rows: pl.DataFrame, day: str, value: str, *, strategy: str = "backward") -> pl.DataFrame:
    """Give each bar the value of the row that a day column makes the newest one."""
    right = rows.select(_OF, pl.col(day).alias("on"), x=pl.col(value)).drop_nulls().sort("on")
    left = _stocks(t).select(KEY).sort(_DAY)
    found = left.join_asof(right, left_on=_DAY, right_on="on", by=_OF, strategy=strategy, check_sortedness=False)  # type: ignore[arg-type]
    return found.select(*KEY, "x").sort(KEY)


def _group(t: Tables, groups: pl.DataFrame) -> pl.DataFrame:
    rows = _stocks(t).with_columns(m=(pl.col("close") / pl.col("close").shift(5) - 1).over(_OF))
    return factor(
        rows.join(groups.select(_OF, "g"), on=_OF, how="left"), pl.col("m") - pl.col("m").mean().over("g", _DAY)
    )


def _newest(t: Tables, order: str, value: str) -> pl.DataFrame:
    # of every period the figure that stands in the table now
    now = t["fundamentals"].sort(_OF, "period_end", order).unique([_OF, "period_end"], keep="last")
    first = t["fundamentals"].group_by(_OF, "period_end").agg(on=pl.col("known_at").min())
    return as_of_join(t, now.join(first, on=[_OF, "period_end"]), "on", value)


def _lagged(t: Tables, days: int) -> pl.DataFrame:
    rows = t["fundamentals"].with_columns(known=pl.col("period_end") + timedelta(days))
    return as_of_join(t, rows.sort("known_at"), "known", "net_income")


def _ratio(t: Tables, per: pl.Expr) -> pl.DataFrame:
    latest = t["fundamentals"].sort("period_end").group_by(_OF, maintain_order=True).agg(v=per)
    return factor(_stocks(t).join(latest, on=_OF, how="left"), pl.col("v") / pl.col("close"))


def _next_event(t: Tables, value: pl.Expr) -> pl.DataFrame:
    rows = t["corporate_actions"].filter(pl.col("action") == "dividend").with_columns(v=value)
    return as_of_join(t, rows, _DAY, "v", strategy="forward")


def _rate(t: Tables, value: pl.Expr) -> pl.DataFrame:
    rates = t["interest_rates"].sort(_DAY).select(_DAY, x=value)
    return _stocks(t).join(rates, on=_DAY, how="left").select(*KEY, "x")


def _adjusted(t: Tables, value: pl.Expr) -> pl.DataFrame:
    return factor(_stocks(t), value.over(_OF))


def _listed(t: Tables, condition: pl.Expr) -> pl.DataFrame:
    return factor(_stocks(t).join(t["instruments"].filter(condition), on=_OF, how="semi"), pl.col("close"))


_MOVING = pl.col("universe") == "moving"
_F = pl.col("factor")

_FRAMES: dict[str, dict[str, Callable[[Tables], pl.DataFrame]]] = {
    "universe of another day": {
        "everybody who ever was a member": lambda t: _members(t, pl.lit(True)),
        "members of today": lambda t: _members(t, pl.col("end").is_null()),
        "members that stayed a year": lambda t: _members(
            t, pl.col("end").is_null() | (pl.col("end") - pl.col("start") > timedelta(365))
        ),
        "the later half of the members left out": lambda t: _members(
            t, pl.col("start").rank("ordinal") <= pl.len() / 2
        ),
        "days until a name leaves": lambda t: as_of_join(
            t, t["universes"].filter(_MOVING), "end", "end", strategy="forward"
        ).with_columns(x=(pl.col("x") - pl.col(_DAY)).dt.total_days()),
        "days until a name joins": lambda t: as_of_join(
            t, t["universes"].filter(_MOVING), "start", "start", strategy="forward"
        ).with_columns(x=(pl.col("x") - pl.col(_DAY)).dt.total_days()),
        "whether it ever leaves": lambda t: factor(
            _stocks(t).join(t["universes"].filter(_MOVING), on=_OF, how="left"), pl.col("end").is_null().cast(pl.Int8)
        ),
        "number of members over all time": lambda t: factor(
            _stocks(t).with_columns(n=pl.lit(t["universes"].filter(_MOVING).height)), pl.col("n") + pl.col("volume")
        ),
        "members ranked by today's list": lambda t: factor(
            _stocks(t).join(t["universes"].filter(_MOVING, pl.col("end").is_null()), on=_OF, how="semi"),
            pl.col("close").rank().over(_DAY),
        ),
    },
    "survivors in the lake": {
        "only what is listed today": lambda t: _listed(t, pl.col("delisted").is_null()),
        "names delisted in the end marked": lambda t: factor(
            _stocks(t).join(t["instruments"], on=_OF), pl.col("delisted").is_not_null().cast(pl.Int8)
        ),
        "days to the delisting": lambda t: factor(
            _stocks(t).join(t["instruments"], on=_OF), (pl.col("delisted") - pl.col(_DAY)).dt.total_days()
        ),
        "names under special treatment at any time left out": lambda t: factor(
            _stocks(t).join(t["instrument_status"], on=_OF, how="anti"), pl.col("close")
        ),
        "special treatment told ten days ahead": lambda t: as_of_join(
            t, t["instrument_status"].with_columns(on=pl.col("start") - timedelta(10), n=pl.lit(1)), "on", "n"
        ),
        "days until special treatment ends": lambda t: as_of_join(
            t, t["instrument_status"], "end", "end", strategy="forward"
        ).with_columns(x=(pl.col("x") - pl.col(_DAY)).dt.total_days()),
        "names with a bar on the last session": lambda t: factor(
            _stocks(t).join(t["bars"].filter(pl.col(_DAY) == t["bars"][_DAY].max()), on=_OF, how="semi"),
            pl.col("close"),
        ),
        "names with bars on nine sessions of ten": lambda t: factor(
            _stocks(t).filter((pl.len() >= 0.9 * t["bars"][_DAY].n_unique()).over(_OF)), pl.col("close")
        ),
    },
    "industry of another day": {
        "sector as it is written today": lambda t: _group(t, t["instruments"].with_columns(g=pl.col("sector"))),
        "industry of the last spell": lambda t: _group(
            t, t["industries"].sort("start").unique(_OF, keep="last").with_columns(g=pl.col("industry"))
        ),
        "industry that still lasts": lambda t: _group(
            t, t["industries"].filter(pl.col("end").is_null()).with_columns(g=pl.col("industry"))
        ),
        "names that will change industry": lambda t: factor(
            _stocks(t).with_columns(
                n=pl.col(_OF).is_in(t["industries"].filter(pl.col("end").is_not_null())[_OF].implode())
            ),
            pl.col("n").cast(pl.Int8),
        ),
        "number of spells in all": lambda t: factor(
            _stocks(t).join(t["industries"].group_by(_OF).len(), on=_OF), pl.col("len")
        ),
        "days until the industry changes": lambda t: as_of_join(
            t, t["industries"], "end", "end", strategy="forward"
        ).with_columns(x=(pl.col("x") - pl.col(_DAY)).dt.total_days()),
        "industry a month early": lambda t: as_of_join(
            t,
            t["industries"].with_columns(
                on=pl.col("start") - timedelta(30), c=pl.col("industry").str.tail(1).cast(pl.Int8)
            ),
            "on",
            "c",
        ),
        "industry's name in English today": lambda t: factor(
            _stocks(t).join(t["instruments"], on=_OF), pl.col("name_en").str.len_chars()
        ),
    },
    "reports before they were out": {
        "by the end of the period": lambda t: as_of_join(
            t, t["fundamentals"].sort("known_at"), "period_end", "net_income"
        ),
        "thirty days after the end of the period": lambda t: _lagged(t, 30),
        "one day after the end of the period": lambda t: _lagged(t, 1),
        "twenty days before it was out": lambda t: as_of_join(
            t, t["fundamentals"].with_columns(on=pl.col("known_at") - timedelta(20)), "on", "revenue"
        ),
        "the next report to come": lambda t: as_of_join(
            t, t["fundamentals"], "known_at", "net_income", strategy="forward"
        ),
        "the nearest report": lambda t: as_of_join(t, t["fundamentals"], "known_at", "equity", strategy="nearest"),
        "growth against the next quarter": lambda t: as_of_join(
            t,
            t["fundamentals"]
            .sort("period_end")
            .with_columns(g=(pl.col("revenue").shift(-1) / pl.col("revenue")).over(_OF)),
            "known_at",
            "g",
        ),
        "days until the next report": lambda t: as_of_join(
            t, t["fundamentals"], "known_at", "known_at", strategy="forward"
        ).with_columns(x=(pl.col("x") - pl.col(_DAY)).dt.total_days()),
        "by fiscal quarter of the session": lambda t: factor(
            _stocks(t)
            .with_columns(
                q=pl.col(_DAY).dt.month_end().dt.offset_by("0d"),
                period_end=pl.col(_DAY).dt.truncate("1q").dt.offset_by("3mo").dt.offset_by("-1d"),
            )
            .join(
                t["fundamentals"].sort("known_at").unique([_OF, "period_end"], keep="first"),
                on=[_OF, "period_end"],
                how="left",
            ),
            pl.col("eps"),
        ),
        "missing reports filled from later ones": lambda t: as_of_join(
            t, t["fundamentals"].filter(pl.col("known_at") > t["bars"][_DAY].min() + timedelta(200)), "known_at", "eps"
        ).with_columns(pl.col("x").fill_null(strategy="backward").over(_OF)),
    },
    "restated reports": {
        "figures as they stand now": lambda t: _newest(t, "known_at", "net_income"),
        "revenue as it stands now": lambda t: _newest(t, "known_at", "revenue"),
        "the larger of all versions": lambda t: _newest(t, "equity", "equity"),
        "the mean of all versions": lambda t: as_of_join(
            t,
            t["fundamentals"].group_by(_OF, "period_end").agg(on=pl.col("known_at").min(), v=pl.col("eps").mean()),
            "on",
            "v",
        ),
        "whether it will be restated": lambda t: as_of_join(
            t, t["fundamentals"].group_by(_OF, "period_end").agg(on=pl.col("known_at").min(), v=pl.len()), "on", "v"
        ),
        "correction that is to come": lambda t: as_of_join(
            t,
            t["fundamentals"]
            .sort("known_at")
            .group_by(_OF, "period_end", maintain_order=True)
            .agg(on=pl.col("known_at").first(), v=pl.col("net_income").last() - pl.col("net_income").first()),
            "on",
            "v",
        ),
        "last report's figure on all days": lambda t: _ratio(t, pl.col("eps").last()),
        "mean of all reports on all days": lambda t: _ratio(t, pl.col("net_income").mean()),
        "largest profit ever": lambda t: _ratio(t, pl.col("net_income").max()),
        "z-score over all reports": lambda t: as_of_join(
            t,
            t["fundamentals"].with_columns(
                z=((pl.col("revenue") - pl.col("revenue").mean()) / pl.col("revenue").std()).over(_OF)
            ),
            "known_at",
            "z",
        ),
    },
    "future adjustment": {
        "adjusted as seen from the last bar": lambda t: _adjusted(t, pl.col("close") * _F / _F.last()),
        "raw price in today's shares": lambda t: _adjusted(t, pl.col("close") / _F.last()),
        "volume in today's shares": lambda t: _adjusted(t, pl.col("volume") * _F.last() / _F),
        "raw over adjusted from the end": lambda t: _adjusted(t, _F.last() / _F),
        "adjustment of the next session": lambda t: _adjusted(t, _F.shift(-1) / _F),
        "the next dividend": lambda t: _next_event(t, pl.col("value")),
        "days until the next dividend": lambda t: _next_event(t, pl.col(_DAY)).with_columns(
            x=(pl.col("x") - pl.col(_DAY)).dt.total_days()
        ),
        "dividends of the year to come": lambda t: _next_event(t, pl.col("value").cum_sum(reverse=True).over(_OF)),
        "adjusted with steps to come": lambda t: factor(
            _stocks(t).join(
                t["corporate_actions"].group_by(_OF).agg(all=pl.col("factor_step").product()), on=_OF, how="left"
            ),
            pl.col("close") / pl.col("all"),
        ),
    },
    "other series of tomorrow": {
        "interest rate of tomorrow": lambda t: _rate(t, pl.col("rate").shift(-1)),
        "rate's change over the next month": lambda t: _rate(t, pl.col("rate").shift(-20) - pl.col("rate")),
        "rate against its mean of all time": lambda t: _rate(t, pl.col("rate") - pl.col("rate").mean()),
        "currency of tomorrow": lambda t: (
            _stocks(t)
            .join(t["fx_rates"].sort(_DAY).select(_DAY, x=pl.col("rate").shift(-1)), on=_DAY, how="left")
            .select(*KEY, "x")
        ),
        "valuation of tomorrow": lambda t: (
            t["valuation"].sort(KEY).select(*KEY, x=pl.col("pe_ttm").shift(-1).over(_OF))
        ),
        "rank of valuation over all time": lambda t: (
            t["valuation"].sort(KEY).select(*KEY, x=pl.col("pb").rank().over(_OF))
        ),
        "index of tomorrow": lambda t: (
            _stocks(t)
            .join(
                t["bars"].filter(pl.col(_OF) == "DEMO300.DEMO").sort(_DAY).select(_DAY, x=pl.col("close").shift(-1)),
                on=_DAY,
                how="left",
            )
            .select(*KEY, "x")
        ),
        "upper limit of tomorrow": lambda t: _adjusted(t, pl.col("limit_up").shift(-1) / pl.col("close")),
        "whether it halts tomorrow": lambda t: _adjusted(t, pl.col("halted").shift(-1).cast(pl.Int8)),
    },
}


TABLES = tuple(Leak(kind, words, "tables", make) for kind, leaks in _FRAMES.items() for words, make in leaks.items())
