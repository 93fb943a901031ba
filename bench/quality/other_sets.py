"""The Chinese, crypto and benchmark data sets, read as they are."""

import gzip
import io
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import polars as pl

from bench.quality.exhibit import Exhibit
from lake.quality import Delivery, Surroundings, date_forms, symbol_forms
from lake.sources.bars import adjust_bars, limit_bars, with_halts
from lake.sources.instruments import with_instruments
from lake.sources.qlib import read_qlib
from qbrain_core.markets import MARKETS

__all__ = ["OTHER_SETS", "cn_bars"]

_BAR_KEY = ("instrument", "session")
CN, CRYPTO, FX, US = (MARKETS[code] for code in ("CN", "CRYPTO", "FX", "US"))


def _shares(data: Path) -> Iterator[Exhibit]:
    bars = cn_bars(data)
    yield Exhibit("cn_daily: bars", "bars", bars, Surroundings(CN).with_tables({"instruments": _names(data)}), _BAR_KEY)
    yield from _chinese(data, bars)
    yield from _qlib(data, bars)


def cn_bars(data: Path) -> pl.DataFrame:
    """Read the A-shares with their factors and limits."""
    folder = data / "cn_daily"
    raw = pl.read_parquet(folder / "csi300_daily_raw.parquet").rename({"code": "instrument", "date": "session"})
    rows = with_instruments(raw, CN).with_columns(
        trading=pl.col("tradestatus") == 1, special_treatment=pl.col("isST") == 1,
        volume=pl.col("volume").cast(pl.Float64),
        pb=pl.col("pbMRQ"), turnover=pl.col("turn"), price_basis=pl.lit("raw"),
    )  # fmt: skip
    changes = pl.read_parquet(folder / "adj_factor_changes.parquet").rename({"code": "instrument", "date": "session"})
    known = with_instruments(changes, CN).with_columns(pl.col("factor").cast(pl.Float64))
    rows = adjust_bars(with_halts(rows).sort(*_BAR_KEY), changes=known.sort(*_BAR_KEY))
    stocks = rows["instrument"].unique()
    return limit_bars(rows, CN, stocks=stocks, listings=_names(data).select("instrument", "listed"))


def _names(data: Path) -> pl.DataFrame:
    text = pl.read_csv(data / "cn_daily" / "stock_basic.csv", infer_schema=False)
    return with_instruments(text.rename({"ts_code": "instrument"}).drop("symbol"), CN).with_columns(
        kind=pl.lit("stock"),
        name_zh=pl.col("name"),
        listed=pl.col("list_date").str.to_date("%Y%m%d", strict=False),
        delisted=pl.lit(None, pl.Date),
    )


def _chinese(data: Path, bars: pl.DataFrame) -> Iterator[Exhibit]:
    folder = data / "cn_daily"
    values = bars.select("instrument", "session", "pb", "turnover")
    yield Exhibit("cn_daily: ratios", "valuation", values, Surroundings(CN))
    yield Exhibit("cn_daily: stock_basic", "instruments", _names(data), Surroundings(CN))
    forms: list[str] = []
    last: Delivery | None = None
    lines = (folder / "csi300_membership.txt").read_text().split("\n")
    spells = pl.DataFrame(
        [line.split("\t") for line in lines if line], schema=["instrument", "start", "end"], orient="row"
    )
    raw = pl.read_parquet(folder / "csi300_daily_raw.parquet", columns=["code"])["code"]
    basic = pl.read_csv(folder / "stock_basic.csv", infer_schema=False)["ts_code"]
    for name, symbols in (
        ("csi300_daily_raw", raw),
        ("csi300_membership", spells["instrument"]),
        ("stock_basic", basic),
    ):
        forms = symbol_forms(symbols.unique().to_list())
        now = Delivery(name, "instruments", name, {}, symbols.len(), traits={"symbol_forms": forms})
        around = Surroundings(CN, delivery=now, previous=last)
        yield Exhibit(
            f"cn_daily: {name} as a file", "instruments", pl.DataFrame(schema={"instrument": pl.String}), around
        )
        last = now
    dated = with_instruments(spells, CN).with_columns(pl.col("start", "end").str.to_date(), universe=pl.lit("csi300"))
    spans = bars.group_by("instrument").agg(first=pl.col("session").min(), last=pl.col("session").max())
    tables = Surroundings(CN).with_tables({"bar_spans": spans})
    yield Exhibit("cn_daily: csi300_membership", "universes", dated, tables)
    index = pl.read_parquet(folder / "index_daily.parquet").rename({"symbol": "instrument", "date": "session"})
    index = with_instruments(index, CN).with_columns(
        pl.col(pl.Float32).cast(pl.Float64), factor=pl.lit(1.0), kind=pl.lit("index")
    )
    yield Exhibit("cn_daily: index_daily", "bars", index, Surroundings(CN), _BAR_KEY)


