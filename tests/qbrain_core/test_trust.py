from datetime import date

import polars as pl

from qbrain_core.markets import MARKETS
from qbrain_core.trust import CAVEATS, Caveat, caveats_of_run, in_sample, survivorship, survivorship_of_panel

CN, DEMO, US = MARKETS["CN"], MARKETS["DEMO"], MARKETS["US"]
DAYS = pl.date_range(date(2023, 1, 2), date(2024, 6, 28), "1d", eager=True).to_list()


def bars(**columns: list[object]) -> pl.DataFrame:
    return pl.DataFrame({"limit_up": [11.0, 12.0], "price_basis": ["raw", "raw"]} | columns)


def codes(found: list[Caveat]) -> list[str]:
    return [c["code"] for c in found]


def of_run(frame: pl.DataFrame, **changes: object) -> list[Caveat]:
    fields = {"market": CN, "benchmark": "SPY.US", "benchmark_kind": "etf", "last_score": DAYS[-2]}
    return caveats_of_run(frame, DAYS, **(fields | changes))  # type: ignore[arg-type]


def test_survivorship_counts_members_without_prices() -> None:
    spells = pl.DataFrame(
        {
            "instrument": ["A.US", "B.US", "C.US", "D.US"],
            "start": [date(2015, 1, 1)] * 3 + [date(2020, 1, 1)],
            "end": [None, date(2017, 1, 1), date(2015, 12, 31), None],
        },
    )
    found = survivorship(spells, ["A.US", "D.US"], date(2016, 4, 1), universe="sp500")
    params = {"universe": "sp500", "session": "2016-04-01", "members": 2, "missing": 1, "examples": ["B.US"]}
    assert found == [{"code": "survivorship", "params": params}]
    assert survivorship(spells, ["A.US", "B.US"], date(2016, 4, 1), universe="sp500") == []


def test_survivorship_of_panel_notices_that_nobody_left() -> None:
    names = [f"N{i}.US" for i in range(25)]
    spans = pl.DataFrame({"instrument": names, "first": [DAYS[0]] * 25, "last": [DAYS[-1]] * 25})
    assert codes(survivorship_of_panel(spans, DAYS[5], DAYS[-1])) == ["survivors_only"]
    left = spans.with_columns(last=pl.when(instrument="N3.US").then(DAYS[50]).otherwise("last"))
    assert survivorship_of_panel(left, DAYS[5], DAYS[-1]) == []
    assert survivorship_of_panel(spans.head(3), DAYS[5], DAYS[-1]) == []


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
        survivorship(spells, [], DAYS[3], universe="u"),
    ):  # fmt: skip
        for caveat in found:
            assert "{" not in CAVEATS[caveat["code"]].format(**caveat["params"])
