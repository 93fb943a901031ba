"""The page about SQL: what it shows runs, here and in the cage's eyes, and names every macro."""

import re
from datetime import date
from pathlib import Path

import polars as pl
import pytest
import yaml

from lake import Lake, open_lake
from lake.cage.gate import check_query
from lake.demo import write_demo
from lake.macros import SCALAR_MACROS, TABLE_MACROS
from qbrain_core.markets import MARKETS
from qbrain_core.sessions import trading_hours
from qbrain_core.settings import Settings
from qbrain_core.specs import parse_spec

PAGE = Path(__file__).resolve().parents[2] / "docs" / "sql.md"
TEXT = PAGE.read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```sql\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Make the demo market, and the minutes of two of its stocks over its last sessions."""
    lake = open_lake(Settings(env="test", home=tmp_path_factory.mktemp("docs")))
    write_demo(lake)
    hours = trading_hours(MARKETS["DEMO"], date(2025, 12, 29), date(2025, 12, 31))
    frames = [
        pl.DataFrame({"ts": pl.datetime_range(opens, closes, "1m", closed="right", eager=True)}).with_columns(
            session=pl.lit(session), instrument=pl.lit(name)
        )
        for session, opens, _, _, closes in hours.iter_rows()
        for name in ("D00001.DEMO", "D00002.DEMO")
    ]
    close = 30 + (pl.col("ts").dt.minute() % 10) / 10
    rows = pl.concat(frames).with_columns(
        close=close, open=close, high=close + 0.1, low=close - 0.1, volume=pl.lit(100.0), amount=close * 100,
        frequency=pl.lit("1m"), price_basis=pl.lit("raw"),
    )  # fmt: skip
    with lake.commit("minutes", 1) as transaction:
        transaction.upsert("bars_intraday", rows)
    return lake


@pytest.mark.parametrize("query", EXAMPLES, ids=[" ".join(e.split())[:40] for e in EXAMPLES])
def test_an_example_runs_and_gives_rows(demo: Lake, query: str) -> None:
    check_query(query, [*demo.catalog.views().values(), *demo.catalog.aliases()])
    found = demo.sql(query)
    assert found.height > 0
    assert all(found[name].null_count() < found.height for name in found.columns if name not in ("ts", "factor"))


def test_every_macro_is_explained() -> None:
    for name in SCALAR_MACROS | TABLE_MACROS:
        assert f"`{name}(" in TEXT
        assert any(f"{name}(" in example for example in EXAMPLES)
    assert len(EXAMPLES) >= 18


def test_its_specs_parse() -> None:
    for text in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL):
        assert parse_spec(yaml.safe_load(text)).kind == "downsample"


def test_its_links_lead_to_pages() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert (PAGE.parent / target).is_file(), target