def _qlib(data: Path, bars: pl.DataFrame) -> Iterator[Exhibit]:
    path = data / "cn_qlib_native" / "qlib_20_symbols.tar.xz"
    read = with_instruments(read_qlib(path), CN).sort(*_BAR_KEY)
    index = pl.col("instrument") == "000300.SH"
    read = read.with_columns(kind=pl.when(index).then(pl.lit("index")).otherwise(pl.lit("stock")))
    around = Surroundings(CN, stored=bars, same_source=False)
    yield Exhibit("cn_qlib_native: divided by the factor", "bars", read, around, _BAR_KEY)
    # as the files hold them: prices times the factor, and the change that the archive also carries
    stored = read.with_columns(pl.col("open", "high", "low", "close") * pl.col("factor"))
    change = _qlib_change(path)
    native = stored.join(change, on=list(_BAR_KEY), how="left").drop("factor").with_columns(price_basis=pl.lit("raw"))
    yield Exhibit("cn_qlib_native: as stored", "bars", native, around, _BAR_KEY)


def _qlib_change(path: Path) -> pl.DataFrame:
    parts = []
    with tarfile.open(path) as archive:
        files = {name.removeprefix("./"): name for name in archive.getnames()}

        def data_of(name: str) -> bytes:
            held = archive.extractfile(files[name])
            assert held is not None
            return held.read()

        days = pl.read_csv(io.BytesIO(data_of("calendars/day.txt")), has_header=False, new_columns=["session"])
        calendar = days["session"].str.to_date()
        for name in sorted(n for n in files if n.endswith("/change.day.bin")):
            values = np.frombuffer(data_of(name), "<f4")
            start = int(values[0])
            sessions = calendar.slice(start, values.size - 1)
            symbol = name.split("/")[-2].upper()
            parts.append(pl.DataFrame({"instrument": symbol, "session": sessions, "change": values[1:].astype(float)}))
    return with_instruments(pl.concat(parts).drop_nulls(), CN).drop("symbol").filter(pl.col("change").is_finite())


def _crypto(data: Path) -> Iterator[Exhibit]:
    folder = data / "crypto_minute"
    perp = pl.read_parquet(folder / "perp_1m.parquet").select(
        "open", "high", "low", "close", "volume", instrument=pl.col("symbol") + ".CRYPTO", frequency=pl.lit("1m"),
        ts=(pl.col("open_time") + 60_000).cast(pl.Datetime("ms")).cast(pl.Datetime("us")).dt.replace_time_zone("UTC"),
    )  # fmt: skip
    perp = perp.with_columns(session=pl.col("ts").dt.offset_by("-1us").dt.date()).sort("instrument", "ts")
    yield Exhibit("crypto_minute: perp_1m", "bars_intraday", perp, Surroundings(CRYPTO), ("instrument", "ts"))
    btc = pl.read_csv(folder / "btc_perp_1m_2022-01.csv.gz", try_parse_dates=True).select(
        "open", "high", "low", "close", "volume", instrument=pl.lit("BTCUSDT.CRYPTO"), frequency=pl.lit("1m"),
        ts=pl.col("timestamp").cast(pl.Datetime("us")).dt.replace_time_zone("UTC"),
    )  # fmt: skip
    btc = btc.with_columns(session=pl.col("ts").dt.offset_by("-1us").dt.date()).sort("instrument", "ts")
    yield Exhibit("crypto_minute: btc_perp_1m", "bars_intraday", btc, Surroundings(CRYPTO), ("instrument", "ts"))


