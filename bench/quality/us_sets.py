"""The American data sets, read as they are."""

import gzip
import io
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl

from bench.quality.exhibit import Exhibit
from lake.quality import Delivery, Surroundings, date_forms, symbol_forms
from lake.sources.bars import adjust_bars
from lake.sources.files import Layout, read_rows
from lake.sources.universes import universe_rows
from qbrain_core.markets import MARKETS

__all__ = ["US_SETS", "five_years", "ten_years"]

US = MARKETS["US"]
_BAR_KEY = ("instrument", "session")
_NULL_BARS = pl.DataFrame(schema={"instrument": pl.String})


def _id(column: str) -> pl.Expr:
    return (pl.col(column).str.replace_all("-", ".", literal=True).str.to_uppercase() + ".US").alias("instrument")


def _sorted(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.sort(*_BAR_KEY).with_columns(pl.col("volume").cast(pl.Float64), halted=pl.lit(False))


def spans_of(bars: pl.DataFrame) -> pl.DataFrame:
    """First and last session of each instrument."""
    return bars.group_by("instrument").agg(first=pl.col("session").min(), last=pl.col("session").max())


def ten_years(data: Path) -> pl.DataFrame:
    """Read the ten-year panel."""
    rows = pl.read_parquet(data / "us_daily_10y" / "us_daily_10y.parquet")
    rows = rows.with_columns(_id("symbol")).rename({"date": "session", "stock_splits": "splits"})
    return _sorted(rows).with_columns(price_basis=pl.lit("split_adjusted"))


def five_years(data: Path) -> pl.DataFrame:
    """Read the five-year panel."""
    rows = pl.read_parquet(data / "us_daily_5yr" / "all_stocks_5yr.parquet")
    rows = rows.with_columns(_id("Name")).rename({"date": "session", "Name": "symbol"})
    return _sorted(rows).with_columns(price_basis=pl.lit("split_adjusted"), factor=pl.lit(1.0))


def _panels(data: Path) -> Iterator[Exhibit]:
    ten, five = ten_years(data), five_years(data)
    whole = ten.with_columns(adjust_bars(ten).select("factor", "doubled"))
    yield Exhibit("us_daily_10y: bars", "bars", whole, Surroundings(US), _BAR_KEY)
    yield Exhibit("us_daily_5yr: bars", "bars", five, Surroundings(US, stored=ten, same_source=False), _BAR_KEY)
    yield Exhibit("us_daily_5yr: volume alone", "bars", five.drop("open", "high", "low"), Surroundings(US), _BAR_KEY)


def _delivery(name: str, table: str, columns: list[str], rows: int, **traits: object) -> Delivery:
    return Delivery(name, table, name, dict.fromkeys(columns, "str"), rows, traits=traits)


def _reference(data: Path) -> Iterator[Exhibit]:
    ten = pl.read_parquet(data / "us_daily_10y" / "us_daily_10y.parquet", columns=["symbol", "date"])
    folder, spans = data / "us_reference", spans_of(ten.with_columns(_id("symbol"), session="date"))
    around = Surroundings(US).with_tables({"bar_spans": spans})
    monthly = pl.read_parquet(folder / "sp500_membership_monthly.parquet").with_columns(_id("symbol"))
    yield Exhibit("us_reference: sp500_membership_monthly", "universes", universe_rows(monthly, "sp500"), around)
    listed = pl.read_csv(folder / "sp500_ticker_start_end.csv", try_parse_dates=True)
    spells = listed.select(
        _id("ticker"), universe=pl.lit("sp500"), start=pl.col("start_date").cast(pl.Date),
        end=pl.col("end_date").cast(pl.Date),
    )  # fmt: skip
    yield Exhibit("us_reference: sp500_ticker_start_end", "universes", spells, around)
    members = pl.read_csv(folder / "constituents.csv", infer_schema=False)
    named = members.select(
        _id("Symbol"), symbol="Symbol", name_en="Security", industry="GICS Sub-Industry", kind=pl.lit("stock")
    )
    forms = [symbol_forms(s.to_list()) for s in (members["Symbol"], ten["symbol"])]
    now = _delivery("constituents.csv", "instruments", members.columns, members.height, symbol_forms=forms[0])
    last = _delivery("us_daily_10y.parquet", "instruments", members.columns, ten.height, symbol_forms=forms[1])
    tables = Surroundings(US, delivery=now, previous=last).with_tables({"bar_spans": spans})
    yield Exhibit("us_reference: constituents", "instruments", named, tables)
    old = pl.read_csv(folder / "nyse_securities_2017.csv.gz", infer_schema=False)
    dates = date_forms(old["Date first added"].drop_nulls())
    about = _delivery("nyse_securities_2017.csv.gz", "instruments", old.columns, old.height, date_forms=dates)
    names = old.select(_id("Ticker Symbol"), name_en="Security", kind=pl.lit("stock"))
    yield Exhibit("us_reference: nyse_securities_2017", "instruments", names, Surroundings(US, delivery=about))


_FIGURES = {
    "revenues": "revenue", "op_income": "operating_income", "net_income": "net_income", "eps_basic": "eps",
    "eps_diluted": "eps_diluted", "dividend": "dividend_per_share", "assets": "assets", "cur_assets": "current_assets",
    "cur_liab": "current_liabilities", "cash": "cash", "equity": "equity", "cash_flow_op": "operating_cash_flow",
    "cash_flow_inv": "investing_cash_flow", "cash_flow_fin": "financing_cash_flow", "end_date": "period_end",
    "batch_date": "known_at", "amend": "amended", "period_focus": "fiscal_period", "doc_type": "form",
}  # fmt: skip


def _fundamentals(data: Path) -> Iterator[Exhibit]:
    folder = data / "us_fundamentals"
    rows = pl.read_parquet(folder / "us_quarterly_pit.parquet").rename(_FIGURES)
    rows = rows.with_columns(_id("symbol"), item_set=pl.lit("quarterly"))
    yield Exhibit("us_fundamentals: us_quarterly_pit", "fundamentals", rows, Surroundings(US))
    annual = pl.read_csv(folder / "nyse_annual_fundamentals.csv.gz", infer_schema=False)
    ends = annual["Period Ending"]
    about = _delivery(
        "nyse_annual_fundamentals.csv.gz", "fundamentals", annual.columns, annual.height, date_forms=date_forms(ends)
    )
    yearly = annual.select(
        _id("Ticker Symbol"), item_set=pl.lit("annual"), period_end=ends.str.to_date("%m/%d/%Y", strict=False),
        known_at=pl.lit(None, pl.Date),
    )  # fmt: skip
    yield Exhibit("us_fundamentals: nyse_annual", "fundamentals", yearly, Surroundings(US, delivery=about))


def _increments(data: Path) -> Iterator[Exhibit]:
    folder = data / "us_increments"
    last: pl.DataFrame | None = None
    told: Delivery | None = None
    for path in sorted((folder / "prices").glob("*.parquet")):
        rows = _sorted(pl.read_parquet(path).with_columns(_id("symbol")).rename({"date": "session"}))
        now = Delivery(
            "prices", "bars", path.name, {c: str(t) for c, t in rows.schema.items()}, rows.height,
            instruments=rows["symbol"].n_unique(),
        )  # fmt: skip
        around = Surroundings(US, stored=last, delivery=now, previous=told)
        yield Exhibit(f"us_increments: prices/{path.stem}", "bars", rows, around, _BAR_KEY)
        last, told = rows, now
    for path in sorted((folder / "reports").glob("*.csv")):
        lines = path.read_text().splitlines()
        named = bool(lines) and "symbol" in lines[0]
        traits = {"header_missing": not named} if lines else {}
        now = Delivery("reports", "fundamentals", path.name, {}, len(lines), traits=traits)
        yield Exhibit(f"us_increments: reports/{path.stem}", "fundamentals", _NULL_BARS, Surroundings(US, delivery=now))
    yield _planted(folder / "prices" / "20160104.parquet")


def _planted(path: Path) -> Exhibit:
    # the source has a header among its rows and zero prices on other days than those in the set
    lines = pl.read_parquet(path).head(40).write_csv().splitlines()
    fields = dict(zip(lines[0].split(","), lines[5].split(","), strict=True))
    zero = ",".join("0" if name in ("open", "high", "low", "close") else value for name, value in fields.items())
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "planted.csv"
        copy.write_text("\n".join([*lines[:5], zero, *lines[6:20], lines[0], *lines[20:]]) + "\n")
        rows = read_rows(copy, "bars", Layout({"instrument": "symbol", "session": "date"})).rows
    rows = rows.with_columns(_id("instrument"), halted=pl.lit(False))
    return Exhibit("us_increments: planted", "bars", rows, Surroundings(US))


_LEAN = ["time", "open", "high", "low", "close", "volume"]


def _zipped(path: Path, columns: list[str]) -> pl.DataFrame:
    with zipfile.ZipFile(path) as archive:
        text = archive.read(archive.namelist()[0])
    return pl.read_csv(io.BytesIO(text), has_header=False, new_columns=columns, infer_schema_length=10_000)


def _lean(data: Path) -> Iterator[Exhibit]:
    folder = data / "us_lean_sample"
    parts = []
    for path in sorted((folder / "daily").glob("*.zip")):
        rows = _zipped(path, _LEAN).with_columns(
            instrument=pl.lit(f"{path.stem.upper()}.US"), session=pl.col("time").cast(pl.String).str.slice(0,
            8).str.to_date("%Y%m%d"),
        )  # fmt: skip
        parts.append(rows.drop("time").cast(dict.fromkeys(_LEAN[1:], pl.Float64)))
    daily = _sorted(pl.concat(parts))
    yield Exhibit("us_lean_sample: daily, as written", "bars", daily, Surroundings(US), _BAR_KEY)
    scaled = daily.with_columns(
        pl.col("open", "high", "low", "close") / 10_000, price_basis=pl.lit("raw"), factor=pl.lit(1.0)
    )
    yield Exhibit("us_lean_sample: daily bars", "bars", scaled, Surroundings(US), _BAR_KEY)
    yield Exhibit("us_lean_sample: map_files", "symbol_history", _maps(folder / "map_files"), Surroundings(US))
    minutes = []
    for path in sorted((folder / "minute").glob("*/*_trade.zip")):
        day = pl.lit(path.name[:8]).str.to_date("%Y%m%d")
        rows = _zipped(path, _LEAN).cast(dict.fromkeys(_LEAN[1:], pl.Float64))
        # milliseconds since midnight in New York, of the bar's start
        start = (day.cast(pl.Datetime("us")) + pl.duration(milliseconds=pl.col("time") + 60_000)).dt.replace_time_zone(
            "America/New_York"
        )
        minutes.append(
            rows.with_columns(
                pl.col(_LEAN[1:5]) / 10_000, instrument=pl.lit(f"{path.parent.name.upper()}.US"), session=day,
                ts=start.dt.convert_time_zone("UTC"), frequency=pl.lit("1m"),
            )
        )  # fmt: skip
    intraday = pl.concat(minutes).drop("time").sort("instrument", "ts")
    yield Exhibit("us_lean_sample: minute", "bars_intraday", intraday, Surroundings(US))


def _maps(folder: Path) -> pl.DataFrame:
    # a line says under which ticker it traded until that day; the first line is the first day
    spells = []
    for path in sorted(folder.glob("*.csv")):
        lines = [line.split(",")[:2] for line in path.read_text().split()]
        start = lines[0][0]
        for day, ticker in lines[1:]:
            spells.append((ticker.upper(), f"{path.stem.upper()}.US", start, day))
            start = day
    made = pl.DataFrame(spells, schema=["symbol", "instrument", "start", "end"], orient="row")
    dated = made.with_columns(pl.col("start", "end").str.to_date("%Y%m%d"), market=pl.lit("US"))
    first = pl.col("start") == pl.col("start").min().over("instrument")
    return dated.with_columns(start=pl.when(first).then("start").otherwise(pl.col("start") + pl.duration(days=1)))


def _minutes(data: Path) -> Iterator[Exhibit]:
    folder = data / "us_minute"
    parts = []
    for name, frequency in (("us_1min", "1m"), ("us_15min", "15m")):
        rows = pl.read_parquet(folder / f"{name}.parquet")
        falls = bool(rows.select((pl.col("datetime").diff() < pl.duration()).mean() > 0.5).item())
        about = _delivery(f"{name}.parquet", "bars_intraday", rows.columns, rows.height, newest_first=falls)
        yield Exhibit(f"us_minute: {name} as a file", "instruments", _NULL_BARS, Surroundings(US, delivery=about))
        wall = pl.col("datetime").dt.replace_time_zone("America/New_York").dt.convert_time_zone("UTC")
        parts.append(rows.select(
            _id("symbol"), "open", "high", "low", "close", pl.col("volume").cast(pl.Float64), ts=wall,
            session=pl.col("datetime").dt.date(), frequency=pl.lit(frequency),
        ))  # fmt: skip
    daily = pl.read_parquet(folder / "us_daily.parquet").with_columns(_id("symbol")).rename({"date": "session"})
    around = Surroundings(US).with_tables({"bars": daily})
    both = pl.concat(parts).sort("instrument", "frequency", "ts")
    yield Exhibit("us_minute: bars", "bars_intraday", both, around, ("instrument", "frequency", "ts"))
    shifted = pl.concat(parts[:1]).with_columns(pl.col("ts") + pl.duration(hours=5))
    yield Exhibit("us_minute: five hours late", "bars_intraday", shifted.sort("instrument", "ts"), Surroundings(US))


def _dirty(data: Path) -> Iterator[Exhibit]:
    names = ("open", "high", "low", "close", "adj_close", "volume")
    layout = {"session": "Date", "adj_close": "Adj Close"} | {n: n.capitalize() for n in names if n != "adj_close"}
    parts = []
    for path in sorted((data / "us_dirty_feed").glob("*.csv.gz")):
        ticker = path.name.removesuffix(".csv.gz")
        text = gzip.decompress(path.read_bytes()).decode(errors="replace")
        if "Date,Open" not in text and text.count("\n") < 5:
            parts.append(_only_an_error(ticker))
            continue
        columns = {"instrument": f"={ticker}"} | (layout if "Date,Open" in text else {})
        wanted = () if "Date,Open" in text else ("Date", "Open", "High", "Low", "Close", "Adj Close", "Volume")
        read = read_rows(
            path, "bars", Layout(columns if not wanted else columns | layout, header=not wanted, names=wanted)
        )
        parts.append(read.rows.with_columns(instrument=pl.lit(f"{ticker}.US")))
    rows = pl.concat(parts, how="diagonal_relaxed").drop("row", "text", strict=False)
    rows = rows.with_columns(halted=pl.lit(False)).sort("instrument", "session", nulls_last=True, maintain_order=True)
    yield Exhibit("us_dirty_feed", "bars", rows, Surroundings(US), _BAR_KEY)


def _only_an_error(ticker: str) -> pl.DataFrame:
    return pl.DataFrame({"instrument": [f"{ticker}.US"], "damage": ["error_body"]})


US_SETS: dict[str, Callable[[Path], Iterator[Exhibit]]] = {
    "us_daily": _panels, "us_reference": _reference, "us_fundamentals": _fundamentals, "us_increments": _increments,
    "us_lean_sample": _lean, "us_minute": _minutes, "us_dirty_feed": _dirty,
}  # fmt: skip
"""Readers of the American data sets: folder of all sets → exhibits."""
