"""Figures of an evaluated factor: what they are called, what they mean, how they are written."""

from collections.abc import Mapping
from typing import Any

from app import figures
from app.i18n import mark
from app.markup import Kpi
from app.session import t

__all__ = ["coefficient_rows", "distribution_rows", "headline"]

_COEFFICIENTS = (
    ("mean", mark("Mean"), 4), ("std", mark("Deviation"), 4), ("ir", mark("Mean ÷ deviation"), 3),
    ("t", mark("t (Newey–West)"), 2), ("p", mark("p"), 4), ("positive", mark("Share above zero"), None),
)  # fmt: skip
_MOMENTS = (
    ("mean", mark("Mean")), ("std", mark("Deviation")), ("skew", mark("Skewness")), ("kurtosis", mark("Kurtosis")),
    ("min", mark("Lowest")), ("p1", "1 %"), ("p25", "25 %"), ("median", mark("Median")), ("p75", "75 %"),
    ("p99", "99 %"), ("max", mark("Highest")),
)  # fmt: skip
_STRONG_T = 2.0

Row = Mapping[str, Any]


def headline(row: Row) -> list[Kpi]:
    """Make the strip of key figures.

    Parameters
    ----------
    row : mapping
        Of `Lake.evaluation_factors`.

    Returns
    -------
    list of Kpi
    """
    four, two = figures.decimal, figures.decimal
    t_value = row["rank_ic_t"]
    weak = t_value is not None and abs(t_value) < _STRONG_T
    return [
        Kpi(t("Rank IC"), _signed(row["rank_ic_mean"], 4), t("t {v}", v=_signed(t_value, 2)),
            hint=t("Mean over sessions; t after Newey and West."), tone="amber" if weak else ""),
        Kpi(t("Rank ICIR"), _signed(row["rank_icir"], 3),
            t("above zero {p}", p=figures.percent(row["rank_ic_positive"], 0)),
            hint=t("Mean ÷ standard deviation over sessions, not annualised.")),
        Kpi(t("IC"), _signed(row["ic_mean"], 4), t("ICIR {v}", v=_signed(row["icir"], 3))),
        Kpi(t("Half-life"), two(row["half_life"], 1), t("sessions"),
            hint=t("Sessions until half of the rank IC is gone.")),
        Kpi(t("Long-short, net"), figures.signed_percent(row["net_return"], 1),
            t("gross {v}", v=figures.signed_percent(row["gross_return"], 1)), row["net_return"] or 0.0,
            t("A year, arithmetic: highest quantile bought, lowest sold, after costs.")),
        Kpi(t("Net Sharpe"), four(row["net_sharpe"], 2), t("gross {v}", v=two(row["gross_sharpe"], 2))),
        Kpi(t("Monotonicity"), _signed(row["monotonicity"], 2),
            hint=t("Rank correlation of quantile and return: ±1 where every step goes the same way.")),
        Kpi(t("Portfolio turnover"), figures.percent(row["turnover"], 1), t("a session, one-sided")),
        Kpi(t("Break-even cost"), f"{two(row['break_even_bps'], 1)} bps", t("per side"),
            hint=t("Costs that would eat the gross return.")),
        Kpi(t("Coverage"), figures.percent(row["coverage"], 1),
            t("{n} names a session", n=figures.count(row["names"])),
            hint=t("Share of the universe's members with a value.")),
    ]  # fmt: skip


def _signed(value: float | None, digits: int) -> str:
    return figures.MISSING if value is None else f"{value:+.{digits}f}"


def coefficient_rows(row: Row) -> list[list[str]]:
    """Lay IC and rank IC out side by side.

    Parameters
    ----------
    row : mapping
        Of `Lake.evaluation_factors`.

    Returns
    -------
    list of list of str
        Name, IC, rank IC, for each measure.
    """
    rows = []
    for code, name, digits in _COEFFICIENTS:
        names = ("icir", "rank_icir") if code == "ir" else (f"ic_{code}", f"rank_ic_{code}")
        said = [figures.percent(row[n], 1) if digits is None else _signed(row[n], digits) for n in names]
        rows.append([t(name), *(s.lstrip("+") if code in ("std", "p") else s for s in said)])
    return rows


def distribution_rows(rows: Mapping[str, Row]) -> list[list[str]]:
    """Lay the moments of a factor's values out, before and after each step.

    Parameters
    ----------
    rows : mapping of str to mapping
        Of the section `distribution`, by step.

    Returns
    -------
    list of list of str
        Name of the measure, then its value for each step.
    """
    return [[t(name), *(_four(row[code]) for row in rows.values())] for code, name in _MOMENTS]


def _four(value: float | None) -> str:
    return figures.MISSING if value is None else f"{value:.4g}"
