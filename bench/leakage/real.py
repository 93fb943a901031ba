"""Real stocks for which nothing may be found: those halted most, listed last, adjusted most, or there longest."""

from pathlib import Path

import polars as pl

from qbrain_core.factors import expression_fields

__all__ = ["real_bars", "real_fields"]

_FIELDS = ("open", "high", "low", "close", "volume", "amount", "factor", "halted")


def real_bars(real_data: Path, data_set: str) -> pl.DataFrame:
    """Read a set's bars with the columns of the table `bars`."""
    if data_set == "us_daily_10y":
        rows = pl.read_parquet(real_data / data_set / f"{data_set}.parquet")
        adjusted = pl.col("adj_close") / pl.col("close")
        return rows.select(
            "open", "high", "low", "close", instrument=pl.col("symbol") + ".US", session=pl.col("date").cast(pl.Date),
            volume=pl.col("volume").cast(pl.Float64), amount=pl.col("close") * pl.col("volume"),
            factor=adjusted / adjusted.first().over("symbol"), halted=pl.col("volume") == 0,
        ).sort("instrument", "session")  # fmt: skip
    folder = real_data / data_set
    steps = pl.read_parquet(folder / "adj_factor_changes.parquet").sort("code", "date")
    raw = pl.read_parquet(folder / "csi300_daily_raw.parquet").sort("code", "date")
    return raw.join_asof(steps, on="date", by="code", check_sortedness=False).select(
        "open", "high", "low", "close", "amount", instrument="code", session=pl.col("date").cast(pl.Date),
        volume=pl.col("volume").cast(pl.Float64), factor=pl.col("factor").cast(pl.Float64).fill_null(1.0),
        halted=pl.col("tradestatus") == 0,
    ).sort("instrument", "session")  # fmt: skip


def real_fields(bars: pl.DataFrame, *, names: int = 30, sessions: int = 700) -> pl.DataFrame:
    """Take telling stocks, and add a benchmark, a size and an industry of their own making."""
    days = bars["session"].unique().sort().tail(sessions)
    bars = bars.filter(pl.col("session") >= days[0])
    facts = bars.group_by("instrument").agg(
        first=pl.col("session").min(), halts=pl.col("halted").sum(), steps=pl.col("factor").n_unique(), rows=pl.len()
    ).sort("instrument")  # fmt: skip
    orders = (("halts", True), ("first", True), ("steps", True), ("rows", True), ("rows", False))
    chosen = [
        n
        for column, down in orders
        for n in facts.sort(column, descending=down, maintain_order=True)["instrument"].head(names // 5)
    ]
    picked = sorted({*chosen, *facts["instrument"].gather_every(max(1, facts.height // names))})[:names]
    fields = expression_fields(
        bars.filter(pl.col("instrument").is_in(picked)).select("instrument", "session", *_FIELDS)
    )
    place = pl.col("instrument").rank("dense")
    groups = {name: (place % n).cast(pl.Float64) for name, n in (("sector", 3), ("industry", 5), ("subindustry", 7))}
    size, index = pl.col("close") * (1e8 + 1e6 * place), pl.col("close").mean().over("session")
    return fields.with_columns(**groups, market_cap=size, benchmark_close=index)
