from datetime import date
from pathlib import Path

import polars as pl
import pytest

from lake.sources.universes import universe_rows
from qbrain_core.markets import MARKETS
from qbrain_core.trust import (
    CAVEATS,
    Caveat,
    caveats_of_run,
    first_list,
    in_sample,
    survivorship,
    survivorship_of_panel,
)

CN, DEMO, US = MARKETS["CN"], MARKETS["DEMO"], MARKETS["US"]
DAYS = pl.date_range(date(2023, 1, 2), date(2024, 6, 28), "1d", eager=True).to_list()


def bars(**columns: list[object]) -> pl.DataFrame:
    return pl.DataFrame({"limit_up": [11.0, 12.0], "price_basis": ["raw", "raw"]} | columns)


def codes(found: list[Caveat]) -> list[str]:
    return [c["code"] for c in found]


def of_run(frame: pl.DataFrame, **changes: object) -> list[Caveat]:
    fields = {"market": CN, "benchmark": "SPY.US", "benchmark_kind": "etf", "last_score": DAYS[-2]}
    return caveats_of_run(frame, DAYS, **(fields | changes))  # type: ignore[arg-type]


def spans(*rows: tuple[str, date, date]) -> pl.DataFrame:
    schema = {"instrument": pl.String, "first": pl.Date, "last": pl.Date}
    return pl.DataFrame(list(rows), schema=schema, orient="row")


def test_survivorship_counts_members_without_prices() -> None:
    spells = pl.DataFrame(
        {
            "instrument": ["A.US", "B.US", "C.US", "D.US"],
            "start": [date(2015, 1, 1)] * 3 + [date(2020, 1, 1)],
            "end": [None, date(2017, 1, 1), date(2015, 12, 31), None],
        },
    )
    a, b, d = ((f"{n}.US", date(2016, 1, 4), date(2026, 3, 13)) for n in "ABD")
    found = survivorship(spells, spans(a, d), date(2016, 4, 1), universe="sp500")
    params = {"universe": "sp500", "session": "2016-04-01", "members": 2, "missing": 1, "examples": ["B.US"]}
    assert found == [{"code": "survivorship", "params": params}]
    assert survivorship(spells, spans(a, b), date(2016, 4, 1), universe="sp500") == []


def test_survivorship_bars_of_other_times_are_told_apart() -> None:
    spells = pl.DataFrame(
        {"instrument": ["A.US", "DOW.US", "OLD.US"], "start": [date(2015, 1, 1)] * 3, "end": [None] * 3}
    )
    day = date(2016, 4, 1)
    later, before = ("DOW.US", date(2019, 3, 20), DAYS[-1]), ("OLD.US", date(2015, 1, 1), date(2015, 9, 1))
    whole = ("A.US", day, DAYS[-1])
    found = survivorship(spells.cast({"end": pl.Date}), spans(whole, later, before), day, universe="sp500")
    params = {"universe": "sp500", "session": "2016-04-01", "others": 2, "examples": ["DOW.US", "OLD.US"]}
    assert found == [{"code": "other_times", "params": params}]


def test_first_list_is_the_first_one_within_a_month_of_the_start() -> None:
    spells = pl.DataFrame({"instrument": ["A", "B"], "start": [date(2015, 1, 1), date(2016, 4, 1)]})
    assert first_list(spells, date(2016, 3, 14)) == date(2016, 4, 1)
    assert first_list(spells, date(2016, 2, 29)) == date(2016, 2, 29)
    assert first_list(spells, date(2016, 4, 2)) == date(2016, 4, 2)


@pytest.mark.real
def test_survivorship_of_the_sp500_is_what_the_data_says(real_data: Path) -> None:
    seen = pl.read_parquet(real_data / "us_reference" / "sp500_membership_monthly.parquet")
    bars = pl.read_parquet(real_data / "us_daily_10y" / "us_daily_10y.parquet", columns=["symbol", "date"])
    spells = universe_rows(seen.select(instrument="symbol", as_of="as_of"), "sp500")
    there = bars.group_by(instrument="symbol").agg(first=pl.col("date").min(), last=pl.col("date").max())
    found = survivorship(spells, there, first_list(spells, date(2016, 3, 14)), universe="sp500")
    assert [CAVEATS[c["code"]].format(**c["params"]).split(",")[0] for c in found] == [
        "151 of the 508 members of sp500 on 2016-04-01 have no bars at all.",
        "4 more members of sp500 on 2016-04-01 have bars of other times only",
    ]
    assert found[1]["params"]["examples"] == ["DOW", "FOX", "FOXA", "SNDK"]


def test_survivorship_of_panel_notices_that_nobody_left() -> None:
    names = [f"N{i}.US" for i in range(25)]
    whole = spans(*((name, DAYS[0], DAYS[-1]) for name in names))
    assert codes(survivorship_of_panel(whole, DAYS[5], DAYS[-1])) == ["survivors_only"]
    left = whole.with_columns(last=pl.when(instrument="N3.US").then(DAYS[50]).otherwise("last"))
    assert survivorship_of_panel(left, DAYS[5], DAYS[-1]) == []
    assert survivorship_of_panel(whole.head(3), DAYS[5], DAYS[-1]) == []


def test_in_sample_counts_the_sessions_learnt_from() -> None:
    segments = {"train": (date(2020, 1, 1), DAYS[9]), "valid": (DAYS[10], DAYS[11]), "test": (DAYS[12], DAYS[-1])}
    found = in_sample(DAYS[5:], segments)
    assert [(c["params"]["segment"], c["params"]["sessions"]) for c in found] == [("train", 5), ("valid", 2)]
    assert in_sample(DAYS[12:], segments) == []


def test_caveats_of_run_clean_data_leaves_the_label_only() -> None:
    assert codes(of_run(bars())) == ["label_horizon"]


def test_caveats_of_run_each_weakness_is_named() -> None:
    assert "synthetic" in codes(of_run(bars(), market=DEMO))
    assert "no_limits" in codes(of_run(bars(limit_up=[None, 11.0])))
    assert "no_limits" not in codes(of_run(bars(limit_up=[None, 11.0]), market=US))
    assert "split_adjusted" in codes(of_run(bars(price_basis=["split_adjusted"] * 2)))
    assert "no_benchmark" in codes(of_run(bars(), benchmark="", benchmark_kind=None))
    assert "price_index" in codes(of_run(bars(), benchmark="000300.SH", benchmark_kind="index"))
    assert "scores_end" in codes(of_run(bars(), last_score=DAYS[-30]))
    short = caveats_of_run(bars(), DAYS[:100], market=CN, benchmark="X.SH", benchmark_kind="etf", last_score=DAYS[-1])
    assert "short_sample" in codes(short)


def test_caveats_sentences_take_their_params() -> None:
    spells = pl.DataFrame({"instrument": ["A.US"], "start": [DAYS[0]], "end": [DAYS[9]]})
    for found in (
        of_run(bars(limit_up=[None, 11.0], price_basis=["split_adjusted"] * 2), benchmark_kind="index"),
        in_sample(DAYS, {"train": (DAYS[0], DAYS[9])}),
        survivorship(spells, spans(), DAYS[3], universe="u"),
        survivorship(spells, spans(("A.US", DAYS[5], DAYS[9])), DAYS[3], universe="u"),
    ):  # fmt: skip
        for caveat in found:
            assert "{" not in CAVEATS[caveat["code"]].format(**caveat["params"])
