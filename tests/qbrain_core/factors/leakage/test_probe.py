from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from qbrain_core.errors import InvalidInputError, JobCancelledError
from qbrain_core.factors.leakage import LeakageReport, Outcome, check_callable, probe
from qbrain_core.knowledge import Dated

DAYS = [date(2024, 1, 1) + timedelta(n) for n in range(60)]
CUTS = [DAYS[30], DAYS[45]]


@pytest.fixture
def bars() -> pl.DataFrame:
    random = np.random.default_rng(4)
    close = 10 * np.exp(np.cumsum(random.normal(0, 0.02, (60, 4)), axis=0))
    return pl.concat(
        pl.DataFrame({"instrument": f"N{n}", "session": DAYS, "close": close[:, n], "label": random.normal(0, 1, 60)})
        for n in range(4)
    )


def of(value: pl.Expr):  # type: ignore[no-untyped-def]
    return lambda rows: rows.sort("instrument", "session").select("instrument", "session", x=value.over("instrument"))


def test_probe_trailing_mean_passes(bars: pl.DataFrame) -> None:
    assert probe(of(pl.col("close").rolling_mean(5)), bars, CUTS).findings == ()


def test_probe_tells_both_values_and_how_many_changed(bars: pl.DataFrame) -> None:
    (finding,) = probe(of(pl.col("close").shift(-1)), bars, CUTS).findings
    assert (finding.code, finding.severity, finding.factor) == ("future_value", Outcome.FAIL, "x")
    cut = date.fromisoformat(finding.params["cut"])
    tomorrow = bars.filter(instrument=finding.params["instrument"], session=cut + timedelta(1))["close"].item()
    assert (finding.params["rows"], finding.params["known"], finding.params["hindsight"]) == (4, None, tomorrow)
    assert finding.params["compared"] == 4 * (DAYS.index(cut) + 1)


def test_probe_condition_that_a_cut_hides_is_found_by_the_shock(bars: pl.DataFrame) -> None:
    crash = of((pl.col("close").shift(-1) < 0.6 * pl.col("close")).fill_null(False).cast(pl.Int8))
    assert probe(crash, bars, CUTS, shock=False).findings == ()
    (finding,) = probe(crash, bars, CUTS).findings
    assert finding.code == "shocked_value"


def test_probe_one_bit_counts_but_last_digits_are_a_warning(bars: pl.DataFrame) -> None:
    def sums(rows: pl.DataFrame) -> pl.DataFrame:
        return of(pl.col("close") * (1 + 1e-15 * pl.len()))(rows)

    (finding,) = probe(sums, bars, CUTS).findings
    assert (finding.code, finding.severity) == ("future_rounding", Outcome.WARN)


def test_probe_rows_of_survivors_are_told_apart(bars: pl.DataFrame) -> None:
    rows = bars.filter((pl.col("instrument") != "N2") | (pl.col("session") < DAYS[50]))
    last = pl.col("session").max()
    survivors = probe(lambda r: of(pl.col("close"))(r.filter(last.over("instrument") == last)), rows, CUTS)
    assert [f.code for f in survivors.findings] == ["rows_vanish"]
    assert survivors.findings[0].params["instrument"] == "N2"
    later = rows.filter((pl.col("instrument") != "N3") | (pl.col("session") > DAYS[46]))
    grid = later.select("instrument").unique().join(later.select("session").unique(), how="cross")
    filled = probe(
        lambda r: grid.filter(pl.col("instrument").is_in(r["instrument"].implode())).filter(
            pl.col("session") <= r["session"].max()
        ).with_columns(x=1.0), later, CUTS,
    )  # fmt: skip
    assert [f.code for f in filled.findings] == ["rows_appear"]


def test_probe_label_is_known_only_later(bars: pl.DataFrame) -> None:
    late = {"bars": Dated(late={"label": 2})}
    assert probe(of(pl.col("label").shift(2)), bars, CUTS, rules=late).findings == ()
    for lag in (0, 1):
        (finding,) = probe(of(pl.col("label").shift(lag)), bars, CUTS, rules=late).findings
        assert finding.params["rows"] == 4 * (2 - lag)


def test_probe_chance_is_reported_and_not_judged(bars: pl.DataFrame) -> None:
    random = np.random.default_rng()
    found = probe(lambda r: r.select("instrument", "session", x=pl.Series(random.random(r.height))), bars, CUTS)
    assert [f.code for f in found.findings] == ["not_repeatable"]


def test_probe_what_fails_without_a_future_is_a_finding(bars: pl.DataFrame) -> None:
    def greedy(rows: pl.DataFrame) -> pl.DataFrame:
        if rows["session"].max() < DAYS[-1]:
            raise ValueError("the last session is missing")
        return of(pl.col("close"))(rows)

    (finding,) = probe(greedy, bars, CUTS, shock=False).findings
    assert finding.code == "fails_when_cut"
    assert "the last session is missing" in finding.sentence


def test_probe_cancelled_is_no_finding(bars: pl.DataFrame) -> None:
    def cancelled(rows: pl.DataFrame) -> pl.DataFrame:
        if rows["session"].max() < DAYS[-1]:
            raise JobCancelledError("stop")
        return of(pl.col("close"))(rows)

    with pytest.raises(JobCancelledError):
        probe(cancelled, bars, CUTS)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda r: r["close"], "instrument and session"),
        (lambda r: r.select("instrument", "session"), "no column besides"),
        (lambda r: pl.concat([r, r.head(1)]), "more than one row"),
    ],
)
def test_probe_what_is_no_frame_of_factors_is_refused(bars: pl.DataFrame, made, words: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InvalidInputError, match=words):
        probe(made, bars, CUTS)


def test_report_comes_back_from_json_as_it_was(bars: pl.DataFrame) -> None:
    infinite = of(pl.col("close").shift(-1) / (pl.col("close") * 0))
    report = check_callable(infinite, bars, subject="mine", digest="ab", market="US")
    assert report.outcome is Outcome.FAIL
    assert report.failed == ("x",)
    assert LeakageReport.model_validate_json(report.model_dump_json()) == report
    assert all("{" not in f.sentence for f in report.findings)
