"""Pictures of a run's returns: growth and drawdown, months, years, distribution, rolling Sharpe, worst drawdowns."""

import math

import polars as pl
import streamlit as st

from app import figures
from app.charts.annual import annual
from app.charts.equity import equity
from app.charts.histogram import histogram
from app.charts.monthly_heatmap import monthly_heatmap
from app.charts.rolling import rolling
from app.page import section
from app.panels.facts import wide_table
from app.session import palette, t
from qbrain_core.drawdowns import drawdown, worst_drawdowns
from qbrain_core.performance import monthly_returns

__all__ = ["curves", "draw_growth", "draw_months", "draw_returns", "rolling_sharpe"]


def curves(sessions: pl.DataFrame) -> pl.DataFrame:
    """Compound returns into growth of 1 and drawdowns.

    Parameters
    ----------
    sessions : DataFrame, columns of the table `backtest_equity`
        Ascending.

    Returns
    -------
    DataFrame, columns (session, net, gross, benchmark, drawdown, benchmark_drawdown)
        The benchmark's are null throughout where it has no return at all.
    """
    known = sessions["benchmark_return"].null_count() < sessions.height
    bench = pl.col("benchmark_return").fill_null(0)
    frame = sessions.select(
        "session",
        net=(1 + pl.col("net_return")).cum_prod(),
        gross=(1 + pl.col("gross_return")).cum_prod(),
        benchmark=(1 + bench).cum_prod() if known else pl.lit(None, pl.Float64),
    )
    return frame.with_columns(
        drawdown=pl.Series(drawdown(sessions["net_return"].to_numpy())),
        benchmark_drawdown=pl.Series(drawdown(sessions["benchmark_return"].fill_null(0).to_numpy()))
        if known
        else pl.lit(None, pl.Float64),
    )


def rolling_sharpe(sessions: pl.DataFrame, *, window: int, sessions_per_year: int) -> pl.DataFrame:
    """Sharpe ratio over a moving window, by the report's convention.

    Parameters
    ----------
    sessions : DataFrame, columns (session: date, net_return: f64, benchmark_return: f64)
        Ascending.
    window : int
        Sessions.
    sessions_per_year : int

    Returns
    -------
    DataFrame, columns (session, net, benchmark)
        Null until the window is full.
    """

    def ratio(column: str) -> pl.Expr:
        mean, deviation = pl.col(column).rolling_mean(window), pl.col(column).rolling_std(window)
        return pl.when(deviation > 0).then(mean / deviation * math.sqrt(sessions_per_year))

    return sessions.select("session", net=ratio("net_return"), benchmark=ratio("benchmark_return"))


def draw_growth(sessions: pl.DataFrame) -> None:
    """Draw growth of 1 with the underwater curve, and the switch between scales.

    Parameters
    ----------
    sessions : DataFrame, columns of the table `backtest_equity`
    """
    title, switch = st.columns([3, 1], vertical_alignment="center")
    with title:
        section(t("Growth and drawdown"), t("Net of all costs; gross before fees and slippage. Ctrl + wheel zooms."))
    log = switch.toggle(t("Logarithmic scale"), key="log", bind="query-params")
    option = equity(curves(sessions), palette(), t, log=bool(log))
    st.echarts_chart(option, height=470, key="growth", alt=t("Growth of 1 and drawdown by session"))


def draw_months(sessions: pl.DataFrame) -> None:
    """Draw returns by month and by year.

    Parameters
    ----------
    sessions : DataFrame, columns of the table `backtest_equity`
    """
    ours = monthly_returns(sessions)
    years = ours.filter(month=0).select("year", "return")
    theirs = monthly_returns(sessions, column="benchmark_return").filter(month=0).select("year", benchmark="return")
    if sessions["benchmark_return"].null_count() == sessions.height:
        theirs = theirs.with_columns(benchmark=pl.lit(None, pl.Float64))
    section(t("Returns by month"), t("%, compounded; the last column is the year"))
    height = 34 * years.height + 34
    st.echarts_chart(monthly_heatmap(ours, palette(), t), height=height, alt=t("Returns by month and year"))
    section(t("Returns by year"))
    st.echarts_chart(
        annual(years.join(theirs, on="year"), palette(), t), height=max(210, 440 - height), alt=t("Returns by year")
    )


def draw_returns(sessions: pl.DataFrame, *, sessions_per_year: int) -> None:
    """Draw the worst drawdowns, the distribution, and the rolling Sharpe ratio.

    Parameters
    ----------
    sessions : DataFrame, columns of the table `backtest_equity`
    sessions_per_year : int
    """
    left, right = st.container(key="stack-returns").columns(2)
    with left:
        window = min(120, max(20, sessions.height // 4))
        section(t("Rolling Sharpe"), t("{n} sessions, annualised", n=window))
        frame = rolling_sharpe(sessions, window=window, sessions_per_year=sessions_per_year)
        series = {"net": t("Net")}
        if frame["benchmark"].null_count() < frame.height:
            series["benchmark"] = t("Benchmark")
        option = rolling(frame, palette(), series=series, name=t("Sharpe"))
        st.echarts_chart(option, height=280, alt=t("Rolling Sharpe ratio"))
    with right:
        section(t("Distribution of session returns"))
        st.echarts_chart(histogram(sessions["net_return"], palette(), t), height=280, alt=t("Distribution of returns"))
    section(t("Worst drawdowns"), t("From the first session below the peak until it is reached again."))
    rows = [
        [
            str(i), str(start), str(trough), str(recovery) if recovery else t("not yet"), figures.percent(depth),
            figures.count(length),
        ]
        for i, (start, trough, recovery, depth, length) in enumerate(worst_drawdowns(sessions).iter_rows(), 1)
    ]  # fmt: skip
    names = ["#", t("Start"), t("Trough"), t("Recovered"), t("Depth"), t("Sessions")]
    st.html(wide_table(names, rows, right=(4, 5)))
