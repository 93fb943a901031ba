"""Real and synthetic field frames, and Qlib's own engine to compare with."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from qlib_statements import write_statements

from qbrain_core.factors import compute, expression_fields, parse
from qbrain_core.factors.expression import lookback

QLIB_ENGINE = Path(__file__).resolve().parents[2] / "support" / "qlib_engine.py"


_KEY = ["instrument", "session"]


def _qlib(folder: Path, expressions: Mapping[str, str], fields: pl.DataFrame) -> pl.DataFrame:
    files = [str(folder / name) for name in ("bars.parquet", "expressions.json", "out.parquet")]
    fields.write_parquet(files[0])
    Path(files[1]).write_text(json.dumps(dict(expressions)))
    subprocess.run([sys.executable, str(QLIB_ENGINE), *files], check=True, capture_output=True, timeout=120)
    return pl.read_parquet(files[2])


def _strays(ours: pl.DataFrame, theirs: pl.DataFrame, name: str) -> pl.DataFrame:
    # rows where both are not the same: by the house's tolerance, and in what is NaN or infinite
    a, b = (f[name].fill_null(np.nan).to_numpy().astype(np.float64) for f in (ours, theirs))
    finite = np.isfinite(a) & np.isfinite(b)
    spread = b[finite].std() if finite.any() else 0.0
    with np.errstate(invalid="ignore"):
        close = np.abs(a - b) <= 1e-4 * (np.abs(b) + spread)
    same = np.where(finite, close, (a == b) | (np.isnan(a) & np.isnan(b)))
    return ours.select(*_KEY, name).filter(~same)


def _residues(folder: Path, text: str, strays: pl.DataFrame, fields: pl.DataFrame) -> int:
    """Count strays where Qlib, shown the rows of the window alone, agrees with us after all.

    Its running sums keep a rounding residue of values that have left the window: the deviation of a window of zeros
    comes out as 1e-5, and divided by 1e-12 it is no longer small.
    """
    reach = lookback(parse(text))
    if not np.isfinite(reach):
        return 0
    calendar = fields["session"].unique().sort()
    cases = []
    for number, (instrument, session, _) in enumerate(strays.iter_rows()):
        place = calendar.search_sorted(session)
        first = calendar[max(0, place - int(reach))]
        window = fields.filter(pl.col("instrument") == instrument, pl.col("session").is_between(first, session))
        cases.append(window.with_columns(instrument=pl.lit(f"CASE{number}")))
    alone = _qlib(folder, {"alone": text}, pl.concat(cases)).sort(_KEY).group_by("instrument").last()
    ours = strays.with_row_index("n").with_columns(instrument=pl.format("CASE{}", "n")).drop("n")
    joined = ours.join(alone.select("instrument", "alone"), on="instrument")
    name = strays.columns[-1]
    tolerance = 1e-4 * pl.col("alone").abs() + 1e-12
    return joined.filter((pl.col(name) - pl.col("alone")).abs() <= tolerance).height


@pytest.fixture
def assert_parity(tmp_path: Path) -> Callable[..., None]:
    """Compare every column with Qlib's engine, run in a process of its own: NaN pattern and values."""

    def check(expressions: Mapping[str, str], fields: pl.DataFrame, *, statements: pl.DataFrame | None = None) -> None:
        ours = compute(expressions, fields, statements=statements, allow_future=True)
        if statements is not None:
            write_statements(tmp_path, statements)
        theirs = ours.select(_KEY).join(
            _qlib(tmp_path, expressions, fields), on=_KEY, how="left", maintain_order="left"
        )
        different = {}
        for name, text in expressions.items():
            strays = _strays(ours, theirs, name)
            if strays.height and strays.height > _residues(tmp_path, text, strays, fields):
                different[name] = strays.height
        assert not different

    return check


@pytest.fixture(scope="session")
def cn_fields(real_data: Path) -> pl.DataFrame:
    """Twenty A-shares, full range: those with the most halts, the shortest histories, and a few everyone knows."""
    raw = pl.read_parquet(real_data / "cn_daily" / "csi300_daily_raw.parquet")
    halts = raw.filter(pl.col("tradestatus") == 0)["code"].value_counts().sort("count", "code", descending=True)
    rows = raw["code"].value_counts().sort("count", "code")
    known = ["sh.600519", "sz.000001", "sz.300750"]
    codes = {*halts["code"].head(12), *rows["code"].head(5), *known}
    changes = pl.read_parquet(real_data / "cn_daily" / "adj_factor_changes.parquet")
    dated = changes.select("code", pl.col("date").cast(pl.Date), pl.col("factor").cast(pl.Float64)).sort("code", "date")
    picked = raw.filter(pl.col("code").is_in(codes)).with_columns(pl.col("date").cast(pl.Date)).sort("code", "date")
    bars = picked.join_asof(dated, on="date", by="code", check_sortedness=False).select(
        instrument="code", session="date", open="open", high="high", low="low", close="close", volume="volume",
        amount="amount", factor=pl.col("factor").fill_null(1.0), halted=pl.col("tradestatus") == 0,
    )  # fmt: skip
    return expression_fields(bars)


@pytest.fixture(scope="session")
def us_fields(real_data: Path) -> pl.DataFrame:
    """Five US names: splits, spin-offs, a missing session (FISV), years without volume (SW). No amount, so no vwap."""
    rows = pl.scan_parquet(real_data / "us_daily_10y" / "us_daily_10y.parquet")
    bars = rows.filter(pl.col("symbol").is_in(["AAPL", "DHR", "GE", "FISV", "SW"])).select(
        instrument="symbol", session="date", open="open", high="high", low="low", close="close", volume="volume",
        amount=pl.lit(None, pl.Float64), factor=pl.col("adj_close") / pl.col("close"), halted=pl.lit(False),
    )  # fmt: skip
    return expression_fields(bars.collect())


@pytest.fixture(scope="session")
def synthetic_fields() -> pl.DataFrame:
    """Six instruments of different spans, with halted rows, missing rows and a stretch of constant prices."""
    return synthetic(np.random.default_rng(11), instruments=6, sessions=180)


def synthetic(random: np.random.Generator, *, instruments: int, sessions: int) -> pl.DataFrame:
    days = pl.date_range(pl.date(2020, 1, 1), pl.date(2030, 1, 1), eager=True).head(sessions).to_list()
    frames = []
    for number in range(instruments):
        first = int(random.integers(0, sessions // 3)) if number else 0
        n = sessions - first
        close = 20 * np.exp(np.cumsum(random.normal(0, 0.02, n)))
        close[n // 2 : n // 2 + 8] = close[n // 2]
        open_ = close * np.exp(random.normal(0, 0.01, n))
        frame = pl.DataFrame(
            {
                "instrument": [f"X{number}"] * n,
                "session": days[first:],
                "open": open_,
                "high": np.maximum(open_, close) * 1.01,
                "low": np.minimum(open_, close) * 0.99,
                "close": close,
                "volume": np.exp(random.normal(12, 1, n)),
                "vwap": (open_ + close) / 2,
            }
        )
        halted = random.random(n) < 0.04
        halted[n // 3 : n // 3 + 7] = number == 1
        values = [c for c in frame.columns if c not in ("instrument", "session")]
        frame = frame.with_columns(pl.when(~pl.Series(halted)).then(pl.col(values)).name.keep())
        frames.append(frame.filter(pl.Series((random.random(n) > 0.03) | (np.arange(n) == 0))))
    return pl.concat(frames)