def _benchmarks(data: Path) -> Iterator[Exhibit]:
    folder = data / "benchmarks"
    for name, ticker, market in (
        ("spx_daily", "SPX.US", US), ("vix_daily", "VIX.US", US), ("btc_usd_daily", "BTC-USD.US", US),
        ("spy_daily_total_return_adjusted", "SPY.US", US),
    ):  # fmt: skip
        head = gzip.decompress((folder / f"{name}.csv.gz").read_bytes())
        text = pl.read_csv(head, infer_schema=False)
        text = text.rename({c: c.lower().lstrip("\ufeff").replace(" ", "_") for c in text.columns})
        dates = text["date"]
        forms = date_forms(dates)
        parsed = (
            dates.str.to_date("%m/%d/%Y", strict=False)
            if forms[0] == "M/D/YYYY"
            else dates.str.slice(0, 10).str.to_date()
        )
        numbers = text.select(pl.exclude("date").cast(pl.Float64, strict=False))
        rows = numbers.with_columns(session=parsed, instrument=pl.lit(ticker), price_basis=pl.lit("raw"))
        rows = rows.with_columns(kind=pl.lit("stock" if ticker == "SPY.US" else "index"))
        if "volume" not in rows.columns:
            rows = rows.with_columns(volume=pl.lit(None, pl.Float64))
        traits = {"bom": head.startswith(b"\xef\xbb\xbf"), "date_forms": forms}
        about = Delivery(name, "bars", f"{name}.csv.gz", {}, rows.height, traits=traits)
        yield Exhibit(f"benchmarks: {name}", "bars", rows, Surroundings(market, delivery=about), _BAR_KEY)
    curve = pl.read_csv(folder / "treasury_curves.csv.gz", try_parse_dates=True)
    rates = curve.unpivot(index="Time Period", variable_name="tenor", value_name="rate").drop_nulls("rate").select(
        "tenor", pl.col("rate").cast(pl.Float64), series=pl.lit("us_treasury"),
        session=pl.col("Time Period").cast(pl.Date),
    )  # fmt: skip
    yield Exhibit("benchmarks: treasury_curves", "interest_rates", rates, Surroundings(US))
    hours = pl.read_csv(folder / "eurusd_hourly.csv.gz", infer_schema=False)
    stamps = hours[hours.columns[0]]
    stated = bool(stamps.str.contains(r"(Z|[+-]\d{2}:?\d{2})$").any())
    about = Delivery(
        "eurusd_hourly", "bars_intraday", "eurusd_hourly.csv.gz", {}, hours.height, traits={"zone_stated": stated}
    )
    rows = hours.select(
        pl.col("Open", "High", "Low", "Close", "Volume").cast(pl.Float64).name.to_lowercase(),
        instrument=pl.lit("EURUSD.FX"),
        frequency=pl.lit("1h"), ts=(stamps.str.to_datetime() + pl.duration(hours=1)).dt.replace_time_zone("UTC"),
    ).with_columns(session=pl.col("ts").dt.date())  # fmt: skip
    yield Exhibit("benchmarks: eurusd_hourly", "bars_intraday", rows, Surroundings(FX, delivery=about))


OTHER_SETS: dict[str, Callable[[Path], Iterator[Exhibit]]] = {
    "cn": _shares, "crypto_minute": _crypto, "benchmarks": _benchmarks,
}  # fmt: skip
"""Readers of the other data sets: folder of all sets → exhibits."""
